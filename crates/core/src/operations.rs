//! What the operations endpoint asks of the daemon: the port between `web` and the program.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    event::{CameraStatus, NodeStatus},
    histogram::HistogramSnapshot,
    outbox::{EventQuery, HistoryError, OutboxFigures, RecordedEvent},
    plan::Plan,
};

/// The running daemon, as operators see it. Methods may block for a moment (the disk, a reload for seconds): `web` calls
/// them on threads that may wait.
pub trait Operations: Send + Sync {
    /// Whether it is alive; else why not. A daemon that is not should be restarted.
    ///
    /// # Errors
    /// What stands still, in words.
    fn alive(&self) -> Result<(), String>;
    /// What keeps it from being ready; nothing when it is.
    fn not_ready(&self) -> Vec<String>;
    /// What runs.
    fn status(&self) -> DaemonStatus;
    /// What the cameras are doing, in the configuration's order.
    fn cameras(&self) -> Vec<CameraReport>;
    /// All counters, gauges and histograms.
    fn metrics(&self) -> Vec<MetricFamily>;
    /// The history of events.
    ///
    /// # Errors
    /// When it cannot be read.
    fn events(&self, query: &EventQuery) -> Result<Vec<RecordedEvent>, HistoryError>;
    /// The configuration in force. Its secrets serialise as `***`.
    fn config(&self) -> Arc<Plan>;
    /// Reads the configuration again and puts it in force; what did not change goes on undisturbed.
    ///
    /// # Errors
    /// Why nothing changed.
    fn reload(&self) -> Result<ReloadReport, ReloadError>;
}

/// What runs.
#[derive(Clone, Debug, Serialize)]
pub struct DaemonStatus {
    /// The node's status as each broker gets it, one per broker.
    pub nodes: Vec<NodeStatus>,
    /// The brokers.
    pub brokers: Vec<BrokerReport>,
    /// Whether the daemon is ready: [`Operations::not_ready`] is empty.
    pub ready: bool,
    /// What keeps it from being ready.
    pub not_ready: Vec<String>,
}

/// How a broker's connection is doing.
#[derive(Clone, Debug, Serialize)]
pub struct BrokerReport {
    /// Its host and port.
    pub broker: String,
    /// First levels of its topics.
    pub base_topic: String,
    /// `connecting`, `connected`, `refused`, `down`, `stopped`
    pub state: &'static str,
    /// What kind of thing is wrong: `network`, `timeout`, `auth`, `tls`, `refused`, `unavailable`, `protocol`.
    pub code: Option<&'static str>,
    /// The same in words; without secrets.
    pub message: Option<String>,
    /// Connections made after the first.
    pub reconnects: u64,
    /// Its events.
    pub outbox: OutboxFigures,
}

/// What a camera is doing.
#[derive(Clone, Debug, Serialize)]
pub struct CameraReport {
    /// Its id.
    pub id: Arc<str>,
    /// Its pipeline.
    pub pipeline: String,
    /// Where its frames come from, without credentials.
    pub source: String,
    /// The model that looks at it.
    pub model: String,
    /// The execution provider that runs it.
    pub provider: String,
    /// Its status as on its topic.
    #[serde(flatten)]
    pub status: CameraStatus,
}

/// Metrics of one name.
#[derive(Clone, Debug)]
pub struct MetricFamily {
    /// Its name, with its unit, without `_total`: `sightline_frames_decoded`.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// One per combination of labels.
    pub samples: Vec<MetricSample>,
}

/// What kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Seconds in buckets.
    Histogram,
}

/// One value.
#[derive(Clone, Debug)]
pub struct MetricSample {
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: MetricValue,
}

/// A metric's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricValue {
    /// Of a counter.
    Count(u64),
    /// Of a gauge.
    Gauge(f64),
    /// Of a histogram; boxed by nobody, because a scrape makes a few dozen of them.
    Histogram(HistogramSnapshot),
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReloadReport {
    /// Cameras that are new.
    pub added: Vec<String>,
    /// Cameras that are gone.
    pub removed: Vec<String>,
    /// Cameras that were opened anew.
    pub restarted: Vec<String>,
    /// Cameras whose stream went on while their model, rate, labels, zones or lines changed.
    pub changed: Vec<String>,
    /// Cameras that nothing happened to.
    pub unchanged: Vec<String>,
    /// Models that were loaded.
    pub models: Vec<String>,
}

/// Why a reload changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ReloadError {
    /// In words; for a bad configuration every problem with its file and line. Without secrets.
    pub message: String,
}
