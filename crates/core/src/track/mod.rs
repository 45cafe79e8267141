//! A multi-object tracker for one camera: which detection is which object.
//!
//! Greedy association by overlap with each track's predicted box (Bewley et al., SORT, arXiv 1602.00763, with greedy
//! matching and a constant-velocity prediction in place of Hungarian matching and a Kalman filter). The time step is
//! measured, never assumed, because frames are dropped.

use std::time::{Duration, Instant};

use crate::{detection::Detection, geometry::BoxInFrame};

/// How tracks are made and lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerSettings {
    /// Least overlap of a detection with a track's predicted box.
    pub min_iou: f32,
    /// Detections before a track counts as an object: one or two may be flicker.
    pub min_hits: u32,
    /// A track that was not seen for so long, and was missed in [`MIN_MISSES`] frames, is gone.
    pub max_age: Duration,
    /// Two sightings closer together than this say nothing about speed: after a hiccup of the network frames come in
    /// bursts, and a box that shakes by a hundredth of the frame within 2 ms would seem to fly.
    pub min_step: Duration,
}

/// A track is never given up for the time alone: a busy box, or a camera of one picture every ten seconds, may show no
/// frame at all for longer than [`TrackerSettings::max_age`].
const MIN_MISSES: u32 = 2;

impl TrackerSettings {
    /// Settings for a camera of `fps` inferred frames per second.
    #[must_use]
    pub fn for_fps(fps: f32) -> Self {
        // Two seconds bridge the usual flicker of SSD; at very low rates five frames have to do.
        let interval = Duration::from_secs_f32(1.0 / fps.max(0.1));
        let max_age = (5 * interval).max(Duration::from_secs(2));
        Self { min_iou: 0.3, min_hits: 3, max_age, min_step: interval / 2 }
    }
}

/// One object as the tracker knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Unique for the tracker's life and never used again; `None` until [`TrackerSettings::min_hits`] is reached.
    pub id: Option<u64>,
    /// Class of all its detections.
    pub class_id: u16,
    /// Where it was last seen.
    pub bbox: BoxInFrame,
    /// Score when it was last seen.
    pub score: f32,
    /// Best score so far.
    pub top_score: f32,
    /// When it was last seen.
    pub last_seen: Instant,
    hits: u32,
    /// Frames since it was last seen.
    misses: u32,
    /// Where and when speed was last measured.
    measured: (BoxInFrame, Instant),
    /// Movement of the centre in frame fractions per second.
    velocity: (f32, f32),
}

/// What one update changed. Reused from frame to frame.
#[derive(Debug, Default)]
pub struct TrackChanges {
    /// Ids of tracks that became objects.
    pub started: Vec<u64>,
    /// Objects that are gone, as they were last seen.
    pub ended: Vec<Track>,
    /// For each detection of the frame, in order: the object it belongs to, where known.
    pub track_of_detection: Vec<Option<u64>>,
}

impl TrackChanges {
    fn clear(&mut self) {
        self.started.clear();
        self.ended.clear();
        self.track_of_detection.clear();
    }
}

/// Tracks of one camera.
#[derive(Debug)]
pub struct Tracker {
    settings: TrackerSettings,
    tracks: Vec<Track>,
    next_id: u64,
    pairs: Vec<Pair>,
}

/// A detection that may belong to a track.
#[derive(Clone, Copy, Debug)]
struct Pair {
    affinity: f32,
    track: usize,
    detection: usize,
}

impl Tracker {
    /// A tracker without tracks; the first object gets id 1.
    #[must_use]
    pub fn new(settings: TrackerSettings) -> Self {
        Self { settings, tracks: Vec::new(), next_id: 1, pairs: Vec::new() }
    }

    /// The objects present: tracks with an id.
    pub fn objects(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.id.is_some())
    }

    /// The object of that id, if present.
    #[must_use]
    pub fn object(&self, id: u64) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == Some(id))
    }

    /// Takes in the detections of one frame, seen at `now`.
    pub fn update(&mut self, detections: &[Detection], now: Instant, changes: &mut TrackChanges) {
        changes.clear();
        changes.track_of_detection.resize(detections.len(), None);
        self.rank_pairs(detections, now);
        let mut track_taken = vec![false; self.tracks.len()];
        let mut detection_taken = vec![false; detections.len()];
        for pair_index in 0..self.pairs.len() {
            let pair = self.pairs[pair_index];
            if track_taken[pair.track] || detection_taken[pair.detection] {
                continue;
            }
            track_taken[pair.track] = true;
            detection_taken[pair.detection] = true;
            self.tracks[pair.track].see(&detections[pair.detection], now, self.settings.min_step);
            self.promote(pair.track, &mut changes.started);
            changes.track_of_detection[pair.detection] = self.tracks[pair.track].id;
        }
        for (track, taken) in self.tracks.iter_mut().zip(track_taken) {
            track.misses = if taken { 0 } else { track.misses + 1 };
        }
        self.give_up_lost(now, &mut changes.ended);
        for (index, detection) in detections.iter().enumerate() {
            if detection_taken[index] {
                continue;
            }
            self.tracks.push(Track::new(detection, now));
            self.promote(self.tracks.len() - 1, &mut changes.started);
            changes.track_of_detection[index] = self.tracks.last().and_then(|track| track.id);
        }
    }

    /// Ends all objects.
    pub fn end_all(&mut self, changes: &mut TrackChanges) {
        changes.clear();
        changes.ended.extend(self.tracks.drain(..).filter(|track| track.id.is_some()));
    }

    fn give_up_lost(&mut self, now: Instant, ended: &mut Vec<Track>) {
        let max_age = self.settings.max_age;
        let is_lost =
            |track: &mut Track| track.misses >= MIN_MISSES && now.saturating_duration_since(track.last_seen) > max_age;
        ended.extend(self.tracks.extract_if(.., is_lost).filter(|track| track.id.is_some()));
    }

    /// All possible pairs, the best first; equal ones in a fixed order, so that a replay is the same every time.
    fn rank_pairs(&mut self, detections: &[Detection], now: Instant) {
        self.pairs.clear();
        for (track_index, track) in self.tracks.iter().enumerate() {
            let predicted = track.predicted(now);
            for (detection_index, detection) in detections.iter().enumerate() {
                if detection.class_id != track.class_id {
                    continue;
                }
                if let Some(affinity) = affinity(&predicted, &detection.bbox, self.settings.min_iou) {
                    self.pairs.push(Pair { affinity, track: track_index, detection: detection_index });
                }
            }
        }
        self.pairs.sort_unstable_by(|a, b| {
            b.affinity.total_cmp(&a.affinity).then(a.track.cmp(&b.track)).then(a.detection.cmp(&b.detection))
        });
    }

    /// Gives a track its id once it was seen often enough.
    fn promote(&mut self, index: usize, started: &mut Vec<u64>) {
        let track = &mut self.tracks[index];
        if track.id.is_some() || track.hits < self.settings.min_hits {
            return;
        }
        track.id = Some(self.next_id);
        started.push(self.next_id);
        self.next_id += 1;
    }
}

/// How well a detection fits a predicted box: the IoU, or, for small fast objects that jump out of their own box
/// between two frames, a lower value that falls with the distance of the centres. `None`: not the same object.
fn affinity(predicted: &BoxInFrame, seen: &BoxInFrame, min_iou: f32) -> Option<f32> {
    let iou = predicted.iou(seen);
    if iou >= min_iou {
        return Some(iou);
    }
    let size = |b: &BoxInFrame| b.width.max(b.height);
    let reach = 0.5 * (size(predicted) + size(seen));
    let (px, py) = center(predicted);
    let (sx, sy) = center(seen);
    let distance = (px - sx).hypot(py - sy);
    let alike = size(predicted) < 2.0 * size(seen) && size(seen) < 2.0 * size(predicted);
    (alike && distance < reach).then(|| min_iou * (1.0 - distance / reach))
}

fn center(b: &BoxInFrame) -> (f32, f32) {
    (b.x + 0.5 * b.width, b.y + 0.5 * b.height)
}

impl Track {
    fn new(detection: &Detection, now: Instant) -> Self {
        Self {
            id: None,
            class_id: detection.class_id,
            bbox: detection.bbox,
            score: detection.score,
            top_score: detection.score,
            last_seen: now,
            hits: 1,
            misses: 0,
            measured: (detection.bbox, now),
            velocity: (0.0, 0.0),
        }
    }

    fn see(&mut self, detection: &Detection, now: Instant, min_step: Duration) {
        let (from, since) = self.measured;
        let step = now.saturating_duration_since(since);
        if step >= min_step && !step.is_zero() {
            let seconds = step.as_secs_f32();
            let (from_x, from_y) = center(&from);
            let (to_x, to_y) = center(&detection.bbox);
            // Half old, half new: SSD's boxes shake by a few per cent from frame to frame.
            self.velocity.0 = 0.5 * self.velocity.0 + 0.5 * (to_x - from_x) / seconds;
            self.velocity.1 = 0.5 * self.velocity.1 + 0.5 * (to_y - from_y) / seconds;
            self.measured = (detection.bbox, now);
        }
        self.bbox = detection.bbox;
        self.score = detection.score;
        self.top_score = self.top_score.max(detection.score);
        self.last_seen = now;
        self.hits += 1;
    }

    fn predicted(&self, now: Instant) -> BoxInFrame {
        // No further than half a second: a lost object's old velocity says little about where it went.
        let seconds = now.saturating_duration_since(self.last_seen).as_secs_f32().min(0.5);
        let (dx, dy) = (self.velocity.0 * seconds, self.velocity.1 * seconds);
        BoxInFrame { x: self.bbox.x + dx, y: self.bbox.y + dy, ..self.bbox }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SETTINGS: TrackerSettings = TrackerSettings {
        min_iou: 0.3,
        min_hits: 3,
        max_age: Duration::from_millis(2000),
        min_step: Duration::from_millis(50),
    };

    fn seen(class_id: u16, x: f32, y: f32) -> Detection {
        Detection { class_id, score: 0.8, bbox: BoxInFrame { x, y, width: 0.1, height: 0.2 } }
    }

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn flicker_of_two_frames_is_no_object() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        tracker.update(&[seen(1, 0.1, 0.1)], start, &mut changes);
        tracker.update(&[seen(1, 0.1, 0.1)], at(start, 200), &mut changes);
        tracker.update(&[], at(start, 5000), &mut changes);
        assert!(changes.started.is_empty() && changes.ended.is_empty());
    }

    #[test]
    fn an_object_that_walks_keeps_its_id_and_ends_once() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        let mut started = Vec::<u64>::new();
        for step in 0..20u16 {
            let x = 0.02 * f32::from(step);
            tracker.update(&[seen(1, x, 0.3)], at(start, 200 * u64::from(step)), &mut changes);
            started.extend(&changes.started);
        }
        assert_eq!(started, [1]);
        assert_eq!(changes.track_of_detection, [Some(1)]);
        let ended: Vec<usize> = [7000, 7200, 9000]
            .map(|millis| {
                tracker.update(&[], at(start, millis), &mut changes);
                changes.ended.len()
            })
            .into();
        assert_eq!(ended, [0, 1, 0], "not by time alone, and only once");
    }

    #[test]
    fn an_object_on_a_slow_camera_is_one_object() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        for step in 0..6 {
            tracker.update(&[seen(1, 0.3, 0.3)], at(start, 10_000 * step), &mut changes);
        }
        assert_eq!(changes.track_of_detection, [Some(1)]);
    }

    #[test]
    fn a_burst_of_frames_does_not_make_a_shaking_box_fly() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        for (millis, x) in [(0, 0.30), (200, 0.30), (400, 0.30), (402, 0.31), (600, 0.30)] {
            tracker.update(&[seen(1, x, 0.3)], at(start, millis), &mut changes);
        }
        assert_eq!(changes.track_of_detection, [Some(1)]);
        assert_eq!(tracker.objects().count(), 1);
    }

    #[test]
    fn a_gap_shorter_than_max_age_does_not_end_it() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        for step in 0..3 {
            tracker.update(&[seen(1, 0.1, 0.1)], at(start, 200 * step), &mut changes);
        }
        tracker.update(&[], at(start, 1500), &mut changes);
        tracker.update(&[seen(1, 0.1, 0.1)], at(start, 1900), &mut changes);
        assert_eq!(changes.track_of_detection, [Some(1)]);
    }

    #[test]
    fn two_classes_at_one_place_are_two_objects() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        for step in 0..3 {
            tracker.update(&[seen(1, 0.1, 0.1), seen(2, 0.1, 0.1)], at(start, 100 * step), &mut changes);
        }
        assert_eq!(tracker.objects().count(), 2);
    }

    #[test]
    fn two_that_cross_do_not_swap() {
        let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
        let mut first_ids = Vec::new();
        for step in 0..30u16 {
            let progress = 0.02 * f32::from(step);
            let frame = [seen(1, 0.1 + progress, 0.3), seen(1, 0.7 - progress, 0.32)];
            tracker.update(&frame, at(start, 100 * u64::from(step)), &mut changes);
            if step == 2 {
                first_ids.clone_from(&changes.track_of_detection);
            }
        }
        assert_eq!(changes.track_of_detection, first_ids);
    }

    proptest! {
        #[test]
        fn ids_are_never_used_twice_and_every_start_has_one_end(
            frames in prop::collection::vec(prop::collection::vec((1u16..4, 0.0f32..0.9, 0.0f32..0.8), 0..6), 1..60),
        ) {
            let (mut tracker, mut changes, start) = (Tracker::new(SETTINGS), TrackChanges::default(), Instant::now());
            let (mut started, mut ended) = (Vec::new(), Vec::new());
            for (step, frame) in frames.iter().enumerate() {
                let detections: Vec<_> = frame.iter().map(|&(class, x, y)| seen(class, x, y)).collect();
                tracker.update(&detections, at(start, 300 * step as u64), &mut changes);
                started.extend(changes.started.iter().copied());
                ended.extend(changes.ended.iter().filter_map(|track| track.id));
                let known: Vec<_> = changes.track_of_detection.iter().flatten().collect();
                prop_assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), known.len());
            }
            tracker.end_all(&mut changes);
            ended.extend(changes.ended.iter().filter_map(|track| track.id));
            let unique: BTreeSet<_> = started.iter().copied().collect();
            prop_assert_eq!(unique.len(), started.len());
            ended.sort_unstable();
            started.sort_unstable();
            prop_assert_eq!(started, ended);
        }
    }
}
