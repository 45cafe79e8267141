//! One object's life: what is known of it, what was told of it, and where it stands with zones and lines.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    event::{EventKind, EventTimes, LineDirection, ObjectChange},
    frame::FrameInfo,
    geometry::{BoxInFrame, Polygon, ReferencePoint},
    line::{Line, LineWatch},
    plan::{LinePlan, ZonePlan},
    track::Track,
    zone::{ZoneChange, ZoneStay},
};

/// Changes that come closer together than this are told in one `object_updated`.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);
/// A better score is worth telling from this much on.
const BETTER_SCORE: f32 = 0.01;
/// A picture replaces the last one when it is so much better: otherwise an object that comes nearer would give one with
/// each frame.
const BETTER_PICTURE: f32 = 1.15;
/// Worth of a picture that shows only a part of the object, because the rest is outside the frame.
const CUT_OFF: f32 = 0.6;

/// A zone or a line as an object meets it: with its name and the classes that it counts.
#[derive(Clone, Debug)]
pub(super) struct Watched<T> {
    pub(super) id: Arc<str>,
    pub(super) what: T,
    labels: Vec<String>,
}

impl<T> Watched<T> {
    /// No labels: it counts all.
    pub(super) fn counts(&self, label: &str) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|counted| counted == label)
    }
}

/// A zone's area and times.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    polygon: Polygon,
    point: ReferencePoint,
    inertia: Duration,
    loitering: Option<Duration>,
}

/// The zones and lines of one camera, in the file's order.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) zones: Vec<Watched<Zone>>,
    pub(super) lines: Vec<Watched<Line>>,
}

impl Places {
    pub(super) fn new(zones: &[ZonePlan], lines: &[LinePlan]) -> Self {
        let zone = |plan: &ZonePlan| Watched {
            id: plan.id.clone(),
            labels: plan.labels.clone(),
            what: Zone {
                polygon: plan.polygon.clone(),
                point: plan.point,
                inertia: plan.inertia,
                loitering: plan.loitering,
            },
        };
        let line = |plan: &LinePlan| Watched { id: plan.id.clone(), labels: plan.labels.clone(), what: plan.into() };
        Self { zones: zones.iter().map(zone).collect(), lines: lines.iter().map(line).collect() }
    }
}

/// One object that is present.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) label: Arc<str>,
    /// The frame that it was last seen in.
    last: (FrameInfo, EventTimes),
    /// Its stay in each zone that counts it, by the zone's index.
    stays: Vec<(usize, ZoneStay)>,
    /// Its way over each line that counts it, by the line's index.
    ways: Vec<(usize, LineWatch)>,
    /// Names of the zones that it is inside of.
    zones: Arc<[Arc<str>]>,
    told: Told,
    best_picture: f32,
}

/// What subscribers know.
#[derive(Clone, Debug)]
struct Told {
    zones: Arc<[Arc<str>]>,
    stationary: bool,
    top_score: f32,
    at: Instant,
}

/// What happened, on its way from [`Object`] to whoever numbers it.
pub(super) type Tell<'a> = dyn FnMut(ObjectChange) + 'a;

impl Object {
    /// An object that has just become one. `sightings`: where and when it was seen until now, oldest first.
    pub(super) fn begin(
        places: &Places,
        label: &Arc<str>,
        track: &Track,
        sightings: &[(BoxInFrame, Instant)],
        last: (FrameInfo, EventTimes),
        tell: &mut Tell<'_>,
    ) -> Self {
        let first = sightings.first().map_or(track.smoothed, |(bbox, _)| *bbox);
        let counting = |zone: &Zone| ZoneStay::new(zone.inertia, zone.loitering);
        let watching = |line: &Line| LineWatch::new(line, &first);
        let mut object = Self {
            label: label.clone(),
            last,
            stays: indexed(&places.zones, label, counting),
            ways: indexed(&places.lines, label, watching),
            zones: Arc::new([]),
            told: Told { zones: Arc::new([]), stationary: false, top_score: track.top_score, at: track.last_seen },
            best_picture: 0.0,
        };
        // What it did before it was known to be an object happened all the same, but its start is told first.
        let mut happened = Vec::new();
        for (bbox, when) in sightings {
            object.meet(places, bbox, *when, &mut |kind| happened.push(kind));
        }
        for (zone, stay) in &mut object.stays {
            let id = &places.zones[*zone].id;
            stay.settle(&mut |change| happened.push(zone_event(id, change)));
        }
        object.name_zones(places);
        object.told.zones = object.zones.clone();
        tell(object.change(EventKind::ObjectStarted, track));
        for kind in happened {
            tell(object.change(kind, track));
        }
        object
    }

    /// It was seen again.
    pub(super) fn see(&mut self, places: &Places, track: &Track, last: (FrameInfo, EventTimes), tell: &mut Tell<'_>) {
        self.last = last;
        let mut happened = Vec::new();
        self.meet(places, &track.smoothed, track.last_seen, &mut |kind| happened.push(kind));
        if !happened.is_empty() {
            self.name_zones(places);
        }
        for kind in happened {
            tell(self.change(kind, track));
        }
        let has_news = self.told.zones != self.zones
            || self.told.stationary != track.stationary
            || track.top_score >= self.told.top_score + BETTER_SCORE;
        if has_news && track.last_seen.saturating_duration_since(self.told.at) >= UPDATE_INTERVAL {
            self.told = Told {
                zones: self.zones.clone(),
                stationary: track.stationary,
                top_score: track.top_score,
                at: track.last_seen,
            };
            tell(self.change(EventKind::ObjectUpdated, track));
        }
    }

    /// It is gone: it leaves its zones, and the side of a line where it was last seen is the one that it went to.
    pub(super) fn end(mut self, places: &Places, track: &Track, end: EventKind, tell: &mut Tell<'_>) {
        let mut happened = Vec::new();
        for (line, way) in &mut self.ways {
            let Watched { id, what, .. } = &places.lines[*line];
            happened.extend(way.end(what).map(|direction| line_event(id, direction)));
        }
        for (zone, stay) in &mut self.stays {
            let id = &places.zones[*zone].id;
            stay.end(track.last_seen, &mut |change| happened.push(zone_event(id, change)));
        }
        if !happened.is_empty() {
            self.name_zones(places);
        }
        happened.push(end);
        for kind in happened {
            tell(self.change(kind, track));
        }
    }

    /// Whether it is inside a zone, by the zone's index.
    pub(super) fn is_inside(&self, zone: usize) -> bool {
        self.stays.iter().any(|(index, stay)| *index == zone && stay.is_inside())
    }

    /// Whether this frame shows it so much better than the last picture that another is worth taking; it counts as
    /// taken then.
    pub(super) fn is_best_picture(&mut self, bbox: &BoxInFrame, score: f32) -> bool {
        const EDGE: f32 = 0.005;
        let is_cut_off = bbox.x < EDGE || bbox.y < EDGE || bbox.right() > 1.0 - EDGE || bbox.bottom() > 1.0 - EDGE;
        let worth = score * bbox.area().sqrt() * if is_cut_off { CUT_OFF } else { 1.0 };
        let is_better = worth > BETTER_PICTURE * self.best_picture;
        if is_better {
            self.best_picture = worth;
        }
        is_better
    }

    /// Holds a sighting against zones and lines.
    fn meet(&mut self, places: &Places, bbox: &BoxInFrame, when: Instant, happened: &mut dyn FnMut(EventKind)) {
        for (zone, stay) in &mut self.stays {
            let Watched { id, what, .. } = &places.zones[*zone];
            let inside = what.polygon.contains(bbox.reference(what.point));
            stay.see(inside, when, &mut |change| happened(zone_event(id, change)));
        }
        for (line, way) in &mut self.ways {
            let Watched { id, what, .. } = &places.lines[*line];
            if let Some(direction) = way.see(what, bbox) {
                happened(line_event(id, direction));
            }
        }
    }

    fn name_zones(&mut self, places: &Places) {
        let inside = self.stays.iter().filter(|(_, stay)| stay.is_inside());
        self.zones = inside.map(|(zone, _)| places.zones[*zone].id.clone()).collect();
    }

    fn change(&self, kind: EventKind, track: &Track) -> ObjectChange {
        let (frame, time) = self.last;
        ObjectChange {
            kind,
            track: track.id.unwrap_or_default(),
            label: self.label.clone(),
            score: track.score,
            top_score: track.top_score,
            bbox: track.bbox,
            zones: self.zones.clone(),
            stationary: track.stationary,
            age: track.last_seen.saturating_duration_since(track.first_seen),
            frame,
            time,
        }
    }
}

fn indexed<T, S>(watched: &[Watched<T>], label: &str, state: impl Fn(&T) -> S) -> Vec<(usize, S)> {
    let counting = watched.iter().enumerate().filter(|(_, it)| it.counts(label));
    counting.map(|(index, it)| (index, state(&it.what))).collect()
}

fn zone_event(zone: &Arc<str>, change: ZoneChange) -> EventKind {
    let zone = zone.clone();
    match change {
        ZoneChange::Entered => EventKind::ZoneEntered { zone },
        ZoneChange::Left(dwell) => EventKind::ZoneLeft { zone, dwell },
        ZoneChange::Loitering(dwell) => EventKind::ZoneLoitering { zone, dwell },
    }
}

fn line_event(line: &Arc<str>, direction: LineDirection) -> EventKind {
    EventKind::LineCrossed { line: line.clone(), direction }
}
