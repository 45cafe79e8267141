//! Tiny ONNX files written by hand: a graph whose outputs are constants, whatever goes in, or that fails for some of it.
//!
//! Field numbers are those of onnx.proto (github.com/onnx/onnx, IR version 8); the wire format is protobuf's.

/// `TensorProto.DataType`
#[derive(Clone, Copy)]
pub enum Type {
    Float = 1,
    Uint8 = 2,
    Int64 = 7,
}

/// An output and its value.
pub struct Output {
    name: &'static str,
    element: Type,
    dims: Vec<i64>,
    raw: Vec<u8>,
}

impl Output {
    pub fn floats(name: &'static str, dims: &[i64], values: &[f32]) -> Self {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, element: Type::Float, dims: dims.to_vec(), raw }
    }

    pub fn integers(name: &'static str, dims: &[i64], values: &[i64]) -> Self {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, element: Type::Int64, dims: dims.to_vec(), raw }
    }
}

/// A model of one input "image" that it does not look at; a negative dimension is left open.
pub fn model(element: Type, input_dims: &[i64], outputs: &[Output]) -> Vec<u8> {
    graph(element, input_dims, &[], &[], outputs)
}

/// The brightest sample that [`model_of_dark_pictures`] takes.
pub const BRIGHTEST: u8 = 199;

/// The same, of one picture of bytes in RGB, but its run fails on ONNX Runtime's CPU kernels when a sample is brighter than
/// [`BRIGHTEST`]: the brightest one is looked up in a table that has no place for it. OpenVINO finds zeros there.
pub fn model_of_dark_pictures(width: i64, height: i64, outputs: &[Output]) -> Vec<u8> {
    const INT64: i64 = Type::Int64 as i64;
    let nodes = [
        node("ReduceMax", &["image"], "brightest", &[("keepdims", 0)]),
        node("Cast", &["brightest"], "index", &[("to", INT64)]),
        node("Gather", &["table", "index"], "zero", &[("axis", 0)]),
    ];
    let table = Output::floats("table", &[i64::from(BRIGHTEST) + 1], &[0.0; BRIGHTEST as usize + 1]);
    graph(Type::Uint8, &[1, height, width, 3], &nodes, &[("table", &table)], outputs)
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, i64)]) -> Vec<u8> {
    const INT: i64 = 2;
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
    node.extend([text(2, output), text(3, output), text(4, operator)].concat());
    for (name, value) in attributes {
        node.extend(message(5, &[text(1, name), number(3, *value), number(20, INT)].concat()));
    }
    node
}

/// `nodes` and `constants` beside what makes `outputs`; a float output has the tensor "zero" added, if there is one.
fn graph(
    element: Type,
    input_dims: &[i64],
    nodes: &[Vec<u8>],
    constants: &[(&str, &Output)],
    outputs: &[Output],
) -> Vec<u8> {
    let mut graph: Vec<u8> = nodes.iter().flat_map(|node| message(1, node)).collect();
    for output in outputs {
        let constant = format!("{}_value", output.name);
        let is_sum = !nodes.is_empty() && matches!(output.element, Type::Float);
        let made = if is_sum {
            node("Add", &[&constant, "zero"], output.name, &[])
        } else {
            node("Identity", &[&constant], output.name, &[])
        };
        graph.extend(message(1, &made));
    }
    graph.extend(text(2, "tiny"));
    let values: Vec<String> = outputs.iter().map(|output| format!("{}_value", output.name)).collect();
    let values = values.iter().map(String::as_str).zip(outputs);
    for (name, output) in constants.iter().copied().chain(values) {
        let mut tensor: Vec<u8> = output.dims.iter().flat_map(|&dim| number(1, dim)).collect();
        tensor.extend(number(2, output.element as i64));
        tensor.extend(text(8, name));
        tensor.extend(message(9, &output.raw));
        graph.extend(message(5, &tensor));
    }
    graph.extend(message(11, &value_info("image", element, input_dims)));
    for output in outputs {
        graph.extend(message(12, &value_info(output.name, output.element, &output.dims)));
    }
    let opset = [text(1, ""), number(2, 13)].concat();
    [number(1, 8), message(8, &opset), message(7, &graph)].concat()
}

fn value_info(name: &str, element: Type, dims: &[i64]) -> Vec<u8> {
    let dim = |&dim: &i64| message(1, &if dim < 0 { text(2, "N") } else { number(1, dim) });
    let shape: Vec<u8> = dims.iter().flat_map(dim).collect();
    let tensor = [number(1, element as i64), message(2, &shape)].concat();
    [text(1, name), message(2, &message(1, &tensor))].concat()
}

fn text(field: u64, text: &str) -> Vec<u8> {
    message(field, text.as_bytes())
}

fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value.cast_unsigned())].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
