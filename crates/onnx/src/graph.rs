//! Puts an ONNX graph together: nodes, initialisers, inputs and outputs, in the order in which they are added, so that
//! the same model is always the same bytes.

use std::collections::BTreeSet;

use prost::Message as _;
use sightline_core::network::{Activation, Window};

use crate::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_type,
};

/// Oldest operator set with per-channel DequantizeLinear; everything that runs models today knows it.
const OPERATOR_SET: i64 = 13;
/// The file format's version that belongs to it.
const IR_VERSION: i64 = 8;
/// Name of the free dimension: how many pictures.
const BATCH: &str = "N";

/// An attribute's value.
pub(crate) enum Attribute {
    Integer(i64),
    Integers(Vec<i64>),
}

impl Attribute {
    /// Those of Conv. Pads: top, left, bottom, right.
    pub(crate) fn of_convolution(window: Window, pads: [usize; 4], groups: usize) -> [(&'static str, Self); 5] {
        [
            ("dilations", Self::Integers(vec![integer(window.dilation); 2])),
            ("group", Self::Integer(integer(groups))),
            ("kernel_shape", Self::Integers(vec![integer(window.kernel); 2])),
            ("pads", Self::Integers(pads.map(integer).to_vec())),
            ("strides", Self::Integers(vec![integer(window.stride); 2])),
        ]
    }
}

/// A graph that grows.
#[derive(Default)]
pub(crate) struct Graph {
    proto: GraphProto,
    constants: BTreeSet<String>,
}

impl Graph {
    pub(crate) fn new(name: &str) -> Self {
        let proto = GraphProto { name: Some(name.to_owned()), ..GraphProto::default() };
        Self { proto, constants: BTreeSet::new() }
    }

    /// An input of a free number of pictures.
    pub(crate) fn input(&mut self, name: &str, element_type: i32, dimensions: &[usize]) {
        self.proto.input.push(batch_of(name, element_type, dimensions));
    }

    /// An output of a free number of pictures.
    pub(crate) fn output(&mut self, name: &str, element_type: i32, dimensions: &[usize]) {
        self.proto.output.push(batch_of(name, element_type, dimensions));
    }

    /// A constant; the second of the same name is taken for the first.
    pub(crate) fn constant(&mut self, tensor: TensorProto) {
        if self.constants.insert(tensor.name().to_owned()) {
            self.proto.initializer.push(tensor);
        }
    }

    /// A node with one output, which is also the node's name.
    pub(crate) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: impl Into<String>,
        attributes: &[(&str, Attribute)],
    ) -> String {
        let output = output.into();
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            name: Some(output.clone()),
            op_type: Some(operator.to_owned()),
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            domain: None,
        });
        output
    }

    /// An activation; nothing for none.
    pub(crate) fn activation(&mut self, activation: Activation, from: &str, output: &str) {
        match activation {
            Activation::None => {}
            Activation::Relu => {
                self.node("Relu", &[from], output, &[]);
            }
            Activation::Relu6 => {
                self.constant(TensorProto::floats("relu6_least", &[], &[0.0]));
                self.constant(TensorProto::floats("relu6_most", &[], &[6.0]));
                self.node("Clip", &[from, "relu6_least", "relu6_most"], output, &[]);
            }
        }
    }

    /// A predictor's output `[N, boxes · values, height, width]` as `[N, height · width · boxes, values]`.
    pub(crate) fn rows_of_values(&mut self, predictor: &str, values: usize) -> String {
        let cells_last = [("perm", Attribute::Integers(vec![0, 2, 3, 1]))];
        let cells = self.node("Transpose", &[predictor], format!("{predictor}_nhwc"), &cells_last);
        let shape = format!("rows_of_{values}");
        self.constant(TensorProto::integers(&shape, &[0, -1, integer(values)]));
        self.node("Reshape", &[&cells, &shape], format!("{predictor}_rows"), &[])
    }

    /// The whole file.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("sightline".to_owned()),
            // No version of ours: the same network and weights stay the same bytes from release to release.
            producer_version: None,
            graph: Some(self.proto),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPERATOR_SET) }],
        };
        model.encode_to_vec()
    }
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut attribute = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    match value {
        Attribute::Integer(integer) => {
            attribute.i = Some(*integer);
            attribute.r#type = Some(attribute_type::INT);
        }
        Attribute::Integers(integers) => {
            attribute.ints.clone_from(integers);
            attribute.r#type = Some(attribute_type::INTS);
        }
    }
    attribute
}

fn batch_of(name: &str, element_type: i32, dimensions: &[usize]) -> ValueInfoProto {
    let mut dim = vec![DimensionProto { dim_param: Some(BATCH.to_owned()), dim_value: None }];
    dim.extend(
        dimensions.iter().map(|&dimension| DimensionProto { dim_value: Some(integer(dimension)), dim_param: None }),
    );
    let tensor_type = TensorTypeProto { elem_type: Some(element_type), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

/// A size as ONNX has it. A network's sizes are far below what would not fit.
pub(crate) fn integer(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
