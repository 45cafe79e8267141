//! Detections of one picture held against what they should be: rounding may move them a little, and nothing else.

use crate::{detection::Detection, model::Labels};

/// What a right one may differ by: 16-bit floats on a GPU and other rounding of 8-bit kernels stay below it, while the
/// saturation of 8-bit kernels on CPUs without VNNI, or a wrong channel order, go far beyond.
pub const SCORE_TOLERANCE: f32 = 0.06;
/// The least overlap (IoU) of a right box with what it should be.
pub const LEAST_IOU: f32 = 0.85;

/// How some pictures' detections fared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The largest difference of a score over those that were found.
    pub largest_score_difference: f32,
    /// The least overlap of a box over those that were found.
    pub least_iou: f32,
    /// What rounding cannot have done.
    pub drift: Vec<Drift>,
}

/// What rounding cannot have done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drift {
    /// Nothing of its class was found.
    Missing(Detection),
    /// The nearest of its class is too far off: overlap and score.
    Moved(Detection, f32, f32),
    /// Nothing like it was expected.
    New(Detection),
}

impl Default for Comparison {
    fn default() -> Self {
        Self { largest_score_difference: 0.0, least_iou: 1.0, drift: Vec::new() }
    }
}

impl Comparison {
    /// Takes in another picture's.
    pub fn add(&mut self, other: Self) {
        self.largest_score_difference = self.largest_score_difference.max(other.largest_score_difference);
        self.least_iou = self.least_iou.min(other.least_iou);
        self.drift.extend(other.drift);
    }
}

impl Drift {
    /// In words.
    #[must_use]
    pub fn text(&self, labels: &Labels) -> String {
        let told = |detection: &Detection| {
            let label = labels.name(detection.class_id).unwrap_or("?");
            format!("{label} of score {:.3}", detection.score)
        };
        match self {
            Self::Missing(detection) => format!("{} is not found", told(detection)),
            Self::Moved(detection, iou, score) => {
                format!("{} is now at score {score:.3}, IoU {iou:.2}", told(detection))
            }
            Self::New(detection) => format!("{} is new", told(detection)),
        }
    }
}

/// Every expected detection must be found, and nothing else, but for scores so near `score_threshold`, from which both lists
/// were kept, that rounding decides.
#[must_use]
pub fn compare(expected: &[Detection], found: &[Detection], score_threshold: f32) -> Comparison {
    let certain = score_threshold + SCORE_TOLERANCE;
    let best = |wanted: &Detection, among: &[Detection]| {
        let same_class = among.iter().filter(|other| other.class_id == wanted.class_id);
        same_class.map(|other| (wanted.bbox.iou(&other.bbox), other.score)).max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let mut comparison = Comparison::default();
    for detection in expected {
        match best(detection, found) {
            Some((iou, score)) if iou >= LEAST_IOU && (score - detection.score).abs() <= SCORE_TOLERANCE => {
                let difference = (score - detection.score).abs();
                comparison.largest_score_difference = comparison.largest_score_difference.max(difference);
                comparison.least_iou = comparison.least_iou.min(iou);
            }
            Some((iou, score)) if detection.score >= certain => {
                comparison.drift.push(Drift::Moved(*detection, iou, score));
            }
            None if detection.score >= certain => comparison.drift.push(Drift::Missing(*detection)),
            _ => {}
        }
    }
    for detection in found.iter().filter(|detection| detection.score >= certain) {
        if best(detection, expected).is_none_or(|(iou, _)| iou < LEAST_IOU) {
            comparison.drift.push(Drift::New(*detection));
        }
    }
    comparison
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::BoxInFrame;

    fn at(class_id: u16, score: f32, left: f32) -> Detection {
        Detection { class_id, score, bbox: BoxInFrame::from_edges(left, 0.2, left + 0.2, 0.6) }
    }

    fn drift(expected: &[Detection], found: &[Detection]) -> Vec<String> {
        let labels = Labels::new(vec![None, Some("person".into()), Some("car".into())]);
        compare(expected, found, 0.5).drift.iter().map(|drift| drift.text(&labels)).collect()
    }

    #[test]
    fn what_rounding_does_is_no_drift() {
        let expected = [at(1, 0.9, 0.1), at(2, 0.52, 0.6)];
        assert!(drift(&expected, &expected).is_empty());
        // A little lower and shifted; the second one fell under the threshold.
        assert!(drift(&expected, &[at(1, 0.87, 0.105)]).is_empty());
        // One that was under the threshold came above it.
        assert!(drift(&expected, &[at(1, 0.9, 0.1), at(2, 0.5, 0.6), at(1, 0.53, 0.7)]).is_empty());
    }

    #[test]
    fn what_rounding_cannot_do_is_drift() {
        let expected = [at(1, 0.9, 0.1)];
        assert_eq!(drift(&expected, &[]), ["person of score 0.900 is not found"]);
        assert_eq!(drift(&expected, &[at(1, 0.7, 0.1)]), ["person of score 0.900 is now at score 0.700, IoU 1.00"]);
        let moved = drift(&expected, &[at(1, 0.9, 0.15)]);
        assert!(moved.len() == 2 && moved[0].contains("IoU 0.60") && moved[1].ends_with("is new"), "{moved:?}");
        assert_eq!(drift(&expected, &[at(2, 0.9, 0.1)]).len(), 2);
        assert_eq!(drift(&[], &[at(2, 0.9, 0.1)]), ["car of score 0.900 is new"]);
    }

    #[test]
    fn several_pictures_keep_the_worst() {
        let mut all = compare(&[at(1, 0.9, 0.1)], &[at(1, 0.88, 0.1)], 0.5);
        all.add(compare(&[at(1, 0.9, 0.1)], &[at(1, 0.9, 0.102)], 0.5));
        assert!((all.largest_score_difference - 0.02).abs() < 1e-6 && all.least_iou < 1.0, "{all:?}");
    }
}
