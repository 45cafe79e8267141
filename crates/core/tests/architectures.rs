//! Every row of the tables in the sources: output shape and parameter count, layer by layer.
//!
//! Table 1: Howard et al., arXiv 1704.04861, table 1. Table 2: the article "SSD MobileNetV1 architecture"
//! (iq.opengenus.org), its misprinted channel counts corrected from its filters. SSD300: Liu et al., arXiv 1512.02325,
//! figure 2. TensorFlow's form: Huang et al., arXiv 1611.10012.

#![allow(clippy::unwrap_used, reason = "a test may; its helpers are tests too")]

use sightline_core::network::{
    Activation, Channels, Convolution, Layer, Network, NetworkError, NetworkHead, Operation, Shape,
    architectures::{Architecture, Parameters},
};

fn default(architecture: Architecture) -> Network {
    architecture.build(&architecture.defaults()).unwrap()
}

/// Name, output height = width, output channels, values in the kernel.
type Row = (&'static str, usize, usize, usize);

/// Each row's shape, kernel and parameters: with batch normalisation a scale and a shift per channel, else a bias.
fn assert_rows(network: &Network, rows: &[Row]) {
    for &(name, side, channels, kernel) in rows {
        let layer = network.layer(name).unwrap_or_else(|| panic!("no layer {name}"));
        assert_eq!(layer.output, Shape::new(side, side, channels), "{name}");
        assert_eq!(layer.kernel_values(), kernel, "{name}");
        let Operation::Convolution(Convolution { batch_normalized, .. }) = layer.operation else {
            assert_eq!(layer.parameters(), 0, "{name}");
            continue;
        };
        let per_channel = if batch_normalized { 2 } else { 1 };
        assert_eq!(layer.parameters(), kernel + per_channel * channels, "{name}");
    }
}

fn names_of(network: &Network) -> Vec<&str> {
    network.layers.iter().map(|layer| layer.name.as_str()).collect()
}

#[test]
fn mobilenet_v1_is_table_1() {
    let network = default(Architecture::MobileNetV1);
    assert_eq!(network.input, Shape::new(224, 224, 3));
    let rows: [Row; 30] = [
        ("conv_0", 112, 32, 3 * 3 * 3 * 32),
        ("block_1_depthwise", 112, 32, 3 * 3 * 32),
        ("block_1_pointwise", 112, 64, 32 * 64),
        ("block_2_depthwise", 56, 64, 3 * 3 * 64),
        ("block_2_pointwise", 56, 128, 64 * 128),
        ("block_3_depthwise", 56, 128, 3 * 3 * 128),
        ("block_3_pointwise", 56, 128, 128 * 128),
        ("block_4_depthwise", 28, 128, 3 * 3 * 128),
        ("block_4_pointwise", 28, 256, 128 * 256),
        ("block_5_depthwise", 28, 256, 3 * 3 * 256),
        ("block_5_pointwise", 28, 256, 256 * 256),
        ("block_6_depthwise", 14, 256, 3 * 3 * 256),
        ("block_6_pointwise", 14, 512, 256 * 512),
        ("block_7_depthwise", 14, 512, 3 * 3 * 512),
        ("block_7_pointwise", 14, 512, 512 * 512),
        ("block_8_depthwise", 14, 512, 3 * 3 * 512),
        ("block_8_pointwise", 14, 512, 512 * 512),
        ("block_9_depthwise", 14, 512, 3 * 3 * 512),
        ("block_9_pointwise", 14, 512, 512 * 512),
        ("block_10_depthwise", 14, 512, 3 * 3 * 512),
        ("block_10_pointwise", 14, 512, 512 * 512),
        ("block_11_depthwise", 14, 512, 3 * 3 * 512),
        ("block_11_pointwise", 14, 512, 512 * 512),
        ("block_12_depthwise", 7, 512, 3 * 3 * 512),
        ("block_12_pointwise", 7, 1024, 512 * 1024),
        ("block_13_depthwise", 7, 1024, 3 * 3 * 1024),
        ("block_13_pointwise", 7, 1024, 1024 * 1024),
        ("average_pool", 1, 1024, 0),
        ("logits", 1, 1000, 1024 * 1000),
        ("softmax", 1, 1000, 0),
    ];
    assert_eq!(names_of(&network), rows.map(|row| row.0));
    assert_rows(&network, &rows);
    assert_eq!(network.head, NetworkHead::Classifier);
    // 4.2 million parameters and 569 million multiply-adds, says the paper's table 8; these are Keras' exact figures.
    assert_eq!(network.parameters(), 4_231_976);
    assert_eq!(network.multiply_adds(), 568_740_352);
}

/// The width multiplier's rows of the paper's tables 6 and 7: millions of parameters and of multiply-adds.
#[test]
fn narrower_and_smaller_mobilenets_cost_what_the_paper_says() {
    for (width, size, parameters, multiply_adds) in [
        (0.75, 224, 2.6, 325.0),
        (0.5, 224, 1.3, 149.0),
        (0.25, 224, 0.5, 41.0),
        (1.0, 192, 4.2, 418.0),
        (1.0, 160, 4.2, 290.0),
        (1.0, 128, 4.2, 186.0),
    ] {
        let network = Architecture::MobileNetV1.build(&Parameters { width, size, classes: 1000 }).unwrap();
        let millions = |value: f64| value / 1e6;
        assert!((millions(network.parameters() as f64) - parameters).abs() < 0.051, "{width} at {size}");
        assert!((millions(network.multiply_adds() as f64) - multiply_adds).abs() < 1.0, "{width} at {size}");
    }
}

#[test]
fn ssd300_mobilenet_v1_is_table_2() {
    let network = default(Architecture::Ssd300MobileNetV1);
    assert_eq!(network.input, Shape::new(300, 300, 3));
    let rows: [Row; 31] = [
        ("conv_0", 150, 32, 3 * 3 * 3 * 32),
        ("block_1_depthwise", 150, 32, 3 * 3 * 32),
        ("block_1_pointwise", 150, 64, 32 * 64),
        ("block_2_depthwise", 75, 64, 3 * 3 * 64),
        ("block_2_pointwise", 75, 128, 64 * 128),
        ("block_3_depthwise", 75, 128, 3 * 3 * 128),
        ("block_3_pointwise", 75, 128, 128 * 128),
        ("block_4_depthwise", 38, 128, 3 * 3 * 128),
        ("block_4_pointwise", 38, 256, 128 * 256),
        ("block_5_depthwise", 38, 256, 3 * 3 * 256),
        ("block_5_pointwise", 38, 512, 256 * 512),
        ("block_6_depthwise", 38, 512, 3 * 3 * 512),
        ("block_6_pointwise", 38, 512, 512 * 512),
        ("block_7_depthwise", 38, 512, 3 * 3 * 512),
        ("block_7_pointwise", 38, 512, 512 * 512),
        ("block_8_depthwise", 38, 512, 3 * 3 * 512),
        ("block_8_pointwise", 38, 512, 512 * 512),
        ("block_9_depthwise", 38, 512, 3 * 3 * 512),
        ("block_9_pointwise", 38, 512, 512 * 512),
        ("block_10_depthwise", 38, 512, 3 * 3 * 512),
        ("block_10_pointwise", 38, 512, 512 * 512),
        ("conv_11", 19, 1024, 3 * 3 * 512 * 1024),
        ("conv_12", 19, 1024, 1024 * 1024),
        ("extra_1_reduce", 19, 256, 1024 * 256),
        ("extra_1", 10, 512, 3 * 3 * 256 * 512),
        ("extra_2_reduce", 10, 128, 512 * 128),
        ("extra_2", 5, 256, 3 * 3 * 128 * 256),
        ("extra_3_reduce", 5, 128, 256 * 128),
        ("extra_3", 3, 256, 3 * 3 * 128 * 256),
        ("extra_4_reduce", 3, 128, 256 * 128),
        ("extra_4", 1, 256, 3 * 3 * 128 * 256),
    ];
    assert_eq!(names_of(&network)[..31], rows.map(|row| row.0));
    assert_rows(&network, &rows);
    let maps = ["block_10_pointwise", "conv_12", "extra_1", "extra_2", "extra_3", "extra_4"];
    assert_head(&network, &maps, &[38, 19, 10, 5, 3, 1], &[4, 6, 6, 6, 4, 4], 3);
    assert_eq!(default_boxes(&network), 8732);
}

#[test]
fn ssd300_vgg16_is_the_papers() {
    let network = default(Architecture::Ssd300Vgg16);
    let rows: [Row; 28] = [
        ("conv1_1", 300, 64, 3 * 3 * 3 * 64),
        ("conv1_2", 300, 64, 3 * 3 * 64 * 64),
        ("pool1", 150, 64, 0),
        ("conv2_1", 150, 128, 3 * 3 * 64 * 128),
        ("conv2_2", 150, 128, 3 * 3 * 128 * 128),
        ("pool2", 75, 128, 0),
        ("conv3_1", 75, 256, 3 * 3 * 128 * 256),
        ("conv3_2", 75, 256, 3 * 3 * 256 * 256),
        ("conv3_3", 75, 256, 3 * 3 * 256 * 256),
        ("pool3", 38, 256, 0),
        ("conv4_1", 38, 512, 3 * 3 * 256 * 512),
        ("conv4_2", 38, 512, 3 * 3 * 512 * 512),
        ("conv4_3", 38, 512, 3 * 3 * 512 * 512),
        ("pool4", 19, 512, 0),
        ("conv5_1", 19, 512, 3 * 3 * 512 * 512),
        ("conv5_2", 19, 512, 3 * 3 * 512 * 512),
        ("conv5_3", 19, 512, 3 * 3 * 512 * 512),
        ("pool5", 19, 512, 0),
        ("fc6", 19, 1024, 3 * 3 * 512 * 1024),
        ("fc7", 19, 1024, 1024 * 1024),
        ("conv8_1", 19, 256, 1024 * 256),
        ("conv8_2", 10, 512, 3 * 3 * 256 * 512),
        ("conv9_1", 10, 128, 512 * 128),
        ("conv9_2", 5, 256, 3 * 3 * 128 * 256),
        ("conv10_1", 5, 128, 256 * 128),
        ("conv10_2", 3, 256, 3 * 3 * 128 * 256),
        ("conv11_1", 3, 128, 256 * 128),
        ("conv11_2", 1, 256, 3 * 3 * 128 * 256),
    ];
    assert_rows(&network, &rows);
    let normalized = network.layer("conv4_3_normalized").unwrap();
    assert_eq!((normalized.output, normalized.parameters()), (Shape::new(38, 38, 512), 512));
    let Operation::Convolution(fc6) = network.layer("fc6").unwrap().operation else { panic!("fc6 convolves") };
    assert_eq!((fc6.window.dilation, fc6.activation, fc6.batch_normalized), (6, Activation::Relu, false));
    let maps = ["conv4_3_normalized", "fc7", "conv8_2", "conv9_2", "conv10_2", "conv11_2"];
    assert_head(&network, &maps, &[38, 19, 10, 5, 3, 1], &[4, 6, 6, 6, 4, 4], 3);
    assert_eq!(default_boxes(&network), 8732);
    // With 21 classes: 26 285 486 is what the authors' model and its well-known PyTorch port have.
    assert_eq!(network.parameters(), 26_285_486);
}

#[test]
fn ssd_mobilenet_v1_is_tensorflows() {
    let network = default(Architecture::SsdMobileNetV1);
    let rows: [Row; 12] = [
        ("conv_0", 150, 32, 3 * 3 * 3 * 32),
        ("block_5_pointwise", 38, 256, 256 * 256),
        ("block_11_pointwise", 19, 512, 512 * 512),
        ("block_13_pointwise", 10, 1024, 1024 * 1024),
        ("extra_1_reduce", 10, 256, 1024 * 256),
        ("extra_1", 5, 512, 3 * 3 * 256 * 512),
        ("extra_2_reduce", 5, 128, 512 * 128),
        ("extra_2", 3, 256, 3 * 3 * 128 * 256),
        ("extra_3_reduce", 3, 128, 256 * 128),
        ("extra_3", 2, 256, 3 * 3 * 128 * 256),
        ("extra_4_reduce", 2, 64, 256 * 64),
        ("extra_4", 1, 128, 3 * 3 * 64 * 128),
    ];
    assert_rows(&network, &rows);
    let maps = ["block_11_pointwise", "block_13_pointwise", "extra_1", "extra_2", "extra_3", "extra_4"];
    assert_head(&network, &maps, &[19, 10, 5, 3, 2, 1], &[3, 6, 6, 6, 6, 6], 1);
    assert_eq!(default_boxes(&network), 1917);
}

/// The published COCO model is this network at width 0.75, although its file's name says 1.0.
#[test]
fn three_quarters_is_the_width_of_the_published_coco_model() {
    let network = Architecture::SsdMobileNetV1.build(&Parameters { width: 0.75, size: 300, classes: 91 }).unwrap();
    assert_rows(
        &network,
        &[
            ("conv_0", 150, 24, 3 * 3 * 3 * 24),
            ("block_13_pointwise", 10, 768, 768 * 768),
            ("extra_1", 5, 384, 3 * 3 * 192 * 384),
            ("extra_4_reduce", 2, 48, 192 * 48),
            ("extra_4", 1, 96, 3 * 3 * 48 * 96),
        ],
    );
    // What detect.tflite holds.
    let kernels: usize = network.layers.iter().map(Layer::kernel_values).sum();
    assert_eq!(kernels, 4_088_592);
}

/// Every map's predictors: a window of `kernel`, 4 encodings and `classes` logits for each of its boxes.
fn assert_head(network: &Network, maps: &[&str], sides: &[usize], boxes: &[usize], kernel: usize) {
    let NetworkHead::Ssd(head) = &network.head else { panic!("{} has no SSD head", network.name) };
    assert_eq!(head.maps.len(), maps.len());
    for (number, map) in head.maps.iter().enumerate() {
        for (predictor, values) in [(map.boxes, 4), (map.classes, network.classes)] {
            let layer = &network.layers[predictor];
            let source = &network.layers[layer.from.unwrap()];
            assert_eq!(source.name, maps[number]);
            assert_eq!(
                layer.output,
                Shape::new(sides[number], sides[number], boxes[number] * values),
                "{}",
                layer.name
            );
            let expected = kernel * kernel * source.output.channels * boxes[number] * values;
            assert_eq!(layer.kernel_values(), expected, "{}", layer.name);
        }
    }
}

fn default_boxes(network: &Network) -> usize {
    let NetworkHead::Ssd(head) = &network.head else { panic!("{} has no SSD head", network.name) };
    head.default_boxes.len()
}

/// The heads' outputs and their default boxes belong together whatever the size, width and number of classes.
#[test]
fn every_size_has_as_many_default_boxes_as_predictions() {
    for architecture in [Architecture::SsdMobileNetV1, Architecture::Ssd300MobileNetV1, Architecture::Ssd300Vgg16] {
        for (size, width) in [(300, 1.0), (320, 0.25), (352, 0.5), (512, 1.0)] {
            let width = if architecture == Architecture::Ssd300Vgg16 { 1.0 } else { width };
            let network = architecture.build(&Parameters { width, size, classes: 6 }).unwrap();
            let NetworkHead::Ssd(head) = &network.head else { panic!("no SSD head") };
            let cells = |layer: usize| {
                let Layer { output, .. } = &network.layers[layer];
                output.height * output.width * output.channels
            };
            let encodings: usize = head.maps.iter().map(|map| cells(map.boxes)).sum();
            let logits: usize = head.maps.iter().map(|map| cells(map.classes)).sum();
            assert_eq!(encodings, head.default_boxes.len() * 4, "{} at {size}", network.name);
            assert_eq!(logits, head.default_boxes.len() * 6, "{} at {size}", network.name);
        }
    }
}

#[test]
fn every_block_is_depthwise_then_pointwise() {
    for network in [default(Architecture::MobileNetV1), default(Architecture::SsdMobileNetV1)] {
        let separable = network.layers.iter().filter(|layer| {
            matches!(layer.operation, Operation::Convolution(Convolution { channels: Channels::Own, .. }))
        });
        assert_eq!(separable.count(), 13, "{}", network.name);
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let build = |architecture: Architecture, width, size, classes| {
        architecture.build(&Parameters { width, size, classes }).unwrap_err().to_string()
    };
    assert!(build(Architecture::SsdMobileNetV1, 0.0, 300, 91).contains("width 0"));
    assert!(build(Architecture::SsdMobileNetV1, f64::NAN, 300, 91).contains("width NaN"));
    assert!(build(Architecture::SsdMobileNetV1, 1.0, 16, 91).contains("size 16"));
    assert!(build(Architecture::SsdMobileNetV1, 1.0, 300, 1).contains("1 classes"));
    assert!(build(Architecture::Ssd300Vgg16, 0.5, 300, 21).contains("ssd300-vgg16"));
    // The last layer of the paper's form takes 3×3 cells as they are.
    let too_small = Architecture::Ssd300MobileNetV1.build(&Parameters { width: 1.0, size: 200, classes: 21 });
    assert!(matches!(too_small, Err(NetworkError::TooSmall { .. })), "{too_small:?}");
}

#[test]
fn names_are_unique_and_layers_take_what_comes_before() {
    for architecture in Architecture::ALL {
        let network = default(architecture);
        for (index, layer) in network.layers.iter().enumerate() {
            assert!(layer.from.is_none_or(|from| from < index), "{}", layer.name);
            let source = layer.from.map_or(network.input, |from| network.layers[from].output);
            assert_eq!(layer.input, source, "{}", layer.name);
            let same_name = network.layers.iter().filter(|other| other.name == layer.name);
            assert_eq!(same_name.count(), 1, "{}", layer.name);
        }
    }
}
