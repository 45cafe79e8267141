//! Convolutions of 3×3 bytes ([`sightline_core::operators::convolution`]).

use sightline_core::operators::convolution::{Convolution as Computable, Layer, Reads, node};

use super::{
    super::find::{Convolution, attribute, group, initializer, only_output, only_user, quantised},
    Replacement, bytes, floats, integer, integers, named, own_node, quantisation, typed,
};
use crate::proto::{GraphProto, NodeProto, TensorProto, data_type};

/// `[N, C, H, W]` to `[N, H, W, C]`, in which our operator works. ONNX Runtime's quantised ones do as well, and it takes out
/// what comes to nothing between two of them.
const TO_NHWC: [i64; 4] = [0, 2, 3, 1];
const TO_NCHW: [i64; 4] = [0, 3, 1, 2];

/// The layers that our operator can compute.
pub(super) fn layers(graph: &GraphProto) -> impl Iterator<Item = OwnLayer> {
    (0..graph.node.len())
        .filter(|node| graph.node[*node].op_type() == "DequantizeLinear")
        .filter_map(|node| OwnLayer::read(graph, &Convolution::behind(graph, node)?))
}

/// A layer that our operator can compute.
pub(super) struct OwnLayer {
    /// Tensors of bytes.
    input: String,
    output: String,
    weights: String,
    bias: String,
    scale: Vec<f32>,
    reads: Reads,
    input_zero_point: u8,
    output_zero_point: u8,
    stride: i64,
    pads: Vec<i64>,
    /// The node in whose place it comes, and those that go with it.
    at: usize,
    replaces: Vec<usize>,
}

impl OwnLayer {
    /// `None` where our operator cannot compute the layer, or somebody else needs a part of it.
    fn read(graph: &GraphProto, layer: &Convolution) -> Option<Self> {
        let node = &graph.node[layer.node];
        let quantise = quantised(graph, layer)?;
        for constant in [layer.weights, layer.bias?] {
            only_user(graph, only_output(&graph.node[constant])?)?;
        }
        let [input, weights, bias] = [layer.input, layer.weights, layer.bias?].map(|it| &graph.node[it]);
        let result = &graph.node[quantise];
        let tensor = initializer(graph, weights.input.first()?)?;
        let (reads, outputs) = match tensor.shape()?[..] {
            [outputs, 1, 3, 3] if usize::try_from(group(node)) == Ok(outputs) => (Reads::Channel, outputs),
            [outputs, 4, 3, 3] if group(node) == 1 => (Reads::Pixels, outputs),
            _ => return None,
        };
        let (of_input, of_output) = (quantisation(graph, input)?, quantisation(graph, result)?);
        let weight_scales = scales(graph, weights, outputs)?;
        // The bias counts in products of the two, or else it is not the sum's.
        let products = weight_scales.iter().map(|weight_scale| of_input.scale * weight_scale);
        let is_of_sum = |(scale, product): (f32, f32)| (scale - product).abs() <= 1e-6 * product.abs();
        if !scales(graph, bias, outputs)?.into_iter().zip(products.clone()).all(is_of_sum) {
            return None;
        }
        let (stride, pads) = geometry(node)?;
        let layer = Self {
            input: input.input.first()?.clone(),
            output: only_output(result)?.to_owned(),
            weights: weights.input.first()?.clone(),
            bias: bias.input.first()?.clone(),
            // In the order of ONNX Runtime's QLinearConv, so that it rounds as there.
            scale: products.map(|product| product / of_output.scale).collect(),
            reads,
            input_zero_point: of_input.zero_point,
            output_zero_point: of_output.zero_point,
            stride,
            pads,
            at: layer.node,
            replaces: vec![layer.input, layer.weights, layer.bias?, quantise],
        };
        layer.is_computable(graph).then_some(layer)
    }

    fn is_computable(&self, graph: &GraphProto) -> bool {
        let Some(weights) = typed(graph, &self.weights, data_type::INT8) else { return false };
        let Some(bias) = typed(graph, &self.bias, data_type::INT32) else { return false };
        let (weights, bias): (Vec<i8>, Vec<i32>) = (
            weights.iter().map(|byte| byte.cast_signed()).collect(),
            bias.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect(),
        );
        let Some(pads) = self.pads.iter().map(|pad| usize::try_from(*pad).ok()).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let (Ok(stride), Ok(pads)) = (usize::try_from(self.stride), pads.try_into()) else { return false };
        Computable::new(&Layer {
            reads: self.reads,
            weights: &weights,
            bias: &bias,
            scale: &self.scale,
            input_zero_point: self.input_zero_point,
            output_zero_point: self.output_zero_point,
            stride,
            pads,
        })
        .is_some()
    }

    pub(super) fn into_replacement(self) -> Replacement {
        let [input, scale, result] = ["input", "scale", "result"].map(|what| named(&self.output, what));
        let attributes = vec![
            integer(node::READS_PIXELS, i64::from(self.reads == Reads::Pixels)),
            integer(node::INPUT_ZERO_POINT, i64::from(self.input_zero_point)),
            integer(node::OUTPUT_ZERO_POINT, i64::from(self.output_zero_point)),
            integer(node::STRIDE, self.stride),
            integers(node::PADS, &self.pads),
        ];
        let constant = TensorProto::floats(&scale, &[self.scale.len()], &self.scale);
        let inputs = vec![input.clone(), self.weights, self.bias, scale];
        let own = NodeProto { attribute: attributes, ..own_node(node::NAME, inputs, &result) };
        let nodes = vec![transpose(&self.input, &TO_NHWC, &input), own, transpose(&result, &TO_NCHW, &self.output)];
        Replacement { at: self.at, replaces: self.replaces, nodes, constant }
    }
}

fn transpose(input: &str, permutation: &[i64], output: &str) -> NodeProto {
    NodeProto {
        name: Some(named(output, "transposed")),
        op_type: Some("Transpose".to_owned()),
        input: vec![input.to_owned()],
        output: vec![output.to_owned()],
        attribute: vec![integers("perm", permutation)],
        domain: None,
    }
}

/// The scale of each output in constants that a node dequantises, whose zero points are 0.
fn scales(graph: &GraphProto, node: &NodeProto, outputs: usize) -> Option<Vec<f32>> {
    let is_plain = node.attribute.iter().all(|attribute| attribute.name.as_deref() == Some("axis"));
    let zeros = |name: &String| bytes(graph, name).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
    if !is_plain || !node.input.get(2).is_none_or(zeros) {
        return None;
    }
    let name = node.input.get(1)?;
    match (initializer(graph, name)?.dims.len(), floats(graph, name)?) {
        (0 | 1, one) if one.len() == 1 => Some(vec![one[0]; outputs]),
        (1, each) if each.len() == outputs && attribute(node, "axis")?.i.unwrap_or(0) == 0 => Some(each),
        _ => None,
    }
}

/// Stride and pads, where nothing else is out of the ordinary.
fn geometry(node: &NodeProto) -> Option<(i64, Vec<i64>)> {
    let ints = |name: &str, otherwise: &[i64]| attribute(node, name).map_or(otherwise.to_vec(), |it| it.ints.clone());
    let strides = ints("strides", &[1, 1]);
    let is_plain = attribute(node, "auto_pad").is_none()
        && ints("dilations", &[1, 1]) == [1, 1]
        && ints("kernel_shape", &[3, 3]) == [3, 3]
        && strides.len() == 2
        && strides[0] == strides[1];
    is_plain.then(|| (strides[0], ints("pads", &[0; 4])))
}
