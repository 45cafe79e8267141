//! Operators of ours ([`sightline_core::operators`]) in the place of nodes that they compute sooner.

mod convolution;
mod joined_output;

use std::collections::{BTreeMap, BTreeSet};

use sightline_core::operators::{self, joined_output::Quantisation};

use super::find::initializer;
use crate::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, attribute_type, data_type,
};

/// Nodes for others.
struct Replacement {
    /// The node in whose place they come; all its inputs are there by then.
    at: usize,
    /// Others that go.
    replaces: Vec<usize>,
    nodes: Vec<NodeProto>,
    /// What they need.
    constant: TensorProto,
}

/// Puts our operators in the place of everything that they can compute.
pub(super) fn take_over(model: &mut ModelProto) {
    let Some(graph) = model.graph.as_mut() else { return };
    // Names are made below this one.
    let is_ours = |name: &String| name.starts_with(operators::DOMAIN);
    if graph.node.iter().any(|node| node.input.iter().chain(&node.output).any(is_ours)) {
        return;
    }
    let layers = convolution::layers(graph).map(convolution::OwnLayer::into_replacement);
    let mut replacements: BTreeMap<usize, Replacement> =
        layers.chain(joined_output::outputs(graph)).map(|replacement| (replacement.at, replacement)).collect();
    if replacements.is_empty() {
        return;
    }
    let replaced: BTreeSet<usize> = replacements.values().flat_map(|it| it.replaces.clone()).collect();
    for (at, node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        if let Some(replacement) = replacements.remove(&at) {
            graph.initializer.push(replacement.constant);
            graph.node.extend(replacement.nodes);
        } else if !replaced.contains(&at) {
            graph.node.push(node);
        }
    }
    let domain = Some(operators::DOMAIN.to_owned());
    model.opset_import.push(OperatorSetIdProto { domain, version: Some(operators::VERSION) });
}

/// What is new beside a tensor of the graph.
fn named(tensor: &str, what: &str) -> String {
    format!("{}/{tensor}/{what}", operators::DOMAIN)
}

fn own_node(operator: &str, input: Vec<String>, output: &str) -> NodeProto {
    NodeProto {
        name: Some(named(output, operator)),
        op_type: Some(operator.to_owned()),
        domain: Some(operators::DOMAIN.to_owned()),
        input,
        output: vec![output.to_owned()],
        attribute: Vec::new(),
    }
}

/// How a node that quantises or dequantises a tensor as a whole does it. `None` where it says anything else than a scale and a zero point:
/// without one nobody knows of which type the bytes are.
fn quantisation(graph: &GraphProto, node: &NodeProto) -> Option<Quantisation> {
    let [_, scale, zero_point] = node.input.as_slice() else { return None };
    let is_plain = node.attribute.iter().all(|attribute| attribute.name.as_deref() == Some("axis"));
    match (floats(graph, scale)?.as_slice(), typed(graph, zero_point, data_type::UINT8)?) {
        (&[scale], &[zero_point]) if is_plain => Some(Quantisation { scale, zero_point }),
        _ => None,
    }
}

fn floats(graph: &GraphProto, name: &str) -> Option<Vec<f32>> {
    initializer(graph, name)?.to_floats().ok()
}

fn bytes<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a [u8]> {
    initializer(graph, name)?.raw_data.as_deref()
}

/// The bytes of a tensor of that type, as many as its shape promises.
fn typed<'a>(graph: &'a GraphProto, name: &str, data_type: i32) -> Option<&'a [u8]> {
    let (tensor, bytes) = (initializer(graph, name)?, bytes(graph, name)?);
    let length = tensor.promised_values()?.checked_mul(data_type::bytes(data_type)?)?;
    (tensor.data_type() == data_type && length == bytes.len()).then_some(bytes)
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(attribute_type::INT),
        ..AttributeProto::default()
    }
}

fn integers(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: values.to_vec(),
        r#type: Some(attribute_type::INTS),
        ..AttributeProto::default()
    }
}

#[cfg(test)]
mod tests;
