//! An imported SSD as an ONNX file in int8: QuantizeLinear and DequantizeLinear around every operator, which runtimes
//! fuse into integer arithmetic. Activations stay bytes with the file's own scales and zero points.

use super::{Imported, Layer, layer::ByteQuantization, walk::Output};
use crate::{
    graph::{Attribute, Graph},
    proto::{TensorProto, data_type},
    write::{BOX_ENCODINGS, CLASS_LOGITS, IMAGE},
};

/// Which weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    /// The file's own, shifted to signed bytes.
    OfFile,
    /// Zero point 0, a scale per output channel.
    Symmetric,
}

pub(super) fn write(imported: &Imported, weights: Weights) -> Vec<u8> {
    let mut graph = Graph::new("ssd");
    let input = imported.input;
    graph.input(IMAGE, data_type::UINT8, &[input.height, input.width, input.channels]);
    let planes = graph.node("Transpose", &[IMAGE], "image_nchw", &[("perm", Attribute::Integers(vec![0, 3, 1, 2]))]);
    for layer in &imported.layers {
        let from = layer.from.map_or(planes.as_str(), |index| &imported.layers[index].name);
        add_layer(&mut graph, layer, from, weights);
    }
    for (name, output) in [(BOX_ENCODINGS, &imported.boxes), (CLASS_LOGITS, &imported.logits)] {
        add_output(&mut graph, imported, name, output);
    }
    graph.into_bytes()
}

/// The layer's output has the layer's name and is bytes.
fn add_layer(graph: &mut Graph, layer: &Layer, from: &str, weights: Weights) {
    let name = &layer.name;
    // Dequantised anew for each that takes it: fusing looks for that form.
    let input = dequantize(graph, from, layer.input_quantization, &format!("{name}_input"));
    let [kernel, bias] = match weights {
        Weights::OfFile => add_weights_of_file(graph, layer),
        Weights::Symmetric => add_symmetric_weights(graph, layer),
    };
    let attributes = Attribute::of_convolution(layer.window, layer.pads(), layer.groups);
    let convolved = graph.node("Conv", &[&input, &kernel, &bias], format!("{name}_convolution"), &attributes);
    let Some((least, most)) = layer.stored_range() else {
        quantize(graph, &convolved, layer.output_quantization, name);
        return;
    };
    let quantized = quantize(graph, &convolved, layer.output_quantization, &format!("{name}_quantized"));
    let (least_name, most_name) = (format!("{name}_least"), format!("{name}_most"));
    graph.constant(byte(&least_name, least));
    graph.constant(byte(&most_name, most));
    graph.node("Clip", &[&quantized, &least_name, &most_name], name.as_str(), &[]);
}

/// The kernel's and the bias's names.
fn add_weights_of_file(graph: &mut Graph, layer: &Layer) -> [String; 2] {
    // Shifted by 128, which the zero point is as well: the same values in signed bytes.
    let shifted = |byte: u8| byte ^ 0x80;
    let name = &layer.name;
    let kernel = layer.kernel.iter().map(|&byte| shifted(byte)).collect();
    let quantization = layer.kernel_quantization;
    let (scale, zero_point) = (format!("{name}_kernel_scale"), format!("{name}_kernel_zero_point"));
    graph.constant(TensorProto::floats(&scale, &[], &[quantization.scale]));
    graph.constant(TensorProto::raw(&zero_point, data_type::INT8, &[], vec![shifted(quantization.zero_point)]));
    let kernel = add_kernel(graph, layer, kernel, [&scale, &zero_point], &[]);
    let (bias_scale, bias_zero_point) = (format!("{name}_bias_scale"), "bias_zero_point");
    graph.constant(TensorProto::floats(&bias_scale, &[], &[layer.bias_scale]));
    graph.constant(TensorProto::raw(bias_zero_point, data_type::INT32, &[], vec![0; 4]));
    let bias = add_bias(graph, layer, &layer.bias, [&bias_scale, bias_zero_point], &[]);
    [kernel, bias]
}

fn add_symmetric_weights(graph: &mut Graph, layer: &Layer) -> [String; 2] {
    let name = &layer.name;
    let Symmetric { kernel, scales, bias, bias_scales } = symmetric(layer);
    let outputs = scales.len();
    let per_channel = || [("axis", Attribute::Integer(0))];
    let (scale, zero_point) = (format!("{name}_kernel_scale"), format!("{name}_kernel_zero_point"));
    graph.constant(TensorProto::floats(&scale, &[outputs], &scales));
    graph.constant(TensorProto::raw(&zero_point, data_type::INT8, &[outputs], vec![0; outputs]));
    let kernel = add_kernel(graph, layer, kernel, [&scale, &zero_point], &per_channel());
    let (bias_scale, bias_zero_point) = (format!("{name}_bias_scale"), format!("{name}_bias_zero_point"));
    graph.constant(TensorProto::floats(&bias_scale, &[outputs], &bias_scales));
    graph.constant(TensorProto::raw(&bias_zero_point, data_type::INT32, &[outputs], vec![0; 4 * outputs]));
    let bias = add_bias(graph, layer, &bias, [&bias_scale, &bias_zero_point], &per_channel());
    [kernel, bias]
}

/// Weights of zero point 0.
struct Symmetric {
    /// Signed bytes, −127 to 127.
    kernel: Vec<u8>,
    /// Per output channel.
    scales: Vec<f32>,
    bias: Vec<i32>,
    bias_scales: Vec<f32>,
}

/// A channel whose values fit −127 to 127 steps of the file's own scale keeps it, and is exact. Another one gets the
/// scale that makes its largest value 127.
fn symmetric(layer: &Layer) -> Symmetric {
    let outputs = layer.bias.len();
    let mut symmetric = Symmetric {
        kernel: Vec::with_capacity(layer.kernel.len()),
        scales: Vec::with_capacity(outputs),
        bias: Vec::with_capacity(outputs),
        bias_scales: Vec::with_capacity(outputs),
    };
    let quantization = layer.kernel_quantization;
    let zero_point = i16::from(quantization.zero_point);
    let values_of_output = layer.kernel_shape[1..].iter().product::<usize>().max(1);
    for (channel, &bias) in layer.kernel.chunks_exact(values_of_output).zip(&layer.bias) {
        let largest = channel.iter().map(|&byte| (i16::from(byte) - zero_point).abs()).max().unwrap_or(0).max(127);
        let stretch = f64::from(largest) / 127.0;
        let steps = |byte: u8| (f64::from(i16::from(byte) - zero_point) / stretch).round_ties_even() as i8;
        symmetric.kernel.extend(channel.iter().map(|&byte| steps(byte).cast_unsigned()));
        // Rounded once: a scale one bit off moves an output by a step here and there.
        let scale = (f64::from(quantization.scale) * f64::from(largest) / 127.0) as f32;
        let bias_scale = layer.input_quantization.scale * scale;
        let bias = f64::from(bias) * f64::from(layer.bias_scale) / f64::from(bias_scale);
        symmetric.scales.push(scale);
        symmetric.bias_scales.push(bias_scale);
        symmetric.bias.push(bias.round_ties_even() as i32);
    }
    symmetric
}

type Attributes<'a> = [(&'a str, Attribute)];

fn add_kernel(
    graph: &mut Graph,
    layer: &Layer,
    kernel: Vec<u8>,
    parameters: [&str; 2],
    attributes: &Attributes<'_>,
) -> String {
    let stored = format!("{}_kernel_quantized", layer.name);
    graph.constant(TensorProto::raw(&stored, data_type::INT8, &layer.kernel_shape, kernel));
    let [scale, zero_point] = parameters;
    graph.node("DequantizeLinear", &[&stored, scale, zero_point], format!("{}_kernel", layer.name), attributes)
}

fn add_bias(
    graph: &mut Graph,
    layer: &Layer,
    bias: &[i32],
    parameters: [&str; 2],
    attributes: &Attributes<'_>,
) -> String {
    let stored = format!("{}_bias_quantized", layer.name);
    let bytes = bias.iter().flat_map(|value| value.to_le_bytes()).collect();
    graph.constant(TensorProto::raw(&stored, data_type::INT32, &[bias.len()], bytes));
    let [scale, zero_point] = parameters;
    graph.node("DequantizeLinear", &[&stored, scale, zero_point], format!("{}_bias", layer.name), attributes)
}

/// Each predictor's values keep their own scale until they are put together, and then get the common one, as the file's
/// own concatenation does it.
fn add_output(graph: &mut Graph, imported: &Imported, name: &str, output: &Output) {
    let mut parts = Vec::with_capacity(output.predictors.len());
    for &predictor in &output.predictors {
        let layer = &imported.layers[predictor];
        let rows = graph.rows_of_values(&layer.name, output.values);
        parts.push(dequantize(graph, &rows, layer.output_quantization, &format!("{}_values", layer.name)));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let together = graph.node("Concat", &parts, format!("{name}_parts"), &[("axis", Attribute::Integer(1))]);
    let quantized = quantize(graph, &together, output.quantization, &format!("{name}_quantized"));
    dequantize(graph, &quantized, output.quantization, name);
    graph.output(name, data_type::FLOAT, &[imported.anchors.len(), output.values]);
}

fn quantize(graph: &mut Graph, from: &str, quantization: ByteQuantization, output: &str) -> String {
    let [scale, zero_point] = add_parameters(graph, quantization, output);
    graph.node("QuantizeLinear", &[from, &scale, &zero_point], output, &[])
}

fn dequantize(graph: &mut Graph, from: &str, quantization: ByteQuantization, output: &str) -> String {
    let [scale, zero_point] = add_parameters(graph, quantization, output);
    graph.node("DequantizeLinear", &[from, &scale, &zero_point], output, &[])
}

fn add_parameters(graph: &mut Graph, quantization: ByteQuantization, of: &str) -> [String; 2] {
    let (scale, zero_point) = (format!("{of}_scale"), format!("{of}_zero_point"));
    graph.constant(TensorProto::floats(&scale, &[], &[quantization.scale]));
    graph.constant(byte(&zero_point, quantization.zero_point));
    [scale, zero_point]
}

fn byte(name: &str, value: u8) -> TensorProto {
    TensorProto::raw(name, data_type::UINT8, &[], vec![value])
}
