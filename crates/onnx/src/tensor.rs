//! Initialisers: values to a `TensorProto` and back.

use crate::{
    OnnxError,
    proto::{EXTERNAL, TensorProto, data_type},
};

impl TensorProto {
    /// Little-endian 32-bit floats of a shape; `[]` is a scalar.
    pub(crate) fn floats(name: &str, shape: &[usize], values: &[f32]) -> Self {
        Self::raw(name, data_type::FLOAT, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// 64-bit integers, a vector: shapes for Reshape.
    pub(crate) fn integers(name: &str, values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, data_type::INT64, &[values.len()], bytes)
    }

    pub(crate) fn raw(name: &str, data_type: i32, shape: &[usize], bytes: Vec<u8>) -> Self {
        Self {
            // A usize that is the length of something in memory always fits an i64.
            dims: shape.iter().map(|&dimension| i64::try_from(dimension).unwrap_or(i64::MAX)).collect(),
            data_type: Some(data_type),
            name: Some(name.to_owned()),
            raw_data: Some(bytes),
            ..Self::default()
        }
    }

    /// Its shape. `None`: a dimension is negative or does not fit.
    pub(crate) fn shape(&self) -> Option<Vec<usize>> {
        self.dims.iter().map(|&dimension| usize::try_from(dimension).ok()).collect()
    }

    /// How many values its shape promises. `None`: no sensible number.
    pub(crate) fn promised_values(&self) -> Option<usize> {
        self.shape()?.into_iter().try_fold(1usize, usize::checked_mul)
    }

    /// Its values, if it is a float32 tensor whose values are in the file and as many as the shape promises.
    pub(crate) fn to_floats(&self) -> Result<Vec<f32>, OnnxError> {
        let problem = |problem: String| OnnxError::Tensor { tensor: self.name().to_owned(), problem };
        if self.data_type() != data_type::FLOAT {
            return Err(problem(format!("its element type is number {}, not float32", self.data_type())));
        }
        if self.data_location() == EXTERNAL {
            return Err(problem("its values are in another file; put all of the model into one".to_owned()));
        }
        let values = match &self.raw_data {
            Some(bytes) if bytes.len() % 4 != 0 => {
                return Err(problem(format!("{} bytes are no whole number of float32 values", bytes.len())));
            }
            Some(bytes) => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            None => self.float_data.clone(),
        };
        if self.promised_values() != Some(values.len()) {
            return Err(problem(format!("it has {} values, and its shape is {:?}", values.len(), self.dims)));
        }
        Ok(values)
    }

    /// How many values its shape promises, if the file holds as many.
    pub(crate) fn checked_values(&self) -> Result<u64, OnnxError> {
        let problem = |problem: String| OnnxError::Tensor { tensor: self.name().to_owned(), problem };
        let Some(promised) = self.promised_values() else {
            return Err(problem(format!("its shape {:?} is none", self.dims)));
        };
        let held = match (&self.raw_data, data_type::bytes(self.data_type())) {
            _ if self.data_location() == EXTERNAL => return Ok(promised as u64),
            // A type that is not read here.
            (_, None) => return Ok(promised as u64),
            (Some(bytes), Some(size)) if bytes.len() % size == 0 => bytes.len() / size,
            (Some(bytes), Some(size)) => {
                return Err(problem(format!("{} bytes are no whole number of values of {size}", bytes.len())));
            }
            (None, Some(_)) => match self.data_type() {
                data_type::FLOAT => self.float_data.len(),
                data_type::INT64 => self.int64_data.len(),
                data_type::DOUBLE => return Ok(promised as u64),
                // Smaller types are spread over 32-bit integers.
                _ => self.int32_data.len(),
            },
        };
        if held != promised {
            return Err(problem(format!("it has {held} values, and its shape is {:?}", self.dims)));
        }
        Ok(promised as u64)
    }

    /// The values of a short vector of 32- or 64-bit integers. `None`: it is none, or longer than `most`.
    pub(crate) fn to_integers(&self, most: usize) -> Option<Vec<i64>> {
        if self.promised_values()? > most || self.data_location() == EXTERNAL {
            return None;
        }
        let values: Vec<i64> = match (self.data_type(), &self.raw_data) {
            (data_type::INT64, Some(bytes)) => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            (data_type::INT64, None) => self.int64_data.clone(),
            (data_type::INT32, Some(bytes)) => {
                bytes.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()
            }
            (data_type::INT32, None) => self.int32_data.iter().map(|&value| i64::from(value)).collect(),
            _ => return None,
        };
        (Some(values.len()) == self.promised_values()).then_some(values)
    }
}
