//! A pipeline of fakes for scenario tests.
#![allow(dead_code, reason = "each scenario uses its own part of it")]
#![allow(clippy::expect_used, reason = "a failure here is the failing test")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{
    event::{CameraState, CameraStatus, FrameBalance, Retained, Ulid},
    execution::{BatchSizes, Execution},
    model::{DetectionSettings, Head, InputSpec, Labels, ModelSpec},
    plan::{
        CameraPlan, CameraSpec, DecodingPlan, InferencePlan, MqttPlan, OnUnavailable, PipelinePlan, Priority, Provider,
        SourceSpec,
    },
    ports::{Backend, FrameSource},
    time::WallTime,
};
use sightline_pipeline::{
    engine::{Engine, EngineParts},
    fakes::{CollectingSink, FakeArchive, FakeEncoder},
    runtime::{PipelineParts, Runtime, Surroundings},
    snapshots::SnapshotTaker,
    stamp::EventLog,
};

pub const DEADLINE: Duration = Duration::from_secs(20);

/// The model that [`sightline_pipeline::fakes::FakeBackend`] plays.
pub fn model() -> Arc<ModelSpec> {
    let name = |text: &str| text.to_string();
    Arc::new(ModelSpec {
        name: name("fake"),
        weights: None,
        weights_file_name: name("fake.onnx"),
        weights_searched: Vec::new(),
        sha256: "0".repeat(64),
        license: name("Apache-2.0"),
        source: name("a fake"),
        input: InputSpec::rgb_bytes(8, 8),
        head: Head::InGraphNms { boxes: name("b"), classes: name("c"), scores: name("s"), count: name("n") },
        labels: Labels::new(vec![None, Some(name("person"))]),
        defaults: DETECTION,
    })
}

pub const DETECTION: DetectionSettings =
    DetectionSettings { score_threshold: 0.5, iou_threshold: 0.6, max_detections: 100, class_agnostic: false };

pub fn camera(id: &str, fps: f32) -> CameraPlan {
    let spec = CameraSpec {
        id: id.into(),
        source: SourceSpec::Test { pattern: "fake".into() },
        decoder: None,
        stall_timeout: Duration::from_secs(1),
        keep_packets: None,
    };
    CameraPlan {
        spec,
        fps,
        priority: Priority::default(),
        labels: std::collections::BTreeMap::new(),
        zones: Vec::new(),
        lines: Vec::new(),
        masks: Vec::new(),
        snapshots: None,
        clips: None,
        frozen_after: None,
        dark_after: None,
        motion: None,
        decoding: DecodingPlan::default(),
    }
}

pub struct Rig {
    pub runtime: Runtime,
    pub sink: Arc<CollectingSink>,
    pub archive: Arc<FakeArchive>,
    pub events: Arc<EventLog>,
    pub engine: Arc<Engine>,
}

/// An engine of fakes, with one worker per backend.
pub fn engine(backends: Vec<Box<dyn Backend>>, max_batch: usize) -> Arc<Engine> {
    engine_of(backends, inference(max_batch))
}

fn engine_of(backends: Vec<Box<dyn Backend>>, inference: InferencePlan) -> Arc<Engine> {
    let parts = EngineParts {
        model: model(),
        inference,
        execution: Execution::on_cpu("fakes", 1),
        backends,
        batch_sizes: BatchSizes::Any,
        stages: Arc::default(),
        trouble: Arc::default(),
    };
    Engine::start(parts, "0").expect("threads for the workers")
}

fn inference(max_batch: usize) -> InferencePlan {
    InferencePlan {
        providers: vec![Provider::cpu()],
        calibrate: false,
        on_unavailable: OnUnavailable::Fallback,
        max_batch: Some(max_batch),
        max_wait: Duration::from_millis(2),
        latency_target: None,
    }
}

/// A pipeline of `cameras`.
pub fn pipeline(cameras: Vec<CameraPlan>, max_batch: usize) -> PipelinePlan {
    let mqtt = MqttPlan {
        host: "nowhere".into(),
        port: 1883,
        tls: None,
        credentials: None,
        prefix: "sightline".into(),
        node: "test".into(),
        detections: true,
        outbox: sightline_core::outbox::OutboxPlan::default(),
    };
    PipelinePlan {
        name: "fakes".into(),
        file: "fakes.yaml".into(),
        model: model(),
        detection: DETECTION,
        inference: inference(max_batch),
        mqtt,
        cameras,
    }
}

/// Starts `cameras` on fake sources, with one worker per backend.
pub fn start(
    cameras: Vec<CameraPlan>,
    source: impl FrameSource + 'static,
    backends: Vec<Box<dyn Backend>>,
    max_batch: usize,
) -> Rig {
    start_with(cameras, source, backends, inference(max_batch))
}

/// The same, with a latency to hold.
pub fn start_holding(
    latency_target: Duration,
    cameras: Vec<CameraPlan>,
    source: impl FrameSource + 'static,
    backends: Vec<Box<dyn Backend>>,
) -> Rig {
    start_with(cameras, source, backends, InferencePlan { latency_target: Some(latency_target), ..inference(8) })
}

fn start_with(
    cameras: Vec<CameraPlan>,
    source: impl FrameSource + 'static,
    backends: Vec<Box<dyn Backend>>,
    inference: InferencePlan,
) -> Rig {
    let sink = Arc::new(CollectingSink::default());
    let events = Arc::new(EventLog::new(sink.clone(), Ulid::new(WallTime::from_micros(0), 7)));
    let max_batch = inference.max_batch.unwrap_or(1);
    let engine = engine_of(backends, inference);
    let archive = Arc::new(FakeArchive::default());
    let snapshots = SnapshotTaker::start(Arc::new(FakeEncoder::default()), archive.clone()).expect("a thread");
    let surroundings = Surroundings {
        source: Arc::new(source),
        snapshots: Arc::new(snapshots),
        archive: archive.clone(),
        stages: Arc::default(),
    };
    let parts = PipelineParts { plan: pipeline(cameras, max_batch), engine: engine.clone(), events: events.clone() };
    let runtime = Runtime::start(vec![parts], surroundings);
    Rig { runtime, sink, archive, events, engine }
}

impl Rig {
    /// The last published status of a camera.
    pub fn status(&self, camera: &str) -> Option<CameraStatus> {
        self.sink.retained.lock().iter().rev().find_map(|value| match value {
            Retained::Camera { camera: id, status } if &**id == camera => Some(status.clone()),
            _ => None,
        })
    }

    pub fn states(&self, camera: &str) -> Vec<(CameraState, Option<&'static str>)> {
        let retained = self.sink.retained.lock();
        let mut states: Vec<_> = retained
            .iter()
            .filter_map(|value| match value {
                Retained::Camera { camera: id, status } if &**id == camera => Some((status.state, status.code)),
                _ => None,
            })
            .collect();
        states.dedup();
        states
    }

    pub fn events_of(&self, camera: &str, kind: &str) -> usize {
        self.sink.events.lock().iter().filter(|e| e.origin.camera == camera && e.change.kind.name() == kind).count()
    }

    pub fn balance(&self, camera: &str) -> FrameBalance {
        let balances = self.runtime.balances();
        balances.iter().find(|(id, _)| &**id == camera).map(|(_, balance)| *balance).unwrap_or_default()
    }

    pub fn inferred(&self, camera: &str) -> u64 {
        self.balance(camera).inferred
    }

    /// Waits until `condition` holds.
    pub async fn wait_for(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !condition(self) {
            assert!(Instant::now() < until, "waited in vain for: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
