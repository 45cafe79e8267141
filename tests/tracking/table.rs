//! Runs the tracker over recordings, and tells how good it was.

use std::{collections::BTreeSet, fmt::Write as _};

use sightline_core::{detection::Detection, event::WireDetection};
use sightline_sim::{scene::SceneKind, truth::TruthObject};

use crate::{
    metrics::{Frame, Score, Sighting},
    recordings::Recording,
    runner::{self, Input},
};

/// A condition under which recordings are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Frames per second.
    pub fps: u32,
    /// Whether 30 % of the frames are dropped.
    pub some_dropped: bool,
}

/// The scores of each scene under each condition.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<(Condition, SceneKind, Score)>,
}

impl Table {
    /// Follows a recording with and without drops. `detections` has one entry for each of its frames.
    ///
    /// What is dropped, neither the tracker nor the measure sees: TrackEval's frames are those that were processed.
    pub fn measure(&mut self, recording: &Recording, detections: &[Vec<Detection>]) {
        assert_eq!(recording.moments.len(), detections.len(), "detections of each frame");
        for some_dropped in [false, true] {
            let condition = Condition { fps: recording.fps, some_dropped };
            let frames = recording.moments.iter().zip(detections).zip(recording.kept(some_dropped));
            let (mut truth, mut inputs) = (Vec::new(), Vec::new());
            for ((moment, detections), _) in frames.filter(|(_, kept)| *kept) {
                truth.push(&*moment.truth);
                inputs.push(Input { at: moment.at, detections: detections.clone() });
            }
            let outputs = runner::follow(&[], &[], &inputs);
            let tracked: Vec<&[WireDetection]> = outputs.iter().map(|output| &*output.tracked).collect();
            self.add(condition, recording.kind, &score(&truth, &tracked));
        }
    }

    fn add(&mut self, condition: Condition, kind: SceneKind, score: &Score) {
        let known = self.rows.iter_mut().find(|row| (row.0, row.1) == (condition, kind));
        match known {
            Some((.., sum)) => *sum += score,
            None => self.rows.push((condition, kind, score.clone())),
        }
    }

    /// All scenes together.
    pub fn total(&self, condition: Condition) -> Score {
        let mut total = Score::default();
        for (_, _, score) in self.rows.iter().filter(|row| row.0 == condition) {
            total += score;
        }
        total
    }

    /// Writes all of it to stderr, past libtest's capture, which hides what a passing test prints.
    pub fn tell(&self, title: &str) {
        let mut text =
            format!("\n{title}\n fps  drop  scene      MOTA   IDF1   HOTA   DetA   AssA  IDSW    FN    FP\n");
        let mut conditions: Vec<Condition> = Vec::new();
        for (condition, ..) in &self.rows {
            if !conditions.contains(condition) {
                conditions.push(*condition);
            }
        }
        conditions.sort_by_key(|condition| (condition.some_dropped, condition.fps));
        for condition in conditions {
            for (_, kind, score) in self.rows.iter().filter(|row| row.0 == condition) {
                line(&mut text, condition, kind.name(), score);
            }
            line(&mut text, condition, "ALL", &self.total(condition));
        }
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{text}\n"));
    }
}

fn line(text: &mut String, condition: Condition, name: &str, score: &Score) {
    let Score { clear, identity, hota } = score;
    let drop = if condition.some_dropped { "30 %" } else { "none" };
    writeln!(
        text,
        "{:4}  {drop}  {name:8} {:6.3} {:6.3} {:6.3} {:6.3} {:6.3} {:5} {:5} {:5}",
        condition.fps,
        clear.mota(),
        identity.idf1(),
        hota.hota(),
        hota.deta(),
        hota.assa(),
        clear.switches,
        clear.false_negatives,
        clear.false_positives,
    )
    .expect("memory");
}

/// Class by class, added up. Both have an entry for each frame.
fn score(truth: &[&[TruthObject]], tracked: &[&[WireDetection]]) -> Score {
    let true_labels = truth.iter().flat_map(|objects| objects.iter().map(|object| object.label));
    let tracked_labels = tracked.iter().flat_map(|objects| objects.iter().map(|object| &*object.label));
    let labels: BTreeSet<&str> = true_labels.chain(tracked_labels).collect();
    let mut total = Score::default();
    for label in labels {
        let frames: Vec<Frame> =
            truth.iter().zip(tracked).map(|(truth, tracked)| frame_of(label, truth, tracked)).collect();
        total += &Score::of(&frames);
    }
    total
}

fn frame_of(label: &str, truth: &[TruthObject], tracked: &[WireDetection]) -> Frame {
    let true_sighting = |object: &TruthObject| {
        let b = object.bbox;
        Sighting { id: object.id, rectangle: [b.x, b.y, b.width, b.height].map(f64::from) }
    };
    let tracked_sighting = |object: &WireDetection| {
        let b = object.r#box;
        Some(Sighting { id: object.track?, rectangle: [b.x, b.y, b.w, b.h] })
    };
    Frame {
        truth: truth.iter().filter(|object| object.label == label).map(true_sighting).collect(),
        tracks: tracked.iter().filter(|object| &*object.label == label).filter_map(tracked_sighting).collect(),
    }
}
