//! Everything of a plan, running: engines, cameras, and the supervisor that restarts a camera's task after a panic.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sightline_core::{
    event::{CameraState, EndReason, FrameBalance, ModelIdentity, Origin, PipelineStatus},
    plan::PipelinePlan,
    ports::{Archive, FrameSource},
};
use tokio::{sync::watch, task::JoinHandle};
use tracing::{error, warn};

use crate::{
    camera::Camera, clips::ClipTaker, engine::Engine, observation::Observation, snapshots::SnapshotTaker,
    stamp::EventLog, status::StatusBoard, worker::InferredFrame,
};

/// Cameras are opened this far apart: a box that opens 64 RTSP sessions in one moment makes some cameras give up.
const STAGGER: Duration = Duration::from_millis(100);
/// Files get so long even when the cameras have used up the time.
const LEAST_FOR_FILES: Duration = Duration::from_millis(100);
/// How long a panicked camera task rests before it starts again.
const REST_AFTER_PANIC: Duration = Duration::from_secs(2);

/// A plan's pipeline with what it needs to run.
pub struct PipelineParts {
    /// The pipeline.
    pub plan: PipelinePlan,
    /// Index of its engine in [`Runtime::start`]'s list.
    pub engine: usize,
    /// Where its events go.
    pub events: Arc<EventLog>,
}

/// Where pictures and recordings go.
#[derive(Clone)]
pub struct Keepers {
    /// Takes the pictures of all cameras.
    pub snapshots: Arc<SnapshotTaker>,
    /// Where files are kept.
    pub archive: Arc<dyn Archive>,
}

/// A running plan.
pub struct Runtime {
    engines: Vec<Engine>,
    cameras: Vec<Arc<Camera>>,
    pipelines: Vec<PipelineStatus>,
    tasks: Vec<(String, JoinHandle<()>)>,
    keepers: Keepers,
    shutdown: watch::Sender<bool>,
}

impl Runtime {
    /// Starts all cameras of all pipelines. Must be called within a tokio runtime. When it returns, every retained topic
    /// of every camera has its first value, also of those that are opened later.
    #[must_use]
    pub fn start(
        engines: Vec<Engine>,
        pipelines: Vec<PipelineParts>,
        source: &Arc<dyn FrameSource>,
        keepers: &Keepers,
    ) -> Self {
        let (shutdown, _) = watch::channel(false);
        let mut runtime = Self {
            engines,
            cameras: Vec::new(),
            pipelines: Vec::new(),
            tasks: Vec::new(),
            keepers: keepers.clone(),
            shutdown,
        };
        for parts in pipelines {
            runtime.start_pipeline(parts, source);
        }
        runtime
    }

    /// What runs, for the node's status.
    #[must_use]
    pub fn pipelines(&self) -> &[PipelineStatus] {
        &self.pipelines
    }

    /// What became of each camera's frames.
    #[must_use]
    pub fn balances(&self) -> Vec<(Arc<str>, FrameBalance)> {
        let balance = |camera: &Arc<Camera>| (camera.plan.spec.id.clone(), camera.batcher.balance(camera.key));
        self.cameras.iter().map(balance).collect()
    }

    /// Stops sources, lets frames in flight come back, ends open objects, stops the workers, writes what is still to be
    /// filed. Names of the cameras that did not end by `deadline`.
    pub async fn stop(mut self, deadline: Duration) -> Stopped {
        // No receiver is left only when every task has ended already.
        let _ = self.shutdown.send(true);
        let until = tokio::time::Instant::now() + deadline;
        let mut stragglers = Vec::new();
        for ((name, task), camera) in self.tasks.drain(..).zip(&self.cameras) {
            if tokio::time::timeout_at(until, task).await.is_err() {
                // Whatever hangs, nobody is left to believe that its objects are still there.
                camera.end_objects(EndReason::Shutdown);
                stragglers.push(name);
            }
        }
        let balances = self.balances();
        let engines = std::mem::take(&mut self.engines);
        // Joining a worker takes as long as its last batch.
        let joined = tokio::task::spawn_blocking(move || drop(engines));
        if tokio::time::timeout_at(until, joined).await.is_err() {
            stragglers.push("an inference worker".into());
        }
        stragglers.extend(self.finish_files(until).await);
        Stopped { stragglers, balances }
    }

    /// Waits for pictures and recordings to be written.
    async fn finish_files(&self, until: tokio::time::Instant) -> Vec<String> {
        let (cameras, snapshots) = (self.cameras.clone(), self.keepers.snapshots.clone());
        let finish = move || {
            // One deadline for all files: a disk that hangs must not cost each camera its own wait.
            let until = until.into_std().max(Instant::now() + LEAST_FOR_FILES);
            let left = || until.saturating_duration_since(Instant::now());
            let mut late = Vec::new();
            for camera in &cameras {
                if camera.clips.as_ref().is_some_and(|clips| !clips.finish(left())) {
                    late.push(format!("a clip of camera {}", camera.plan.spec.id));
                }
            }
            if !snapshots.stop(left()) {
                late.push("snapshots".to_string());
            }
            late
        };
        tokio::task::spawn_blocking(finish).await.unwrap_or_default()
    }

    fn start_pipeline(&mut self, parts: PipelineParts, source: &Arc<dyn FrameSource>) {
        let PipelineParts { plan, engine, events } = parts;
        let Some(engine) = self.engines.get(engine) else {
            error!(pipeline = plan.name, "no engine for the pipeline; this is a bug in sightline");
            return;
        };
        let model = ModelIdentity { name: engine.model.name.clone(), sha256: engine.model.sha256.clone() };
        let provider = engine.provider.name().to_string();
        let mut ids = Vec::new();
        for camera_plan in plan.cameras {
            ids.push(camera_plan.spec.id.to_string());
            let origin = Arc::new(Origin {
                node: plan.mqtt.node.clone(),
                pipeline: plan.name.clone(),
                camera: camera_plan.spec.id.to_string(),
                model: model.clone(),
                provider: provider.clone(),
            });
            let labels = &engine.model.labels;
            let threshold = plan.detection.score_threshold;
            let mut observation =
                Observation::new(&camera_plan, labels, threshold, origin, events.clone(), plan.mqtt.detections);
            observation.publish_counts();
            let decoding = observation.decoding(plan.detection);
            let (key, results) = engine.add_camera(camera_plan.fps, decoding, camera_plan.snapshots.is_some());
            let Keepers { snapshots, archive } = &self.keepers;
            let clips = camera_plan
                .clips
                .clone()
                .map(|clips| ClipTaker::new(camera_plan.spec.id.clone(), clips, archive.clone()));
            let camera = Arc::new(Camera {
                key,
                batcher: engine.batcher.clone(),
                events: events.clone(),
                source: source.clone(),
                observation: Mutex::new(observation),
                snapshots: snapshots.clone(),
                clips,
                status: StatusBoard::default(),
                next_frame_seq: Arc::new(AtomicU64::new(0)),
                plan: camera_plan,
            });
            camera.status.set(&camera, CameraState::Connecting, None, None);
            let start_after = STAGGER * u32::try_from(self.cameras.len()).unwrap_or(u32::MAX);
            let task = tokio::spawn(supervise(camera.clone(), results, self.shutdown.subscribe(), start_after));
            self.tasks.push((format!("camera {}", camera.plan.spec.id), task));
            self.cameras.push(camera);
        }
        self.pipelines.push(PipelineStatus { name: plan.name, cameras: ids, model, provider });
    }
}

/// How a stop went.
#[derive(Debug)]
pub struct Stopped {
    /// What did not end in time.
    pub stragglers: Vec<String>,
    /// What became of each camera's frames.
    pub balances: Vec<(Arc<str>, FrameBalance)>,
}

/// Runs one camera; starts it again after a panic, so that a bug met by one camera's stream costs the others nothing.
async fn supervise(
    camera: Arc<Camera>,
    results: tokio::sync::mpsc::Receiver<InferredFrame>,
    mut shutdown: watch::Receiver<bool>,
    start_after: Duration,
) {
    let results = Arc::new(tokio::sync::Mutex::new(results));
    tokio::select! {
        () = tokio::time::sleep(start_after) => {}
        _ = shutdown.wait_for(|stop| *stop) => {}
    }
    loop {
        let run = tokio::spawn({
            let (camera, results, mut shutdown) = (camera.clone(), results.clone(), shutdown.clone());
            async move { camera.run(&mut *results.lock().await, &mut shutdown).await }
        });
        let Err(failure) = run.await else { break };
        error!(camera = %camera.plan.spec.id, %failure, "the camera's task panicked and is started again; this is a bug");
        camera.end_objects(EndReason::Restart);
        tokio::select! {
            () = tokio::time::sleep(REST_AFTER_PANIC) => {}
            _ = shutdown.wait_for(|stop| *stop) => {}
        }
    }
    camera.end_objects(EndReason::Shutdown);
    camera.status.set(&camera, CameraState::Disabled, None, Some("the daemon has stopped".into()));
    let balance = camera.batcher.balance(camera.key);
    if !balance.is_exact() {
        warn!(camera = %camera.plan.spec.id, ?balance, "frames are unaccounted for; this is a bug");
    }
}
