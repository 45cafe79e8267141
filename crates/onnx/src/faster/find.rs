//! Convolutions in a graph of quantised tensors, and what belongs to each.

use std::collections::BTreeMap;

use crate::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, data_type};

/// A convolution of dequantised tensors: the nodes that give its three inputs.
pub(super) struct Convolution {
    /// The node.
    pub(super) node: usize,
    /// Dequantises its input.
    pub(super) input: usize,
    /// Dequantises its weights.
    pub(super) weights: usize,
    /// Dequantises its bias, where it has one.
    pub(super) bias: Option<usize>,
}

impl Convolution {
    /// The convolution whose input the node `dequantise` gives, and nobody else's.
    pub(super) fn behind(graph: &GraphProto, dequantise: usize) -> Option<Self> {
        let given = &graph.node[dequantise];
        if given.op_type() != "DequantizeLinear" {
            return None;
        }
        let node = only_user(graph, only_output(given)?)?;
        let convolution = &graph.node[node];
        if convolution.op_type() != "Conv" || convolution.input.first() != given.output.first() {
            return None;
        }
        let dequantised = |name: &String| {
            let found = graph.node.iter().position(|node| node.output.first() == Some(name))?;
            (graph.node[found].op_type() == "DequantizeLinear").then_some(found)
        };
        let weights = dequantised(convolution.input.get(1)?)?;
        let bias = convolution.input.get(2).map(|name| dequantised(name).ok_or(())).transpose().ok()?;
        Some(Self { node, input: dequantise, weights, bias })
    }
}

/// The node that quantises what `layer` gives, which nobody else sees.
pub(super) fn quantised(graph: &GraphProto, layer: &Convolution) -> Option<usize> {
    let quantise = only_user(graph, only_output(&graph.node[layer.node])?)?;
    (graph.node[quantise].op_type() == "QuantizeLinear").then_some(quantise)
}

pub(super) fn initializer<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a TensorProto> {
    graph.initializer.iter().find(|tensor| tensor.name.as_deref() == Some(name))
}

pub(super) fn weights_of<'a>(graph: &'a GraphProto, layer: &Convolution) -> Option<&'a TensorProto> {
    initializer(graph, graph.node[layer.weights].input.first()?)
}

/// The node that gives `name`.
pub(super) fn producer(graph: &GraphProto, name: &str) -> Option<usize> {
    graph.node.iter().position(|node| node.output.iter().any(|output| output == name))
}

/// The one node that takes `name`; nobody else does, and neither is it an output of the graph.
pub(super) fn only_user(graph: &GraphProto, name: &str) -> Option<usize> {
    if graph.output.iter().any(|output| output.name.as_deref() == Some(name)) {
        return None;
    }
    let takes = |node: &NodeProto| node.input.iter().filter(|input| *input == name).count();
    let users: BTreeMap<usize, usize> =
        graph.node.iter().map(takes).enumerate().filter(|(_, count)| *count > 0).collect();
    match users.iter().next() {
        Some((user, 1)) if users.len() == 1 => Some(*user),
        _ => None,
    }
}

pub(super) fn only_output(node: &NodeProto) -> Option<&str> {
    match node.output.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
}

/// 1 where it is not said (ONNX's operator Conv).
pub(super) fn group(node: &NodeProto) -> i64 {
    attribute(node, "group").and_then(|group| group.i).unwrap_or(1)
}

pub(super) fn first_layer(graph: &GraphProto) -> Option<Convolution> {
    let [input] = graph.input.as_slice() else { return None };
    let tensor = input.r#type.as_ref()?.tensor_type.as_ref()?;
    let dims = &tensor.shape.as_ref()?.dim;
    if tensor.elem_type != Some(data_type::UINT8) || dims.len() != 4 || dims[3].dim_value != Some(3) {
        return None;
    }
    let transpose = only_user(graph, input.name.as_ref()?)?;
    let node = &graph.node[transpose];
    if node.op_type() != "Transpose" || attribute(node, "perm")?.ints != [0, 3, 1, 2] {
        return None;
    }
    let dequantised = only_user(graph, only_output(node)?)?;
    let layer = Convolution::behind(graph, dequantised)?;
    let weights = weights_of(graph, &layer)?;
    (group(&graph.node[layer.node]) == 1 && weights.dims.get(1) == Some(&3)).then_some(layer)
}
