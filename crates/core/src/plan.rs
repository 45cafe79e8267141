//! What is to run: the domain form of the pipeline files. The `config` crate makes it; a value of these types is valid.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};

pub use crate::{
    geometry::ReferencePoint,
    provider::{OnUnavailable, Provider},
    stream_url::StreamUrl,
};
use crate::{
    geometry::{Point, Polygon},
    model::{DetectionSettings, ModelSpec},
    outbox::OutboxPlan,
    secret::{Credentials, Secret},
    time::serialize_span,
};

/// Everything that one process runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// One per pipeline file, in the order given; camera ids are unique over all of them.
    pub pipelines: Vec<PipelinePlan>,
}

/// One pipeline file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PipelinePlan {
    /// Its name.
    pub name: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// The model, and what to keep of its answers.
    #[serde(serialize_with = "serialize_model")]
    pub model: Arc<ModelSpec>,
    /// Thresholds: the model's defaults under the pipeline's wishes.
    pub detection: DetectionSettings,
    /// How inference runs.
    pub inference: InferencePlan,
    /// Where events go.
    pub mqtt: MqttPlan,
    /// The cameras, in the file's order.
    pub cameras: Vec<CameraPlan>,
}

/// How inference runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct InferencePlan {
    /// In order of preference.
    pub providers: Vec<Provider>,
    /// A measurement on the machine itself decides on providers, and on `max_batch` where the file does not say it. Where nothing
    /// is measured `providers` and `max_batch` are what is used.
    pub calibrate: bool,
    /// What to do when the first is not available.
    pub on_unavailable: OnUnavailable,
    /// At most so many frames per run of the session, at least 1; where it is absent, what suits the provider
    /// ([`Provider::max_batch`]).
    pub max_batch: Option<usize>,
    /// How long the first frame of a batch waits for company.
    #[serde(serialize_with = "serialize_span")]
    pub max_wait: Duration,
    /// 95 % of results are to be no older than this, from the decoder to the network's answer, be it with smaller batches and fewer
    /// frames; as old as they come when absent.
    #[serde(serialize_with = "serialize_optional_span")]
    pub latency_target: Option<Duration>,
}

/// Where and how to publish. Pipelines with equal plans share one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MqttPlan {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS settings for `mqtts://`.
    pub tls: Option<MqttTls>,
    /// User and password.
    pub credentials: Option<Credentials>,
    /// First part of every topic.
    pub prefix: String,
    /// Second part of every topic: this machine.
    pub node: String,
    /// Publish every inferred frame as well.
    pub detections: bool,
    /// How many events are kept for it while it is away, and as history.
    pub outbox: OutboxPlan,
}

impl MqttPlan {
    /// `<prefix>/<node>`
    #[must_use]
    pub fn base_topic(&self) -> String {
        format!("{}/{}", self.prefix, self.node)
    }
}

/// TLS of an MQTT connection. The files' contents, read and checked by `config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MqttTls {
    /// PEM certificates of the authorities to trust; the system's when absent.
    #[serde(serialize_with = "serialize_pem")]
    pub ca_pem: Option<Vec<u8>>,
    /// PEM client certificate and its PEM private key.
    #[serde(skip)]
    pub client: Option<(Vec<u8>, Secret)>,
}

impl Serialize for SourceSpec {
    /// The address as it may be shown.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn serialize_optional_span<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => serialize_span(span, serializer),
        None => serializer.serialize_none(),
    }
}

/// What tells models apart; their anchors and labels are in `sightline models inspect`.
fn serialize_model<S: Serializer>(model: &Arc<ModelSpec>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        name: &'a str,
        sha256: &'a str,
    }
    Shown { name: &model.name, sha256: &model.sha256 }.serialize(serializer)
}

/// Certificates are public, and long: that there are some is enough.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn serialize_pem<S: Serializer>(pem: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    match pem {
        Some(pem) => serializer.collect_str(&format_args!("{} bytes of PEM", pem.len())),
        None => serializer.serialize_none(),
    }
}

/// One camera.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraPlan {
    /// What a source needs to know.
    pub spec: CameraSpec,
    /// At most so many frames per second go to inference.
    pub fps: f32,
    /// Whose frames go first when there are more than can be run.
    pub priority: Priority,
    /// Which labels are reported, and how; every label of the model when empty.
    pub labels: BTreeMap<String, LabelFilter>,
    /// Areas to watch, in the file's order.
    pub zones: Vec<ZonePlan>,
    /// Lines to watch, in the file's order.
    pub lines: Vec<LinePlan>,
    /// Areas in which nothing is reported: a detection whose foot point lies in one is dropped.
    pub masks: Vec<Polygon>,
    /// The motion gate; every frame is inferred when absent.
    pub motion: Option<MotionPlan>,
    /// What of its video need not be decoded.
    pub decoding: DecodingPlan,
    /// Pictures of objects.
    pub snapshots: Option<SnapshotPlan>,
    /// Recordings of events.
    pub clips: Option<ClipPlan>,
    /// A picture that has been exactly the same for so long is frozen; never when absent.
    #[serde(serialize_with = "serialize_optional_span")]
    pub frozen_after: Option<Duration>,
    /// A picture that has been black for so long is dark; never when absent.
    #[serde(serialize_with = "serialize_optional_span")]
    pub dark_after: Option<Duration>,
}

/// Whose frames go first when there are more than can be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// What the others leave, but a frame now and then in any case.
    Low,
    /// As most.
    #[default]
    Normal,
    /// Before the others.
    High,
}

/// A motion gate: see [`crate::motion`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MotionPlan {
    /// From 0 (only what is large and plain to see) to 1 (every flicker).
    pub sensitivity: f32,
    /// A frame is inferred at least this often.
    #[serde(serialize_with = "serialize_span")]
    pub max_idle: Duration,
    /// Do not look for a while where something moves nearly all the time.
    pub adaptive: bool,
    /// Areas in which motion does not count, besides [`CameraPlan::masks`].
    pub masks: Vec<Polygon>,
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
    /// Where it saves something and costs nothing.
    Auto,
}

/// What of a camera's video need not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DecodingPlan {
    /// Pictures to which no other one refers: with `Auto` those without which the wished frame rate is reached.
    pub skip_non_reference: Switch,
    /// Everything but key frames while nothing moves.
    pub key_frames_when_idle: Switch,
}

impl Default for DecodingPlan {
    fn default() -> Self {
        Self { skip_non_reference: Switch::Auto, key_frames_when_idle: Switch::Auto }
    }
}

/// What of a label is reported.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelFilter {
    /// Least score; the pipeline's threshold when absent.
    pub min_score: Option<f32>,
    /// Least area as a fraction of the frame.
    pub min_area: f32,
    /// Greatest area as a fraction of the frame.
    pub max_area: f32,
    /// Least ratio of the box's width to its height, in pixels.
    pub min_aspect_ratio: f32,
    /// Greatest ratio of the box's width to its height, in pixels.
    pub max_aspect_ratio: f32,
}

impl Default for LabelFilter {
    /// Everything over the pipeline's threshold.
    fn default() -> Self {
        Self { min_score: None, min_area: 0.0, max_area: 1.0, min_aspect_ratio: 0.0, max_aspect_ratio: f32::INFINITY }
    }
}

/// An area to watch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZonePlan {
    /// The key in the file, part of topics; unique within the camera.
    pub id: Arc<str>,
    /// The area.
    pub polygon: Polygon,
    /// The labels that count; every reported label when empty.
    pub labels: Vec<String>,
    /// What of an object must be inside.
    pub point: ReferencePoint,
    /// An object is inside, or outside, once it was so for this long: what flickers at the edge does neither.
    #[serde(serialize_with = "serialize_span")]
    pub inertia: Duration,
    /// Being inside for so long is told as loitering; never when absent.
    #[serde(serialize_with = "serialize_optional_span")]
    pub loitering: Option<Duration>,
}

/// A line to watch. `from` and `to` differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinePlan {
    /// The key in the file, part of topics; unique within the camera.
    pub id: Arc<str>,
    /// One end.
    pub from: Point,
    /// The other end. Seen from `from` towards `to`, `in` goes from left to right.
    pub to: Point,
    /// The labels that count; every reported label when empty.
    pub labels: Vec<String>,
    /// What of an object must cross.
    pub point: ReferencePoint,
}

/// How many files of a camera are kept in the state directory. The oldest go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// At most so many; at least 1.
    pub max_files: usize,
    /// At most so old.
    #[serde(serialize_with = "serialize_span")]
    pub max_age: Duration,
}

/// Pictures of objects at their best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotPlan {
    /// The object with a margin instead of the whole frame.
    pub crop: bool,
    /// JPEG quality, 1..=100.
    pub quality: u8,
    /// Publish the last object's picture of each label, retained.
    pub publish: bool,
    /// Files that are kept; none when absent.
    pub files: Option<Retention>,
}

/// Recordings of events, as the camera sent them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClipPlan {
    /// `type`s of events that are recorded, of [`crate::event::EventKind::NAMES`].
    pub events: Vec<String>,
    /// So long before the event, or a little more: a recording begins with a key frame.
    #[serde(serialize_with = "serialize_span")]
    pub pre: Duration,
    /// So long after it. An event while one is being recorded prolongs the recording.
    #[serde(serialize_with = "serialize_span")]
    pub post: Duration,
    /// Files that are kept.
    pub files: Retention,
}

/// What a source needs to know of a camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CameraSpec {
    /// The camera's id: the key in the file, part of every topic.
    pub id: Arc<str>,
    /// Where frames come from.
    pub source: SourceSpec,
    /// GStreamer element to decode with; the best ranked when absent.
    pub decoder: Option<String>,
    /// No frame for so long: the camera is stalled and is opened anew.
    #[serde(serialize_with = "serialize_span")]
    pub stall_timeout: Duration,
    /// Received packets are kept for so long, so that a recording can begin before its event; not at all when absent.
    #[serde(serialize_with = "serialize_optional_span")]
    pub keep_packets: Option<Duration>,
}

/// How RTP travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RtspTransport {
    /// Interleaved in the RTSP connection.
    Tcp,
    /// UDP, unicast.
    Udp,
    /// UDP first, TCP when nothing arrives.
    Auto,
}

/// Where frames come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpec {
    /// `rtsp://` or `rtsps://`
    Rtsp {
        /// The address without `user:password@`.
        url: StreamUrl,
        /// User and password.
        credentials: Option<Credentials>,
        /// How RTP travels.
        transport: RtspTransport,
        /// Whether an `rtsps://` server's certificate must be valid.
        verify_tls: bool,
    },
    /// `file://`
    File {
        /// The file.
        path: PathBuf,
        /// From the start again at its end.
        repeat: bool,
    },
    /// `v4l2://`
    V4l2 {
        /// The device, `/dev/video0`.
        device: PathBuf,
    },
    /// `test://PATTERN`: GStreamer's videotestsrc.
    Test {
        /// Its pattern, `smpte`, `ball`, …
        pattern: String,
    },
    /// `sim://SCENE`: a simulated camera served by this process; turned into `Rtsp` by the binary.
    Sim {
        /// The scene's name.
        scene: String,
    },
}

impl std::fmt::Display for SourceSpec {
    /// The address as it may be logged: never a credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rtsp { url, .. } => write!(f, "{url}"),
            Self::File { path, .. } => write!(f, "file://{}", path.display()),
            Self::V4l2 { device } => write!(f, "v4l2://{}", device.display()),
            Self::Test { pattern } => write!(f, "test://{pattern}"),
            Self::Sim { scene } => write!(f, "sim://{scene}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_in_an_address_is_not_shown() {
        for (url, shown) in [
            ("rtsp://10.0.0.9/stream1", "rtsp://10.0.0.9/stream1"),
            ("rtsp://10.0.0.9/user=admin&password=hunter2", "rtsp://10.0.0.9/user…"),
            ("rtsp://10.0.0.9/live?token=hunter2", "rtsp://10.0.0.9/live…"),
        ] {
            let address = StreamUrl::from(url);
            assert_eq!((address.to_string(), format!("{address:?}")), (shown.to_string(), shown.to_string()));
            assert_eq!(address.reveal(), url);
        }
    }
}
