//! The official file where it is at hand, a small one of our own, and files that are damaged or of another kind.

mod builder;
mod damaged;

use std::path::PathBuf;

use prost::Message as _;
use sightline_core::{
    anchors::GridSize,
    network::{
        Activation, NetworkHead, Shape,
        architectures::{Architecture, Parameters},
    },
};

use super::*;
use crate::{
    inspect,
    proto::{ModelProto, TensorProto},
};

/// The official file.
fn official() -> Option<Vec<u8>> {
    shared("detect.tflite")
}

/// A file of the folder beside the repository.
fn shared(name: &str) -> Option<Vec<u8>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let file = here.ancestors().map(|folder| folder.join("shared/models").join(name)).find(|file| file.exists());
    if file.is_none() {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: no ../shared/models/{name} beside the repository\n"),
        );
    }
    Some(std::fs::read(file?).unwrap())
}

fn initializer(bytes: &[u8], name: &str) -> TensorProto {
    let graph = ModelProto::decode(bytes).unwrap().graph.unwrap();
    graph.initializer.into_iter().find(|tensor| tensor.name() == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn the_official_file_is_read() {
    let Some(bytes) = official() else { return };
    let imported = import(&bytes).unwrap();
    assert_eq!(imported.input, Shape::new(300, 300, 3));
    assert_eq!((imported.classes, imported.background_class), (91, Some(0)));
    assert_eq!(imported.box_coder, BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 });
    assert_eq!((imported.score, imported.iou_threshold), (ScoreFunction::Sigmoid, Some(0.6)));
    assert_eq!(imported.layers.len(), 47);
    assert!(imported.anchors_are_exact);
    let network = Architecture::SsdMobileNetV1.build(&Architecture::SsdMobileNetV1.defaults()).unwrap();
    let NetworkHead::Ssd(head) = network.head else { panic!("no SSD") };
    assert_eq!(imported.anchors, head.default_boxes);
    let Some(quantized) = shared("anchors_tflite_u8.bin") else { return };
    let values = imported.file_anchors.iter().flat_map(|of| [of.center_y, of.center_x, of.height, of.width]);
    let expected = quantized.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    assert_eq!(quantized.len(), 16 * imported.file_anchors.len());
    assert!(values.zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6));
}

#[test]
fn all_but_its_predictors_have_a_relu6() {
    let Some(bytes) = official() else { return };
    for layer in &import(&bytes).unwrap().layers {
        let is_predictor = layer.name.starts_with("predictor");
        let expected = if is_predictor { Activation::None } else { Activation::Relu6 };
        assert_eq!(layer.activation, expected, "{}", layer.name);
        // Eight extra layers have a range below 0, which their activation cuts off; the others' begins there.
        assert_eq!(layer.stored_range().is_some(), layer.name.starts_with("extra"), "{}", layer.name);
    }
}

#[test]
fn its_files_are_described_as_what_they_are() {
    let Some(bytes) = official() else { return };
    let imported = import(&bytes).unwrap();
    for (file, weights) in
        [(imported.float32(), "float32"), (imported.int8(), "int8 (QDQ)"), (imported.int8_symmetric(), "int8 (QDQ)")]
    {
        let facts = inspect(&file).unwrap();
        assert_eq!((facts.parameters, facts.multiply_adds), (4_101_231, Some(728_036_496)));
        assert_eq!(facts.weights.to_string(), weights);
        let outputs: Vec<String> =
            facts.outputs.iter().map(|output| format!("{} {:?}", output.name, output.dimensions)).collect();
        assert_eq!(
            outputs,
            [
                "box_encodings [Free(\"N\"), Fixed(1917), Fixed(4)]",
                "class_logits [Free(\"N\"), Fixed(1917), Fixed(91)]"
            ]
        );
    }
}

/// It is the SSD MobileNetV1 of width 0.75, whatever its name says, and its weights serve at another input size.
#[test]
fn its_weights_are_those_of_the_architecture() {
    let Some(bytes) = official() else { return };
    let file = import(&bytes).unwrap().float32();
    for size in [300, 512] {
        let parameters = Parameters { width: 0.75, size, classes: 91 };
        let network = Architecture::SsdMobileNetV1.build(&parameters).unwrap();
        crate::Weights::read(&file, &network).unwrap();
    }
}

#[test]
fn a_small_file_is_read() {
    let imported = import(&builder::small().bytes()).unwrap();
    assert_eq!(imported.input, Shape::new(8, 8, 3));
    assert_eq!((imported.classes, imported.background_class), (2, Some(0)));
    // Not those that would be generated.
    assert!(!imported.anchors_are_exact);
    assert_eq!(imported.anchors, imported.file_anchors);
    let second = imported.anchors[1];
    assert_eq!((second.center_y, second.center_x), (0.01 * 4.0, 0.01 * 5.0));
    let layers: Vec<(&str, Option<usize>, Activation)> =
        imported.layers.iter().map(|layer| (layer.name.as_str(), layer.from, layer.activation)).collect();
    assert_eq!(
        layers,
        [
            ("conv_0", None, Activation::Relu6),
            ("block_1_depthwise", Some(0), Activation::Relu6),
            ("predictor_0_boxes", Some(1), Activation::None),
            ("predictor_0_classes", Some(1), Activation::None),
        ]
    );
    for file in [imported.float32(), imported.int8(), imported.int8_symmetric()] {
        let facts = inspect(&file).unwrap();
        // 8·8·2·27 + 4·4·2·9 + 4·4·(12 + 6)·2
        assert_eq!(facts.multiply_adds, Some(3456 + 288 + 576));
        assert_eq!(facts.parameters, (54 + 2) + (18 + 2) + (24 + 12) + (12 + 6));
    }
}

#[test]
fn default_boxes_that_are_quantised_are_replaced_by_the_exact_ones() {
    let mut ssd = builder::small();
    let grid = GridSize { rows: 4, columns: 4 };
    let exact = anchors::generated(&[], &[(grid, 3)], (8, 8));
    assert_eq!(exact, None, "none are none of theirs");
    // Bytes of steps of 1/64: half a pixel at most is lost of 8.
    let step = 64.0;
    let parameters = |anchor: &Anchor| [anchor.center_y, anchor.center_x, anchor.height, anchor.width];
    let generated = sightline_core::anchors::generate(&sightline_core::anchors::SsdAnchorParameters {
        feature_maps: vec![grid],
        min_scale: 0.2,
        max_scale: 0.95,
        aspect_ratios: vec![1.0, 2.0, 0.5, 3.0, 1.0 / 3.0],
        interpolated_scale_aspect_ratio: Some(1.0),
        reduce_boxes_in_lowest_layer: true,
    });
    let anchors = ssd.tensor("anchors");
    anchors.scale = 1.0 / step;
    anchors.data = generated.iter().flat_map(parameters).map(|value| (value * step).round() as u8).collect();
    let imported = import(&ssd.bytes()).unwrap();
    assert!(imported.anchors_are_exact);
    assert_eq!(imported.anchors, generated);
    // One box elsewhere, and they are others.
    ssd.tensor("anchors").data[7] += 20;
    assert!(!import(&ssd.bytes()).unwrap().anchors_are_exact);
}

#[test]
fn kernels_are_brought_to_onnx_order() {
    let imported = import(&builder::small().bytes()).unwrap();
    // In the file [outputs, rows, columns, inputs], each byte its position: output 1, input 2, row 0, column 1.
    let position =
        |output: usize, row: usize, column: usize, input: usize| ((output * 3 + row) * 3 + column) * 3 + input;
    let kernel = &imported.layers[0].kernel;
    assert_eq!(usize::from(kernel[((3 + 2) * 3) * 3 + 1]), position(1, 0, 1, 2));
    // Depthwise [1, rows, columns, outputs]: output 1, row 2, column 0.
    assert_eq!(imported.layers[1].kernel[9 + 6], (2 * 3) * 2 + 1);
    let float32 = initializer(&imported.float32(), "block_1_depthwise_kernel");
    assert_eq!(float32.dims, [2, 1, 3, 3]);
    let value = float32.to_floats().unwrap()[9 + 6];
    assert!((value - (13.0 - 100.0) * 0.01).abs() < 1e-6, "{value}");
}

#[test]
fn symmetric_weights_are_exact_where_they_fit_and_half_a_step_off_elsewhere() {
    let mut ssd = builder::small();
    // Steps from −100 to 155 in output 1, from −20 to 20 in output 0.
    let data = &mut ssd.tensor("first/weights").data;
    for (index, byte) in data.iter_mut().enumerate() {
        *byte = if index < 27 { 80 + u8::try_from(index).unwrap() } else { u8::try_from(index * 4).unwrap() };
    }
    data[53] = 255;
    let imported = import(&ssd.bytes()).unwrap();
    let file = imported.int8_symmetric();
    let scales = initializer(&file, "conv_0_kernel_scale").to_floats().unwrap();
    assert_eq!(scales[0], 0.01);
    assert!((scales[1] - 0.01 * 155.0 / 127.0).abs() < 1e-9, "{scales:?}");
    let stored = initializer(&file, "conv_0_kernel_quantized").raw_data.unwrap();
    assert!(stored.iter().all(|&byte| byte.cast_signed() != -128));
    for (index, (&byte, &original)) in stored.iter().zip(&imported.layers[0].kernel).enumerate() {
        let scale = scales[index / 27];
        let (value, expected) = (f32::from(byte.cast_signed()) * scale, (f32::from(original) - 100.0) * 0.01);
        let allowed = if index < 27 { 1e-6 } else { 0.5 * scale + 1e-6 };
        assert!((value - expected).abs() <= allowed, "{index}: {value} is not {expected}");
    }
}

#[test]
fn a_fused_relu6_becomes_a_clip_of_stored_values() {
    let imported = import(&builder::small().bytes()).unwrap();
    // Scale 0.05, zero point 100: 0 is 100, 6 is 220.
    assert_eq!(imported.layers[1].stored_range(), Some((100, 220)));
    assert_eq!(initializer(&imported.int8(), "block_1_depthwise_most").raw_data, Some(vec![220]));
    // The first layer's range is 0 to 6 as it is.
    assert_eq!(imported.layers[0].stored_range(), None);
}
