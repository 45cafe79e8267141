//! What happened, as subscribers read it: the wire form of `sightline.event/1` and its siblings.
//!
//! The field names are the contract with every subscriber. Adding one is compatible; renaming or removing one is a
//! new schema version. The JSON Schemas beside this file are what the tests hold every payload against.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    frame::{CaptureClock, FrameInfo, FrameTimes},
    geometry::BoxInFrame,
    time::WallTime,
};

/// JSON Schema of an event.
pub const EVENT_SCHEMA: &str = include_str!("schema/event.schema.json");
/// JSON Schema of a per-frame `detections` message.
pub const DETECTIONS_SCHEMA: &str = include_str!("schema/detections.schema.json");
/// JSON Schema of a camera's `status`.
pub const CAMERA_STATUS_SCHEMA: &str = include_str!("schema/camera-status.schema.json");
/// JSON Schema of the node's `status`.
pub const NODE_STATUS_SCHEMA: &str = include_str!("schema/node-status.schema.json");

/// A 128-bit identifier that sorts by time: 48 bits of milliseconds, 80 bits of randomness.
///
/// Source: the ULID specification (github.com/ulid/spec). Written in Crockford's base 32, 26 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(u128);

impl Ulid {
    /// From a moment and 80 random bits (the upper 48 bits of `random` are ignored).
    #[must_use]
    pub fn new(time: WallTime, random: u128) -> Self {
        let millis = u128::try_from(time.as_millis()).unwrap_or(0) & ((1 << 48) - 1);
        Self(millis << 80 | random & ((1 << 80) - 1))
    }

    /// The lower 80 bits.
    #[must_use]
    pub const fn random_part(self) -> u128 {
        self.0 & ((1 << 80) - 1)
    }
}

impl std::fmt::Display for Ulid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        for digit in (0..26).rev() {
            let index = (self.0 >> (5 * digit) & 31) as usize;
            write!(f, "{}", char::from(ALPHABET[index]))?;
        }
        Ok(())
    }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

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

    const fn reason(&self) -> Option<EndReason> {
        match self {
            Self::ObjectEnded { reason } => Some(*reason),
            _ => None,
        }
    }

    fn zone(&self) -> Option<&str> {
        match self {
            Self::ZoneEntered { zone } | Self::ZoneLeft { zone, .. } | Self::ZoneLoitering { zone, .. } => Some(zone),
            _ => None,
        }
    }

    const fn dwell(&self) -> Option<Duration> {
        match self {
            Self::ZoneLeft { dwell, .. } | Self::ZoneLoitering { dwell, .. } => Some(*dwell),
            _ => None,
        }
    }

    fn line(&self) -> Option<(&str, LineDirection)> {
        match self {
            Self::LineCrossed { line, direction } => Some((line, *direction)),
            _ => None,
        }
    }
}

/// Which way a line was crossed. Whoever stands at the line's `from` and looks to its `to` sees `in` go from left to
/// right: over a line drawn from the left of the picture to its right, `in` is towards the picture's bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineDirection {
    /// From the line's left to its right.
    In,
    /// From the line's right to its left.
    Out,
}

/// Why an object's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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

/// A box as payloads carry it: fractions of the frame, rounded to 1e-4 (a fifth of a pixel at 1920).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WireBox {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl From<WireBox> for BoxInFrame {
    fn from(b: WireBox) -> Self {
        Self { x: b.x as f32, y: b.y as f32, width: b.w as f32, height: b.h as f32 }
    }
}

impl From<BoxInFrame> for WireBox {
    fn from(b: BoxInFrame) -> Self {
        Self { x: rounded(b.x), y: rounded(b.y), w: rounded(b.width), h: rounded(b.height) }
    }
}

/// Rounded to four decimals, so that payloads say 0.412 and not 0.41200000047683716.
#[must_use]
pub fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

/// The moments of a frame's way. `published` is set when the message is handed to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EventTimes {
    /// When the camera took the frame.
    pub capture: WallTime,
    /// How `capture` is known.
    pub clock: CaptureClock,
    /// When the frame left the decoder.
    pub decoded: WallTime,
    /// When the network's answer was there.
    pub inferred: WallTime,
    /// When the message was handed to the broker.
    pub published: Option<WallTime>,
}

impl EventTimes {
    /// From a frame's moments and that of its inference.
    #[must_use]
    pub const fn new(frame: &FrameTimes, inferred: WallTime) -> Self {
        Self { capture: frame.capture, clock: frame.clock, decoded: frame.decoded, inferred, published: None }
    }
}

/// The model behind a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelIdentity {
    /// Its name.
    pub name: String,
    /// SHA-256 of its weights.
    pub sha256: String,
}

/// Where a message comes from: the same for every message of one camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// This machine's name in topics.
    pub node: String,
    /// The pipeline.
    pub pipeline: String,
    /// The camera.
    pub camera: String,
    /// The model in use.
    pub model: ModelIdentity,
    /// The execution provider really in use.
    pub provider: String,
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
            replayed: bool,
        }
        let change = &self.change;
        let line = change.kind.line();
        Wire {
            schema: "sightline.event/1",
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
            replayed: self.replayed,
        }
        .serialize(serializer)
    }
}

/// Whole milliseconds, as payloads say times.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

/// One entry of a `detections` list, on MQTT and in `sightline detect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WireDetection {
    /// The class's name.
    pub label: Arc<str>,
    /// Confidence.
    pub score: f64,
    /// Where.
    pub r#box: WireBox,
    /// The track it belongs to, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u64>,
}

/// Everything seen in one inferred frame. Serialises to `sightline.detections/1`.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameDetections {
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// The frame.
    pub frame: FrameInfo,
    /// The frame's moments.
    pub time: EventTimes,
    /// What was seen, best first.
    pub detections: Vec<WireDetection>,
}

impl Serialize for FrameDetections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            schema: &'static str,
            node: &'a str,
            pipeline: &'a str,
            camera: &'a str,
            frame: FrameInfo,
            time: EventTimes,
            model: &'a ModelIdentity,
            provider: &'a str,
            detections: &'a [WireDetection],
        }
        Wire {
            schema: "sightline.detections/1",
            node: &self.origin.node,
            pipeline: &self.origin.pipeline,
            camera: &self.origin.camera,
            frame: self.frame,
            time: self.time,
            model: &self.origin.model,
            provider: &self.origin.provider,
            detections: &self.detections,
        }
        .serialize(serializer)
    }
}

/// What a camera is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// Being opened.
    Connecting,
    /// Frames arrive.
    Streaming,
    /// Connected, but no frame for too long.
    Stalled,
    /// Waiting before the next try.
    Backoff,
    /// Cannot work as configured.
    Failed,
    /// Switched off, or a file that has ended.
    Disabled,
}

/// A camera's `status`, retained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraStatus {
    /// What it is doing.
    pub state: CameraState,
    /// Why, when something is wrong (`auth`, `not_found`, `network`, …).
    pub code: Option<&'static str>,
    /// The same in words, without secrets.
    pub message: Option<String>,
    /// Since when.
    pub since: WallTime,
    /// Frames per second that are inferred, over the last seconds.
    pub fps: f64,
    /// Codec of the stream, once known.
    pub codec: Option<String>,
    /// GStreamer element that decodes it, once known.
    pub decoder: Option<String>,
    /// Frames since the daemon's start, by what became of them.
    pub frames: FrameBalance,
}

/// What became of a camera's frames. Always: decoded = inferred + Σ dropped + waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FrameBalance {
    /// Left the decoder.
    pub decoded: u64,
    /// Went through the network.
    pub inferred: u64,
    /// Over the wished frame rate.
    pub dropped_rate: u64,
    /// A newer frame took its place before inference.
    pub dropped_superseded: u64,
    /// Waited too long to be worth a look.
    pub dropped_stale: u64,
    /// The inference failed.
    pub dropped_failed: u64,
    /// Still waiting when the camera stopped.
    pub dropped_stopped: u64,
    /// In the slot or in a batch right now.
    pub waiting: u64,
}

impl FrameBalance {
    /// All frames dropped, whatever the reason.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped_rate + self.dropped_superseded + self.dropped_stale + self.dropped_failed + self.dropped_stopped
    }

    /// Whether every decoded frame is accounted for.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.decoded == self.inferred + self.dropped() + self.waiting
    }
}

/// A model in the node's `status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PipelineStatus {
    /// The pipeline's name.
    pub name: String,
    /// Its cameras.
    pub cameras: Vec<String>,
    /// Its model.
    pub model: ModelIdentity,
    /// The execution provider really in use.
    pub provider: String,
}

/// The node's `status`, retained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeStatus {
    /// Version of the daemon.
    pub version: String,
    /// When it started.
    pub since: WallTime,
    /// The run that events' `seq` counts in.
    pub epoch: Ulid,
    /// What runs.
    pub pipelines: Vec<PipelineStatus>,
}

/// A retained topic's value. The latest one is published at each reconnect, so that nothing stays stale.
#[derive(Clone, Debug, PartialEq)]
pub enum Retained {
    /// `<base>/status`
    Node(NodeStatus),
    /// `<base>/<camera>/status`
    Camera {
        /// The camera.
        camera: Arc<str>,
        /// Its status.
        status: CameraStatus,
    },
    /// `<base>/<camera>/count/<label>`
    Count {
        /// The camera.
        camera: Arc<str>,
        /// The class.
        label: Arc<str>,
        /// Objects present.
        present: u32,
    },
    /// `<base>/<camera>/zone/<zone>/<label>`
    Zone {
        /// The camera.
        camera: Arc<str>,
        /// The zone.
        zone: Arc<str>,
        /// The class.
        label: Arc<str>,
        /// Objects inside.
        inside: u32,
    },
    /// `<base>/<camera>/line/<line>`
    Line {
        /// The camera.
        camera: Arc<str>,
        /// The line.
        line: Arc<str>,
        /// Crossings since the daemon's start.
        crossings: LineCrossings,
    },
    /// `<base>/<camera>/snapshot/<label>`
    Snapshot {
        /// The camera.
        camera: Arc<str>,
        /// The class.
        label: Arc<str>,
        /// The picture, a JPEG file.
        jpeg: Arc<[u8]>,
    },
}

/// Crossings of a line by direction. Serialises to `{"in":3,"out":1}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LineCrossings {
    /// From its left to its right.
    pub r#in: u64,
    /// From its right to its left.
    pub out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulids_are_written_as_the_specification_has_them() {
        // The specification's own example: 01ARZ3NDEKTSV4RRFFQ69G5FAV is 1469922850259 ms.
        let ulid = Ulid::new(WallTime::from_micros(1_469_922_850_259_000), 0xD676_4C61_EFB9_9302_BD5B);
        assert_eq!(ulid.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    }

    #[test]
    fn ulids_sort_by_time() {
        let early = Ulid::new(WallTime::from_micros(1_000_000), u128::MAX);
        let late = Ulid::new(WallTime::from_micros(2_000_000), 0);
        assert!(early < late && early.to_string() < late.to_string());
    }
}
