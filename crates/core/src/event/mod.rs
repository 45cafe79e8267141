//! What happened, as subscribers read it: the wire form of `sightline.event/1` and its siblings.
//!
//! The field names are the contract with every subscriber. Adding one is compatible; renaming or removing one is a
//! new schema version. The JSON Schemas beside this file are what the tests hold every payload against.

mod change;
mod detections;
mod read;
mod retained;
mod status;
mod ulid;

use serde::{Deserialize, Serialize};

pub use self::{
    change::{EndReason, Event, EventKind, LineDirection, ObjectChange},
    detections::{FrameDetections, WireDetection},
    retained::{LineCrossings, Retained},
    status::{
        CameraState, CameraStatus, FrameBalance, LoadState, LoadStatus, NodeStatus, PipelineStatus, UndecodedPictures,
    },
    ulid::{NotAUlid, Ulid},
};
use crate::{
    execution::ExecutionSummary,
    frame::{CaptureClock, FrameTimes},
    geometry::BoxInFrame,
    time::WallTime,
};

/// JSON Schema of an event.
pub const EVENT_SCHEMA: &str = include_str!("../schema/event.schema.json");
/// JSON Schema of a per-frame `detections` message.
pub const DETECTIONS_SCHEMA: &str = include_str!("../schema/detections.schema.json");
/// JSON Schema of a camera's `status`.
pub const CAMERA_STATUS_SCHEMA: &str = include_str!("../schema/camera-status.schema.json");
/// JSON Schema of the node's `status`.
pub const NODE_STATUS_SCHEMA: &str = include_str!("../schema/node-status.schema.json");

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Its name.
    pub name: String,
    /// SHA-256 of its weights.
    pub sha256: String,
}

/// Where a message comes from: the same for every message of one camera.
#[derive(Clone, Debug, PartialEq)]
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
    /// How it runs the model; absent in events of versions that did not say.
    pub execution: Option<ExecutionSummary>,
}
