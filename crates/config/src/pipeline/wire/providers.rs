//! Execution providers and their options.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::SizeText;
use crate::{defaults, yaml::field::Field};

/// What the network runs on: `auto`, or a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "Providers")]
pub(crate) enum ProvidersWire {
    /// Found by measuring.
    Scalar(AutoWire),
    /// In order of preference.
    #[schemars(extend("minItems" = 1))]
    Sequence(Vec<Field<ProviderWire>>),
}

/// Found by measuring.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Auto")]
pub(crate) enum AutoWire {
    Auto,
}

/// An execution provider: its name, or a mapping to say more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "Provider")]
pub(crate) enum ProviderWire {
    /// Its name.
    Scalar(ProviderName),
    /// Its name and what else it needs.
    Mapping(Box<ProviderDetails>),
}

/// An execution provider and its options. Each option belongs to some providers, and is refused with another.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "ProviderDetails", extend("required" = ["name"]))]
pub(crate) struct ProviderDetails {
    /// Which provider.
    pub name: Field<ProviderName>,
    /// `openvino`: the device as OpenVINO names it, such as `CPU`, `GPU`, `GPU.1`, `NPU`, `AUTO`, `MULTI:GPU,CPU` or `MYRIAD`;
    /// left out: `CPU`. `cuda` and `tensorrt`: the GPU's number; left out: `0`.
    #[schemars(extend("type" = ["string", "integer"]))]
    pub device: Field<String>,
    /// What the network is computed in. `tensorrt`: `fp32`, `fp16` (left out) or `int8`, which takes models quantised
    /// symmetrically. `openvino`: `fp32`, `fp16` or `bf16`; left out: OpenVINO's choice for the device.
    pub precision: Field<PrecisionWire>,
    /// `cuda`, `tensorrt` and `openvino`: the only batch sizes that are run; smaller batches are filled up. Left out: the
    /// powers of two below `max_batch`, and `max_batch`; for `openvino` on a CPU 1, which is the fastest there.
    #[schemars(extend("minItems" = 1))]
    pub batch_sizes: Field<Vec<Field<u64>>>,
    /// `tensorrt` and `openvino`: whether compiled models are kept in the state directory for the next start.
    #[schemars(extend("default" = true))]
    pub cache: Field<bool>,
    /// `tensorrt`: memory for scratch while an engine is built. Left out: as much as there is.
    pub workspace: Field<SizeText>,
    /// `cuda`: memory that the session may take on the GPU. Left out: as much as there is.
    pub memory_limit: Field<SizeText>,
    /// `cuda`: how its memory grows: `as_requested` or by the next `power_of_two`. `cpu`: whether a session keeps the memory
    /// that it once needed (`true`, the default): faster, and larger.
    #[schemars(extend("type" = ["string", "boolean"], "enum" = ["as_requested", "power_of_two", true, false]))]
    pub arena: Field<String>,
    /// `cuda`: whether 32-bit convolutions may be computed in TF32.
    #[schemars(extend("default" = true))]
    pub tf32: Field<bool>,
    /// `openvino`: the library that it is reached through.
    #[schemars(extend("default" = "openvino"))]
    pub runtime: Field<RuntimeWire>,
    /// `openvino`: batches that run at the same time. Left out: one per core on a CPU, at most 8; else one.
    #[schemars(extend("minimum" = 1, "maximum" = defaults::MAX_THREADS))]
    pub streams: Field<u64>,
    /// `cpu`: threads of each session; left out: 1. `openvino` on a CPU: threads over all streams; left out: one per stream.
    #[schemars(extend("minimum" = 1, "maximum" = defaults::MAX_THREADS))]
    pub threads: Field<u64>,
    /// `cpu`: sessions that run side by side; with one thread each they share the weights. Left out: one per camera up to the cores.
    #[schemars(extend("minimum" = 1, "maximum" = defaults::MAX_THREADS))]
    pub workers: Field<u64>,
}

/// An execution provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProviderName {
    Tensorrt,
    Cuda,
    Openvino,
    Cpu,
}

impl ProviderName {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tensorrt => "tensorrt",
            Self::Cuda => "cuda",
            Self::Openvino => "openvino",
            Self::Cpu => "cpu",
        }
    }
}

/// What a network is computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Precision")]
pub(crate) enum PrecisionWire {
    Fp32,
    Fp16,
    Bf16,
    Int8,
}

/// The library that OpenVINO is reached through: its own, or ONNX Runtime's execution provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "OpenVinoRuntime")]
pub(crate) enum RuntimeWire {
    Openvino,
    Onnxruntime,
}
