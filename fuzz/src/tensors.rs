//! A network's answers: any numbers in any shapes.

use sightline_core::{
    detection::Detection,
    detector::Postprocessor,
    geometry::BoxInFrame,
    model::{Anchor, BoxCoder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ResizeMode, ScoreFunction},
    preprocess::Placement,
    tensor::OutputView,
};

use crate::input::Input;

/// Any outputs are an error, or detections inside of the frame: named, scored from the threshold to 1, best first.
pub fn tensor_decode(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let spec = model(&mut input);
    let settings = spec.defaults;
    let placement = Placement::new(&spec.input, 1 + input.up_to(255), 1 + input.up_to(255));
    let outputs = outputs(&mut input, &spec);
    let views: Vec<OutputView<'_>> =
        outputs.iter().map(|output| OutputView { shape: &output.shape, data: &output.data }).collect();
    let image = input.up_to(3);

    let mut postprocessor = Postprocessor::new(&spec, settings);
    let mut detections = vec![LEFT_OVER];
    let result = postprocessor.detections(&views, image, &placement, &mut detections);
    if result.is_err() {
        assert!(detections.is_empty(), "detections beside an error: {detections:?}");
    }
    assert!(detections.len() <= settings.max_detections, "more detections than wished");
    for detection in &detections {
        check(detection, &spec);
    }
    let is_best_first = detections.is_sorted_by(|one, next| one.score >= next.score);
    assert!(is_best_first, "not best first: {detections:?}");

    let mut again = Vec::new();
    assert_eq!(postprocessor.detections(&views, image, &placement, &mut again), result);
    assert_eq!(again, detections, "the same outputs give other detections");
}

/// What an earlier frame left in the list.
const LEFT_OVER: Detection =
    Detection { class_id: 9, score: 2.0, bbox: BoxInFrame { x: 2.0, y: 2.0, width: 2.0, height: 2.0 } };

fn check(detection: &Detection, spec: &ModelSpec) {
    let Detection { class_id, score, bbox } = *detection;
    assert!(spec.labels.name(class_id).is_some(), "a class without a name: {detection:?}");
    if let Head::RawSsd { background_class, .. } = spec.head {
        assert_ne!(Some(class_id), background_class, "the background was detected");
    }
    assert!((spec.defaults.score_threshold..=1.0).contains(&score), "a score beyond its bounds: {detection:?}");
    // An edge is a sum of two floats.
    const EDGE: f32 = 1.0 + 1e-6;
    let is_inside = bbox.x >= 0.0 && bbox.y >= 0.0 && bbox.right() <= EDGE && bbox.bottom() <= EDGE;
    assert!(is_inside && bbox.width > 0.0 && bbox.height > 0.0, "not in the frame: {detection:?}");
}

fn model(input: &mut Input<'_>) -> ModelSpec {
    const NAMES: [Option<&str>; 4] = [Some("person"), None, Some("car"), Some("dog")];
    let classes = input.up_to(4);
    Model { classes, settings: settings(input) }.spec(head(input), input.is_set(), &NAMES)
}

struct Model {
    classes: usize,
    settings: DetectionSettings,
}

impl Model {
    fn spec(self, head: Head, is_letterbox: bool, names: &[Option<&str>]) -> ModelSpec {
        let resize = if is_letterbox { ResizeMode::Letterbox } else { ResizeMode::Stretch };
        ModelSpec {
            name: "any".to_owned(),
            weights: None,
            weights_file_name: "any.onnx".to_owned(),
            weights_searched: Vec::new(),
            sha256: String::new(),
            license: String::new(),
            source: String::new(),
            input: InputSpec { resize, ..InputSpec::rgb_bytes(64, 48) },
            head,
            labels: Labels::new(names.iter().take(self.classes).map(|name| name.map(str::to_owned)).collect()),
            defaults: self.settings,
        }
    }
}

fn settings(input: &mut Input<'_>) -> DetectionSettings {
    DetectionSettings {
        score_threshold: input.fraction(),
        iou_threshold: input.fraction(),
        max_detections: 1 + input.up_to(7),
        class_agnostic: input.is_set(),
    }
}

fn head(input: &mut Input<'_>) -> Head {
    let [one, two, three, four] = ["a", "b", "c", "d"].map(str::to_owned);
    match input.up_to(3) {
        0 => Head::RawSsd {
            boxes: one,
            classes: two,
            anchors: (0..input.up_to(5)).map(|number| anchor(number, input)).collect(),
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score: [ScoreFunction::Sigmoid, ScoreFunction::Softmax, ScoreFunction::Identity][input.up_to(2)],
            background_class: input.is_set().then(|| u16::from(input.byte())),
        },
        1 => Head::InGraphNms { boxes: one, classes: two, scores: three, count: four },
        2 => Head::DetectionOutput { output: one },
        _ => Head::Classifier { scores: one },
    }
}

/// Mostly one as a model has it; every other a float of any kind, since a file of anchors may hold nearly any.
fn anchor(number: usize, input: &mut Input<'_>) -> Anchor {
    let side = if number.is_multiple_of(2) { 0.25 } else { input.float() };
    Anchor { center_y: input.fraction(), center_x: input.fraction(), height: side, width: side }
}

struct Output {
    shape: Vec<usize>,
    data: Vec<f32>,
}

/// Outputs that fit the head, but for what the input makes wrong: their number, a dimension, the number of samples.
fn outputs(input: &mut Input<'_>, spec: &ModelSpec) -> Vec<Output> {
    let mut shapes = shapes(input, spec);
    match input.byte() {
        0 => drop(shapes.pop()),
        1 => shapes.push(vec![1]),
        _ => {}
    }
    shapes.into_iter().map(|shape| output(input, shape)).collect()
}

fn shapes(input: &mut Input<'_>, spec: &ModelSpec) -> Vec<Vec<usize>> {
    let (batch, rows) = (input.up_to(2), input.up_to(5));
    match &spec.head {
        Head::RawSsd { anchors, .. } => {
            vec![vec![batch, anchors.len(), 4], vec![batch, anchors.len(), spec.labels.len()]]
        }
        Head::InGraphNms { .. } => vec![vec![batch, rows, 4], vec![batch, rows], vec![batch, rows], vec![batch]],
        Head::DetectionOutput { .. } => vec![vec![1, 1, rows, 7]],
        Head::Classifier { .. } => vec![vec![batch, spec.labels.len()]],
    }
}

fn output(input: &mut Input<'_>, mut shape: Vec<usize>) -> Output {
    let right = shape.iter().product::<usize>();
    let mut samples = right;
    match input.byte() {
        0 => {
            let at = input.up_to(3).min(shape.len() - 1);
            shape[at] = input.size();
        }
        1 => shape.push(input.size()),
        2 => samples = right.saturating_sub(input.up_to(3)),
        3 => samples = right + input.up_to(3),
        _ => {}
    }
    Output { shape, data: (0..samples).map(|_| input.float()).collect() }
}
