//! An imported SSD as an ONNX file of floats. Source of the arithmetic: Jacob et al., arXiv 1712.05877, section 2.1.

use sightline_core::network::Activation;

use super::{Imported, Layer, walk::Output};
use crate::{
    graph::{Attribute, Graph},
    proto::{TensorProto, data_type},
    write::{BOX_ENCODINGS, CLASS_LOGITS},
};

/// Name of the input.
const INPUT: &str = "input";

pub(super) fn write(imported: &Imported) -> Vec<u8> {
    let mut graph = Graph::new("ssd");
    let input = imported.input;
    graph.input(INPUT, data_type::FLOAT, &[input.channels, input.height, input.width]);
    for layer in &imported.layers {
        let from = layer.from.map_or(INPUT, |index| &imported.layers[index].name);
        add_layer(&mut graph, layer, from);
    }
    for (name, output) in [(BOX_ENCODINGS, &imported.boxes), (CLASS_LOGITS, &imported.logits)] {
        add_output(&mut graph, imported, name, output);
    }
    graph.into_bytes()
}

fn add_layer(graph: &mut Graph, layer: &Layer, from: &str) {
    let name = &layer.name;
    let (kernel_name, bias_name) = (format!("{name}_kernel"), format!("{name}_bias"));
    let zero_point = f32::from(layer.kernel_quantization.zero_point);
    let kernel: Vec<f32> =
        layer.kernel.iter().map(|&byte| (f32::from(byte) - zero_point) * layer.kernel_quantization.scale).collect();
    let bias: Vec<f32> =
        layer.bias.iter().map(|&value| (f64::from(value) * f64::from(layer.bias_scale)) as f32).collect();
    graph.constant(TensorProto::floats(&kernel_name, &layer.kernel_shape, &kernel));
    graph.constant(TensorProto::floats(&bias_name, &[bias.len()], &bias));
    let inputs = [from, &kernel_name, &bias_name];
    let attributes = Attribute::of_convolution(layer.window, layer.pads(), layer.groups);
    if layer.activation == Activation::None {
        graph.node("Conv", &inputs, name.as_str(), &attributes);
        return;
    }
    let convolved = graph.node("Conv", &inputs, format!("{name}_convolution"), &attributes);
    graph.activation(layer.activation, &convolved, name);
}

fn add_output(graph: &mut Graph, imported: &Imported, name: &str, output: &Output) {
    let rows: Vec<String> = output
        .predictors
        .iter()
        .map(|&predictor| graph.rows_of_values(&imported.layers[predictor].name, output.values))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    graph.node("Concat", &rows, name, &[("axis", Attribute::Integer(1))]);
    graph.output(name, data_type::FLOAT, &[imported.anchors.len(), output.values]);
}
