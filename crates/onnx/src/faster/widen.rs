//! The same int8 network in the form that ONNX Runtime's CPU kernels run fastest.
//!
//! Its int8 convolutions have fast paths for inputs of a multiple of four channels, and for depthwise layers of a multiple of
//! sixteen. SSD MobileNet begins with three colours and, at depth multiplier 0.75, goes on with 24 channels, and those two
//! layers alone take a third of its time. Channels whose weights are zero change no sum: one more colour, and as many more
//! channels as are missing, give the same numbers bit for bit, and sooner (docs/performance.md).

use super::find::{Convolution, group, initializer, only_output, only_user, quantised, weights_of};
use crate::proto::{GraphProto, data_type};

/// Channels of the picture, as wide as the kernels like it.
const COLORS: usize = 4;
/// Channels of a depthwise layer come in so many.
const LANES: usize = 16;

/// The graph in that form: its pictures have a fourth channel, for zeros. `None` where the first layer is not one of pictures.
pub(super) fn widen(graph: &mut GraphProto, first: &Convolution) -> Option<()> {
    widen_colors(graph, first)?;
    // Not every network has such a layer second.
    let mut with_channels = graph.clone();
    if widen_channels(&mut with_channels, first).is_some() {
        *graph = with_channels;
    }
    Some(())
}

/// A fourth colour, which is nothing, and whose weights are zero.
fn widen_colors(graph: &mut GraphProto, first: &Convolution) -> Option<()> {
    pad_weights(graph, first, 1, COLORS)?;
    let [input] = graph.input.as_mut_slice() else { return None };
    let shape = input.r#type.as_mut()?.tensor_type.as_mut()?.shape.as_mut()?;
    shape.dim.get_mut(3)?.dim_value = Some(i64::try_from(COLORS).ok()?);
    Some(())
}

/// More channels between the first layer and the third, over the depthwise second one.
fn widen_channels(graph: &mut GraphProto, first: &Convolution) -> Option<()> {
    let second = next(graph, first)?;
    let third = next(graph, &second)?;
    let channels = usize::try_from(*weights_of(graph, first)?.dims.first()?).ok()?;
    let wide = channels.next_multiple_of(LANES);
    let is_depthwise = group(&graph.node[second.node]) == i64::try_from(channels).ok()?
        && weights_of(graph, &second)?.dims.get(1) == Some(&1);
    if wide == channels || !is_depthwise || group(&graph.node[third.node]) != 1 {
        return None;
    }
    for layer in [first, &second] {
        pad_weights(graph, layer, 0, wide)?;
        pad_outputs(graph, layer, channels, wide)?;
    }
    pad_weights(graph, &third, 1, wide)?;
    let group = graph.node[second.node].attribute.iter_mut().find(|it| it.name.as_deref() == Some("group"))?;
    group.i = Some(i64::try_from(wide).ok()?);
    Some(())
}

/// The layer that alone sees what `layer` gives.
fn next(graph: &GraphProto, layer: &Convolution) -> Option<Convolution> {
    let quantise = quantised(graph, layer)?;
    Convolution::behind(graph, only_user(graph, only_output(&graph.node[quantise])?)?)
}

/// Zeros along `axis` of a layer's weights, up to `to`.
fn pad_weights(graph: &mut GraphProto, layer: &Convolution, axis: usize, to: usize) -> Option<()> {
    let dequantise = graph.node[layer.weights].clone();
    // Only where 0 stands for nothing.
    if let Some(zero_point) = dequantise.input.get(2) {
        let bytes = initializer(graph, zero_point)?.raw_data.as_ref()?;
        if bytes.iter().any(|byte| *byte != 0) {
            return None;
        }
    }
    pad(graph, dequantise.input.first()?, axis, to, data_type::INT8, &[0])
}

/// Scales, zero points and biases of a layer's further outputs: whatever they are, these give nothing.
fn pad_outputs(graph: &mut GraphProto, layer: &Convolution, from: usize, to: usize) -> Option<()> {
    let input_scale = {
        let name = graph.node[layer.input].input.get(1)?;
        let [scale] = initializer(graph, name)?.to_floats().ok()?[..] else { return None };
        scale
    };
    let is_per_output = |graph: &GraphProto, name: &str| {
        let dims = &initializer(graph, name)?.dims;
        match dims[..] {
            [length] if usize::try_from(length) == Ok(from) && from > 1 => Some(true),
            [] | [1] => Some(false),
            _ => None,
        }
    };
    // A bias is only taken for one of this layer where its scale is the product of the other two.
    let nodes = [(Some(layer.weights), 1.0f32, None), (layer.bias, input_scale, Some(data_type::INT32))];
    for (node, scale, values) in nodes {
        let Some(node) = node else { continue };
        let inputs = graph.node[node].input.clone();
        if let Some(data_type) = values {
            pad(graph, inputs.first()?, 0, to, data_type, &[0; 4])?;
        }
        if is_per_output(graph, inputs.get(1)?)? {
            pad(graph, &inputs[1], 0, to, data_type::FLOAT, &scale.to_le_bytes())?;
        }
        if let Some(zero_point) = inputs.get(2)
            && is_per_output(graph, zero_point)?
        {
            let data_type = initializer(graph, zero_point)?.data_type();
            let zero = vec![0; data_type::bytes(data_type)?];
            pad(graph, zero_point, 0, to, data_type, &zero)?;
        }
    }
    Some(())
}

/// Brings an initialiser that one node alone uses to `to` along `axis`, filled up with `value`.
fn pad(graph: &mut GraphProto, name: &str, axis: usize, to: usize, data_type: i32, value: &[u8]) -> Option<()> {
    let uses = graph.node.iter().flat_map(|node| &node.input).filter(|input| *input == name).count();
    let tensor = graph.initializer.iter_mut().find(|tensor| tensor.name.as_deref() == Some(name))?;
    let shape = tensor.shape()?;
    let from = *shape.get(axis)?;
    let bytes = tensor.raw_data.as_ref()?;
    let is_as_promised = tensor.promised_values()?.checked_mul(value.len())? == bytes.len();
    if uses != 1 || tensor.data_type() != data_type || from > to || from == 0 || !is_as_promised {
        return None;
    }
    let row = shape[axis + 1..].iter().product::<usize>() * value.len();
    let missing = value.repeat((to - from) * row / value.len());
    let padded = bytes.chunks_exact(from * row).flat_map(|block| block.iter().chain(&missing).copied()).collect();
    tensor.raw_data = Some(padded);
    tensor.dims[axis] = i64::try_from(to).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::proto::{NodeProto, TensorProto};

    use super::*;

    #[test]
    fn weights_are_filled_up_along_each_axis() {
        let node = |input: &str| NodeProto { input: vec![input.to_owned()], ..NodeProto::default() };
        let padded = |axis: usize, to: usize| {
            let mut graph = GraphProto { node: vec![node("w")], ..GraphProto::default() };
            graph.initializer.push(TensorProto::raw("w", data_type::INT8, &[2, 3], vec![1, 2, 3, 4, 5, 6]));
            pad(&mut graph, "w", axis, to, data_type::INT8, &[0])?;
            let tensor = graph.initializer.pop()?;
            Some((tensor.dims, tensor.raw_data?))
        };
        assert_eq!(padded(0, 3), Some((vec![3, 3], vec![1, 2, 3, 4, 5, 6, 0, 0, 0])));
        assert_eq!(padded(1, 4), Some((vec![2, 4], vec![1, 2, 3, 0, 4, 5, 6, 0])));
        assert_eq!(padded(1, 2), None, "nothing is taken away");
        assert_eq!(padded(2, 4), None);
    }

    #[test]
    fn what_two_nodes_share_is_left_alone() {
        let node = NodeProto { input: vec!["w".to_owned()], ..NodeProto::default() };
        let mut graph = GraphProto { node: vec![node.clone(), node], ..GraphProto::default() };
        graph.initializer.push(TensorProto::raw("w", data_type::INT8, &[1, 3], vec![1, 2, 3]));
        assert_eq!(pad(&mut graph, "w", 1, 4, data_type::INT8, &[0]), None);
    }
}
