//! What is kept of what a camera saw, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::{DurationText, EventName, SizeText};
use crate::{defaults, yaml::field::Field};

/// What is kept of events: those that the broker does not have yet, until it has them, and behind them the history.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Outbox")]
pub(crate) struct OutboxWire {
    /// Events that wait for the broker hold at most so much; the oldest are dropped first, counted and told. An event takes
    /// about 1 KiB. From 256KiB to 1024GiB.
    #[schemars(extend("default" = "100MiB"))]
    pub max_size: Field<SizeText>,
    /// Events that have waited for so long are dropped, counted and told. From 1s to 3650d.
    #[schemars(extend("default" = "7d"))]
    pub max_age: Field<DurationText>,
    /// Delivered events are kept for `/api/v1/events` up to so much; the oldest go first. From 256KiB to 1024GiB.
    #[schemars(extend("default" = "100MiB"))]
    pub history_size: Field<SizeText>,
    /// Delivered events are kept for so long. From 1s to 3650d.
    #[schemars(extend("default" = "7d"))]
    pub history_age: Field<DurationText>,
}

/// A picture of each object at its best, as JPEG. The section switches them on, unless it says `enabled: false`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Snapshots")]
pub(crate) struct SnapshotsWire {
    /// Whether there are snapshots.
    #[schemars(extend("default" = true))]
    pub enabled: Field<bool>,
    /// The object with a margin around it, instead of the whole frame.
    #[schemars(extend("default" = true))]
    pub crop: Field<bool>,
    /// JPEG quality.
    #[schemars(extend("default" = defaults::SNAPSHOT_QUALITY, "minimum" = 1, "maximum" = 100))]
    pub quality: Field<u64>,
    /// Publish the last object's picture of each label, retained, on `<prefix>/<node>/<camera>/snapshot/<label>`.
    #[schemars(extend("default" = true))]
    pub publish: Field<bool>,
    /// Keep the pictures as files in the state directory.
    #[schemars(extend("default" = true))]
    pub save: Field<bool>,
    /// At most so many files of this camera are kept; the oldest go first.
    #[schemars(extend("default" = defaults::SNAPSHOT_FILES, "minimum" = 1, "maximum" = defaults::MAX_KEPT_FILES))]
    pub max_files: Field<u64>,
    /// Files go when they are older than this. From 1s to 3650d.
    #[schemars(extend("default" = "7d"))]
    pub max_age: Field<DurationText>,
}

/// Recordings of events as MP4 files in the state directory: the video as the camera sent it, nothing is encoded anew.
/// The section switches them on, unless it says `enabled: false`. For `rtsp://`, `rtsps://`, `file://` and `sim://`
/// cameras; the others send no encoded video.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Clips")]
pub(crate) struct ClipsWire {
    /// Whether there are clips.
    #[schemars(extend("default" = true))]
    pub enabled: Field<bool>,
    /// Which types of events are recorded. One that comes during a recording prolongs it.
    #[schemars(extend("default" = ["object_started"], "minItems" = 1))]
    pub events: Field<Vec<Field<EventName>>>,
    /// A clip begins so long before its event, or a little more: it can only begin where the video has a key frame.
    /// The camera's video of so long is held in memory for it. From 0s to 1m.
    #[schemars(extend("default" = "5s"))]
    pub pre: Field<DurationText>,
    /// A clip ends so long after its last event. From 0s to 10m.
    #[schemars(extend("default" = "10s"))]
    pub post: Field<DurationText>,
    /// At most so many files of this camera are kept; the oldest go first.
    #[schemars(extend("default" = defaults::CLIP_FILES, "minimum" = 1, "maximum" = defaults::MAX_KEPT_FILES))]
    pub max_files: Field<u64>,
    /// Files go when they are older than this. From 1s to 3650d.
    #[schemars(extend("default" = "7d"))]
    pub max_age: Field<DurationText>,
}
