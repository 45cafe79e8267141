//! Heads of all three kinds, small enough to check by hand.

use super::*;
use crate::{
    geometry::BoxInFrame,
    model::{Anchor, BoxCoder, Head, InputSpec, Labels, ScoreFunction},
};

const SETTINGS: DetectionSettings =
    DetectionSettings { score_threshold: 0.3, iou_threshold: 0.6, max_detections: 100, class_agnostic: false };

fn spec(head: Head) -> ModelSpec {
    let name = |name: &str| Some(name.to_owned());
    ModelSpec {
        name: "test".into(),
        weights: None,
        weights_file_name: "test.onnx".into(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: "Apache-2.0".into(),
        source: String::new(),
        input: InputSpec::rgb_bytes(300, 300),
        head,
        // Class 2 has no name, as COCO's id 12.
        labels: Labels::new(vec![None, name("person"), None, name("car")]),
        defaults: SETTINGS,
    }
}

fn raw_ssd(score: ScoreFunction, background_class: Option<u16>, anchors: usize) -> ModelSpec {
    let anchor = |index: usize| Anchor {
        center_y: 0.5,
        center_x: (index as f32 + 0.5) / anchors as f32,
        height: 0.4,
        width: 0.8 / anchors as f32,
    };
    spec(Head::RawSsd {
        boxes: "boxes".into(),
        classes: "classes".into(),
        anchors: (0..anchors).map(anchor).collect(),
        box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
        score,
        background_class,
    })
}

struct Output {
    shape: Vec<usize>,
    data: Vec<f32>,
}

fn output(shape: &[usize], data: &[f32]) -> Output {
    Output { shape: shape.to_vec(), data: data.to_vec() }
}

fn run(spec: &ModelSpec, outputs: &[Output], image: usize) -> Result<Vec<Detection>, DecodeError> {
    run_with(spec, SETTINGS, outputs, image, &Placement::whole(300, 300))
}

fn run_with(
    spec: &ModelSpec,
    settings: DetectionSettings,
    outputs: &[Output],
    image: usize,
    placement: &Placement,
) -> Result<Vec<Detection>, DecodeError> {
    let views: Vec<_> = outputs.iter().map(|o| OutputView { shape: &o.shape, data: &o.data }).collect();
    let mut detections = vec![Detection { class_id: 9, score: 9.0, bbox: whole() }];
    Postprocessor::new(spec, settings).detections(&views, image, placement, &mut detections)?;
    Ok(detections)
}

fn whole() -> BoxInFrame {
    BoxInFrame { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }
}

fn close(a: BoxInFrame, b: BoxInFrame) -> bool {
    let differences = [a.x - b.x, a.y - b.y, a.width - b.width, a.height - b.height];
    differences.into_iter().all(|difference| difference.abs() < 1e-5)
}

fn logit(score: f32) -> f32 {
    (score / (1.0 - score)).ln()
}

#[test]
fn encodings_are_decoded_by_the_formula_of_the_paper() {
    let spec = raw_ssd(ScoreFunction::Sigmoid, Some(0), 1);
    // Half an anchor height down, a quarter of its width right, twice as high, half as wide.
    let encoding = [5.0, 2.5, 5.0 * 2f32.ln(), 5.0 * 0.5f32.ln()];
    let outputs = [output(&[1, 1, 4], &encoding), output(&[1, 1, 4], &[9.0, logit(0.8), -9.0, -9.0])];
    let found = run(&spec, &outputs, 0).unwrap();
    let [detection] = found[..] else { panic!("{found:?}") };
    assert_eq!(detection.class_id, 1);
    assert!((detection.score - 0.8).abs() < 1e-6);
    // Centre (0.7, 0.7), 0.8 high, 0.4 wide; the bottom lies at 1.1 and is clipped.
    assert!(close(detection.bbox, BoxInFrame { x: 0.5, y: 0.3, width: 0.4, height: 0.7 }), "{detection:?}");
}

#[test]
fn background_and_nameless_classes_are_never_reported() {
    let logits = [9.0, logit(0.5), 9.0, logit(0.4)];
    for background in [Some(0), Some(3), None] {
        let spec = raw_ssd(ScoreFunction::Sigmoid, background, 1);
        let found = run(&spec, &[output(&[1, 1, 4], &[0.0; 4]), output(&[1, 1, 4], &logits)], 0).unwrap();
        let classes: Vec<u16> = found.iter().map(|detection| detection.class_id).collect();
        let expected: &[u16] = if background == Some(3) { &[1] } else { &[1, 3] };
        assert_eq!(classes, expected, "background {background:?}");
    }
}

#[test]
fn each_score_function_gives_its_scores() {
    let row = [0.2, 1.5, -3.0, 1.1];
    let sum: f32 = row.iter().map(|logit: &f32| logit.exp()).sum();
    for (function, expected) in [
        (ScoreFunction::Sigmoid, [0.817_574_5, 0.750_260_1]),
        (ScoreFunction::Softmax, [1.5f32.exp() / sum, 1.1f32.exp() / sum]),
        (ScoreFunction::Identity, [1.0, 1.0]),
    ] {
        let spec = raw_ssd(function, Some(0), 1);
        let found = run(&spec, &[output(&[1, 1, 4], &[0.0; 4]), output(&[1, 1, 4], &row)], 0).unwrap();
        let scores: Vec<f32> = found.iter().map(|detection| detection.score).collect();
        assert_eq!(scores.len(), 2, "{function:?}");
        assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{function:?}: {scores:?}");
    }
}

/// The shortcut in logit space must lose nothing that the score itself would keep, at any threshold.
#[test]
fn the_threshold_is_the_scores_own() {
    for threshold in [0.0, 1e-6, 0.01, 0.3, 0.5, 0.9, 0.999_999, 1.0] {
        for function in [ScoreFunction::Sigmoid, ScoreFunction::Softmax] {
            let spec = raw_ssd(function, None, 400);
            // Logits from -20 to 20: scores from nearly 0 to 1.
            let logits: Vec<f32> =
                (0..400).flat_map(|index| [-4.0, (index as f32 - 200.0) / 10.0, -5.0, -6.0]).collect();
            let outputs = [output(&[1, 400, 4], &[0.0; 1600]), output(&[1, 400, 4], &logits)];
            let settings = DetectionSettings { score_threshold: threshold, max_detections: 10_000, ..SETTINGS };
            let found = run_with(&spec, settings, &outputs, 0, &Placement::whole(300, 300)).unwrap();
            let score = |row: &[f32], class: usize| match function {
                ScoreFunction::Softmax => {
                    let greatest = row.iter().copied().fold(f32::MIN, f32::max);
                    let sum: f32 = row.iter().map(|logit| (logit - greatest).exp()).sum();
                    (row[class] - greatest).exp() / sum
                }
                _ => 1.0 / (1.0 + (-row[class]).exp()),
            };
            for class in [1, 3] {
                let expected = logits.chunks(4).filter(|row| score(row, class) >= threshold).count();
                let kept = found.iter().filter(|detection| usize::from(detection.class_id) == class).count();
                assert_eq!(kept, expected, "{function:?} at {threshold}, class {class}");
            }
        }
    }
}

#[test]
fn numbers_that_are_none_find_nothing_and_hide_nothing() {
    for function in [ScoreFunction::Sigmoid, ScoreFunction::Softmax, ScoreFunction::Identity] {
        for bad in [f32::NAN, f32::NEG_INFINITY] {
            let spec = raw_ssd(function, Some(0), 2);
            let logits = [bad, bad, bad, bad, -9.0, 9.0, -9.0, -9.0];
            let found = run(&spec, &[output(&[1, 2, 4], &[0.0; 8]), output(&[1, 2, 4], &logits)], 0).unwrap();
            assert_eq!(found.len(), 1, "{function:?} {bad}");
        }
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
            let spec = raw_ssd(function, Some(0), 2);
            let encodings = [bad, bad, bad, bad, 0.0, 0.0, 0.0, 0.0];
            let logits = [-9.0, 9.0, -9.0, -9.0, -9.0, 8.0, -9.0, -9.0];
            let found = run(&spec, &[output(&[1, 2, 4], &encodings), output(&[1, 2, 4], &logits)], 0).unwrap();
            assert_eq!(found.len(), 1, "{function:?} {bad}: {found:?}");
            assert!(found.iter().all(|detection| detection.score.is_finite() && detection.bbox.x >= 0.5));
        }
    }
    let spec = raw_ssd(ScoreFunction::Sigmoid, Some(0), 1);
    let found =
        run(&spec, &[output(&[1, 1, 4], &[0.0; 4]), output(&[1, 1, 4], &[0.0, f32::INFINITY, f32::NAN, -9.0])], 0)
            .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].score, 1.0);
}

#[test]
fn each_image_of_a_batch_gets_its_own() {
    let spec = raw_ssd(ScoreFunction::Sigmoid, Some(0), 1);
    let logits = [-9.0, 9.0, -9.0, -9.0, -9.0, -9.0, -9.0, 9.0];
    let outputs = [output(&[2, 1, 4], &[0.0; 8]), output(&[2, 1, 4], &logits)];
    assert_eq!(run(&spec, &outputs, 0).unwrap()[0].class_id, 1);
    assert_eq!(run(&spec, &outputs, 1).unwrap()[0].class_id, 3);
    let error = run(&spec, &outputs, 2).unwrap_err();
    assert_eq!(error, DecodeError::ImageIndex { image_index: 2, batch: 2 });
}

#[test]
fn boxes_in_a_letterbox_are_mapped_to_the_frame() {
    let spec = raw_ssd(ScoreFunction::Sigmoid, Some(0), 1);
    // A frame of 2:1 lies in the middle half of the tensor's height; the anchor is 0.4 high and 0.8 wide there.
    let placement = Placement { left: 0, top: 75, width: 300, height: 150, tensor_width: 300, tensor_height: 300 };
    let outputs = [output(&[1, 1, 4], &[0.0; 4]), output(&[1, 1, 4], &[-9.0, 9.0, -9.0, -9.0])];
    let found = run_with(&spec, SETTINGS, &outputs, 0, &placement).unwrap();
    assert!(close(found[0].bbox, BoxInFrame { x: 0.1, y: 0.1, width: 0.8, height: 0.8 }), "{found:?}");

    // A box wholly in the border is nowhere in the frame.
    let up = [output(&[1, 1, 4], &[-11.0, 0.0, -5.0, 0.0]), output(&[1, 1, 4], &[-9.0, 9.0, -9.0, -9.0])];
    assert!(run_with(&spec, SETTINGS, &up, 0, &placement).unwrap().is_empty());
    assert_eq!(run_with(&spec, SETTINGS, &up, 0, &Placement::whole(300, 300)).unwrap().len(), 1);
}

#[test]
fn suppression_follows_the_settings() {
    // Two persons and a car in nearly the same place, one more person beside them.
    let spec = raw_ssd(ScoreFunction::Sigmoid, Some(0), 2);
    let logits = [-9.0, logit(0.9), -9.0, logit(0.7), -9.0, logit(0.6), -9.0, -9.0];
    let same_place = [0.0, 5.0, 0.0, 0.0, 0.0, -7.0, 0.0, 0.0];
    let classes = |encodings: &[f32], settings| -> Vec<u16> {
        let outputs = [output(&[1, 2, 4], encodings), output(&[1, 2, 4], &logits)];
        let found = run_with(&spec, settings, &outputs, 0, &Placement::whole(300, 300)).unwrap();
        found.iter().map(|detection| detection.class_id).collect()
    };
    assert_eq!(classes(&[0.0; 8], SETTINGS), [1, 3, 1]);
    assert_eq!(classes(&same_place, SETTINGS), [1, 3]);
    assert_eq!(classes(&same_place, DetectionSettings { iou_threshold: 0.95, ..SETTINGS }), [1, 3, 1]);
    assert_eq!(classes(&same_place, DetectionSettings { class_agnostic: true, ..SETTINGS }), [1]);
    assert_eq!(classes(&[0.0; 8], DetectionSettings { max_detections: 2, ..SETTINGS }), [1, 3]);
    assert_eq!(classes(&[0.0; 8], DetectionSettings { score_threshold: 0.65, ..SETTINGS }), [1, 3]);
}

#[test]
fn in_graph_nms_reads_as_many_rows_as_the_count_says() {
    let spec = spec(Head::InGraphNms {
        boxes: "boxes".into(),
        classes: "classes".into(),
        scores: "scores".into(),
        count: "count".into(),
    });
    let boxes = [
        [0.1, 0.2, 0.5, 0.6], // ymin, xmin, ymax, xmax
        [0.5, 0.5, 1.2, 0.9],
        [0.0, 0.0, 1.0, 1.0],
        [0.0, 0.0, 1.0, 1.0],
    ]
    .concat();
    let outputs = |count: f32| {
        [
            output(&[1, 4, 4], &boxes),
            output(&[1, 4], &[1.0, 3.0, 2.0, 1.0]),
            output(&[1, 4], &[0.9, 0.8, 0.95, 0.7]),
            output(&[1], &[count]),
        ]
    };
    let found = run(&spec, &outputs(3.0), 0).unwrap();
    let classes: Vec<u16> = found.iter().map(|detection| detection.class_id).collect();
    assert_eq!(classes, [1, 3], "class 2 has no name, the fourth row does not count");
    assert!(close(found[0].bbox, BoxInFrame { x: 0.2, y: 0.1, width: 0.4, height: 0.4 }));
    assert!(close(found[1].bbox, BoxInFrame { x: 0.5, y: 0.5, width: 0.4, height: 0.5 }), "clipped");

    for (count, expected) in [(4.0, 3), (1e9, 3), (0.0, 0), (-1.0, 0), (f32::NAN, 0)] {
        assert_eq!(run(&spec, &outputs(count), 0).unwrap().len(), expected, "count {count}");
    }
    let mut two_dimensional = outputs(4.0);
    two_dimensional[3].shape = vec![1, 1];
    assert_eq!(run(&spec, &two_dimensional, 0).unwrap().len(), 3);
}

#[test]
fn detection_output_rows_go_to_their_image_until_the_list_ends() {
    let spec = spec(Head::DetectionOutput { output: "detections".into() });
    let rows = [
        [0.0, 1.0, 0.9, 0.1, 0.2, 0.3, 0.6], // image, class, score, xmin, ymin, xmax, ymax
        [1.0, 3.0, 0.8, 0.0, 0.0, 0.5, 0.5],
        [0.0, 3.0, 0.2, 0.0, 0.0, 0.5, 0.5],
        [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.99, 0.5, 0.5, 1.0, 1.0],
    ]
    .concat();
    let outputs = [output(&[1, 1, 5, 7], &rows)];
    let first = run(&spec, &outputs, 0).unwrap();
    assert_eq!(first.len(), 1);
    assert!(close(first[0].bbox, BoxInFrame { x: 0.1, y: 0.2, width: 0.2, height: 0.4 }));
    assert_eq!(run(&spec, &outputs, 1).unwrap()[0].class_id, 3);
    assert!(run(&spec, &outputs, 2).unwrap().is_empty());
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let spec = raw_ssd(ScoreFunction::Sigmoid, Some(0), 2);
    let refused = |outputs: &[Output]| run(&spec, outputs, 0).unwrap_err().to_string();
    let good = || [output(&[1, 2, 4], &[0.0; 8]), output(&[1, 2, 4], &[0.0; 8])];

    assert_eq!(refused(&good()[..1]), "the head has 2 outputs, the session gave 1");
    let mut anchors = good();
    anchors[0] = output(&[1, 3, 4], &[0.0; 12]);
    assert_eq!(refused(&anchors), "output \"boxes\" has shape [1, 3, 4], expected [N, A=2, 4]");
    let mut classes = good();
    classes[1] = output(&[1, 2, 5], &[0.0; 10]);
    assert_eq!(refused(&classes), "output \"classes\" has shape [1, 2, 5], expected [N, A=2, C=4]");
    let mut rank = good();
    rank[1] = output(&[2, 4], &[0.0; 8]);
    assert_eq!(refused(&rank), "output \"classes\" has shape [2, 4], expected [N, A=2, C=4]");
    let mut short = good();
    short[1].data.pop();
    assert_eq!(refused(&short), "output \"classes\" of shape [1, 2, 4] holds 7 samples");
    let mut overflowing = good();
    overflowing[0].shape[0] = usize::MAX;
    assert!(refused(&overflowing).starts_with("output \"boxes\" of shape ["), "{}", refused(&overflowing));
    let empty = [output(&[0, 2, 4], &[]), output(&[0, 2, 4], &[])];
    assert_eq!(refused(&empty), "image 0 of a batch of 0 was asked for");
}
