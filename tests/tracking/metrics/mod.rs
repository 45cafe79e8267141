//! How good tracking is, by the definitions of TrackEval (github.com/JonathonLuiten/TrackEval): MOTA, IDF1 and HOTA.
//!
//! A test tool: nothing of it is in the product. `trackeval.rs` holds it against numbers of the real TrackEval.
//!
//! Objects of different classes are never matched with each other: each class of each recording is a sequence of its
//! own, and totals are of the summed counts, as TrackEval's `combine_sequences` and `combine_classes_det_averaged` do
//! it. So a class counts as much as it has boxes, and a class of which there is nothing counts nothing.

mod assignment;
mod clear;
mod hota;
mod identity;
mod trackeval;

use std::{collections::BTreeMap, ops::AddAssign};

pub use self::{clear::Clear, hota::Hota, identity::Identity};

/// A box of CLEAR and Identity is found from this IoU on.
const THRESHOLD: f64 = 0.5;

/// A box as `[left, top, width, height]`, in any unit.
pub type Rectangle = [f64; 4];

/// One object in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Which object, or which track: unique within its frame and list.
    pub id: u64,
    /// Where.
    pub rectangle: Rectangle,
}

/// One frame: what was there, and what the tracker said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// What was there.
    pub truth: Vec<Sighting>,
    /// What the tracker said.
    pub tracks: Vec<Sighting>,
}

/// All measures of one sequence, or of several together after `+=`.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// MOTA and its parts.
    pub clear: Clear,
    /// IDF1 and its parts.
    pub identity: Identity,
    /// HOTA and its parts.
    pub hota: Hota,
}

impl Score {
    /// Of the frames of one class of one recording, in order.
    pub fn of(frames: &[Frame]) -> Self {
        let sequence = Sequence::new(frames);
        Self { clear: Clear::of(&sequence), identity: Identity::of(&sequence), hota: Hota::of(&sequence) }
    }
}

impl AddAssign<&Self> for Score {
    fn add_assign(&mut self, other: &Self) {
        self.clear += &other.clear;
        self.identity += &other.identity;
        self.hota += &other.hota;
    }
}

/// Frames with ids numbered from 0, and all IoUs.
struct Sequence {
    frames: Vec<Numbered>,
    /// In how many frames each truth object is.
    truth_counts: Vec<usize>,
    /// In how many frames each track is.
    track_counts: Vec<usize>,
}

/// One frame of a [`Sequence`].
struct Numbered {
    truth: Vec<usize>,
    tracks: Vec<usize>,
    /// IoU by position in `truth`, then by position in `tracks`.
    similarity: Vec<Vec<f64>>,
}

impl Sequence {
    fn new(frames: &[Frame]) -> Self {
        let (mut truth_numbers, mut track_numbers) = (Numbers::default(), Numbers::default());
        let numbered = frames.iter().map(|frame| Numbered {
            truth: truth_numbers.of_frame(&frame.truth),
            tracks: track_numbers.of_frame(&frame.tracks),
            similarity: frame
                .truth
                .iter()
                .map(|truth| frame.tracks.iter().map(|track| iou(truth.rectangle, track.rectangle)).collect())
                .collect(),
        });
        let frames = numbered.collect();
        Self { frames, truth_counts: truth_numbers.counts, track_counts: track_numbers.counts }
    }
}

/// Consecutive numbers for ids, and how often each was seen.
#[derive(Default)]
struct Numbers {
    of_id: BTreeMap<u64, usize>,
    counts: Vec<usize>,
}

impl Numbers {
    fn of_frame(&mut self, sightings: &[Sighting]) -> Vec<usize> {
        let mut numbers = Vec::with_capacity(sightings.len());
        for sighting in sightings {
            let next = self.of_id.len();
            let number = *self.of_id.entry(sighting.id).or_insert(next);
            assert!(!numbers.contains(&number), "id {} is twice in one frame", sighting.id);
            self.counts.resize(self.of_id.len(), 0);
            self.counts[number] += 1;
            numbers.push(number);
        }
        numbers
    }
}

/// Intersection over union; 0 when one of the two is empty.
fn iou(a: Rectangle, b: Rectangle) -> f64 {
    let edges = |[left, top, width, height]: Rectangle| [left, top, left + width, top + height];
    let (a, b) = (edges(a), edges(b));
    let area = |[left, top, right, bottom]: [f64; 4]| (right - left) * (bottom - top);
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let intersection = width * height;
    let union = area(a) + area(b) - intersection;
    let is_empty = area(a) <= f64::EPSILON || area(b) <= f64::EPSILON || union <= f64::EPSILON;
    if is_empty { 0.0 } else { intersection / union }
}

/// `part / whole`, and 0 of nothing: TrackEval divides by at least one.
fn ratio(part: f64, whole: f64) -> f64 {
    part / whole.max(1.0)
}

/// A count as a number to calculate with.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a count of boxes"))
}
