//! Outputs that are joined from parts of bytes, each with a scale of its own ([`sightline_core::operators::joined_output`]).

use sightline_core::operators::joined_output;

use super::{
    super::find::{attribute, initializer, only_output, only_user, producer},
    Replacement, named, own_node, quantisation,
};
use crate::proto::{GraphProto, TensorProto};

/// The outputs of the graph that our operator can give.
pub(super) fn outputs(graph: &GraphProto) -> impl Iterator<Item = Replacement> {
    graph.output.iter().filter_map(|output| replacement(graph, output.name.as_ref()?))
}

fn replacement(graph: &GraphProto, output: &str) -> Option<Replacement> {
    let last = producer(graph, output)?;
    let mut replaces = Vec::new();
    // Some networks quantise once more what they have joined.
    let (joined, again) = if graph.node[last].op_type() == "DequantizeLinear" {
        let quantise = producer(graph, graph.node[last].input.first()?)?;
        let node = &graph.node[quantise];
        only_user(graph, only_output(node)?)?;
        let of_output = quantisation(graph, node)?;
        if node.op_type() != "QuantizeLinear" || quantisation(graph, &graph.node[last])? != of_output {
            return None;
        }
        let joined = producer(graph, node.input.first()?)?;
        only_user(graph, only_output(&graph.node[joined])?)?;
        replaces.extend([quantise, joined]);
        (joined, Some(of_output))
    } else {
        (last, None)
    };
    let node = &graph.node[joined];
    if node.op_type() != "Concat" || attribute(node, "axis")?.i != Some(1) {
        return None;
    }
    let mut constants = Vec::new();
    let mut inputs = vec![named(output, "quantisation")];
    for part in &node.input {
        let dequantise = only_user(graph, part).and_then(|_| producer(graph, part))?;
        let bytes = &graph.node[dequantise].input;
        if graph.node[dequantise].op_type() != "DequantizeLinear" || !has_rows(graph, bytes.first()?) {
            return None;
        }
        let of_part = quantisation(graph, &graph.node[dequantise])?;
        let of_output = again.unwrap_or(of_part);
        constants.extend([of_part, of_output].map(|it| [it.scale, f32::from(it.zero_point)]));
        inputs.push(bytes.first()?.clone());
        replaces.push(dequantise);
    }
    let constant = TensorProto::floats(&inputs[0], &[node.input.len(), 4], constants.as_flattened());
    Some(Replacement { at: last, replaces, nodes: vec![own_node(joined_output::NAME, inputs, output)], constant })
}

/// Whether it is `[N, rows, columns]`, as our operator wants it.
fn has_rows(graph: &GraphProto, name: &str) -> bool {
    let dimensions = || {
        let reshape = &graph.node[producer(graph, name)?];
        (reshape.op_type() == "Reshape").then_some(())?;
        initializer(graph, reshape.input.get(1)?)?.promised_values()
    };
    dimensions() == Some(3)
}
