//! From detections to facts about objects: this one came, stood in that zone, crossed that line, left; so many are
//! present. What leads to which event is written down in docs/objects.md.

mod life;
mod rules;
mod tally;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

pub use self::rules::LabelRules;
use self::{
    life::{Object, Places},
    tally::Tallies,
};
use crate::{
    detection::Detection,
    event::{EndReason, EventKind, EventTimes, ObjectChange, Retained, WireDetection, rounded},
    frame::FrameInfo,
    geometry::{BoxInFrame, Polygon},
    model::Labels,
    motion::Followed,
    plan::CameraPlan,
    track::{Sighting, Track, TrackChanges, Tracker, TrackerSettings},
};

/// An object that the frame shows better than any before it.
#[derive(Clone, Debug, PartialEq)]
pub struct BestShot {
    /// The object's track.
    pub track: u64,
    /// Its class.
    pub label: Arc<str>,
    /// Where it is.
    pub bbox: BoxInFrame,
}

/// Watches one camera's detections.
#[derive(Debug)]
pub struct ObjectObserver {
    camera: Arc<str>,
    rules: LabelRules,
    masks: Vec<Polygon>,
    places: Places,
    tracker: Tracker,
    changes: TrackChanges,
    sightings: Vec<Sighting>,
    objects: BTreeMap<u64, Object>,
    /// Objects of the frame with their sightings; used again from frame to frame.
    seen: Vec<(u64, usize)>,
    tallies: Tallies,
    best_shots: Vec<BestShot>,
}

impl ObjectObserver {
    /// An observer that has seen nothing yet. A label without a score of its own takes `score_threshold`.
    #[must_use]
    pub fn new(camera: &CameraPlan, labels: &Labels, score_threshold: f32) -> Self {
        let rules = LabelRules::new(labels, &camera.labels, score_threshold);
        let places = Places::new(&camera.zones, &camera.lines);
        Self {
            camera: camera.spec.id.clone(),
            tallies: tallies(&rules, &places),
            rules,
            masks: camera.masks.clone(),
            places,
            tracker: Tracker::new(TrackerSettings::default()),
            changes: TrackChanges::default(),
            sightings: Vec::new(),
            objects: BTreeMap::new(),
            seen: Vec::new(),
            best_shots: Vec::new(),
        }
    }

    /// Goes on where `earlier` ended, whose settings may have been others: no track number is given twice, and lines of
    /// the same name are counted on. Its objects are not taken over.
    pub fn count_on_from(&mut self, earlier: &Self) {
        self.tracker.number_on_from(&earlier.tracker);
        self.tallies.take_crossings(&earlier.tallies);
    }

    /// The least score that is of use: what decoding has to keep.
    #[must_use]
    pub fn least_score(&self) -> f32 {
        self.rules.least_score()
    }

    /// Takes in one frame's detections, seen at `now`; calls `on_change` for everything that happened: first to the
    /// objects that are gone, then to those that were seen, the oldest first. The order of `detections` makes no
    /// difference.
    pub fn observe(
        &mut self,
        detections: &[Detection],
        frame: FrameInfo,
        time: EventTimes,
        now: Instant,
        on_change: &mut dyn FnMut(ObjectChange),
    ) {
        self.best_shots.clear();
        self.sightings.clear();
        let (rules, masks) = (&self.rules, &self.masks);
        let seen = detections.iter().filter_map(|detection| rules.sighting(detection, frame, masks));
        self.sightings.extend(seen);
        self.tracker.update(&self.sightings, now, &mut self.changes);

        let mut has_news = self.report_ended(EndReason::Left, on_change);
        has_news |= self.report_seen((frame, time), on_change);
        if has_news {
            self.count();
        }
    }

    /// Ends all objects.
    pub fn end_all(&mut self, reason: EndReason, on_change: &mut dyn FnMut(ObjectChange)) {
        self.best_shots.clear();
        self.tracker.end_all(&mut self.changes);
        if self.report_ended(reason, on_change) {
            self.count();
        }
    }

    /// Objects that the last observed frame shows better than any before it.
    #[must_use]
    pub fn best_shots(&self) -> &[BestShot] {
        &self.best_shots
    }

    /// The objects present, the oldest first, as the tracker knows them.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.tracker.objects()
    }

    /// What is followed, as far as the motion gate is concerned.
    #[must_use]
    pub fn followed(&self) -> Followed {
        self.tracker.followed()
    }

    /// The name of a reported class.
    #[must_use]
    pub fn label(&self, class_id: u16) -> Option<&Arc<str>> {
        self.rules.name(class_id)
    }

    /// All counts: objects present, inside zones, and over lines.
    pub fn counts(&self) -> impl Iterator<Item = Retained> {
        self.tallies.all(&self.camera)
    }

    /// Hands out the counts that have changed since the last call: objects present, inside zones, and over lines. The
    /// first call hands out all of them, so that none stays stale from an earlier run.
    pub fn take_counts(&mut self, tell: &mut dyn FnMut(Retained)) {
        self.tallies.take_news(&self.camera, tell);
    }

    /// The last observed frame's detections as payloads carry them, with their tracks, best first.
    #[must_use]
    pub fn wire_detections(&self) -> Vec<WireDetection> {
        let tracks = &self.changes.track_of_detection;
        let wire = |(index, Sighting { detection, is_high }): (usize, &Sighting)| {
            let label = self.rules.name(detection.class_id).filter(|_| *is_high)?;
            Some(WireDetection {
                label: label.clone(),
                score: rounded(detection.score),
                r#box: detection.bbox.into(),
                track: tracks.get(index).copied().flatten(),
            })
        };
        self.sightings.iter().enumerate().filter_map(wire).collect()
    }

    /// Whether there was anything to report.
    fn report_ended(&mut self, reason: EndReason, on_change: &mut dyn FnMut(ObjectChange)) -> bool {
        let tallies = &mut self.tallies;
        let has_ended = !self.changes.ended.is_empty();
        for track in self.changes.ended.drain(..) {
            let Some(object) = track.id.and_then(|id| self.objects.remove(&id)) else { continue };
            object.end(&self.places, &track, EventKind::ObjectEnded { reason }, &mut |change| {
                tally_crossing(tallies, &change);
                on_change(change);
            });
        }
        has_ended
    }

    /// Whether anything happened to the objects that were seen.
    fn report_seen(&mut self, last: (FrameInfo, EventTimes), on_change: &mut dyn FnMut(ObjectChange)) -> bool {
        let Self { changes, tracker, objects, places, rules, tallies, best_shots, sightings, seen, .. } = self;
        let mut has_news = false;
        let mut tell = |change: ObjectChange| {
            has_news = true;
            tally_crossing(tallies, &change);
            on_change(change);
        };
        // In the order of their ids: objects are numbered in the order in which they come.
        let of_objects = changes.track_of_detection.iter().enumerate();
        seen.clear();
        seen.extend(of_objects.filter_map(|(sighting, id)| Some(((*id)?, sighting))));
        seen.sort_unstable();
        for &(id, sighting) in seen.iter() {
            let Some(track) = tracker.object(id) else { continue };
            match objects.get_mut(&id) {
                Some(object) => object.see(places, track, last, &mut tell),
                None => {
                    let Some(label) = rules.name(track.class_id) else { continue };
                    let started = changes.started.iter().find(|started| started.id == id);
                    let sightings = started.map_or(&[][..], |started| &started.sightings);
                    objects.insert(id, Object::begin(places, label, track, sightings, last, &mut tell));
                }
            }
            let Sighting { detection, is_high } = sightings[sighting];
            if let Some(object) = objects.get_mut(&id)
                && is_high
                && object.is_best_picture(&detection.bbox, detection.score)
            {
                best_shots.push(BestShot { track: id, label: object.label.clone(), bbox: detection.bbox });
            }
        }
        has_news
    }

    fn count(&mut self) {
        let objects = &self.objects;
        self.tallies.recount(&|zone, label| {
            // Names are shared with the rules: equal ones are one.
            let is_counted =
                |object: &&Object| Arc::ptr_eq(&object.label, label) && zone.is_none_or(|zone| object.is_inside(zone));
            u32::try_from(objects.values().filter(is_counted).count()).unwrap_or(u32::MAX)
        });
    }
}

fn tallies(rules: &LabelRules, places: &Places) -> Tallies {
    let mut tallies = Tallies::default();
    rules.names().for_each(|label| tallies.add_label(label));
    for (index, zone) in places.zones.iter().enumerate() {
        rules.names().filter(|label| zone.counts(label)).for_each(|label| tallies.add_zone(index, &zone.id, label));
    }
    places.lines.iter().for_each(|line| tallies.add_line(&line.id));
    tallies
}

fn tally_crossing(tallies: &mut Tallies, change: &ObjectChange) {
    if let EventKind::LineCrossed { line, direction } = &change.kind {
        tallies.crossed(line, *direction);
    }
}

#[cfg(test)]
mod tests;
