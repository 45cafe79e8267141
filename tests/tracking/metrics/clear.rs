//! CLEAR: how many boxes are found, and how often a track changes its object (Bernardin and Stiefelhagen, 2008).

use std::ops::AddAssign;

use super::{Numbered, Sequence, THRESHOLD, assignment, number, ratio};

/// What a pair of the frame before is worth: more than any IoU, so that identities are kept where that is possible.
const KEPT: f64 = 1000.0;

/// Counts of boxes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clear {
    /// Found ones.
    pub true_positives: usize,
    /// Missed ones.
    pub false_negatives: usize,
    /// Tracked ones where nothing is.
    pub false_positives: usize,
    /// An object was found by another track than the time before.
    pub switches: usize,
    /// Sum of the found boxes' IoUs.
    pub similarity_sum: f64,
}

impl Clear {
    /// (found − wrong − switched) / all there were; may be below 0, and is 0 where nothing was.
    pub fn mota(&self) -> f64 {
        if self.true_positives + self.false_negatives == 0 {
            return 0.0;
        }
        let good = number(self.true_positives) - number(self.false_positives) - number(self.switches);
        ratio(good, number(self.true_positives + self.false_negatives))
    }

    /// Mean IoU of what was found.
    pub fn motp(&self) -> f64 {
        ratio(self.similarity_sum, number(self.true_positives))
    }

    pub(super) fn of(sequence: &Sequence) -> Self {
        let mut counts = Self::default();
        // The track that last found each object, however long ago: another one now is a switch.
        let mut last_track: Vec<Option<usize>> = vec![None; sequence.truth_counts.len()];
        // The same of the frame before alone: what the assignment prefers.
        let mut kept_track = last_track.clone();
        for frame in &sequence.frames {
            if frame.truth.is_empty() || frame.tracks.is_empty() {
                // Such a frame does not count as the frame before, as in TrackEval.
                counts.false_negatives += frame.truth.len();
                counts.false_positives += frame.tracks.len();
                continue;
            }
            let matches = matches(frame, &kept_track);
            kept_track.fill(None);
            for &(truth_at, track_at) in &matches {
                let (object, track) = (frame.truth[truth_at], frame.tracks[track_at]);
                counts.switches += usize::from(last_track[object].is_some_and(|last| last != track));
                counts.similarity_sum += frame.similarity[truth_at][track_at];
                last_track[object] = Some(track);
                kept_track[object] = Some(track);
            }
            counts.true_positives += matches.len();
            counts.false_negatives += frame.truth.len() - matches.len();
            counts.false_positives += frame.tracks.len() - matches.len();
        }
        counts
    }
}

/// Positions in `truth` and `tracks` of what belongs together.
fn matches(frame: &Numbered, kept_track: &[Option<usize>]) -> Vec<(usize, usize)> {
    let worth = |truth_at: usize, track_at: usize| {
        let similarity = frame.similarity[truth_at][track_at];
        if similarity < THRESHOLD - f64::EPSILON {
            return 0.0;
        }
        let is_kept = kept_track[frame.truth[truth_at]] == Some(frame.tracks[track_at]);
        similarity + if is_kept { KEPT } else { 0.0 }
    };
    let scores: Vec<Vec<f64>> = (0..frame.truth.len())
        .map(|truth_at| (0..frame.tracks.len()).map(|track_at| worth(truth_at, track_at)).collect())
        .collect();
    let pairs = assignment::best(&scores).into_iter().enumerate();
    let pairs = pairs.filter_map(|(truth_at, track_at)| Some((truth_at, track_at?)));
    pairs.filter(|&(truth_at, track_at)| scores[truth_at][track_at] > f64::EPSILON).collect()
}

impl AddAssign<&Self> for Clear {
    fn add_assign(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.false_negatives += other.false_negatives;
        self.false_positives += other.false_positives;
        self.switches += other.switches;
        self.similarity_sum += other.similarity_sum;
    }
}
