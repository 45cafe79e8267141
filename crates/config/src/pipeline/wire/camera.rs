//! `cameras:` and `defaults:` as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    area::{LineWire, PolygonWire, ZoneWire},
    effort::{DecodingWire, MotionWire},
    kept::{ClipsWire, SnapshotsWire},
    scalar::{AddressText, DurationOrOffText, DurationText, Fraction, Ratio},
};
use crate::{
    defaults,
    yaml::field::{Entries, Field},
};

/// Settings for every camera that does not make its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Defaults")]
pub(crate) struct DefaultsWire {
    /// At most so many frames per second and camera go to inference.
    #[schemars(extend("default" = defaults::FPS, "exclusiveMinimum" = 0, "maximum" = defaults::MAX_FPS))]
    pub fps: Field<f64>,
    /// Whose frames go first when there are more than the network can do. While all fit it changes nothing.
    #[schemars(extend("default" = "normal"))]
    pub priority: Field<PriorityWire>,
    /// How RTP travels, for RTSP cameras.
    #[schemars(extend("default" = "tcp"))]
    pub transport: Field<TransportWire>,
    /// Which labels are reported. Left out: all of the model's.
    pub labels: Field<LabelsWire>,
    /// No frame for so long: the camera is stalled and is opened anew. From 100ms to 1h.
    #[schemars(extend("default" = "10s"))]
    pub stall_timeout: Field<DurationText>,
    /// A picture that has been exactly the same for so long is told as state `frozen`; `off`: never. From 2s to 24h.
    #[schemars(extend("default" = "60s"))]
    pub frozen_after: Field<DurationOrOffText>,
    /// A picture that has been black for so long is told as state `dark`; `off`: never. From 2s to 24h.
    #[schemars(extend("default" = "30s"))]
    pub dark_after: Field<DurationOrOffText>,
    /// GStreamer element to decode with, such as `avdec_h264`. Left out: the one GStreamer ranks best.
    pub decoder: Field<String>,
    /// The motion gate. Left out: none, every frame is inferred.
    pub motion: Field<MotionWire>,
    /// What of the video need not be decoded.
    pub decoding: Field<DecodingWire>,
    /// Pictures of objects at their best. Left out: none.
    pub snapshots: Field<SnapshotsWire>,
    /// Recordings of events. Left out: none.
    pub clips: Field<ClipsWire>,
}

/// One camera.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Camera", extend("required" = ["url"]))]
pub(crate) struct CameraWire {
    /// Where frames come from: `rtsp://` or `rtsps://` (user and password may stand in it, percent-encoded, or as
    /// `${env:NAME}`, which is taken as it is), `file:///path`, `v4l2:///dev/video0`, `test://PATTERN`, `sim://SCENE`.
    /// The path is shown in logs: keep secrets out of it.
    pub url: Field<AddressText>,
    /// User at the camera, when not in the address.
    pub username: Field<String>,
    /// The user's password. Keep it out of the file: `${file:PATH}` or `${env:NAME}`.
    pub password: Field<String>,
    /// At most so many frames per second go to inference. Left out: as in `defaults`.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = defaults::MAX_FPS))]
    pub fps: Field<f64>,
    /// Whose frames go first when there are more than the network can do. Left out: as in `defaults`.
    pub priority: Field<PriorityWire>,
    /// How RTP travels, for RTSP cameras. Left out: as in `defaults`.
    pub transport: Field<TransportWire>,
    /// GStreamer element to decode with. Left out: as in `defaults`.
    pub decoder: Field<String>,
    /// Which labels are reported. Left out: as in `defaults`.
    pub labels: Field<LabelsWire>,
    /// Files only: play again from the start at the end.
    #[schemars(extend("default" = false))]
    pub r#loop: Field<bool>,
    /// No frame for so long: the camera is stalled and is opened anew. Left out: as in `defaults`.
    pub stall_timeout: Field<DurationText>,
    /// A picture that has been exactly the same for so long is told as state `frozen`; `off`: never. Left out: as in
    /// `defaults`.
    pub frozen_after: Field<DurationOrOffText>,
    /// A picture that has been black for so long is told as state `dark`; `off`: never. Left out: as in `defaults`.
    pub dark_after: Field<DurationOrOffText>,
    /// `rtsps://` only: whether the camera's certificate must be valid.
    #[schemars(extend("default" = true))]
    pub verify_tls: Field<bool>,
    /// Areas to watch, by id. An id is part of a topic and unique within the camera.
    pub zones: Field<Entries<ZoneWire>>,
    /// Lines to watch, by id. An id is part of a topic and unique within the camera.
    pub lines: Field<Entries<LineWire>>,
    /// Areas in which nothing is reported, each a list of corners as a zone's `polygon`: a detection whose foot point
    /// (the middle of its box's bottom edge) lies in one is dropped. For what only looks like an object, such as a
    /// statue or a screen.
    pub masks: Field<Vec<Field<PolygonWire>>>,
    /// The motion gate. Left out: as in `defaults`; given, it replaces that section as a whole.
    pub motion: Field<MotionWire>,
    /// What of the video need not be decoded. Left out: as in `defaults`; given, it replaces that section as a whole.
    pub decoding: Field<DecodingWire>,
    /// Pictures of objects at their best. Left out: as in `defaults`; given, it replaces that section as a whole.
    pub snapshots: Field<SnapshotsWire>,
    /// Recordings of events. Left out: as in `defaults`; given, it replaces that section as a whole.
    pub clips: Field<ClipsWire>,
}

/// How RTP travels: interleaved in the RTSP connection, over UDP, or over UDP first and TCP when nothing arrives.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Transport")]
pub(crate) enum TransportWire {
    Tcp,
    Udp,
    Auto,
}

/// Whose frames go first when there are more than the network can do: until its `fps` are reached, `normal` gets four times as
/// many as `low`, `high` four times as many as `normal`. `low` gets a frame about once a second in any case.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Priority")]
pub(crate) enum PriorityWire {
    Low,
    Normal,
    High,
}

/// Labels to report: a list of names, or a mapping from names to what of them is reported.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "Labels")]
pub(crate) enum LabelsWire {
    /// Names.
    Sequence(Vec<Field<String>>),
    /// Names and filters.
    Mapping(Entries<LabelWire>),
}

/// What of a label is reported.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "LabelFilter")]
pub(crate) struct LabelWire {
    /// Least score. Left out: the pipeline's `score_threshold`.
    pub score: Field<Fraction>,
    /// Least area of the box as a fraction of the frame.
    #[schemars(extend("default" = 0))]
    pub min_area: Field<Fraction>,
    /// Greatest area of the box as a fraction of the frame.
    #[schemars(extend("default" = 1))]
    pub max_area: Field<Fraction>,
    /// Least ratio of the box's width to its height, both in pixels: 1 is a square, under 1 is upright. Left out: any.
    pub min_aspect_ratio: Field<Ratio>,
    /// Greatest ratio of the box's width to its height, both in pixels. Left out: any.
    pub max_aspect_ratio: Field<Ratio>,
}
