//! A tiny writer of FlatBuffers, and with it the smallest quantised SSD: files of every kind without a foreign one.

/// A field of a table.
pub(super) enum Value {
    U8(u8),
    I32(i32),
    Text(&'static str),
    Bytes(Vec<u8>),
    Integers(Vec<i32>),
    LongIntegers(Vec<i64>),
    Floats(Vec<f32>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// Fields of a table by their numbers.
pub(super) type Fields = Vec<(usize, Value)>;

/// A file whose root is this table.
pub(super) fn file(root: &Fields) -> Vec<u8> {
    let mut bytes = b"\0\0\0\0TFL3".to_vec();
    let position = u32::try_from(write_table(&mut bytes, root)).unwrap();
    bytes[..4].copy_from_slice(&position.to_le_bytes());
    bytes
}

/// Writes vtable, table and what it points to, in this order, so that offsets point forwards. Every field takes 4 bytes.
fn write_table(bytes: &mut Vec<u8>, fields: &Fields) -> usize {
    let numbers = fields.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
    let vtable = bytes.len();
    let mut offsets = vec![0u16; numbers];
    for (slot, (number, _)) in fields.iter().enumerate() {
        offsets[*number] = u16::try_from(4 + 4 * slot).unwrap();
    }
    bytes.extend(u16::try_from(4 + 2 * numbers).unwrap().to_le_bytes());
    bytes.extend(u16::try_from(4 + 4 * fields.len()).unwrap().to_le_bytes());
    bytes.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
    let table = bytes.len();
    bytes.extend(i32::try_from(table - vtable).unwrap().to_le_bytes());
    bytes.extend(vec![0; 4 * fields.len()]);
    for (slot, (_, value)) in fields.iter().enumerate() {
        let at = table + 4 + 4 * slot;
        match value {
            Value::U8(value) => bytes[at] = *value,
            Value::I32(value) => bytes[at..at + 4].copy_from_slice(&value.to_le_bytes()),
            Value::Text(text) => {
                point_here(bytes, at);
                write_vector(bytes, text.len(), text.bytes());
            }
            Value::Bytes(values) => {
                point_here(bytes, at);
                write_vector(bytes, values.len(), values.iter().copied());
            }
            Value::Integers(values) => {
                point_here(bytes, at);
                write_vector(bytes, values.len(), values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Value::LongIntegers(values) => {
                point_here(bytes, at);
                write_vector(bytes, values.len(), values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Value::Floats(values) => {
                point_here(bytes, at);
                write_vector(bytes, values.len(), values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Value::Table(fields) => {
                let position = write_table(bytes, fields);
                point(bytes, at, position);
            }
            Value::Tables(tables) => {
                point_here(bytes, at);
                let first = bytes.len() + 4;
                write_vector(bytes, tables.len(), vec![0; 4 * tables.len()]);
                for (index, table) in tables.iter().enumerate() {
                    let position = write_table(bytes, table);
                    point(bytes, first + 4 * index, position);
                }
            }
        }
    }
    table
}

fn write_vector(bytes: &mut Vec<u8>, count: usize, values: impl IntoIterator<Item = u8>) {
    bytes.extend(u32::try_from(count).unwrap().to_le_bytes());
    bytes.extend(values);
}

fn point_here(bytes: &mut [u8], at: usize) {
    point(bytes, at, bytes.len());
}

fn point(bytes: &mut [u8], at: usize, to: usize) {
    let offset = u32::try_from(to - at).unwrap();
    bytes[at..at + 4].copy_from_slice(&offset.to_le_bytes());
}

/// A FlexBuffers map of floats. Its keys are given in order and take few bytes.
fn flexbuffer(entries: &[(&str, f32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut texts = Vec::new();
    for (key, _) in entries {
        texts.push(bytes.len());
        bytes.extend(key.bytes().chain([0]));
    }
    let count = u8::try_from(entries.len()).unwrap();
    bytes.push(count);
    let keys = bytes.len();
    for text in texts {
        bytes.push(u8::try_from(bytes.len() - text).unwrap());
    }
    bytes.extend(u32::try_from(bytes.len() - keys).unwrap().to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(u32::from(count).to_le_bytes());
    let values = bytes.len();
    bytes.extend(entries.iter().flat_map(|(_, value)| value.to_le_bytes()));
    bytes.extend(entries.iter().map(|_| (3 << 2) | 2));
    bytes.push(u8::try_from(bytes.len() - values).unwrap());
    bytes.extend([(9 << 2) | 2, 1]);
    bytes
}

/// A tensor before it is written.
pub(super) struct Tensor {
    pub(super) name: &'static str,
    pub(super) shape: Vec<i32>,
    /// `TensorType`
    pub(super) element: u8,
    pub(super) scale: f32,
    pub(super) zero_point: i64,
    pub(super) data: Vec<u8>,
}

/// An operator before it is written.
pub(super) struct Operator {
    /// `BuiltinOperator`; 32 is the custom one.
    pub(super) code: u8,
    pub(super) inputs: Vec<i32>,
    pub(super) output: i32,
    pub(super) options: Vec<(usize, i32)>,
}

/// A file before it is written.
pub(super) struct Ssd {
    pub(super) tensors: Vec<Tensor>,
    pub(super) operators: Vec<Operator>,
    pub(super) custom_name: &'static str,
    pub(super) classes: f32,
    pub(super) graphs: usize,
}

const BYTES: u8 = 3;
const INTEGERS: u8 = 2;

pub(super) fn activation(name: &'static str, shape: &[i32], scale: f32, zero_point: i64) -> Tensor {
    Tensor { name, shape: shape.to_vec(), element: BYTES, scale, zero_point, data: Vec::new() }
}

pub(super) fn kernel(name: &'static str, shape: &[i32]) -> Tensor {
    let size: i32 = shape.iter().product();
    // Every byte of a kernel is its position, so that another order is seen.
    let data = (0..size).map(|value| u8::try_from(value % 256).unwrap()).collect();
    Tensor { name, shape: shape.to_vec(), element: BYTES, scale: 0.01, zero_point: 100, data }
}

pub(super) fn bias(name: &'static str, outputs: u8, input_scale: f32) -> Tensor {
    let data = (0..outputs).flat_map(|output| (i32::from(output) - 1).to_le_bytes()).collect();
    let shape = vec![i32::from(outputs)];
    Tensor { name, shape, element: INTEGERS, scale: input_scale * 0.01, zero_point: 0, data }
}

/// A picture of 8×8 pixels, a convolution, a depthwise convolution at stride 2 with a fused `ReLU6`, and one map of 4×4
/// cells with 3 boxes of one class and the background: 48 default boxes.
pub(super) fn small() -> Ssd {
    const SIX: f32 = 6.0 / 255.0;
    let mut anchors = kernel("anchors", &[48, 4]);
    anchors.zero_point = 0;
    let tensors = vec![
        activation("picture", &[1, 8, 8, 3], 1.0 / 128.0, 128),
        kernel("first/weights", &[2, 3, 3, 3]),
        bias("first/bias", 2, 1.0 / 128.0),
        activation("first", &[1, 8, 8, 2], SIX, 0),
        kernel("second/weights", &[1, 3, 3, 2]),
        bias("second/bias", 2, SIX),
        activation("second", &[1, 4, 4, 2], 0.05, 100),
        kernel("boxes/weights", &[12, 1, 1, 2]),
        bias("boxes/bias", 12, 0.05),
        activation("boxes", &[1, 4, 4, 12], 0.1, 120),
        activation("boxes/rows", &[1, 48, 1, 4], 0.1, 120),
        activation("boxes/together", &[1, 48, 1, 4], 0.1, 120),
        activation("boxes/squeezed", &[1, 48, 4], 0.1, 120),
        kernel("classes/weights", &[6, 1, 1, 2]),
        bias("classes/bias", 6, 0.05),
        activation("classes", &[1, 4, 4, 6], 0.1, 200),
        activation("classes/rows", &[1, 48, 2], 0.1, 200),
        activation("classes/together", &[1, 48, 2], 0.1, 200),
        activation("scores", &[1, 48, 2], 1.0 / 256.0, 0),
        anchors,
        activation("detections", &[], 1.0, 0),
    ];
    let operator = |code, inputs: &[i32], output, options: &[(usize, i32)]| Operator {
        code,
        inputs: inputs.to_vec(),
        output,
        options: options.to_vec(),
    };
    let operators = vec![
        operator(3, &[0, 1, 2], 3, &[(1, 1), (2, 1)]),
        operator(4, &[3, 4, 5], 6, &[(1, 2), (2, 2), (3, 1), (4, 3)]),
        operator(3, &[6, 7, 8], 9, &[(1, 1), (2, 1)]),
        operator(22, &[9], 10, &[]),
        operator(2, &[10], 11, &[(0, 1)]),
        operator(22, &[11], 12, &[]),
        operator(3, &[6, 13, 14], 15, &[(1, 1), (2, 1)]),
        operator(22, &[15], 16, &[]),
        operator(2, &[16], 17, &[(0, 1)]),
        operator(14, &[17], 18, &[]),
        operator(32, &[12, 18, 19], 20, &[]),
    ];
    Ssd { tensors, operators, custom_name: "TFLite_Detection_PostProcess", classes: 1.0, graphs: 1 }
}

impl Ssd {
    /// The tensor of a name.
    pub(super) fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// The whole file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // One code per operator, one buffer per tensor after the empty one.
        let codes = self.operators.iter().map(|operator| {
            let name = if operator.code == 32 { self.custom_name } else { "" };
            vec![(0, Value::U8(operator.code)), (1, Value::Text(name))]
        });
        let buffers = std::iter::once(Vec::new())
            .chain(self.tensors.iter().map(|tensor| vec![(0, Value::Bytes(tensor.data.clone()))]));
        let graphs = (0..self.graphs).map(|_| {
            vec![
                (0, Value::Tables(self.tensors.iter().enumerate().map(tensor_fields).collect())),
                (1, Value::Integers(vec![0])),
                (2, Value::Integers(vec![20])),
                (3, Value::Tables((0..).zip(&self.operators).map(|of| self.operator_fields(of)).collect())),
            ]
        });
        file(&vec![
            (0, Value::I32(3)),
            (1, Value::Tables(codes.collect())),
            (2, Value::Tables(graphs.collect())),
            (4, Value::Tables(buffers.collect())),
        ])
    }

    fn operator_fields(&self, (index, operator): (i32, &Operator)) -> Fields {
        let options = operator.options.iter().map(|&(number, value)| (number, Value::I32(value))).collect();
        let mut fields = vec![
            (0, Value::I32(index)),
            (1, Value::Integers(operator.inputs.clone())),
            (2, Value::Integers(vec![operator.output])),
            (4, Value::Table(options)),
        ];
        if operator.code == 32 {
            let options = [
                ("h_scale", 5.0),
                ("num_classes", self.classes),
                ("w_scale", 5.0),
                ("x_scale", 10.0),
                ("y_scale", 10.0),
            ];
            fields.push((5, Value::Bytes(flexbuffer(&options))));
        }
        fields
    }
}

fn tensor_fields((index, tensor): (usize, &Tensor)) -> Fields {
    let quantization = vec![(2, Value::Floats(vec![tensor.scale])), (3, Value::LongIntegers(vec![tensor.zero_point]))];
    vec![
        (0, Value::Integers(tensor.shape.clone())),
        (1, Value::U8(tensor.element)),
        (2, Value::I32(i32::try_from(index + 1).unwrap())),
        (3, Value::Text(tensor.name)),
        (4, Value::Table(quantization)),
    ]
}
