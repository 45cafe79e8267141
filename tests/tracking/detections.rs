//! Detectors made of the ground truth: a perfect one, and one with a detector's usual faults.

use sightline_core::{detection::Detection, geometry::BoxInFrame};
use sightline_sim::truth::TruthObject;

use crate::runner::class_id;

/// The truth itself, with a score of 0.9.
pub fn perfect(truth: &[TruthObject]) -> Vec<Detection> {
    let detection =
        |object: &TruthObject| Detection { class_id: class_id(object.label), score: 0.9, bbox: object.bbox };
    truth.iter().map(detection).collect()
}

/// A detector's faults, each independent from frame to frame.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Each edge of a box is off by up to this part of the box's width or height, evenly distributed.
    pub jitter: f32,
    /// An object is not found with this probability.
    pub miss: f32,
    /// Scores are evenly distributed between these.
    pub scores: (f32, f32),
    /// A frame has a box where nothing is with this probability; its score is between the lower score and 0.6.
    pub false_positive: f32,
}

/// What an SSD does on a busy scene.
pub const USUAL: Faults = Faults { jitter: 0.04, miss: 0.1, scores: (0.3, 0.95), false_positive: 0.05 };

/// The truth as a detector with these faults sees it.
pub fn worsened(truth: &[TruthObject], faults: &Faults, random: &mut fastrand::Rng) -> Vec<Detection> {
    let mut detections = perfect(truth);
    detections.retain(|_| random.f32() >= faults.miss);
    for detection in &mut detections {
        detection.score = between(random, faults.scores.0, faults.scores.1);
        detection.bbox = shaken(detection.bbox, faults.jitter, random);
    }
    if random.f32() < faults.false_positive {
        let (width, height) = (between(random, 0.03, 0.15), between(random, 0.08, 0.3));
        let (x, y) = (between(random, 0.0, 1.0 - width), between(random, 0.3, 1.0 - height));
        detections.push(Detection {
            class_id: random.u16(1..=5),
            score: between(random, faults.scores.0, 0.6),
            bbox: BoxInFrame { x, y, width, height },
        });
    }
    detections
}

/// The box with each edge moved by up to this part of its width or height.
pub fn shaken(b: BoxInFrame, jitter: f32, random: &mut fastrand::Rng) -> BoxInFrame {
    let mut by = |size: f32| between(random, -jitter, jitter) * size;
    let (left, top) = (b.x + by(b.width), b.y + by(b.height));
    let (right, bottom) = (b.right() + by(b.width), b.bottom() + by(b.height));
    BoxInFrame::from_edges(left, top, right, bottom)
}

fn between(random: &mut fastrand::Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * random.f32()
}
