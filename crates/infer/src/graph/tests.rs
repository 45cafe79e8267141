//! Graphs that differ from their specification in one thing each.

use sightline_core::model::{Anchor, BoxCoder, DetectionSettings, InputSpec, Labels, ScoreFunction};

use super::*;

fn spec() -> ModelSpec {
    let anchor = Anchor { center_y: 0.5, center_x: 0.5, height: 1.0, width: 1.0 };
    ModelSpec {
        name: "tiny".into(),
        weights: None,
        weights_file_name: "tiny.onnx".into(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: String::new(),
        source: String::new(),
        input: InputSpec { name: Some("image".into()), ..InputSpec::rgb_bytes(300, 200) },
        head: Head::RawSsd {
            boxes: "boxes".into(),
            classes: "classes".into(),
            anchors: vec![anchor; 7],
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score: ScoreFunction::Sigmoid,
            background_class: Some(0),
        },
        labels: Labels::new(vec![None, Some("person".into()), Some("car".into())]),
        defaults: DetectionSettings {
            score_threshold: 0.3,
            iou_threshold: 0.6,
            max_detections: 100,
            class_agnostic: false,
        },
    }
}

fn port(name: &str, element: Element, shape: &[i64]) -> Port {
    Port { name: name.into(), element: Some(element), shape: shape.to_vec() }
}

fn input(shape: &[i64]) -> Vec<Port> {
    vec![port("image", Element::U8, shape)]
}

fn outputs() -> Vec<Port> {
    vec![
        port("classes", Element::F32, &[-1, 7, 3]),
        port("extra", Element::Other("f64".into()), &[1]),
        port("boxes", Element::F32, &[-1, 7, 4]),
    ]
}

#[test]
fn a_graph_that_fits_has_no_differences() {
    for shape in [&[-1, 200, 300, 3][..], &[1, 200, 300, 3], &[-1, -1, -1, -1], &[8, -1, -1, 3]] {
        assert_eq!(differences(&spec(), &input(shape), &outputs()), [""; 0], "{shape:?}");
    }
    let mut unnamed = spec();
    unnamed.input.name = None;
    assert_eq!(differences(&unnamed, &input(&[1, 200, 300, 3]), &outputs()), [""; 0]);
    let mut open = outputs();
    open.iter_mut().for_each(|output| output.shape.clear());
    assert_eq!(differences(&spec(), &input(&[1, 200, 300, 3]), &open), [""; 0]);
}

#[test]
fn each_difference_says_what_was_expected_and_what_found() {
    let fits = [-1, 200, 300, 3];
    let changed = |change: fn(&mut Vec<Port>)| {
        let mut outputs = outputs();
        change(&mut outputs);
        outputs
    };
    let table: [(Vec<Port>, Vec<Port>, &str); 9] = [
        (vec![], outputs(), "the graph has 0 inputs (none), expected one"),
        (vec![port("x", Element::U8, &fits)], outputs(), "the graph's input is \"x\", expected \"image\""),
        (vec![port("image", Element::F32, &fits)], outputs(), "input \"image\" is of type f32, expected u8"),
        (
            input(&[-1, 3, 200, 300]),
            outputs(),
            "input \"image\" has shape [-1, 3, 200, 300], expected [N, 200 height, 300 width, 3 channels]",
        ),
        (
            input(&[200, 300, 3]),
            outputs(),
            "input \"image\" has shape [200, 300, 3], expected [N, 200 height, 300 width, 3 channels]",
        ),
        (
            input(&fits),
            changed(|outputs| outputs[2].name = "box".into()),
            "the graph has no output \"boxes\", only \"classes\", \"extra\", \"box\"",
        ),
        (
            input(&fits),
            changed(|outputs| outputs[2].shape = vec![-1, 1917, 4]),
            "output \"boxes\" has shape [-1, 1917, 4], expected [N, 7 anchors, 4 coordinates]",
        ),
        (
            input(&fits),
            changed(|outputs| outputs[0].shape = vec![-1, 7, 91]),
            "output \"classes\" has shape [-1, 7, 91], expected [N, 7 anchors, 3 labels]",
        ),
        (
            input(&fits),
            changed(|outputs| outputs[0].element = Some(Element::Other("f64".into()))),
            "output \"classes\" is of type f64, expected float32, int32 or int64",
        ),
    ];
    for (inputs, outputs, expected) in table {
        assert_eq!(differences(&spec(), &inputs, &outputs), [expected]);
    }
}

#[test]
fn all_differences_are_told_at_once() {
    let inputs = vec![port("x", Element::F32, &[1, 3, 10, 10])];
    assert_eq!(differences(&spec(), &inputs, &[]).len(), 5);
}

#[test]
fn a_runs_shapes_are_held_against_the_head() {
    assert_eq!(run_differences(&spec(), &[vec![1, 7, 4], vec![1, 7, 3]]), [""; 0]);
    let found = run_differences(&spec(), &[vec![1, 7, 4], vec![]]);
    assert_eq!(found, ["output \"classes\" has shape [], expected [N, 7 anchors, 3 labels]"]);
}

#[test]
fn a_fixed_batch_is_seen() {
    assert_eq!(fixed_batch(&input(&[4, 200, 300, 3])), Some(4));
    assert_eq!(fixed_batch(&input(&[-1, 200, 300, 3])), None);
}
