//! A network and its weights as an ONNX file: bytes of an RGB picture in, scores or an SSD's raw heads out. Operators:
//! ONNX operator set 13.

use sightline_core::network::{
    Activation, Channels, Convolution, Layer, Network, NetworkHead, Operation, SsdHead, Window,
};

use crate::{
    OnnxError,
    graph::{Attribute, Graph, integer},
    proto::{TensorProto, data_type},
    weights::{LayerWeights, Weights, bias_name, kernel_name, kernel_shape, scale_name, scale_shape},
};

/// Name of the input.
pub(crate) const IMAGE: &str = "image";
/// Names of an SSD's outputs.
pub(crate) const BOX_ENCODINGS: &str = "box_encodings";
pub(crate) const CLASS_LOGITS: &str = "class_logits";
/// Name of a classifier's output.
const SCORES: &str = "scores";

/// Below this a cell's vector is not brought to length 1: nothing is divided by zero.
const LEAST_LENGTH: f32 = 1e-10;

/// An ONNX file: float32, operator set 13, the same bytes for the same weights.
///
/// Input `image`: uint8 `[N, height, width, 3]`, RGB, normalised to (x − 128) / 128 in the graph. Outputs: `scores`
/// float32 `[N, classes]`, or `box_encodings` `[N, A, 4]` (ty, tx, th, tw) and `class_logits` `[N, A, classes]`, in the
/// order of the head's default boxes. Every layer's output has the layer's name.
///
/// # Errors
/// When a layer's weights are missing or as many as another layer's; all of them are named.
pub fn write(network: &Network, weights: &Weights) -> Result<Vec<u8>, OnnxError> {
    check_weights(network, weights)?;
    let mut graph = Graph::new(&network.name);
    let input = network.input;
    graph.input(IMAGE, data_type::UINT8, &[input.height, input.width, input.channels]);
    let normalized = add_normalization(&mut graph);
    for layer in &network.layers {
        let from = match layer.from {
            None => normalized.as_str(),
            Some(index) => network.layers.get(index).map(|from| from.name.as_str()).ok_or_else(|| {
                problem(network, format!("layer {} takes the output of layer {index}: there is none", layer.name))
            })?,
        };
        add_layer(&mut graph, layer, from, weights);
    }
    match &network.head {
        NetworkHead::Classifier => add_scores(&mut graph, network)?,
        NetworkHead::Ssd(head) => add_ssd_outputs(&mut graph, network, head)?,
    }
    Ok(graph.into_bytes())
}

fn problem(network: &Network, problem: String) -> OnnxError {
    OnnxError::Network { network: network.name.clone(), problem }
}

fn check_weights(network: &Network, weights: &Weights) -> Result<(), OnnxError> {
    let mut problems = Vec::new();
    for layer in &network.layers {
        let expected = match layer.operation {
            Operation::Convolution(convolution) => (layer.kernel_values(), convolution.outputs),
            Operation::L2Normalization => (layer.input.channels, 0),
            Operation::MaximumPooling(_) | Operation::GlobalAveragePooling | Operation::Softmax => continue,
        };
        let given = match (layer.operation, weights.of(&layer.name)) {
            (Operation::Convolution(_), Some(LayerWeights::Convolution { kernel, bias })) => (kernel.len(), bias.len()),
            (Operation::L2Normalization, Some(LayerWeights::Scale(scale))) => (scale.len(), 0),
            (_, Some(_)) => {
                problems.push(format!("{} has the weights of another kind of layer", layer.name));
                continue;
            }
            (_, None) => {
                problems.push(format!("{} has none", layer.name));
                continue;
            }
        };
        if given != expected {
            let ((kernel, bias), (want_kernel, want_bias)) = (given, expected);
            problems.push(format!("{} has {kernel} + {bias} values, not {want_kernel} + {want_bias}", layer.name));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(OnnxError::Weights { network: network.name.clone(), problems }) }
}

/// Bytes to (x − 128) / 128. As a DequantizeLinear, a quantised version of the file takes the bytes as they are.
fn add_normalization(graph: &mut Graph) -> String {
    let planes = graph.node("Transpose", &[IMAGE], "image_nchw", &[("perm", Attribute::Integers(vec![0, 3, 1, 2]))]);
    graph.constant(TensorProto::floats("image_scale", &[], &[1.0 / 128.0]));
    graph.constant(TensorProto::raw("image_zero_point", data_type::UINT8, &[], vec![128]));
    graph.node("DequantizeLinear", &[&planes, "image_scale", "image_zero_point"], "image_normalized", &[])
}

fn add_layer(graph: &mut Graph, layer: &Layer, from: &str, weights: &Weights) {
    let output = layer.name.as_str();
    match layer.operation {
        Operation::Convolution(convolution) => add_convolution(graph, layer, convolution, from, weights),
        Operation::MaximumPooling(window) => {
            let attributes = [
                ("kernel_shape", Attribute::Integers(vec![integer(window.kernel); 2])),
                ("pads", Attribute::Integers(pads(layer, window).map(integer).to_vec())),
                ("strides", Attribute::Integers(vec![integer(window.stride); 2])),
            ];
            graph.node("MaxPool", &[from], output, &attributes);
        }
        Operation::GlobalAveragePooling => {
            graph.node("GlobalAveragePool", &[from], output, &[]);
        }
        Operation::L2Normalization => add_l2_normalization(graph, layer, from, weights),
        Operation::Softmax => {
            graph.node("Softmax", &[from], output, &[("axis", Attribute::Integer(1))]);
        }
    }
}

fn add_convolution(graph: &mut Graph, layer: &Layer, convolution: Convolution, from: &str, weights: &Weights) {
    let (kernel_name, bias_name) = (kernel_name(layer), bias_name(layer));
    if let Some(LayerWeights::Convolution { kernel, bias }) = weights.of(&layer.name) {
        graph.constant(TensorProto::floats(&kernel_name, &kernel_shape(layer, convolution), kernel));
        graph.constant(TensorProto::floats(&bias_name, &[convolution.outputs], bias));
    }
    let window = convolution.window;
    let group = match convolution.channels {
        Channels::All => 1,
        Channels::Own => layer.input.channels,
    };
    let attributes = Attribute::of_convolution(window, pads(layer, window), group);
    let inputs = [from, &kernel_name, &bias_name];
    // The layer's name is that of its output, which is the activation's if there is one.
    let convolved = match convolution.activation {
        Activation::None => layer.name.clone(),
        Activation::Relu | Activation::Relu6 => format!("{}_convolution", layer.name),
    };
    let convolved = graph.node("Conv", &inputs, convolved, &attributes);
    graph.activation(convolution.activation, &convolved, &layer.name);
}

/// Every cell's vector to length 1, times the scale. In plain operators, which more execution providers can be expected to
/// have than LpNormalization. Max keeps zeros from being divided by zero, and leaves every other length exact.
fn add_l2_normalization(graph: &mut Graph, layer: &Layer, from: &str, weights: &Weights) {
    let (name, scale_name) = (layer.name.as_str(), scale_name(layer));
    if let Some(LayerWeights::Scale(scale)) = weights.of(name) {
        graph.constant(TensorProto::floats(&scale_name, &scale_shape(layer), scale));
    }
    graph.constant(TensorProto::floats("least_length", &[], &[LEAST_LENGTH]));
    let over_channels = [("axes", Attribute::Integers(vec![1])), ("keepdims", Attribute::Integer(1))];
    let length = graph.node("ReduceL2", &[from], format!("{name}_length"), &over_channels);
    let length = graph.node("Max", &[&length, "least_length"], format!("{name}_divisor"), &[]);
    let direction = graph.node("Div", &[from, &length], format!("{name}_direction"), &[]);
    graph.node("Mul", &[&direction, &scale_name], name, &[]);
}

/// Top, left, bottom, right.
fn pads(layer: &Layer, window: Window) -> [usize; 4] {
    let (top, bottom) = window.padding_of(layer.input.height);
    let (left, right) = window.padding_of(layer.input.width);
    [top, left, bottom, right]
}

fn add_scores(graph: &mut Graph, network: &Network) -> Result<(), OnnxError> {
    let Some(last) = network.layers.last() else {
        return Err(problem(network, "it has no layer".to_owned()));
    };
    graph.node("Flatten", &[&last.name], SCORES, &[("axis", Attribute::Integer(1))]);
    graph.output(SCORES, data_type::FLOAT, &[network.classes]);
    Ok(())
}

fn add_ssd_outputs(graph: &mut Graph, network: &Network, head: &SsdHead) -> Result<(), OnnxError> {
    let (mut boxes, mut classes) = (Vec::new(), Vec::new());
    for map in &head.maps {
        boxes.push(add_rows_of_predictor(graph, network, map.boxes, 4)?);
        classes.push(add_rows_of_predictor(graph, network, map.classes, network.classes)?);
    }
    for (output, rows, values) in [(BOX_ENCODINGS, boxes, 4), (CLASS_LOGITS, classes, network.classes)] {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        graph.node("Concat", &rows, output, &[("axis", Attribute::Integer(1))]);
        graph.output(output, data_type::FLOAT, &[head.default_boxes.len(), values]);
    }
    Ok(())
}

/// The layer's values, one row per default box.
fn add_rows_of_predictor(
    graph: &mut Graph,
    network: &Network,
    layer: usize,
    values: usize,
) -> Result<String, OnnxError> {
    let Some(layer) = network.layers.get(layer) else {
        return Err(problem(network, format!("its head takes the output of layer {layer}: there is none")));
    };
    Ok(graph.rows_of_values(&layer.name, values))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use sightline_core::network::architectures::{Architecture, Parameters};

    use super::*;
    use crate::proto::{ModelProto, NodeProto};

    fn network(architecture: Architecture, size: usize, classes: usize) -> Network {
        let width = if architecture == Architecture::Ssd300Vgg16 { 1.0 } else { 0.25 };
        architecture.build(&Parameters { width, size, classes }).unwrap()
    }

    fn written(network: &Network) -> ModelProto {
        let bytes = write(network, &Weights::random(network, 3)).unwrap();
        ModelProto::decode(bytes.as_slice()).unwrap()
    }

    fn node<'a>(model: &'a ModelProto, name: &str) -> &'a NodeProto {
        let nodes = &model.graph.as_ref().unwrap().node;
        nodes.iter().find(|node| node.name() == name).unwrap_or_else(|| panic!("no node {name}"))
    }

    fn integers<'a>(node: &'a NodeProto, name: &str) -> &'a [i64] {
        &node.attribute.iter().find(|attribute| attribute.name() == name).unwrap().ints
    }

    #[test]
    fn every_layer_is_there_and_every_value_is_known_before_it_is_used() {
        for architecture in Architecture::ALL {
            let network = network(architecture, 300, 4);
            let graph = written(&network).graph.unwrap();
            let mut known: BTreeSet<&str> = graph.input.iter().map(|input| input.name()).collect();
            known.extend(graph.initializer.iter().map(|tensor| tensor.name()));
            for node in &graph.node {
                assert_eq!(node.name(), node.output[0]);
                assert!(node.input.iter().all(|input| known.contains(input.as_str())), "{node:?}");
                assert!(known.insert(&node.output[0]), "{} is there twice", node.name());
            }
            assert!(network.layers.iter().all(|layer| known.contains(layer.name.as_str())));
            assert!(graph.output.iter().all(|output| known.contains(output.name())));
        }
    }

    #[test]
    fn the_same_weights_are_the_same_bytes() {
        let network = network(Architecture::SsdMobileNetV1, 160, 4);
        let weights = Weights::random(&network, 3);
        let bytes = write(&network, &weights).unwrap();
        assert_eq!(bytes, write(&network, &weights).unwrap());
        assert_eq!(Weights::read(&bytes, &network).unwrap(), weights);
    }

    #[test]
    fn padding_is_tensorflows() {
        let model = written(&network(Architecture::SsdMobileNetV1, 300, 4));
        // 300 → 150: all of SAME's padding comes after; 75 → 38: both sides; 10 → 5: after.
        assert_eq!(integers(node(&model, "conv_0_convolution"), "pads"), [0, 0, 1, 1]);
        assert_eq!(integers(node(&model, "block_4_depthwise_convolution"), "pads"), [1, 1, 1, 1]);
        assert_eq!(integers(node(&model, "extra_1_convolution"), "pads"), [0, 0, 1, 1]);
        assert_eq!(integers(node(&model, "predictor_0_boxes"), "pads"), [0; 4]);
        let model = written(&network(Architecture::Ssd300Vgg16, 300, 4));
        let holes = node(&model, "fc6_convolution");
        assert_eq!((integers(holes, "pads"), integers(holes, "dilations")), ([6; 4].as_slice(), [6; 2].as_slice()));
        assert_eq!(integers(node(&model, "pool3"), "pads"), [0, 0, 1, 1]);
        assert_eq!(integers(node(&model, "conv10_2_convolution"), "pads"), [0; 4]);
    }

    #[test]
    fn outputs_have_their_shapes() {
        let shapes = |model: ModelProto| -> Vec<(String, Vec<i64>)> {
            let of = |value: crate::proto::ValueInfoProto| {
                let tensor = value.r#type.clone().unwrap().tensor_type.unwrap();
                let dims = tensor.shape.unwrap().dim;
                assert_eq!(dims[0].dim_param(), "N");
                (value.name().to_owned(), dims[1..].iter().map(|dim| dim.dim_value()).collect())
            };
            model.graph.unwrap().output.into_iter().map(of).collect()
        };
        let ssd = written(&network(Architecture::Ssd300MobileNetV1, 300, 4));
        let expected = [("box_encodings".to_owned(), vec![8732, 4]), ("class_logits".to_owned(), vec![8732, 4])];
        assert_eq!(shapes(ssd), expected);
        let classifier = written(&network(Architecture::MobileNetV1, 128, 7));
        assert_eq!(shapes(classifier), [("scores".to_owned(), vec![7])]);
    }

    #[test]
    fn weights_that_do_not_fit_are_named() {
        let small = network(Architecture::SsdMobileNetV1, 160, 4);
        let error = write(&small, &Weights::default()).unwrap_err().to_string();
        assert!(error.contains("conv_0 has none") && error.contains("predictor_5_classes has none"), "{error}");
        let other = network(Architecture::SsdMobileNetV1, 160, 5);
        let error = write(&small, &Weights::random(&other, 1)).unwrap_err().to_string();
        assert!(error.contains("predictor_0_classes has 1920 + 15 values, not 1536 + 12"), "{error}");
        assert!(!error.contains("conv_0"), "{error}");
    }
}
