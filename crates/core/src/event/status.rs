//! What cameras and the node are doing.

use serde::Serialize;

use super::{ModelIdentity, Ulid};
use crate::{execution::Execution, time::WallTime};

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
    /// Frames arrive, and have shown exactly the same picture for too long.
    Frozen,
    /// Frames arrive, and have been black for too long.
    Dark,
    /// Waiting before the next try.
    Backoff,
    /// Cannot work as configured.
    Failed,
    /// Switched off, or a file that has ended.
    Disabled,
}

impl CameraState {
    /// Every state there is.
    pub const ALL: [Self; 8] = [
        Self::Connecting,
        Self::Streaming,
        Self::Stalled,
        Self::Frozen,
        Self::Dark,
        Self::Backoff,
        Self::Failed,
        Self::Disabled,
    ];

    /// As payloads have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Streaming => "streaming",
            Self::Stalled => "stalled",
            Self::Frozen => "frozen",
            Self::Dark => "dark",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
        }
    }
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
    /// Nothing has moved for a while, and nothing is there but what stands still: the motion gate lets a frame through now and then.
    pub idle: bool,
    /// Frames since the daemon's start, by what became of them.
    pub frames: FrameBalance,
    /// Encoded pictures since then that were not even decoded.
    pub undecoded: UndecodedPictures,
}

/// Encoded pictures of a camera that were not decoded, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UndecodedPictures {
    /// No other picture referred to them, and they were not needed for the wished frame rate.
    pub non_reference: u64,
    /// Nothing moved, and they were no key frames.
    pub idle: u64,
    /// Decoding did not keep up with the cameras.
    pub late: u64,
}

/// What became of a camera's frames. Always: decoded = inferred + Σ dropped + waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FrameBalance {
    /// Left the decoder, but for those that only led up to the present after a rest
    /// ([`UndecodedPictures::idle`]).
    pub decoded: u64,
    /// Went through the network.
    pub inferred: u64,
    /// Over the wished frame rate.
    pub dropped_rate: u64,
    /// Nothing moved in it: the motion gate passed it over.
    pub dropped_idle: u64,
    /// A newer frame took its place before inference.
    pub dropped_superseded: u64,
    /// Waited too long to be worth a look.
    pub dropped_stale: u64,
    /// Left out to hold the wished latency.
    pub dropped_load: u64,
    /// The inference failed.
    pub dropped_failed: u64,
    /// Still waiting when the camera stopped.
    pub dropped_stopped: u64,
    /// In the slot or in a batch right now.
    pub waiting: u64,
}

impl std::ops::AddAssign for FrameBalance {
    fn add_assign(&mut self, other: Self) {
        // All of them are named: a new one must not be forgotten in sums.
        let Self {
            decoded,
            inferred,
            dropped_rate,
            dropped_idle,
            dropped_superseded,
            dropped_stale,
            dropped_load,
            dropped_failed,
            dropped_stopped,
            waiting,
        } = other;
        self.decoded += decoded;
        self.inferred += inferred;
        self.dropped_rate += dropped_rate;
        self.dropped_idle += dropped_idle;
        self.dropped_superseded += dropped_superseded;
        self.dropped_stale += dropped_stale;
        self.dropped_load += dropped_load;
        self.dropped_failed += dropped_failed;
        self.dropped_stopped += dropped_stopped;
        self.waiting += waiting;
    }
}

impl FrameBalance {
    /// All frames dropped, whatever the reason.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped_rate
            + self.dropped_idle
            + self.dropped_superseded
            + self.dropped_stale
            + self.dropped_load
            + self.dropped_failed
            + self.dropped_stopped
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
    /// How it runs the model, and how that is known.
    pub execution: Execution,
    /// Whether that suffices for what is wished. Pipelines that share a model's sessions share this.
    pub load: LoadStatus,
}

/// Whether the wished frames fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadState {
    /// They do.
    #[default]
    Ok,
    /// They do not.
    Overloaded,
}

impl LoadState {
    /// As payloads have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Overloaded => "overloaded",
        }
    }
}

/// How much of what is wished the network does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoadStatus {
    /// Whether the wished frames fit.
    pub state: LoadState,
    /// Since when.
    pub since: WallTime,
    /// Share of the wished frames that were not left out for want of time, over the last ten seconds.
    pub inferred_share: f64,
    /// Whether decoding keeps up with the cameras. Where it does not, `state` is overloaded as well.
    pub decoding: LoadState,
    /// Share of the wished frames that were not left undecoded for want of time, over the last ten seconds.
    pub decoded_share: f64,
    /// Age that 95 % of the results do not exceed, from the decoder to the network's answer, over the last ten seconds; null without any.
    pub latency_ms_p95: Option<f64>,
    /// At most so many frames in a batch now.
    pub batch: usize,
    /// Share of the wished frame rates that is let through now, to hold `latency_target`.
    pub fps_factor: f64,
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
