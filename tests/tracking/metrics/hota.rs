//! HOTA: detection and association weighed alike, over all thresholds of overlap (Luiten et al., 2020,
//! arXiv 2009.07736).

use std::ops::AddAssign;

use super::{Sequence, assignment, number, ratio};

/// Thresholds: IoU 0.05 to 0.95 by 0.05.
const ALPHAS: usize = 19;

/// Sums for each threshold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hota {
    at: [AtAlpha; ALPHAS],
}

/// Sums for one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct AtAlpha {
    true_positives: usize,
    false_negatives: usize,
    false_positives: usize,
    /// Over the true positives: the Jaccard index of the object's boxes and its track's boxes.
    association_sum: f64,
}

impl AtAlpha {
    fn detection(&self) -> f64 {
        let all = self.true_positives + self.false_negatives + self.false_positives;
        ratio(number(self.true_positives), number(all))
    }

    fn association(&self) -> f64 {
        ratio(self.association_sum, number(self.true_positives))
    }
}

impl Hota {
    /// Geometric mean of detection and association, averaged over the thresholds.
    pub fn hota(&self) -> f64 {
        self.mean(|at| (at.detection() * at.association()).sqrt())
    }

    /// Detection accuracy, averaged over the thresholds.
    pub fn deta(&self) -> f64 {
        self.mean(AtAlpha::detection)
    }

    /// Association accuracy, averaged over the thresholds.
    pub fn assa(&self) -> f64 {
        self.mean(AtAlpha::association)
    }

    fn mean(&self, value: impl Fn(&AtAlpha) -> f64) -> f64 {
        self.at.iter().map(value).sum::<f64>() / number(ALPHAS)
    }

    pub(super) fn of(sequence: &Sequence) -> Self {
        let alignment = global_alignment(sequence);
        let mut result = Self::default();
        let no_matches = vec![vec![0usize; sequence.track_counts.len()]; sequence.truth_counts.len()];
        let mut matches = vec![no_matches; ALPHAS];
        for frame in &sequence.frames {
            let scores: Vec<Vec<f64>> = frame
                .truth
                .iter()
                .zip(&frame.similarity)
                .map(|(&object, row)| {
                    let tracks = frame.tracks.iter().zip(row);
                    tracks.map(|(&track, similarity)| alignment[object][track] * similarity).collect()
                })
                .collect();
            let assigned = assignment::best(&scores);
            for (index, at) in result.at.iter_mut().enumerate() {
                let alpha = 0.05 + 0.05 * number(index);
                let mut found = 0;
                for (truth_at, track_at) in assigned.iter().enumerate() {
                    let Some(track_at) = *track_at else { continue };
                    if frame.similarity[truth_at][track_at] >= alpha - f64::EPSILON {
                        found += 1;
                        matches[index][frame.truth[truth_at]][frame.tracks[track_at]] += 1;
                    }
                }
                at.true_positives += found;
                at.false_negatives += frame.truth.len() - found;
                at.false_positives += frame.tracks.len() - found;
            }
        }
        for (at, matches) in result.at.iter_mut().zip(&matches) {
            at.association_sum = association_sum(sequence, matches);
        }
        result
    }
}

/// By object, then by track: how well the two agree over the whole sequence, before anything is matched.
fn global_alignment(sequence: &Sequence) -> Vec<Vec<f64>> {
    let mut common = vec![vec![0.0; sequence.track_counts.len()]; sequence.truth_counts.len()];
    for frame in &sequence.frames {
        let of_track = |track_at: usize| frame.similarity.iter().map(|row| row[track_at]).sum::<f64>();
        let track_sums: Vec<f64> = (0..frame.tracks.len()).map(of_track).collect();
        for (&object, row) in frame.truth.iter().zip(&frame.similarity) {
            let object_sum: f64 = row.iter().sum();
            for (track_at, &similarity) in row.iter().enumerate() {
                let together = object_sum + track_sums[track_at] - similarity;
                if together > f64::EPSILON {
                    common[object][frame.tracks[track_at]] += similarity / together;
                }
            }
        }
    }
    for (row, &truth_count) in common.iter_mut().zip(&sequence.truth_counts) {
        for (value, &track_count) in row.iter_mut().zip(&sequence.track_counts) {
            *value /= number(truth_count + track_count) - *value;
        }
    }
    common
}

fn association_sum(sequence: &Sequence, matches: &[Vec<usize>]) -> f64 {
    let mut sum = 0.0;
    for (row, &truth_count) in matches.iter().zip(&sequence.truth_counts) {
        for (&together, &track_count) in row.iter().zip(&sequence.track_counts) {
            sum += number(together) * ratio(number(together), number(truth_count + track_count - together));
        }
    }
    sum
}

impl AddAssign<&Self> for Hota {
    fn add_assign(&mut self, other: &Self) {
        for (at, other) in self.at.iter_mut().zip(&other.at) {
            at.true_positives += other.true_positives;
            at.false_negatives += other.false_negatives;
            at.false_positives += other.false_positives;
            at.association_sum += other.association_sum;
        }
    }
}
