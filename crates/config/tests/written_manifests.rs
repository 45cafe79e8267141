//! A manifest that the program writes reads back as what it was written from, whatever names it holds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may; its helpers are tests too")]

mod common;

use common::folder;
use proptest::prelude::*;
use sightline_config::{
    Environment,
    models::{ModelReference, anchors_to_bytes, find_model, manifest_to_yaml},
};
use sightline_core::{
    model::{Anchor, BoxCoder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ScoreFunction, TensorLayout},
    tensor::ElementType,
};

fn ssd() -> Head {
    Head::RawSsd {
        boxes: "box_encodings".into(),
        classes: "class_logits".into(),
        anchors: vec![Anchor { center_y: 0.1, center_x: 1.0 / 3.0, height: 0.25, width: 0.7 }],
        box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 2.5 },
        score: ScoreFunction::Softmax,
        background_class: Some(0),
    }
}

fn spec(head: Head, labels: &[Option<&str>]) -> ModelSpec {
    ModelSpec {
        name: "m".into(),
        weights: None,
        weights_file_name: "model.onnx".into(),
        weights_searched: Vec::new(),
        sha256: "1939bf67b4f7e0e3d6e79db74426bf689f6ce76648de0b4e86ec030c2bcdf4a5".into(),
        license: "Apache-2.0".into(),
        source: "made here: `sightline models build`".into(),
        input: InputSpec::rgb_bytes(300, 200),
        head,
        labels: Labels::new(labels.iter().map(|label| label.map(str::to_owned)).collect()),
        defaults: DetectionSettings {
            score_threshold: 0.35,
            iou_threshold: 0.6,
            max_detections: 50,
            class_agnostic: true,
        },
    }
}

fn read_back(spec: &ModelSpec) -> ModelSpec {
    let text = manifest_to_yaml(spec, "anchors.bin");
    let files = folder(&[("m/model.yaml", &text)]);
    if let Head::RawSsd { anchors, .. } = &spec.head {
        std::fs::write(files.path().join("m/anchors.bin"), anchors_to_bytes(anchors)).unwrap();
    }
    let environment = Environment { model_folders: vec![files.path().to_owned()], ..Environment::empty() };
    let read = find_model(&ModelReference::Name("m".into()), &environment);
    let mut read = read.unwrap_or_else(|problems| panic!("\n{problems}\n{text}"));
    read.weights_searched.clear();
    read
}

#[test]
fn every_kind_of_head_reads_back() {
    let name = |text: &str| text.to_owned();
    let heads = [
        ssd(),
        Head::InGraphNms { boxes: name("b"), classes: name("c:0"), scores: name("s"), count: name("n") },
        Head::DetectionOutput { output: name("detection_out") },
        Head::Classifier { scores: name("scores") },
    ];
    for head in heads {
        let spec = spec(head, &[None, Some("person"), Some("hair drier")]);
        assert_eq!(read_back(&spec), spec);
    }
}

#[test]
fn a_normalised_float_input_reads_back() {
    let input = InputSpec {
        name: Some("input".into()),
        layout: TensorLayout::Nchw,
        element: ElementType::F32,
        mean: [127.5, 128.0, 0.1],
        scale: [1.0 / 127.5, 1.0 / 255.0, 1.0],
        ..InputSpec::rgb_bytes(300, 300)
    };
    let spec = ModelSpec { input, ..spec(ssd(), &[None, Some("person")]) };
    assert_eq!(read_back(&spec), spec);
}

#[test]
fn words_that_yaml_takes_for_something_else_stay_words() {
    let labels =
        [None, Some("no"), Some("true"), Some("12"), Some("null"), Some("~"), Some("1e3"), Some("a: b"), Some("- c")];
    let spec = spec(ssd(), &labels);
    assert_eq!(read_back(&spec), spec);
}

proptest! {
    #[test]
    fn any_label_and_any_source_read_back(label in "[^/+#\\p{C}\\s][^/+#\\p{C}]{0,12}[^/+#\\p{C}\\s]", source in "\\PC{1,40}") {
        prop_assume!(!source.trim().is_empty() && source.trim() == source && label != "???");
        // `${` begins a variable in every text of a file.
        prop_assume!(!label.contains('$') && !source.contains('$'));
        let spec = ModelSpec { source, ..spec(ssd(), &[None, Some(&label)]) };
        prop_assert_eq!(read_back(&spec), spec);
    }
}

#[test]
fn a_pipeline_refuses_a_classifier() {
    let classifier = spec(Head::Classifier { scores: "scores".into() }, &[Some("cat"), Some("dog")]);
    let files = folder(&[("m/model.yaml", &manifest_to_yaml(&classifier, "anchors.bin"))]);
    let environment = Environment { model_folders: vec![files.path().to_owned()], ..common::environment(&[]) };
    let text =
        "version: 1\nname: yard\nmodel: {name: m}\nmqtt: {url: mqtt://127.0.0.1}\ncameras: {a: {url: 'test://'}}\n";
    let problems = common::load_text(text, &environment).expect_err("a classifier finds no boxes");
    assert_eq!(common::told(&problems), ["p.yaml:3: model.name: a classifier finds no boxes"]);
}
