//! Manifests: the committed ones against the files they name, where weights are found, and what is wrong told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{environment, folder, repository, told};
use sightline_config::{
    Environment,
    models::{ModelReference, available_models, find_model, missing_weights_message, sha256_of_file},
};
use sightline_core::{
    model::{Head, ModelSpec, ResizeMode, TensorLayout},
    tensor::ElementType,
};

fn model(name: &str, environment: &Environment) -> ModelSpec {
    let model = find_model(&ModelReference::Name(name.to_owned()), environment);
    model.unwrap_or_else(|problems| panic!("\n{problems}"))
}

fn shared(path: &str) -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|folder| folder.join("shared").join(path)).find(|file| file.exists());
    if found.is_none() {
        // Past libtest's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: no ../shared/{path} beside the repository\n"),
        );
    }
    found
}

#[test]
fn the_float_model_is_as_its_readme_has_it() {
    let model = model("ssd-mobilenet-v1-coco", &environment(&[]));
    assert_eq!(model.input.shape(2), [2, 3, 300, 300]);
    assert_eq!((model.input.layout, model.input.element), (TensorLayout::Nchw, ElementType::F32));
    assert_eq!((model.input.mean, model.input.resize), ([127.5; 3], ResizeMode::Stretch));
    for (sample, expected) in [(0.0, -1.0), (127.5, 0.0), (255.0, 1.0)] {
        let normalised = (sample - model.input.mean[0]) * model.input.scale[0];
        assert!((normalised - expected).abs() < 1e-6);
    }
    let Head::RawSsd { anchors, background_class, box_coder, .. } = &model.head else { panic!("not an SSD head") };
    assert_eq!((anchors.len(), *background_class), (1917, Some(0)));
    assert_eq!((box_coder.y, box_coder.x, box_coder.height, box_coder.width), (10.0, 10.0, 5.0, 5.0));
    assert_eq!(model.head.output_names(), ["box_encodings", "class_logits"]);
    assert_eq!((model.labels.len(), model.labels.names().count()), (91, 80));
    for (id, name) in [(0, None), (1, Some("person")), (3, Some("car")), (12, None), (90, Some("toothbrush"))] {
        assert_eq!(model.labels.name(id), name);
    }
    assert_eq!(model.weights, None);
}

#[test]
fn the_int8_model_takes_the_samples_as_they_are() {
    let model = model("ssd-mobilenet-v1-coco-int8", &environment(&[]));
    assert_eq!(model.input.shape(1), [1, 300, 300, 3]);
    assert_eq!((model.input.element, model.input.mean, model.input.scale), (ElementType::U8, [0.0; 3], [1.0; 3]));
    assert_eq!(model.defaults.score_threshold, 0.3);
}

#[test]
fn labels_anchors_and_hashes_are_those_of_the_real_files() {
    let Some(folder) = shared("models") else { return };
    let labelmap = std::fs::read_to_string(folder.join("labelmap.txt")).unwrap();
    let expected: Vec<Option<&str>> = labelmap.lines().map(|line| (line != "???").then_some(line)).collect();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let environment = Environment { model_folders: vec![folder.clone(), fixtures], ..environment(&[]) };
    for name in ["ssd-mobilenet-v1-coco", "ssd-mobilenet-v1-coco-int8", "ssd-mobilenet-v1-coco-nms"] {
        let model = model(name, &environment);
        let labels: Vec<Option<&str>> = (0..91).map(|id| model.labels.name(id)).collect();
        assert_eq!(labels, expected, "{name}");
        let weights = model.weights.expect("found in the folder of SIGHTLINE_MODELS");
        assert_eq!(weights, folder.join(&model.weights_file_name));
        assert_eq!(sha256_of_file(&weights).unwrap(), model.sha256, "{name}");
    }
}

#[test]
fn an_anchors_file_equals_the_generated_ones() {
    let Some(file) = shared("models/anchors.bin") else { return };
    let text = std::fs::read_to_string(repository().join("models/ssd-mobilenet-v1-coco/model.yaml")).unwrap();
    let ssd = text.find("    ssd:").unwrap();
    let count = text.find("    count: 1917").unwrap();
    let from_file = format!("{}    file: {}\n{}", &text[..ssd], file.display(), &text[count..]);
    let folder = folder(&[("m/model.yaml", &from_file)]);
    let read = find_model(&ModelReference::Path(folder.path().join("m")), &environment(&[])).unwrap();
    let generated = model("ssd-mobilenet-v1-coco", &environment(&[]));
    let (Head::RawSsd { anchors: a, .. }, Head::RawSsd { anchors: b, .. }) = (&read.head, &generated.head) else {
        panic!("not SSD heads")
    };
    assert_eq!((a.len(), b.len()), (1917, 1917));
    for (a, b) in a.iter().zip(b) {
        assert!((a.center_y - b.center_y).abs() < 1e-6 && (a.center_x - b.center_x).abs() < 1e-6);
        assert!((a.height - b.height).abs() < 1e-6 && (a.width - b.width).abs() < 1e-6);
    }
}

#[test]
fn in_graph_suppression_has_its_four_outputs() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let environment = Environment { model_folders: vec![fixtures], ..environment(&[]) };
    let model = model("ssd-mobilenet-v1-coco-nms", &environment);
    assert_eq!(
        model.head.output_names(),
        ["detection_boxes", "detection_classes", "detection_scores", "num_detections"]
    );
    assert_eq!(model.input.name.as_deref(), Some("inputs"));
    assert_eq!((model.defaults.iou_threshold, model.defaults.max_detections), (0.6, 100));
}

#[test]
fn weights_are_found_and_their_absence_is_explained() {
    let file = "ssd_mobilenet_v1_coco.onnx";
    let user = folder(&[("ssd-mobilenet-v1-coco/ssd_mobilenet_v1_coco.onnx", "x")]);
    let mut environment = environment(&[]);
    let without = model("ssd-mobilenet-v1-coco", &environment);
    let message = missing_weights_message(&without);
    let beside = repository().join("models/ssd-mobilenet-v1-coco").join(file);
    assert_eq!(without.weights_searched, std::slice::from_ref(&beside));
    for part in [
        "model ssd-mobilenet-v1-coco: its weights ssd_mobilenet_v1_coco.onnx are not here",
        &format!("\n  {}\n", beside.display()),
        "~/.local/share/sightline/models",
        "SIGHTLINE_MODELS",
        "source: TensorFlow's coco_ssd_mobilenet_v1_1.0_quant_2018_06_29",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    environment.user_model_folder = Some(user.path().to_owned());
    let in_subfolder = user.path().join("ssd-mobilenet-v1-coco").join(file);
    assert_eq!(model("ssd-mobilenet-v1-coco", &environment).weights, Some(in_subfolder));
    let wished = folder(&[(file, "x")]);
    environment.model_folders = vec![wished.path().to_owned()];
    assert_eq!(model("ssd-mobilenet-v1-coco", &environment).weights, Some(wished.path().join(file)));
}

#[test]
fn the_first_folder_with_the_name_counts() {
    let text = std::fs::read_to_string(repository().join("models/ssd-mobilenet-v1-coco/model.yaml")).unwrap();
    let own = folder(&[("ssd-mobilenet-v1-coco/model.yaml", &text.replace("license: Apache-2.0", "license: MIT"))]);
    let environment = Environment { model_folders: vec![own.path().to_owned()], ..environment(&[]) };
    assert_eq!(model("ssd-mobilenet-v1-coco", &environment).license, "MIT");
    let names: Vec<String> = available_models(&environment).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ssd-mobilenet-v1-coco", "ssd-mobilenet-v1-coco-int8", "ssd-mobilenet-v1-sim"]);
}

/// What `sightline models pull` puts into the user's folder wins over the manifest without weights that the program
/// brings along, although that comes first.
#[test]
fn a_manifest_with_its_weights_wins_over_an_earlier_one_without() {
    let text = std::fs::read_to_string(repository().join("models/ssd-mobilenet-v1-coco/model.yaml")).unwrap();
    let pulled = text
        .replace("license: Apache-2.0", "license: MIT")
        .replace("file: ssd_mobilenet_v1_coco.onnx", "file: pulled.onnx");
    let user = folder(&[("ssd-mobilenet-v1-coco/model.yaml", &pulled)]);
    let environment = Environment { user_model_folder: Some(user.path().to_owned()), ..environment(&[]) };
    assert_eq!(model("ssd-mobilenet-v1-coco", &environment).license, "Apache-2.0");
    std::fs::write(user.path().join("ssd-mobilenet-v1-coco/pulled.onnx"), "x").unwrap();
    assert_eq!(model("ssd-mobilenet-v1-coco", &environment).license, "MIT");
    let listed = available_models(&environment).into_iter().find(|(name, _)| name == "ssd-mobilenet-v1-coco");
    assert_eq!(listed.unwrap().1, user.path().join("ssd-mobilenet-v1-coco/model.yaml"));
}

/// A manifest with places to break, on numbered lines.
const GOOD: &str = r#"version: 1
name: m
license: MIT
source: here
weights: {file: m.onnx, sha256: 1939bf67b4f7e0e3d6e79db74426bf689f6ce76648de0b4e86ec030c2bcdf4a5}
input:
  {layout: nchw, type: float32, color: rgb, width: 300, height: 300, mean: 0, scale: [1, 1, 1]}
head:
  type: ssd
  outputs: {boxes: b, classes: c}
  classes: 3
  anchors: {file: a.bin}
  background_class: 0
labels: ["???", cat, dog]
defaults: {score_threshold: 0.5}
"#;

/// One box in the middle.
fn one_anchor() -> Vec<u8> {
    [0.5f32, 0.5, 0.2, 0.2].iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn told_of(text: &str, anchors: &[u8]) -> Vec<String> {
    let folder = folder(&[("m/model.yaml", text), ("m/labels.txt", "???\ncat\n")]);
    std::fs::write(folder.path().join("m/a.bin"), anchors).unwrap();
    let environment = Environment { model_folders: vec![folder.path().to_owned()], ..Environment::empty() };
    match find_model(&ModelReference::Name("m".to_owned()), &environment) {
        Ok(_) => Vec::new(),
        Err(problems) => {
            let shown = folder.path().display().to_string();
            told(&problems).into_iter().map(|line| line.replace(&shown, "DIR")).collect()
        }
    }
}

#[test]
fn what_is_wrong_with_a_manifest_is_told() {
    assert_eq!(told_of(GOOD, &one_anchor()), Vec::<String>::new());
    for (from, to, expected) in [
        ("name: m\n", "name: n\n", &["model.yaml:2: name: not the name of the model's folder"][..]),
        ("m.onnx", "../m.onnx", &["model.yaml:5: weights.file: must be a file's name without a folder"]),
        ("1939bf", "xyz", &["model.yaml:5: weights.sha256: not 64 hexadecimal digits"]),
        (
            "type: float32",
            "type: uint8",
            &[
                "model.yaml:7: input.mean: a uint8 input is not normalised",
                "model.yaml:7: input.scale: a uint8 input is not normalised",
            ],
        ),
        (
            "mean: 0, scale: [1, 1, 1]",
            "mean: [1, 2]",
            &[
                "model.yaml:6: input.scale: `scale` is missing",
                "model.yaml:7: input.mean: expected one number, or a list of three",
            ],
        ),
        ("scale: [1, 1, 1]", "scale: 0", &["model.yaml:7: input.scale: must not be 0"]),
        ("width: 300", "width: 0", &["model.yaml:7: input.width: must lie between 1 and 4096, not 0"]),
        (
            "classes: c}",
            "class: c}",
            &[
                "model.yaml:10: head.outputs.classes: `classes` is missing",
                "model.yaml:10: head.outputs.class: unknown key `class`",
            ],
        ),
        ("classes: 3", "classes: 4", &["model.yaml:14: labels: 3 labels for the 4 classes of `head.classes`"]),
        (
            "labels: [\"???\", cat, dog]",
            "labels: {file: labels.txt}",
            &["model.yaml:14: labels: 2 labels for the 3 classes of `head.classes`"],
        ),
        (
            "labels: [\"???\", cat, dog]",
            "labels: {file: no.txt}",
            &["model.yaml:14: labels.file: cannot read `DIR/m/no.txt`: No such file or directory (os error 2)"],
        ),
        ("cat, dog", "cat, cat", &["model.yaml:14: labels: label 2, `cat`, is there twice"]),
        ("cat, dog", "cat, a/b", &["model.yaml:14: labels: label 2 must not hold `/`, `+` or `#`"]),
        (
            "background_class: 0",
            "background_class: 3",
            &["model.yaml:14: labels: no label for class 3, which is `head.background_class`"],
        ),
        (
            "{file: a.bin}",
            "{file: a.bin, count: 2}",
            &["model.yaml:12: head.anchors.count: 2 boxes are expected, but `head.anchors.file` makes 1"],
        ),
        (
            "{file: a.bin}",
            "{file: b.bin}",
            &[
                "model.yaml:12: head.anchors.file: `DIR/m/b.bin`: cannot read the file: No such file or directory (os error 2)",
            ],
        ),
        ("{file: a.bin}", "{}", &["model.yaml:12: head.anchors.ssd: `ssd` is missing"]),
        (
            "{file: a.bin}",
            "{ssd: {feature_maps: [0, [1]], min_scale: -1, aspect_ratios: []}}",
            &[
                "model.yaml:12: head.anchors.ssd.max_scale: `max_scale` is missing",
                "model.yaml:12: head.anchors.ssd.feature_maps[0]: must lie between 1 and 512, not 0",
                "model.yaml:12: head.anchors.ssd.feature_maps[1]: expected rows and columns, as in [19, 19]",
                "model.yaml:12: head.anchors.ssd.min_scale: must be greater than 0",
                "model.yaml:12: head.anchors.ssd.aspect_ratios: there is no aspect ratio",
            ],
        ),
        (
            "type: ssd",
            "type: in_graph_nms",
            &[
                "model.yaml:10: head.outputs.scores: `scores` is missing",
                "model.yaml:10: head.outputs.count: `count` is missing",
                "model.yaml:12: head.anchors: a head of type in_graph_nms has none",
                "model.yaml:13: head.background_class: a head of type in_graph_nms has none",
            ],
        ),
        (
            "{score_threshold: 0.5}",
            "{iou_threshold: 7}",
            &[
                "model.yaml:15: defaults.score_threshold: `score_threshold` is missing",
                "model.yaml:15: defaults.iou_threshold: must lie between 0 and 1, not 7",
            ],
        ),
        (
            "license: MIT\nsource: here\n",
            "licence: MIT\n",
            &[
                "model.yaml:1: license: `license` is missing",
                "model.yaml:1: source: `source` is missing",
                "model.yaml:3: licence: unknown key `licence`",
            ],
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(told_of(&GOOD.replace(from, to), &one_anchor()), expected, "{to}");
    }
}

#[test]
fn an_anchors_file_of_the_wrong_length_or_content_is_told() {
    let place = "model.yaml:12: head.anchors.file: `DIR/m/a.bin`";
    for (bytes, expected) in [
        (&one_anchor()[..15], "15 bytes are no whole number of boxes of 16 bytes"),
        (&[], "0 bytes are no whole number of boxes of 16 bytes"),
        (&[0; 16], "box 0 is not one in fractions of the input"),
        (&[0xFF; 16], "box 0 is not one in fractions of the input"),
    ] {
        assert_eq!(told_of(GOOD, bytes), [format!("{place}: {expected}")]);
    }
}

#[test]
fn a_broken_model_is_told_once_for_all_its_pipelines() {
    let pipeline = |name: &str| {
        format!("version: 1\nname: {name}\nmodel: {{name: m}}\ncameras: {{{name}: {{url: test://, labels: [x]}}}}\n")
    };
    let folder =
        folder(&[("m/model.yaml", "version: 3\n"), ("p/a.yaml", &pipeline("a")), ("p/b.yaml", &pipeline("b"))]);
    let environment = Environment { model_folders: vec![folder.path().to_owned()], ..environment(&[]) };
    let problems = sightline_config::load(&[folder.path().join("p")], &environment).unwrap_err();
    let versions = told(&problems).into_iter().filter(|line| line.contains("version 3")).count();
    assert_eq!(versions, 1, "{problems}");
    assert!(problems.as_slice().iter().all(|problem| problem.file.ends_with("model.yaml")), "{problems}");
}
