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
            Some(bytes) => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            None => self.float_data.clone(),
        };
        if self.promised_values() != Some(values.len()) {
            return Err(problem(format!("it has {} values, and its shape is {:?}", values.len(), self.dims)));
        }
        Ok(values)
    }
}
