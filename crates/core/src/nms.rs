//! Greedy non-maximum suppression, class by class or over all classes (Liu et al., SSD, arXiv 1512.02325, section 2.2).

use std::cmp::Ordering;

use crate::geometry::BoxInFrame;

/// A decoded box before suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Confidence in 0..=1; not NaN.
    pub score: f32,
    /// Class id.
    pub class_id: u16,
    /// Number of the anchor or row it comes from: it settles the order of equals.
    pub index: u32,
    /// Where, in fractions of the frame, not clipped: the reference measures overlap before clipping.
    pub bbox: BoxInFrame,
}

impl Candidate {
    /// Best score first, then the lower class id, then the lower index: one order for one set, whatever order it
    /// arrives in.
    #[must_use]
    pub fn best_first(&self, other: &Self) -> Ordering {
        let by_score = other.score.total_cmp(&self.score);
        by_score.then(self.class_id.cmp(&other.class_id)).then(self.index.cmp(&other.index))
    }
}

/// At most so many of the best candidates are looked at.
///
/// SSD MobileNetV1's heads for the reference pictures have 30 to 90 logits over a score of 0.3, 600 to 900 over 0.1 and
/// 30 000 to 50 000 over 0.01: a pipeline with too low a threshold must not hold up all cameras.
pub const CANDIDATE_LIMIT: usize = 4096;

/// Keeps of `candidates` those that no better kept one (of the same class, unless `class_agnostic`) overlaps by an IoU
/// of more than `iou_threshold`; at most `max_kept`, best first.
pub fn suppress(candidates: &mut Vec<Candidate>, iou_threshold: f32, class_agnostic: bool, max_kept: usize) {
    if candidates.len() > CANDIDATE_LIMIT {
        candidates.select_nth_unstable_by(CANDIDATE_LIMIT, Candidate::best_first);
        candidates.truncate(CANDIDATE_LIMIT);
    }
    candidates.sort_unstable_by(Candidate::best_first);

    let mut kept = 0;
    for next in 0..candidates.len() {
        if kept == max_kept {
            break;
        }
        let candidate = candidates[next];
        let overlaps = |better: &Candidate| {
            let rivals = class_agnostic || better.class_id == candidate.class_id;
            rivals && better.bbox.iou(&candidate.bbox) > iou_threshold
        };
        if candidates[..kept].iter().any(overlaps) {
            continue;
        }
        candidates[kept] = candidate;
        kept += 1;
    }
    candidates.truncate(kept);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        // Few places, sizes, classes and scores, so that overlaps and equal scores are common.
        let one = (0u8..12, 0u8..12, 1u8..6, 1u8..6, 0u16..3, 0u8..8);
        prop::collection::vec(one, 0..60).prop_map(|all| {
            let candidate = |(index, (x, y, width, height, class_id, score)): (usize, (u8, u8, u8, u8, u16, u8))| {
                let unit = |v: u8| f32::from(v) / 16.0;
                let bbox = BoxInFrame { x: unit(x), y: unit(y), width: unit(width), height: unit(height) };
                Candidate { score: unit(score), class_id, index: index as u32, bbox }
            };
            all.into_iter().enumerate().map(candidate).collect()
        })
    }

    fn suppressed(all: &[Candidate], iou: f32, agnostic: bool) -> Vec<Candidate> {
        let mut kept = all.to_vec();
        suppress(&mut kept, iou, agnostic, usize::MAX);
        kept
    }

    fn rivals(a: &Candidate, b: &Candidate, agnostic: bool) -> bool {
        agnostic || a.class_id == b.class_id
    }

    proptest! {
        #[test]
        fn kept_boxes_of_a_class_do_not_overlap(all in candidates(), iou in 0.0f32..1.0, agnostic in any::<bool>()) {
            let kept = suppressed(&all, iou, agnostic);
            for (number, a) in kept.iter().enumerate() {
                for b in &kept[number + 1..] {
                    prop_assert!(!rivals(a, b, agnostic) || a.bbox.iou(&b.bbox) <= iou);
                }
            }
        }

        #[test]
        fn a_dropped_box_overlaps_a_better_kept_one(all in candidates(), iou in 0.0f32..1.0, agnostic in any::<bool>()) {
            let kept = suppressed(&all, iou, agnostic);
            for dropped in all.iter().filter(|candidate| !kept.contains(candidate)) {
                let why = kept.iter().find(|better| {
                    rivals(better, dropped, agnostic)
                        && better.best_first(dropped) == Ordering::Less
                        && better.bbox.iou(&dropped.bbox) > iou
                });
                prop_assert!(why.is_some(), "{dropped:?} was dropped for nothing");
            }
        }

        #[test]
        fn the_order_of_arrival_does_not_matter(
            (all, shuffled) in candidates().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
            iou in 0.0f32..1.0,
            agnostic in any::<bool>(),
        ) {
            prop_assert_eq!(suppressed(&all, iou, agnostic), suppressed(&shuffled, iou, agnostic));
        }

        #[test]
        fn suppressing_twice_changes_nothing(all in candidates(), iou in 0.0f32..1.0, agnostic in any::<bool>()) {
            let once = suppressed(&all, iou, agnostic);
            prop_assert_eq!(suppressed(&once, iou, agnostic), once);
        }

        #[test]
        fn a_bound_keeps_the_best_of_what_it_would_keep_without(all in candidates(), bound in 0usize..10) {
            let mut bounded = all.clone();
            suppress(&mut bounded, 0.5, false, bound);
            let unbounded = suppressed(&all, 0.5, false);
            prop_assert_eq!(&bounded[..], &unbounded[..bound.min(unbounded.len())]);
        }
    }

    #[test]
    fn more_candidates_than_the_limit_keep_the_best() {
        let boxes = (0..3 * CANDIDATE_LIMIT as u32).map(|index| {
            // A thin sliver each, so that none overlaps another.
            let bbox = BoxInFrame { x: index as f32 * 4.0, y: 0.0, width: 1.0, height: 1.0 };
            Candidate { score: (index % 1000) as f32 / 1000.0, class_id: 1, index, bbox }
        });
        let mut kept: Vec<Candidate> = boxes.collect();
        let mut best = kept.clone();
        best.sort_by(Candidate::best_first);
        best.truncate(CANDIDATE_LIMIT);
        suppress(&mut kept, 0.5, false, usize::MAX);
        assert_eq!(kept, best);
    }
}
