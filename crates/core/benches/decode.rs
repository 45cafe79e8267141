//! Heads to detections, as it happens for every inferred frame. `cargo bench -p sightline-core --bench decode`
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sightline_core::{
    detector::Postprocessor,
    model::{Anchor, BoxCoder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ScoreFunction},
    preprocess::Placement,
    simd::Level,
    tensor::OutputView,
};

const ANCHORS: usize = 1917;
const CLASSES: usize = 91;

/// Numbers from 0 to 1, the same in every run.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }
}

fn spec(score: ScoreFunction, random: &mut Random) -> ModelSpec {
    let anchors = (0..ANCHORS)
        .map(|_| Anchor { center_y: random.next(), center_x: random.next(), height: 0.2, width: 0.2 })
        .collect();
    let named = |class: usize| (class > 0).then(|| format!("class {class}"));
    ModelSpec {
        name: "bench".into(),
        weights: None,
        weights_file_name: String::new(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: String::new(),
        source: String::new(),
        input: InputSpec::rgb_bytes(300, 300),
        head: Head::RawSsd {
            boxes: "boxes".into(),
            classes: "classes".into(),
            anchors,
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score,
            background_class: Some(0),
        },
        labels: Labels::new((0..CLASSES).map(named).collect()),
        defaults: settings(0.3),
    }
}

fn settings(score_threshold: f32) -> DetectionSettings {
    DetectionSettings { score_threshold, iou_threshold: 0.6, max_detections: 100, class_agnostic: false }
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode and nms");
    let placement = Placement::whole(300, 300);
    for (function, name) in [(ScoreFunction::Sigmoid, "sigmoid"), (ScoreFunction::Softmax, "softmax")] {
        for (crowd, objects) in [("empty", 0), ("40 objects", 40)] {
            for threshold in [0.3, 0.1, 0.01] {
                let mut random = Random(1);
                let spec = spec(function, &mut random);
                // As this network's heads for three reference pictures: class logits from -9 to -2.5 around -5.3, a
                // quarter of them over a score of 0.01. Its background says nothing (-5.5); a softmax network's wins.
                let class_logit = |random: &mut Random| -8.3 + 3.0 * (random.next() + random.next());
                let mut logits: Vec<f32> = (0..ANCHORS * CLASSES).map(|_| class_logit(&mut random)).collect();
                let background = if function == ScoreFunction::Softmax { 5.0 } else { -5.5 };
                logits.chunks_exact_mut(CLASSES).for_each(|row| row[0] = background);
                // An object is seen by ten anchors or so.
                for _ in 0..objects * 10 {
                    let anchor = (random.next() * ANCHORS as f32) as usize;
                    let class = 1 + (random.next() * 5.0) as usize;
                    logits[anchor * CLASSES] = -3.0;
                    logits[anchor * CLASSES + class] = -1.0 + 3.0 * random.next();
                }
                let encodings: Vec<f32> = (0..ANCHORS * 4).map(|_| random.next() - 0.5).collect();
                let outputs = [
                    OutputView { shape: &[1, ANCHORS, 4], data: &encodings },
                    OutputView { shape: &[1, ANCHORS, CLASSES], data: &logits },
                ];
                for level in Level::available() {
                    let mut postprocessor = Postprocessor::with_level(&spec, settings(threshold), level);
                    let mut detections = Vec::new();
                    let name = format!("{name}, {crowd}, score {threshold}/{}", level.name());
                    group.bench_function(name, |bencher| {
                        bencher.iter(|| postprocessor.detections(black_box(&outputs), 0, &placement, &mut detections));
                    });
                }
            }
        }
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
