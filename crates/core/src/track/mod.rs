//! A multi-object tracker for one camera: which detection is which object. No appearance model.
//!
//! Association in two stages by score (Zhang et al., ByteTrack, arXiv 2110.06864) over a Kalman filter per object. The
//! time step is measured, never assumed, because frames are dropped.

mod affinity;
mod assignment;
mod kalman;

use std::time::{Duration, Instant};

use self::{
    affinity::{affinity, affinity_where_it_was, is_leaving},
    assignment::{Assigner, Pair},
    kalman::BoxFilter,
};
use crate::{detection::Detection, geometry::BoxInFrame, motion::Followed};

/// How tracks are made and lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerSettings {
    /// Detections with a high score before a track counts as an object: one or two may be flicker.
    pub min_hits: u32,
    /// A track that was not seen for so long, and was missed in [`MIN_MISSES`] frames, is gone.
    pub max_age: Duration,
    /// The same for an object that stands still: it cannot have gone without being seen to move.
    pub max_age_stationary: Duration,
}

impl Default for TrackerSettings {
    fn default() -> Self {
        // Two seconds bridge the usual flicker of SSD and a walk behind a tree.
        Self { min_hits: 3, max_age: Duration::from_secs(2), max_age_stationary: Duration::from_secs(8) }
    }
}

/// A track is never given up for the time alone: a busy box, or a camera of one picture every ten seconds, may show no
/// frame at all for longer than [`TrackerSettings::max_age`].
const MIN_MISSES: u32 = 2;
/// A lost object's old velocity says little about where it went.
const LONGEST_EXTRAPOLATION: Duration = Duration::from_millis(1000);
/// An object that has not left its place for so long stands still …
const STATIONARY_AFTER: Duration = Duration::from_secs(3);
/// … and its place is left when the overlap with it is less than this.
const SAME_PLACE_IOU: f32 = 0.6;
/// A track that overlaps so much with an object of its class, or shares so much of the smaller box with it, is not taken
/// for another one until they part: SSD sees one object twice, whole and in part.
const DUPLICATE_IOU: f32 = 0.4;
const DUPLICATE_SHARE: f32 = 0.85;
/// An unsure detection that overlaps so much with a sure one of its class is the same object once more.
const ECHO_IOU: f32 = 0.4;
/// Weight of the newest sighting in a track's score.
const SCORE_WEIGHT: f32 = 0.3;

/// One object as the tracker knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Unique for the tracker's life and never used again; `None` until [`TrackerSettings::min_hits`] is reached.
    pub id: Option<u64>,
    /// Class of all its detections.
    pub class_id: u16,
    /// Where it was last seen, as the network saw it.
    pub bbox: BoxInFrame,
    /// The same without the shaking, as the filter has it.
    pub smoothed: BoxInFrame,
    /// Score, smoothed over the last sightings.
    pub score: f32,
    /// Best score so far.
    pub top_score: f32,
    /// When it was first seen.
    pub first_seen: Instant,
    /// When it was last seen.
    pub last_seen: Instant,
    /// It stands still.
    pub stationary: bool,
    hits: u32,
    /// Frames since it was last seen.
    misses: u32,
    filter: BoxFilter,
    /// What `filter` was last predicted for.
    predicted_for: Instant,
    /// The place that it has not left since.
    rest: (BoxInFrame, Instant),
    /// Its sightings until it became an object, smoothed.
    early: Vec<(BoxInFrame, Instant)>,
}

/// A track that became an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    /// Its id.
    pub id: u64,
    /// Where and when it was seen until now, oldest first: what it did before it was known to be one counts too.
    pub sightings: Vec<(BoxInFrame, Instant)>,
}

/// What one update changed. Reused from frame to frame.
#[derive(Debug, Default)]
pub struct TrackChanges {
    /// Tracks that became objects.
    pub started: Vec<Started>,
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

/// A detection with what the tracker thinks of its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// What was seen.
    pub detection: Detection,
    /// Sure enough to begin a track; otherwise it only keeps one alive.
    pub is_high: bool,
}

/// Tracks of one camera.
#[derive(Debug)]
pub struct Tracker {
    settings: TrackerSettings,
    tracks: Vec<Track>,
    next_id: u64,
    assigner: Assigner,
    /// Of the frame, used again from frame to frame.
    pairs: Vec<Pair>,
    assigned: Vec<Pair>,
    order: Vec<usize>,
    candidates: Vec<usize>,
    predicted: Vec<BoxInFrame>,
    track_of_sighting: Vec<Option<usize>>,
    is_echo: Vec<bool>,
    is_seen: Vec<bool>,
}

/// The stages of one frame's association, each over what the earlier ones have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Sure detections go to objects.
    HighToObjects,
    /// Unsure ones to objects that would otherwise not be seen.
    LowToObjects,
    /// Sure ones to tracks that are no objects yet.
    HighToNew,
}

impl Tracker {
    /// A tracker without tracks; the first object gets id 1.
    #[must_use]
    pub fn new(settings: TrackerSettings) -> Self {
        Self {
            settings,
            tracks: Vec::new(),
            next_id: 1,
            assigner: Assigner::default(),
            pairs: Vec::new(),
            assigned: Vec::new(),
            order: Vec::new(),
            candidates: Vec::new(),
            predicted: Vec::new(),
            track_of_sighting: Vec::new(),
            is_echo: Vec::new(),
            is_seen: Vec::new(),
        }
    }

    /// The first object gets the id that the next one of `earlier` would have got.
    pub fn number_on_from(&mut self, earlier: &Self) {
        self.next_id = earlier.next_id;
    }

    /// What is followed: objects, and what may become one.
    #[must_use]
    pub fn followed(&self) -> Followed {
        if self.tracks.is_empty() {
            return Followed::Nothing;
        }
        let is_still = |track: &Track| track.id.is_some() && track.stationary;
        if self.tracks.iter().all(is_still) { Followed::StillObjects } else { Followed::Others }
    }

    /// The objects present: tracks with an id, oldest first.
    pub fn objects(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.id.is_some())
    }

    /// The object of that id, if present.
    #[must_use]
    pub fn object(&self, id: u64) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == Some(id))
    }

    /// Takes in what was seen in one frame at `now`. The order of `sightings` makes no difference.
    pub fn update(&mut self, sightings: &[Sighting], now: Instant, changes: &mut TrackChanges) {
        changes.clear();
        self.begin_frame(sightings, now);
        self.associate(Stage::HighToObjects, sightings, now);
        self.find_echoes(sightings);
        self.associate(Stage::LowToObjects, sightings, now);
        self.associate(Stage::HighToNew, sightings, now);
        self.begin_tracks(sightings, now);
        for index in 0..self.tracks.len() {
            self.promote(index, &mut changes.started);
        }
        let id_of = |track: &Option<usize>| self.tracks[(*track)?].id;
        changes.track_of_detection.extend(self.track_of_sighting.iter().map(id_of));
        self.give_up_lost(now, &mut changes.ended);
    }

    /// Ends all objects.
    pub fn end_all(&mut self, changes: &mut TrackChanges) {
        changes.clear();
        changes.ended.extend(self.tracks.drain(..).filter(|track| track.id.is_some()));
    }

    fn begin_frame(&mut self, sightings: &[Sighting], now: Instant) {
        self.predicted.clear();
        self.predicted.extend(self.tracks.iter_mut().map(|track| track.predict(now)));
        self.is_seen.clear();
        self.is_seen.resize(self.tracks.len(), false);
        self.is_echo.clear();
        self.is_echo.resize(sightings.len(), false);
        self.track_of_sighting.clear();
        self.track_of_sighting.resize(sightings.len(), None);
        // By what they are and not where they stand in the list, so that equal frames give equal tracks.
        self.order.clear();
        self.order.extend(0..sightings.len());
        self.order.sort_by(|&one, &other| by_content(&sightings[one].detection, &sightings[other].detection));
    }

    fn associate(&mut self, stage: Stage, sightings: &[Sighting], now: Instant) {
        self.pairs.clear();
        self.candidates.clear();
        self.candidates.extend(self.order.iter().copied().filter(|&index| {
            let is_free = self.track_of_sighting[index].is_none() && !self.is_echo[index];
            is_free && sightings[index].is_high == (stage != Stage::LowToObjects)
        }));
        for (track_index, track) in self.tracks.iter().enumerate() {
            let is_wanted = (stage == Stage::HighToNew) == track.id.is_none();
            if !is_wanted || self.is_seen[track_index] {
                continue;
            }
            let predicted = &self.predicted[track_index];
            let of_its_class = || {
                let detections = self.candidates.iter().map(|&index| (index, &sightings[index]));
                detections.filter(|(_, sighting)| sighting.detection.class_id == track.class_id)
            };
            let pairs_before = self.pairs.len();
            for (detection, Sighting { detection: seen, is_high }) in of_its_class() {
                if let Some(affinity) = affinity(predicted, &seen.bbox, track.hits, *is_high) {
                    self.pairs.push(Pair { track: track_index, detection, affinity });
                }
            }
            // Who was on the way out of the frame is out: who is seen there now is somebody else.
            let may_have_stopped = !track.stationary && !is_leaving(&track.bbox) && !is_leaving(predicted);
            if self.pairs.len() > pairs_before || !may_have_stopped {
                continue;
            }
            for (detection, Sighting { detection: seen, is_high }) in of_its_class() {
                if let Some(affinity) = affinity_where_it_was(&track.smoothed, &seen.bbox, *is_high) {
                    self.pairs.push(Pair { track: track_index, detection, affinity });
                }
            }
        }
        let mut assigned = std::mem::take(&mut self.assigned);
        self.assigner.assign(&self.pairs, self.tracks.len(), sightings.len(), &mut assigned);
        for pair in &assigned {
            self.is_seen[pair.track] = true;
            self.track_of_sighting[pair.detection] = Some(pair.track);
            self.tracks[pair.track].see(&sightings[pair.detection], now);
        }
        self.assigned = assigned;
    }

    /// Marks what suppression has left beside the detections that have found their objects: it must not keep another
    /// object alive.
    fn find_echoes(&mut self, sightings: &[Sighting]) {
        for (index, Sighting { detection, is_high }) in sightings.iter().enumerate() {
            let echoes = |(other, known): (&Sighting, &Option<usize>)| {
                known.is_some()
                    && other.detection.class_id == detection.class_id
                    && other.detection.bbox.iou(&detection.bbox) > ECHO_IOU
            };
            self.is_echo[index] = !is_high && sightings.iter().zip(&self.track_of_sighting).any(echoes);
        }
    }

    /// Sure detections that belong to nothing known are new tracks.
    fn begin_tracks(&mut self, sightings: &[Sighting], now: Instant) {
        for position in 0..self.order.len() {
            let index = self.order[position];
            let Sighting { detection, is_high } = &sightings[index];
            if !is_high || self.track_of_sighting[index].is_some() {
                continue;
            }
            self.track_of_sighting[index] = Some(self.tracks.len());
            self.tracks.push(Track::new(detection, now));
        }
    }

    /// Whether a track was seen in the frame: those that began in it are behind those of `is_seen`.
    fn was_seen(&self, track: usize) -> bool {
        self.is_seen.get(track).copied().unwrap_or(true)
    }

    /// Gives a track its id once it was seen often enough, now too, and apart from every object of its class.
    fn promote(&mut self, index: usize, started: &mut Vec<Started>) {
        let track = &self.tracks[index];
        if track.id.is_some() || track.hits < self.settings.min_hits || !self.was_seen(index) {
            return;
        }
        let is_duplicate = |(known, other): (usize, &Track)| {
            other.id.is_some()
                && self.was_seen(known)
                && other.class_id == track.class_id
                && (other.bbox.iou(&track.bbox) > DUPLICATE_IOU || other.bbox.shared(&track.bbox) > DUPLICATE_SHARE)
        };
        if self.tracks.iter().enumerate().any(is_duplicate) {
            // Parting for a moment is shaking too.
            self.tracks[index].begin_anew();
            return;
        }
        let track = &mut self.tracks[index];
        track.id = Some(self.next_id);
        started.push(Started { id: self.next_id, sightings: std::mem::take(&mut track.early) });
        self.next_id += 1;
    }

    fn give_up_lost(&mut self, now: Instant, ended: &mut Vec<Track>) {
        for index in 0..self.tracks.len() {
            let was_seen = self.was_seen(index);
            let track = &mut self.tracks[index];
            track.misses = if was_seen { 0 } else { track.misses + 1 };
        }
        let TrackerSettings { max_age, max_age_stationary, .. } = self.settings;
        let is_lost = |track: &mut Track| {
            let unseen_for = now.saturating_duration_since(track.last_seen);
            let max_age = if track.stationary { max_age_stationary } else { max_age };
            // What was no object yet has no claim to be waited for.
            track.misses >= MIN_MISSES && (unseen_for > max_age || track.id.is_none())
        };
        ended.extend(self.tracks.extract_if(.., is_lost).filter(|track| track.id.is_some()));
    }
}

/// Best score first; then by class and place. Only what is alike in all of it is in no order.
fn by_content(one: &Detection, other: &Detection) -> std::cmp::Ordering {
    let place = |detection: &Detection| {
        let b = detection.bbox;
        [b.x, b.y, b.width, b.height]
    };
    let by_place = || {
        let pairs = place(one).into_iter().zip(place(other));
        pairs.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    };
    other.score.total_cmp(&one.score).then(one.class_id.cmp(&other.class_id)).then_with(by_place)
}

impl Track {
    fn new(detection: &Detection, now: Instant) -> Self {
        let filter = BoxFilter::new(&detection.bbox);
        Self {
            id: None,
            class_id: detection.class_id,
            bbox: detection.bbox,
            smoothed: detection.bbox,
            score: detection.score,
            top_score: detection.score,
            first_seen: now,
            last_seen: now,
            stationary: false,
            hits: 1,
            misses: 0,
            filter,
            predicted_for: now,
            rest: (detection.bbox, now),
            early: vec![(detection.bbox, now)],
        }
    }

    /// Whether the last frame shows it.
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        self.misses == 0
    }

    /// What was seen of it so far was another object; only what follows is its own.
    fn begin_anew(&mut self) {
        self.hits = 0;
        self.early.clear();
        self.first_seen = self.last_seen;
    }

    /// Where it is expected at `now`.
    fn predict(&mut self, now: Instant) -> BoxInFrame {
        if self.stationary {
            // It is where it was: nothing to compute until it is seen again.
            return self.smoothed;
        }
        self.advance(now.min(self.last_seen + LONGEST_EXTRAPOLATION));
        self.filter.bbox()
    }

    fn advance(&mut self, until: Instant) {
        let span = until.saturating_duration_since(self.predicted_for);
        if !span.is_zero() {
            self.filter.predict(span);
            self.predicted_for = until;
        }
    }

    fn see(&mut self, sighting: &Sighting, now: Instant) {
        let Sighting { detection, is_high } = sighting;
        self.advance(now);
        self.filter.measure(&detection.bbox, !is_high);
        self.bbox = detection.bbox;
        self.smoothed = self.filter.bbox();
        self.score += SCORE_WEIGHT * (detection.score - self.score);
        self.top_score = self.top_score.max(detection.score);
        self.last_seen = now;
        self.hits += 1;
        if self.id.is_none() {
            self.early.push((self.smoothed, now));
        }
        let (place, since) = self.rest;
        if place.iou(&self.smoothed) < SAME_PLACE_IOU {
            self.rest = (self.smoothed, now);
            self.stationary = false;
        } else {
            self.stationary |= now.saturating_duration_since(since) >= STATIONARY_AFTER;
        }
    }
}

#[cfg(test)]
mod tests;
