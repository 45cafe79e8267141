//! Identity: how long each object is followed by the one track that follows it best (Ristani et al., 2016,
//! arXiv 1609.01775).

use std::ops::AddAssign;

use super::{Sequence, THRESHOLD, assignment, number, ratio};

/// Counts of boxes under the best one-to-one assignment of objects to tracks over the whole sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Boxes of objects found by their track.
    pub true_positives: usize,
    /// Boxes of objects not found by their track.
    pub false_negatives: usize,
    /// Boxes of tracks that do not find their object.
    pub false_positives: usize,
}

impl Identity {
    /// Harmonic mean of precision and recall.
    pub fn idf1(&self) -> f64 {
        let wrong = number(self.false_positives) + number(self.false_negatives);
        ratio(number(self.true_positives), number(self.true_positives) + 0.5 * wrong)
    }

    /// Share of the tracks' boxes.
    pub fn precision(&self) -> f64 {
        ratio(number(self.true_positives), number(self.true_positives + self.false_positives))
    }

    /// Share of the objects' boxes.
    pub fn recall(&self) -> f64 {
        ratio(number(self.true_positives), number(self.true_positives + self.false_negatives))
    }

    pub(super) fn of(sequence: &Sequence) -> Self {
        let mut common = vec![vec![0usize; sequence.track_counts.len()]; sequence.truth_counts.len()];
        for frame in &sequence.frames {
            for (&object, row) in frame.truth.iter().zip(&frame.similarity) {
                for (&track, &similarity) in frame.tracks.iter().zip(row) {
                    common[object][track] += usize::from(similarity >= THRESHOLD);
                }
            }
        }
        // To minimise misses and false boxes is to maximise the common ones, since the sums are fixed; a pair with
        // nothing in common is as good as none.
        let scores: Vec<Vec<f64>> = common.iter().map(|row| row.iter().copied().map(number).collect()).collect();
        let pairs = assignment::best(&scores).into_iter().zip(&common);
        let true_positives = pairs.filter_map(|(track, row)| Some(row[track?])).sum();
        Self {
            true_positives,
            false_negatives: sequence.truth_counts.iter().sum::<usize>() - true_positives,
            false_positives: sequence.track_counts.iter().sum::<usize>() - true_positives,
        }
    }
}

impl AddAssign<&Self> for Identity {
    fn add_assign(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.false_negatives += other.false_negatives;
        self.false_positives += other.false_positives;
    }
}
