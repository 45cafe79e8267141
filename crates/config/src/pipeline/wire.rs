//! What a pipeline file may hold, as it is written. Its doc comments are the reference documentation.
//!
//! Keys that are marked `schemars(skip)` are known but their function is not built yet: see [`super::later`].

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::{
    defaults,
    yaml::field::{BY_SHAPE, Entries, Field},
};

/// A pipeline file: cameras, the model that looks at them, and the broker that hears of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Pipeline", extend("required" = ["version", "name", "model", "cameras"]))]
pub(crate) struct PipelineWire {
    /// Version of the file's format: 1.
    #[schemars(extend("const" = 1))]
    pub version: Field<u64>,
    /// The pipeline's name, part of every event; unique over all files.
    pub name: Field<TopicText>,
    /// The detection model.
    pub model: Field<ModelWire>,
    /// How inference runs.
    pub inference: Field<InferenceWire>,
    /// Where events go. Left out: a broker on this machine, without user or TLS.
    pub mqtt: Field<MqttWire>,
    /// Settings for every camera that does not make its own.
    pub defaults: Field<DefaultsWire>,
    /// The cameras by id. An id is part of every topic and unique over all files.
    #[schemars(extend("minProperties" = 1))]
    pub cameras: Field<Entries<CameraWire>>,
}

/// The detection model and what to keep of its answers. Give `name` or `path`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Model")]
pub(crate) struct ModelWire {
    /// Name of a folder with a `model.yaml`, looked for in the folders of models.
    pub name: Field<String>,
    /// Path of a `model.yaml` instead; a relative one starts at this file's folder.
    pub path: Field<String>,
    /// Detections under it are dropped. Left out: the default that the model's `model.yaml` states.
    pub score_threshold: Field<Fraction>,
    /// Of two boxes of one class that overlap by more than this IoU the weaker is dropped. Left out: the default that
    /// the model's `model.yaml` states (0.6 where it states none).
    pub iou_threshold: Field<Fraction>,
}

/// How inference runs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Inference")]
pub(crate) struct InferenceWire {
    /// Execution providers of ONNX Runtime in order of preference: the first that really runs is used.
    #[schemars(extend("default" = ["cpu"], "minItems" = 1))]
    pub providers: Field<Vec<Field<ProviderWire>>>,
    /// What to do when a wished provider does not run: `fallback` to the next one, saying so, or `fail`.
    #[schemars(extend("default" = "fallback"))]
    pub on_unavailable: Field<OnUnavailableWire>,
    /// At most so many frames in one run of the network.
    #[schemars(extend("default" = defaults::MAX_BATCH, "minimum" = 1, "maximum" = defaults::MAX_MAX_BATCH))]
    pub max_batch: Field<u64>,
    /// How long the first frame of a batch waits for company; at most 10s. Without it a batch still holds whatever came
    /// while the sessions were busy; some milliseconds help a GPU and only delay a CPU.
    #[schemars(extend("default" = "0ms"))]
    pub max_wait: Field<DurationText>,
}

/// An execution provider: its name, or a mapping to say more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "Provider")]
pub(crate) enum ProviderWire {
    /// Its name.
    Scalar(ProviderName),
    /// Its name and what else it needs.
    Mapping(ProviderDetails),
}

/// An execution provider and its device.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "ProviderDetails", extend("required" = ["name"]))]
pub(crate) struct ProviderDetails {
    /// Which provider.
    pub name: Field<ProviderName>,
    /// OpenVINO only: the device as OpenVINO names it, such as `CPU`, `GPU`, `NPU` or `AUTO`.
    #[schemars(extend("default" = defaults::OPENVINO_DEVICE))]
    pub device: Field<String>,
}

/// An execution provider of ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProviderName {
    Tensorrt,
    Cuda,
    Openvino,
    Cpu,
}

/// What to do when a wished provider does not run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "OnUnavailable")]
pub(crate) enum OnUnavailableWire {
    Fallback,
    Fail,
}

/// The MQTT broker (MQTT 3.1.1) and the topics. Pipelines with the same settings share one connection.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Mqtt")]
pub(crate) struct MqttWire {
    /// `mqtt://HOST[:1883]`, or `mqtts://HOST[:8883]` for TLS. User and password may stand in it.
    #[schemars(extend("default" = defaults::MQTT_URL))]
    pub url: Field<AddressText>,
    /// User at the broker.
    pub username: Field<String>,
    /// The user's password. Keep it out of the file: `${file:PATH}` or `${env:NAME}`.
    pub password: Field<String>,
    /// PEM file of the authorities to trust, for `mqtts://`. Left out: those of the system. A relative path starts at
    /// this file's folder.
    pub ca: Field<String>,
    /// PEM file of the certificate that this machine shows the broker, for `mqtts://`.
    pub client_cert: Field<String>,
    /// PEM file of that certificate's private key.
    pub client_key: Field<String>,
    /// First part of every topic.
    #[schemars(extend("default" = defaults::MQTT_PREFIX))]
    pub prefix: Field<TopicText>,
    /// Second part of every topic: this machine.
    #[schemars(extend("default" = "${hostname}"))]
    pub node: Field<TopicText>,
    /// Publish what is seen in every inferred frame as well, on `<prefix>/<node>/<camera>/detections`.
    #[schemars(extend("default" = false))]
    pub detections: Field<bool>,
    #[schemars(skip)]
    pub home_assistant: Field<serde_json::Value>,
}

/// Settings for every camera that does not make its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Defaults")]
pub(crate) struct DefaultsWire {
    /// At most so many frames per second and camera go to inference.
    #[schemars(extend("default" = defaults::FPS, "exclusiveMinimum" = 0, "maximum" = defaults::MAX_FPS))]
    pub fps: Field<f64>,
    /// How RTP travels, for RTSP cameras.
    #[schemars(extend("default" = "tcp"))]
    pub transport: Field<TransportWire>,
    /// Which labels are reported. Left out: all of the model's.
    pub labels: Field<LabelsWire>,
    /// No frame for so long: the camera is stalled and is opened anew. From 100ms to 1h.
    #[schemars(extend("default" = "10s"))]
    pub stall_timeout: Field<DurationText>,
    /// GStreamer element to decode with, such as `avdec_h264`. Left out: the one GStreamer ranks best.
    pub decoder: Field<String>,
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
    /// `rtsps://` only: whether the camera's certificate must be valid.
    #[schemars(extend("default" = true))]
    pub verify_tls: Field<bool>,
    #[schemars(skip)]
    pub zones: Field<serde_json::Value>,
    #[schemars(skip)]
    pub lines: Field<serde_json::Value>,
    #[schemars(skip)]
    pub masks: Field<serde_json::Value>,
    #[schemars(skip)]
    pub motion: Field<serde_json::Value>,
    #[schemars(skip)]
    pub snapshots: Field<serde_json::Value>,
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
}

/// Text with a schema of its own.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        pub(crate) struct $name(pub String);

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text_type!(
    /// An address, which may hold references and a password.
    AddressText,
    { "type": "string", "minLength": 1 }
);
text_type!(
    /// A duration with its unit, or a reference to one.
    DurationText,
    { "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)\s*$|\$\{", "format": "duration-with-unit" }
);
text_type!(
    /// One level of an MQTT topic, or a reference to one.
    TopicText,
    { "type": "string", "pattern": r"^[^/+#$][^/+#]*$|\$\{", "format": "topic-level" }
);

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Fraction(pub f64);

impl JsonSchema for Fraction {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Fraction".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

// The serde attribute above cannot name a constant: this keeps the two from drifting apart.
const _: () = assert!(matches!(BY_SHAPE.as_bytes(), b"$sightline::ByShape"));
