//! How little work a camera may make, as it is written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{
    area::PolygonWire,
    scalar::{DurationText, Fraction},
};
use crate::{defaults, yaml::field::Field};

/// `true`, `false`, or `auto`: where it saves something.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SwitchWire {
    True,
    False,
    Auto,
}

impl JsonSchema for SwitchWire {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Switch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, "auto"] })
    }
}

/// The motion gate: frames in which nothing moves are not inferred. The section switches it on, unless it says
/// `enabled: false`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Motion")]
pub(crate) struct MotionWire {
    /// Whether frames pass the gate. `auto`: yes, but where something moves nearly all the time nobody looks for a while,
    /// and all frames are inferred.
    #[schemars(extend("default" = "auto"))]
    pub enabled: Field<SwitchWire>,
    /// From 0, where only what is large and plain to see counts as motion, to 1, where every flicker does.
    #[schemars(extend("default" = defaults::MOTION_SENSITIVITY))]
    pub sensitivity: Field<Fraction>,
    /// A frame is inferred at least this often, whatever moves. From 1s to 1h.
    #[schemars(extend("default" = "10s"))]
    pub max_idle: Field<DurationText>,
    /// Areas in which motion does not count, each a list of corners: foliage, a road behind the fence, a clock drawn into the
    /// picture. The camera's own `masks` never count.
    pub masks: Field<Vec<Field<PolygonWire>>>,
}

/// What of a camera's video need not be decoded. Recordings (`clips`) always hold all of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Decoding")]
pub(crate) struct DecodingWire {
    /// Leave out pictures to which no other one refers (B-frames, upper temporal layers, and every picture of MJPEG). `auto`:
    /// those without which the wished `fps` are reached; `true`: all of H.264 and H.265.
    #[schemars(extend("default" = "auto"))]
    pub skip_non_reference: Field<SwitchWire>,
    /// Decode key frames only while nothing moves, and everything again, from the last key frame on, as soon as anything
    /// does. Needs the motion gate. `auto`: while key frames come often enough for that.
    #[schemars(extend("default" = "auto"))]
    pub key_frames_when_idle: Field<SwitchWire>,
}
