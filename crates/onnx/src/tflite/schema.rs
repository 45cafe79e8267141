//! The tables of a TensorFlow Lite file that are needed, checked against each other where one points to another.
//! Source: `tensorflow/compiler/mlir/lite/schema/schema.fbs`; the field numbers are the order of the fields there.

use super::{
    error::ImportError,
    flatbuffer::{Table, bytes_at},
};

/// At byte 4 of every file.
const IDENTIFIER: [u8; 4] = *b"TFL3";
/// More tensors, operators, buffers than a detector has: a damaged file is not followed for ever.
const MOST_ENTRIES: usize = 20_000;
/// More dimensions, inputs and outputs than any tensor or operator here has.
const MOST_DIMENSIONS: usize = 8;
const MOST_INPUTS: usize = 64;
/// More than any dimension here has; a product of three of them fits 64 bits.
const LARGEST_DIMENSION: i32 = 1 << 20;

/// `TensorType`
pub(super) const INT32: u8 = 2;
pub(super) const UINT8: u8 = 3;

/// A tensor: of the activations if it has no data.
pub(super) struct Tensor<'a> {
    pub(super) name: &'a str,
    pub(super) shape: Vec<usize>,
    /// `TensorType`
    pub(super) element: u8,
    /// Empty if it is computed.
    pub(super) data: &'a [u8],
    pub(super) quantization: Option<Quantization>,
}

/// Real value = scale · (stored value − zero point). Of a whole tensor; `None` in a tensor that has one per channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantization {
    pub(super) scale: f32,
    pub(super) zero_point: i64,
}

/// What an operator is: `BuiltinOperator`, or a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code<'a> {
    Concatenation,
    Convolution,
    DepthwiseConvolution,
    Logistic,
    Reshape,
    Custom(&'a str),
    Other(i32),
}

impl std::fmt::Display for Code<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Concatenation => "CONCATENATION",
            Self::Convolution => "CONV_2D",
            Self::DepthwiseConvolution => "DEPTHWISE_CONV_2D",
            Self::Logistic => "LOGISTIC",
            Self::Reshape => "RESHAPE",
            Self::Custom(name) => name,
            // The ones a user is likely to meet.
            Self::Other(code) => match code {
                0 => "ADD",
                1 => "AVERAGE_POOL_2D",
                6 => "DEQUANTIZE",
                9 => "FULLY_CONNECTED",
                17 => "MAX_POOL_2D",
                18 => "MUL",
                21 => "RELU6",
                23 => "RESIZE_BILINEAR",
                25 => "SOFTMAX",
                34 => "PAD",
                40 => "MEAN",
                114 => "QUANTIZE",
                _ => return write!(formatter, "number {code} of the schema"),
            },
        };
        formatter.write_str(name)
    }
}

/// An operator. Every index is one of a tensor.
pub(super) struct Operator<'a> {
    pub(super) code: Code<'a>,
    /// `None`: an optional input that is absent.
    pub(super) inputs: Vec<Option<usize>>,
    pub(super) outputs: Vec<usize>,
    /// The table of the options that belong to the code.
    pub(super) options: Option<Table<'a>>,
    pub(super) custom_options: &'a [u8],
}

/// A model's one graph. Its operators are in the order in which they run.
pub(super) struct Model<'a> {
    pub(super) tensors: Vec<Tensor<'a>>,
    pub(super) operators: Vec<Operator<'a>>,
    pub(super) inputs: Vec<usize>,
}

/// The file's tables.
pub(super) fn read(bytes: &[u8]) -> Result<Model<'_>, ImportError> {
    if bytes_at(bytes, 4, "the identifier") != Ok(IDENTIFIER) {
        return Err(ImportError::NotTfLite);
    }
    let model = Table::root(bytes)?;
    let buffers = model.tables(4, MOST_ENTRIES, "the buffers")?;
    let codes = model.tables(1, MOST_ENTRIES, "the operator codes")?;
    let codes: Vec<Code<'_>> = codes.iter().map(read_code).collect::<Result<_, _>>()?;
    let graphs = model.tables(2, MOST_ENTRIES, "the sub-graphs")?;
    let [graph] = graphs.as_slice() else {
        return Err(ImportError::Unsupported(format!("{} sub-graphs are not supported, only one", graphs.len())));
    };
    let tensors = graph.tables(0, MOST_ENTRIES, "the tensors")?;
    let tensors: Vec<Tensor<'_>> =
        tensors.iter().map(|tensor| read_tensor(tensor, &buffers)).collect::<Result<_, _>>()?;
    let operators = graph.tables(3, MOST_ENTRIES, "the operators")?;
    let operators =
        operators.iter().map(|operator| read_operator(operator, &codes, tensors.len())).collect::<Result<_, _>>()?;
    let inputs = indices(graph.vector(1, "the inputs")?, tensors.len(), "an input of the graph")?;
    Ok(Model { operators, inputs, tensors })
}

fn read_code<'a>(table: &Table<'a>) -> Result<Code<'a>, ImportError> {
    // Codes outgrew their byte: newer files have the larger of the two fields.
    let code = i32::from(table.u8(0, "an operator code")?).max(table.i32(3, 0, "an operator code")?);
    Ok(match code {
        2 => Code::Concatenation,
        3 => Code::Convolution,
        4 => Code::DepthwiseConvolution,
        14 => Code::Logistic,
        22 => Code::Reshape,
        32 => Code::Custom(table.text(1, "the name of a custom operator")?),
        other => Code::Other(other),
    })
}

fn read_tensor<'a>(table: &Table<'a>, buffers: &[Table<'a>]) -> Result<Tensor<'a>, ImportError> {
    let name = table.text(3, "the name of a tensor")?;
    let contradiction = |problem: &str| ImportError::Contradiction(format!("tensor {name} {problem}"));
    let dimensions: &[[u8; 4]] = table.vector(0, "the shape of a tensor")?;
    if dimensions.len() > MOST_DIMENSIONS {
        return Err(contradiction("has too many dimensions"));
    }
    let mut shape = Vec::with_capacity(dimensions.len());
    for dimension in dimensions {
        let dimension = i32::from_le_bytes(*dimension);
        if !(0..=LARGEST_DIMENSION).contains(&dimension) {
            return Err(contradiction("has a dimension that cannot be"));
        }
        shape.push(usize::try_from(dimension).unwrap_or(0));
    }
    let buffer = table.u32(2, "the buffer of a tensor")? as usize;
    let data = match buffers.get(buffer) {
        // Buffer 0 is nobody's by convention; a file without buffers has no data.
        None if buffer == 0 => &[],
        None => return Err(contradiction("has its values in a buffer that is not there")),
        Some(buffer) => buffer.vector::<1>(0, "a buffer")?.as_flattened(),
    };
    let quantization = match table.table(4, "the quantisation of a tensor")? {
        None => None,
        Some(quantization) => read_quantization(&quantization)?,
    };
    Ok(Tensor { name, shape, element: table.u8(1, "the type of a tensor")?, data, quantization })
}

fn read_quantization(table: &Table<'_>) -> Result<Option<Quantization>, ImportError> {
    let scales: &[[u8; 4]] = table.vector(2, "the scales of a tensor")?;
    let zero_points: &[[u8; 8]] = table.vector(3, "the zero points of a tensor")?;
    let ([scale], [] | [_]) = (scales, zero_points) else {
        return Ok(None);
    };
    let zero_point = zero_points.first().map_or(0, |bytes| i64::from_le_bytes(*bytes));
    Ok(Some(Quantization { scale: f32::from_le_bytes(*scale), zero_point }))
}

fn read_operator<'a>(table: &Table<'a>, codes: &[Code<'a>], tensors: usize) -> Result<Operator<'a>, ImportError> {
    let code = table.u32(0, "an operator's code")? as usize;
    let Some(&code) = codes.get(code) else {
        return Err(ImportError::Contradiction(format!("an operator has code {code}, which is not there")));
    };
    let inputs: &[[u8; 4]] = table.vector(1, "the inputs of an operator")?;
    if inputs.len() > MOST_INPUTS {
        return Err(ImportError::Unsupported(format!("operator {code} with {} inputs is not supported", inputs.len())));
    }
    let mut of_operator = Vec::with_capacity(inputs.len());
    for input in inputs {
        // -1: an optional input that is absent.
        let absent = i32::from_le_bytes(*input) == -1;
        of_operator.push(if absent { None } else { Some(index(*input, tensors, "an input of an operator")?) });
    }
    Ok(Operator {
        code,
        inputs: of_operator,
        outputs: indices(table.vector(2, "the outputs of an operator")?, tensors, "an output of an operator")?,
        options: table.table(4, "the options of an operator")?,
        custom_options: table.vector::<1>(5, "the options of a custom operator")?.as_flattened(),
    })
}

fn indices(vector: &[[u8; 4]], tensors: usize, what: &str) -> Result<Vec<usize>, ImportError> {
    if vector.len() > MOST_INPUTS {
        return Err(ImportError::Contradiction(format!("there are {} of what should be {what}", vector.len())));
    }
    vector.iter().map(|&bytes| index(bytes, tensors, what)).collect()
}

fn index(bytes: [u8; 4], tensors: usize, what: &str) -> Result<usize, ImportError> {
    let value = i32::from_le_bytes(bytes);
    usize::try_from(value)
        .ok()
        .filter(|&index| index < tensors)
        .ok_or_else(|| ImportError::Contradiction(format!("{what} is tensor {value}, which is not there")))
}
