//! What happened to an object, and the event that tells it.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, Serializer};

use super::{EventTimes, ModelIdentity, Origin, Ulid, WireBox, rounded};
use crate::{execution::ExecutionSummary, frame::FrameInfo, geometry::BoxInFrame};

/// What happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// It is present for the first time.
    ObjectStarted,
    /// Its zones, its standing or moving, or its best score changed. Several such changes within a second are one event.
    ObjectUpdated,
    /// It is gone.
    ObjectEnded {
        /// Why.
        reason: EndReason,
    },
    /// It is inside a zone now.
    ZoneEntered {
        /// The zone.
        zone: Arc<str>,
    },
    /// It is not inside the zone any more.
    ZoneLeft {
        /// The zone.
        zone: Arc<str>,
        /// How long it was inside.
        dwell: Duration,
    },
    /// It has been inside the zone for the zone's loitering time. Once per stay.
    ZoneLoitering {
        /// The zone.
        zone: Arc<str>,
        /// How long it has been inside.
        dwell: Duration,
    },
    /// It has crossed a line.
    LineCrossed {
        /// The line.
        line: Arc<str>,
        /// Which way.
        direction: LineDirection,
    },
}

impl EventKind {
    /// The `type` in payloads and in `clips.events` of a pipeline file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ObjectStarted => "object_started",
            Self::ObjectUpdated => "object_updated",
            Self::ObjectEnded { .. } => "object_ended",
            Self::ZoneEntered { .. } => "zone_entered",
            Self::ZoneLeft { .. } => "zone_left",
            Self::ZoneLoitering { .. } => "zone_loitering",
            Self::LineCrossed { .. } => "line_crossed",
        }
    }

    /// Every `type` there is.
    pub const NAMES: [&str; 7] = [
        "object_started",
        "object_updated",
        "object_ended",
        "zone_entered",
        "zone_left",
        "zone_loitering",
        "line_crossed",
    ];

    pub(super) const fn reason(&self) -> Option<EndReason> {
        match self {
            Self::ObjectEnded { reason } => Some(*reason),
            _ => None,
        }
    }

    pub(super) fn zone(&self) -> Option<&str> {
        match self {
            Self::ZoneEntered { zone } | Self::ZoneLeft { zone, .. } | Self::ZoneLoitering { zone, .. } => Some(zone),
            _ => None,
        }
    }

    pub(super) const fn dwell(&self) -> Option<Duration> {
        match self {
            Self::ZoneLeft { dwell, .. } | Self::ZoneLoitering { dwell, .. } => Some(*dwell),
            _ => None,
        }
    }

    pub(super) fn line(&self) -> Option<(&str, LineDirection)> {
        match self {
            Self::LineCrossed { line, direction } => Some((line, *direction)),
            _ => None,
        }
    }
}

/// Which way a line was crossed. Whoever stands at the line's `from` and looks to its `to` sees `in` go from left to
/// right: over a line drawn from the left of the picture to its right, `in` is towards the picture's bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineDirection {
    /// From the line's left to its right.
    In,
    /// From the line's right to its left.
    Out,
}

/// Why an object's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// It was not seen any more.
    Left,
    /// The camera stopped sending.
    CameraLost,
    /// The camera's task was restarted.
    Restart,
    /// The daemon is stopping.
    Shutdown,
    /// The configuration changed.
    Reload,
}

/// Something that happened to an object, not yet numbered.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectChange {
    /// What happened.
    pub kind: EventKind,
    /// The object's track.
    pub track: u64,
    /// The object's class.
    pub label: Arc<str>,
    /// Score, smoothed over the last sightings.
    pub score: f32,
    /// Best score so far.
    pub top_score: f32,
    /// Where it was last seen.
    pub bbox: BoxInFrame,
    /// The zones that it is inside of, after the change.
    pub zones: Arc<[Arc<str>]>,
    /// It stands still.
    pub stationary: bool,
    /// Time from its first sighting to its last.
    pub age: Duration,
    /// The frame it was last seen in.
    pub frame: FrameInfo,
    /// That frame's moments.
    pub time: EventTimes,
}

/// One event. Serialises to `sightline.event/1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique; the key to drop duplicates by.
    pub id: Ulid,
    /// Rises by one per node within an epoch, so that a subscriber sees gaps.
    pub seq: u64,
    /// The daemon's run that `seq` counts in.
    pub epoch: Ulid,
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// What happened.
    pub change: ObjectChange,
    /// Delivered late, after an outage.
    pub replayed: bool,
}

/// The `schema` of an event.
pub(super) const EVENT_SCHEMA_NAME: &str = "sightline.event/1";

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The contract's field order, and behind it what came later.
        #[derive(Serialize)]
        struct Wire<'a> {
            schema: &'static str,
            id: Ulid,
            seq: u64,
            epoch: Ulid,
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<EndReason>,
            node: &'a str,
            pipeline: &'a str,
            camera: &'a str,
            track: u64,
            label: &'a str,
            score: f64,
            top_score: f64,
            r#box: WireBox,
            frame: FrameInfo,
            zones: Vec<&'a str>,
            zone: Option<&'a str>,
            line: Option<&'a str>,
            direction: Option<LineDirection>,
            stationary: bool,
            age_seconds: f64,
            dwell_seconds: Option<f64>,
            time: EventTimes,
            model: &'a ModelIdentity,
            provider: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            execution: Option<&'a ExecutionSummary>,
            replayed: bool,
        }
        let change = &self.change;
        let line = change.kind.line();
        Wire {
            schema: EVENT_SCHEMA_NAME,
            id: self.id,
            seq: self.seq,
            epoch: self.epoch,
            r#type: change.kind.name(),
            reason: change.kind.reason(),
            node: &self.origin.node,
            pipeline: &self.origin.pipeline,
            camera: &self.origin.camera,
            track: change.track,
            label: &change.label,
            score: rounded(change.score),
            top_score: rounded(change.top_score),
            r#box: change.bbox.into(),
            frame: change.frame,
            zones: change.zones.iter().map(|zone| &**zone).collect(),
            zone: change.kind.zone(),
            line: line.map(|(line, _)| line),
            direction: line.map(|(_, direction)| direction),
            stationary: change.stationary,
            age_seconds: seconds(change.age),
            dwell_seconds: change.kind.dwell().map(seconds),
            time: change.time,
            model: &self.origin.model,
            provider: &self.origin.provider,
            execution: self.origin.execution.as_ref(),
            replayed: self.replayed,
        }
        .serialize(serializer)
    }
}

/// Whole milliseconds, as payloads say times.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}
