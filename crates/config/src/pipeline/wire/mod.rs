//! What a pipeline file may hold, as it is written. Its doc comments are the reference documentation.
//!
//! Keys that are marked `schemars(skip)` are known but their function is not built yet: see [`super::later`].

mod area;
mod camera;
mod effort;
mod kept;
mod providers;
mod scalar;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::{
    area::{LineWire, MAX_CORNERS, PointWire, PolygonWire, ReferencePointWire, ZoneWire},
    camera::{CameraWire, DefaultsWire, LabelWire, LabelsWire, PriorityWire, TransportWire},
    effort::{DecodingWire, MotionWire, SwitchWire},
    kept::{ClipsWire, OutboxWire, SnapshotsWire},
    providers::{AutoWire, PrecisionWire, ProviderDetails, ProviderName, ProviderWire, ProvidersWire, RuntimeWire},
    scalar::{AddressText, DurationOrOffText, DurationText, EventName, Fraction, Ratio, SizeText, TopicText},
};
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
    /// Execution providers in order of preference: the first that really runs is used. `auto`: the fastest that gives the
    /// CPU's answers, found by measuring at the first start and kept in the state directory.
    #[schemars(extend("default" = "auto"))]
    pub providers: Field<ProvidersWire>,
    /// With `providers: auto`: `false` measures nothing and runs on the CPU.
    #[schemars(extend("default" = true))]
    pub calibrate: Field<bool>,
    /// What to do when a wished provider does not run: `fallback` to the next one, saying so, or `fail`.
    #[schemars(extend("default" = "fallback"))]
    pub on_unavailable: Field<OnUnavailableWire>,
    /// At most so many frames in one run of the network. Left out: with `providers: auto` as many as were measured to be the
    /// fastest; else 2 on a CPU, where larger batches are slower and take memory, and 8 on any other device.
    #[schemars(extend("minimum" = 1, "maximum" = defaults::MAX_MAX_BATCH))]
    pub max_batch: Field<u64>,
    /// How long the first frame of a batch waits for company; at most 10s. Without it a batch still holds whatever came
    /// while the sessions were busy; some milliseconds help a GPU and only delay a CPU.
    #[schemars(extend("default" = "0ms"))]
    pub max_wait: Field<DurationText>,
    /// 95 % of results are to be no older than this, from the decoder to the network's answer: batches are made smaller for it,
    /// and then fewer frames a second are taken, from cameras of low `priority` first. From 5ms to 10s. Left out: all frames
    /// that fit are taken, and a result is as old as that makes it, at most about two frame intervals.
    pub latency_target: Field<DurationText>,
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
    /// How many events are kept in the state directory, for a broker that is away and as history.
    pub outbox: Field<OutboxWire>,
    #[schemars(skip)]
    pub home_assistant: Field<serde_json::Value>,
}

// The serde attribute above cannot name a constant: this keeps the two from drifting apart.
const _: () = assert!(matches!(BY_SHAPE.as_bytes(), b"$sightline::ByShape"));
