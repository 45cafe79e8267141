//! Everything seen in one frame.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{EventTimes, ModelIdentity, Origin, WireBox};
use crate::frame::FrameInfo;

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
