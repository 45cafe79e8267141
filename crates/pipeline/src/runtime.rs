//! Everything of a plan, running: the cameras, the supervisor that restarts a camera's task after a panic, and reloads.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use sightline_core::{
    event::{CameraState, EndReason, FrameBalance, LoadStatus, ModelIdentity, PipelineStatus},
    execution::Execution,
    histogram::StageTimes,
    plan::{CameraPlan, PipelinePlan},
    ports::{Archive, FrameSource},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant as TokioInstant, timeout_at},
};
use tracing::{error, warn};

use crate::{
    camera::{Camera, Stop},
    engine::{Engine, results_channel},
    snapshots::SnapshotTaker,
    stamp::EventLog,
    status::StatusBoard,
    work::{Earlier, PipelineContext, Work, WorkParts},
    worker::InferredFrame,
};

/// Cameras are opened this far apart: a box that opens 64 RTSP sessions in one moment makes some cameras give up.
const STAGGER: Duration = Duration::from_millis(100);
/// Files get so long even when the cameras have used up the time.
const LEAST_FOR_FILES: Duration = Duration::from_millis(100);
/// How long a panicked camera task rests before it starts again.
const REST_AFTER_PANIC: Duration = Duration::from_secs(2);
/// How long a reload waits for cameras to end.
const RELOAD_DEADLINE: Duration = Duration::from_secs(3);

/// A plan's pipeline with what it needs to run.
pub struct PipelineParts {
    /// The pipeline.
    pub plan: PipelinePlan,
    /// The sessions that run its model.
    pub engine: Arc<Engine>,
    /// Where its events go.
    pub events: Arc<EventLog>,
}

/// What all cameras share.
#[derive(Clone)]
pub struct Surroundings {
    /// Opens their sources.
    pub source: Arc<dyn FrameSource>,
    /// Takes their pictures.
    pub snapshots: Arc<SnapshotTaker>,
    /// Where files are kept.
    pub archive: Arc<dyn Archive>,
    /// Where it is counted how long each stage takes.
    pub stages: Arc<StageTimes>,
}

/// The cameras that run, in the configuration's order; for whoever looks at them from outside.
pub type Roster = Arc<RwLock<Vec<Arc<Camera>>>>;

/// A pipeline that runs, for whoever looks at it from outside.
#[derive(Clone)]
pub struct RunningPipeline {
    name: String,
    cameras: Vec<String>,
    engine: Arc<Engine>,
}

impl RunningPipeline {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As the node's status has it, now.
    #[must_use]
    pub fn status(&self) -> PipelineStatus {
        let engine = &self.engine;
        let execution = Execution::clone(&engine.execution());
        PipelineStatus {
            name: self.name.clone(),
            cameras: self.cameras.clone(),
            model: ModelIdentity { name: engine.model.name.clone(), sha256: engine.model.sha256.clone() },
            provider: execution.provider.name().to_string(),
            execution,
            load: engine.load(),
        }
    }

    /// How much of what is wished of its model's sessions is done.
    #[must_use]
    pub fn load(&self) -> LoadStatus {
        self.engine.load()
    }

    /// Whether both share a model's sessions.
    #[must_use]
    pub fn shares_sessions_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.engine, &other.engine)
    }
}

/// A running plan.
pub struct Runtime {
    cameras: Vec<RunningCamera>,
    roster: Roster,
    pipelines: Vec<RunningPipeline>,
    surroundings: Surroundings,
}

struct RunningCamera {
    camera: Arc<Camera>,
    results: mpsc::Sender<InferredFrame>,
    task: JoinHandle<()>,
    stop: watch::Sender<Option<EndReason>>,
}

/// A camera as the plan wishes it.
struct WishedCamera {
    plan: CameraPlan,
    pipeline: PipelineContext,
}

/// What a reload did to the cameras, by id.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CameraChanges {
    /// New ones.
    pub added: Vec<String>,
    /// Gone ones.
    pub removed: Vec<String>,
    /// Opened anew.
    pub restarted: Vec<String>,
    /// Their streams went on while something else changed.
    pub changed: Vec<String>,
    /// Nothing happened to them.
    pub unchanged: Vec<String>,
    /// Those that did not end in time; they go on ending by themselves.
    pub stragglers: Vec<String>,
}

/// How a stop went.
#[derive(Debug)]
pub struct Stopped {
    /// What did not end in time.
    pub stragglers: Vec<String>,
    /// What became of each camera's frames.
    pub balances: Vec<(Arc<str>, FrameBalance)>,
}

impl Runtime {
    /// Starts all cameras of all pipelines. Must be called within a tokio runtime. When it returns, every retained topic
    /// of every camera has its first value, also of those that are opened later.
    #[must_use]
    pub fn start(pipelines: Vec<PipelineParts>, surroundings: Surroundings) -> Self {
        let mut runtime = Self { cameras: Vec::new(), roster: Roster::default(), pipelines: Vec::new(), surroundings };
        for (index, wished) in runtime.wish(pipelines).into_iter().enumerate() {
            let camera = runtime.start_camera(wished, nth(index), None);
            runtime.cameras.push(camera);
        }
        runtime.call_the_roll();
        runtime
    }

    /// Puts other pipelines in place of those that run. Cameras whose source is opened as before keep their streams;
    /// what did not change at all is not touched. What was retained of cameras that changed or are gone is renounced
    /// before anything new is retained of them. Engines that are not used any more are the caller's to stop.
    pub async fn reload(&mut self, pipelines: Vec<PipelineParts>) -> CameraChanges {
        let wished = self.wish(pipelines);
        let mut changes = CameraChanges::default();
        let mut running = std::mem::take(&mut self.cameras);
        let is_kept = |it: &RunningCamera| {
            wished.iter().any(|wished| wished.plan.spec == it.camera.spec && !it.task.is_finished())
        };
        let (mut kept, ending): (Vec<_>, Vec<_>) = running.drain(..).partition(is_kept);
        let mut ended = end_cameras(ending, &mut changes).await;
        let mut opened = 0;
        for wished in wished {
            let id = wished.plan.spec.id.clone();
            if let Some(index) = kept.iter().position(|it| *it.camera.id() == id) {
                let running = kept.swap_remove(index);
                if self.replace_work(&running, wished) {
                    changes.changed.push(id.to_string());
                } else {
                    changes.unchanged.push(id.to_string());
                }
                self.cameras.push(running);
                continue;
            }
            let predecessor = ended.iter().position(|it| *it.0.id() == id).map(|index| ended.swap_remove(index));
            let list = if predecessor.is_some() { &mut changes.restarted } else { &mut changes.added };
            list.push(id.to_string());
            let camera = self.start_camera(wished, nth(opened), predecessor);
            self.cameras.push(camera);
            opened += 1;
        }
        changes.removed = ended.iter().map(|(camera, _)| camera.id().to_string()).collect();
        self.call_the_roll();
        changes
    }

    fn call_the_roll(&self) {
        *self.roster.write() = self.cameras.iter().map(|running| running.camera.clone()).collect();
    }

    /// What runs, for the node's status.
    #[must_use]
    pub fn pipelines(&self) -> &[RunningPipeline] {
        &self.pipelines
    }

    /// The cameras.
    #[must_use]
    pub fn roster(&self) -> Roster {
        self.roster.clone()
    }

    /// What became of each camera's frames.
    #[must_use]
    pub fn balances(&self) -> Vec<(Arc<str>, FrameBalance)> {
        self.cameras.iter().map(|it| (it.camera.id().clone(), it.camera.balance())).collect()
    }

    /// Stops sources, lets frames in flight come back, ends open objects, stops the workers, writes what is still to be
    /// filed. Names of the cameras that did not end by `deadline`.
    pub async fn stop(mut self, deadline: Duration) -> Stopped {
        let until = TokioInstant::now() + deadline;
        let cameras = std::mem::take(&mut self.cameras);
        for running in &cameras {
            running.stop.send_replace(Some(EndReason::Shutdown));
        }
        let mut stragglers = Vec::new();
        let mut ended = Vec::new();
        for running in cameras {
            if timeout_at(until, running.task).await.is_err() {
                // Whatever hangs, nobody is left to believe that its objects are still there.
                running.camera.end_objects(EndReason::Shutdown);
                stragglers.push(format!("camera {}", running.camera.id()));
            }
            ended.push(running.camera);
        }
        let balances = ended.iter().map(|camera| (camera.id().clone(), camera.balance())).collect();
        let engines = engines_of(&ended);
        // Joining a worker takes as long as its last batch.
        let joined = tokio::task::spawn_blocking(move || engines.iter().for_each(|engine| engine.stop()));
        if timeout_at(until, joined).await.is_err() {
            stragglers.push("an inference worker".into());
        }
        stragglers.extend(self.finish_files(ended, until).await);
        Stopped { stragglers, balances }
    }

    /// Waits for pictures and recordings to be written.
    async fn finish_files(&self, cameras: Vec<Arc<Camera>>, until: TokioInstant) -> Vec<String> {
        let snapshots = self.surroundings.snapshots.clone();
        let finish = move || {
            // One deadline for all files: a disk that hangs must not cost each camera its own wait.
            let until = until.into_std().max(Instant::now() + LEAST_FOR_FILES);
            let left = || until.saturating_duration_since(Instant::now());
            let mut late = Vec::new();
            for camera in &cameras {
                let clips = camera.work.read().clips.clone();
                if clips.is_some_and(|clips| !clips.finish(left())) {
                    late.push(format!("a clip of camera {}", camera.id()));
                }
            }
            if !snapshots.stop(left()) {
                late.push("snapshots".to_string());
            }
            late
        };
        tokio::task::spawn_blocking(finish).await.unwrap_or_default()
    }

    /// All cameras of `pipelines`, which become what the node's status tells.
    fn wish(&mut self, pipelines: Vec<PipelineParts>) -> Vec<WishedCamera> {
        self.pipelines.clear();
        let mut wished = Vec::new();
        for PipelineParts { plan, engine, events } in pipelines {
            self.pipelines.push(RunningPipeline {
                name: plan.name.clone(),
                cameras: plan.cameras.iter().map(|camera| camera.spec.id.to_string()).collect(),
                engine: engine.clone(),
            });
            let pipeline = PipelineContext {
                name: plan.name,
                node: plan.mqtt.node,
                detection: plan.detection,
                publishes_detections: plan.mqtt.detections,
                engine,
                events,
            };
            let cameras = plan.cameras.into_iter();
            wished.extend(cameras.map(|plan| WishedCamera { plan, pipeline: pipeline.clone() }));
        }
        wished
    }

    /// Starts a camera. Its frames are counted and numbered on from those of its predecessor, which has ended.
    fn start_camera(
        &self,
        wished: WishedCamera,
        start_after: Duration,
        predecessor: Option<(Arc<Camera>, FrameBalance)>,
    ) -> RunningCamera {
        let Surroundings { source, snapshots, archive, stages } = self.surroundings.clone();
        let (sender, receiver) = results_channel();
        let WishedCamera { plan, pipeline } = wished;
        let spec = plan.spec.clone();
        let parts = WorkParts { plan, pipeline, archive, results: sender.clone() };
        let (next_frame_seq, status, work) = match predecessor {
            Some((camera, counts)) => {
                let earlier = camera.work.read();
                let work = Work::begin(parts, Some(&Earlier { work: &earlier, counts }));
                (camera.next_frame_seq.clone(), StatusBoard::counting_on_from(&camera.status), work)
            }
            None => (Arc::new(AtomicU64::new(0)), StatusBoard::default(), Work::begin(parts, None)),
        };
        let camera = Arc::new(Camera {
            spec,
            source,
            work: Arc::new(RwLock::new(work)),
            snapshots,
            status,
            next_frame_seq,
            stages,
            is_opening: Arc::default(),
        });
        camera.status.set(&camera, CameraState::Connecting, None, None);
        let (stop, stopped) = watch::channel(None);
        let task = tokio::spawn(supervise(camera.clone(), receiver, stopped, start_after));
        RunningCamera { camera, results: sender, task, stop }
    }

    /// Whether anything changed.
    fn replace_work(&self, running: &RunningCamera, wished: WishedCamera) -> bool {
        let WishedCamera { plan, pipeline } = wished;
        {
            let work = running.camera.work.read();
            if work.plan == plan && work.pipeline.is_same(&pipeline) {
                return false;
            }
        }
        running.camera.replace_work(|earlier| {
            renounce(earlier.work);
            let (archive, results) = (self.surroundings.archive.clone(), running.results.clone());
            let mut work = Work::begin(WorkParts { plan, pipeline, archive, results }, Some(earlier));
            if work.plan.clips == earlier.work.plan.clips {
                // What it is still writing is waited for at the end.
                work.clips.clone_from(&earlier.work.clips);
            }
            work
        });
        true
    }
}

/// When the `index`th camera is opened.
fn nth(index: usize) -> Duration {
    STAGGER * u32::try_from(index).unwrap_or(u32::MAX)
}

/// The engines of `cameras`, each once.
fn engines_of(cameras: &[Arc<Camera>]) -> Vec<Arc<Engine>> {
    let mut engines: Vec<Arc<Engine>> = Vec::new();
    for camera in cameras {
        let engine = camera.work.read().pipeline.engine.clone();
        if !engines.iter().any(|known| Arc::ptr_eq(known, &engine)) {
            engines.push(engine);
        }
    }
    engines
}

fn renounce(work: &Work) {
    work.pipeline.events.sink().renounce(&work.plan.spec.id);
}

/// Ends cameras that a reload ends, all at once, gives up their places, and renounces what was retained of them.
async fn end_cameras(ending: Vec<RunningCamera>, changes: &mut CameraChanges) -> Vec<(Arc<Camera>, FrameBalance)> {
    for running in &ending {
        running.stop.send_replace(Some(EndReason::Reload));
    }
    let until = TokioInstant::now() + RELOAD_DEADLINE;
    let mut ended = Vec::new();
    for running in ending {
        if timeout_at(until, running.task).await.is_err() {
            changes.stragglers.push(running.camera.id().to_string());
        }
        let work = running.camera.work.read();
        let counts = work.end(EndReason::Reload);
        renounce(&work);
        drop(work);
        ended.push((running.camera, counts));
    }
    ended
}

/// Runs one camera; starts it again after a panic, so that a bug met by one camera's stream costs the others nothing.
async fn supervise(camera: Arc<Camera>, results: mpsc::Receiver<InferredFrame>, mut stop: Stop, start_after: Duration) {
    let results = Arc::new(tokio::sync::Mutex::new(results));
    tokio::select! {
        () = tokio::time::sleep(start_after) => {}
        _ = stop.wait_for(Option::is_some) => {}
    }
    loop {
        let run = tokio::spawn({
            let (camera, results, mut stop) = (camera.clone(), results.clone(), stop.clone());
            async move { camera.run(&mut *results.lock().await, &mut stop).await }
        });
        let Err(failure) = run.await else { break };
        error!(camera = %camera.id(), %failure, "the camera's task panicked and is started again; this is a bug");
        camera.end_objects(EndReason::Restart);
        tokio::select! {
            () = tokio::time::sleep(REST_AFTER_PANIC) => {}
            _ = stop.wait_for(Option::is_some) => {}
        }
    }
    let reason = stop.borrow().unwrap_or(EndReason::Shutdown);
    camera.end_objects(reason);
    if reason == EndReason::Shutdown {
        camera.status.set(&camera, CameraState::Disabled, None, Some("the daemon has stopped".into()));
    }
    let balance = camera.balance();
    if !balance.is_exact() {
        warn!(camera = %camera.id(), ?balance, "frames are unaccounted for; this is a bug");
    }
}
