//! Multiply-adds of a graph, by shape inference over it. Rather no number than a wrong one.

use std::collections::BTreeMap;

use super::{attributes::Node, shapes};
use crate::proto::{GraphProto, TensorProto, ValueInfoProto};

/// Of Conv, Gemm and `MatMul` for a batch of one. `None`: an operator or a dimension is not known.
pub(super) fn multiply_adds(graph: &GraphProto, constants: &BTreeMap<&str, &TensorProto>) -> Option<u64> {
    let mut known: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (name, tensor) in constants {
        known.insert(name, tensor.shape()?.into_iter().map(|dimension| dimension as u64).collect());
    }
    for input in graph.input.iter().filter(|input| !constants.contains_key(input.name())) {
        known.insert(input.name(), shape_for_one(input)?);
    }
    let mut total = 0u64;
    for proto in &graph.node {
        if !proto.domain().is_empty() && proto.domain() != "ai.onnx" {
            return None;
        }
        let node = Node::new(proto, constants);
        let mut inputs: Vec<&[u64]> = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            // An optional input that is left out keeps its position.
            inputs.push(if name.is_empty() { &[] } else { known.get(name.as_str())? });
        }
        let output = shapes::infer(node, &inputs)?;
        let cost = match proto.op_type() {
            "Conv" => convolution(&output, inputs.get(1)?)?,
            "Gemm" | "MatMul" => product(&output)?.checked_mul(shapes::summed_dimension(node, &inputs)?)?,
            _ => 0,
        };
        total = total.checked_add(cost)?;
        let [name] = proto.output.as_slice() else {
            return None;
        };
        known.insert(name, output);
    }
    Some(total)
}

/// Each output value takes as many as the kernel of one output channel has.
fn convolution(output: &[u64], kernel: &[u64]) -> Option<u64> {
    product(output)?.checked_mul(product(kernel.get(1..)?)?)
}

fn product(dimensions: &[u64]) -> Option<u64> {
    dimensions.iter().try_fold(1u64, |product, &dimension| product.checked_mul(dimension))
}

/// An input's shape with one picture for the free first dimension.
fn shape_for_one(input: &ValueInfoProto) -> Option<Vec<u64>> {
    let shape = input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let mut dimensions = Vec::new();
    for (position, dimension) in shape.dim.iter().enumerate() {
        match dimension.dim_value {
            Some(size) => dimensions.push(u64::try_from(size).ok()?),
            None if position == 0 => dimensions.push(1),
            None => return None,
        }
    }
    Some(dimensions)
}
