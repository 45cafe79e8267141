//! What an ONNX file is, without running it: inputs, outputs, operators, parameters, multiply-adds.

mod attributes;
mod multiply_adds;
mod shapes;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use prost::Message as _;

use self::multiply_adds::multiply_adds;
use crate::{
    OnnxError,
    proto::{GraphProto, ModelProto, TensorProto, ValueInfoProto, data_type},
};

/// What an ONNX file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What goes in.
    pub inputs: Vec<TensorFacts>,
    /// What comes out.
    pub outputs: Vec<TensorFacts>,
    /// Domain and version of each operator set; the domain of ONNX's own is empty.
    pub operator_sets: Vec<(String, i64)>,
    /// Version of the file format.
    pub ir_version: i64,
    /// The program that wrote it; empty if it does not say.
    pub producer: String,
    /// How many nodes.
    pub nodes: usize,
    /// How many nodes of each operator, by its name.
    pub operators: BTreeMap<String, usize>,
    /// Values in the constants that are weights: those of a floating-point type, int8, uint8 or int32 (quantised biases)
    /// with more than one value, but for the scales and zero points of `QuantizeLinear` and `DequantizeLinear`.
    pub parameters: u64,
    /// Multiply-adds of Conv, Gemm and `MatMul` for one picture. `None`: the graph has an operator or a dimension whose
    /// cost is not known here.
    pub multiply_adds: Option<u64>,
    /// What most weights are stored as.
    pub weights: WeightType,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorFacts {
    /// Its name.
    pub name: String,
    /// Its element type as ONNX names it: `float`, `uint8`.
    pub element: &'static str,
    /// Its dimensions; empty also if the file does not say.
    pub dimensions: Vec<Dimension>,
}

/// One dimension of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// That many.
    Fixed(u64),
    /// Free, with its name; `?` if it has none.
    Free(String),
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => size.fmt(formatter),
            Self::Free(name) => formatter.write_str(name),
        }
    }
}

/// What weights are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightType {
    /// 32-bit floats, or no weights at all.
    Float32,
    /// Floats of another width.
    OtherFloat,
    /// 8-bit integers behind `DequantizeLinear`.
    Int8Qdq,
    /// 8-bit integers otherwise.
    Int8,
}

impl fmt::Display for WeightType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Float32 => "float32",
            Self::OtherFloat => "float of another width",
            Self::Int8Qdq => "int8 (QDQ)",
            Self::Int8 => "int8",
        })
    }
}

/// What an ONNX file is. Memory: about twice the file's size; of a hostile file, whose every two bytes are an empty
/// message, at most a few hundred times, whatever lengths it claims.
///
/// # Errors
/// When the bytes are no ONNX file, are cut off, or a constant's values do not fit its shape.
pub fn inspect(bytes: &[u8]) -> Result<Facts, OnnxError> {
    let model = ModelProto::decode(bytes).map_err(|error| OnnxError::NotOnnx(error.to_string()))?;
    let Some(graph) = &model.graph else {
        return Err(OnnxError::NotAModel("it has no graph"));
    };
    if model.opset_import.is_empty() {
        return Err(OnnxError::NotAModel("it does not say which operator set it needs; it may be cut off"));
    }
    let constants = constants(graph);
    let (parameters, weights) = count_parameters(graph, &constants)?;
    let mut operators = BTreeMap::new();
    for node in &graph.node {
        *operators.entry(node.op_type().to_owned()).or_insert(0) += 1;
    }
    // Old files list their constants as inputs, too.
    let is_input = |value: &&ValueInfoProto| !constants.contains_key(value.name());
    Ok(Facts {
        inputs: graph.input.iter().filter(is_input).map(tensor_facts).collect(),
        outputs: graph.output.iter().map(tensor_facts).collect(),
        operator_sets: model.opset_import.iter().map(|set| (set.domain().to_owned(), set.version())).collect(),
        ir_version: model.ir_version(),
        producer: model.producer_name().to_owned(),
        nodes: graph.node.len(),
        operators,
        parameters,
        multiply_adds: multiply_adds(graph, &constants),
        weights,
    })
}

/// Initialisers and the values of Constant nodes, by name.
fn constants(graph: &GraphProto) -> BTreeMap<&str, &TensorProto> {
    let mut constants: BTreeMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
    for node in graph.node.iter().filter(|node| node.op_type() == "Constant") {
        let value = node.attribute.iter().find_map(|attribute| attribute.t.as_ref());
        if let (Some(name), Some(tensor)) = (node.output.first(), value) {
            constants.insert(name, tensor);
        }
    }
    constants
}

fn tensor_facts(value: &ValueInfoProto) -> TensorFacts {
    let tensor = value.r#type.as_ref().and_then(|of_type| of_type.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let dimension = |dimension: &crate::proto::DimensionProto| match (dimension.dim_value, &dimension.dim_param) {
        (Some(size), _) if size >= 0 => Dimension::Fixed(size.unsigned_abs()),
        (_, Some(name)) if !name.is_empty() => Dimension::Free(name.clone()),
        _ => Dimension::Free("?".to_owned()),
    };
    TensorFacts {
        name: value.name().to_owned(),
        element: tensor.map_or("?", |tensor| data_type::name(tensor.elem_type())),
        dimensions: shape.map(|shape| shape.dim.iter().map(dimension).collect()).unwrap_or_default(),
    }
}

/// How many weights there are, and what most of them are stored as.
fn count_parameters(
    graph: &GraphProto,
    constants: &BTreeMap<&str, &TensorProto>,
) -> Result<(u64, WeightType), OnnxError> {
    let mut not_weights = BTreeSet::new();
    let mut dequantized = BTreeSet::new();
    for node in &graph.node {
        if matches!(node.op_type(), "QuantizeLinear" | "DequantizeLinear") {
            not_weights.extend(node.input.iter().skip(1).map(String::as_str));
            dequantized.extend(node.input.first().map(String::as_str));
        }
    }
    let (mut float32, mut other_float, mut int8_qdq, mut int8, mut int32) = (0u64, 0u64, 0u64, 0u64, 0u64);
    for (&name, tensor) in constants {
        let values = tensor.checked_values()?;
        if values <= 1 || not_weights.contains(name) {
            continue;
        }
        let count = match tensor.data_type() {
            data_type::FLOAT => &mut float32,
            data_type::FLOAT16 | data_type::BFLOAT16 | data_type::DOUBLE => &mut other_float,
            data_type::INT8 | data_type::UINT8 if dequantized.contains(name) => &mut int8_qdq,
            data_type::INT8 | data_type::UINT8 => &mut int8,
            data_type::INT32 => &mut int32,
            _ => continue,
        };
        *count = count.saturating_add(values);
    }
    let counts = [
        (float32, WeightType::Float32),
        (other_float, WeightType::OtherFloat),
        (int8, WeightType::Int8),
        (int8_qdq, WeightType::Int8Qdq),
    ];
    // Of equal counts the first: without any weights it is float32.
    let (_, weights) = counts.into_iter().rev().max_by_key(|(count, _)| *count).unwrap_or((0, WeightType::Float32));
    let parameters = counts.iter().fold(int32, |sum, (count, _)| sum.saturating_add(*count));
    Ok((parameters, weights))
}

#[cfg(test)]
mod tests;
