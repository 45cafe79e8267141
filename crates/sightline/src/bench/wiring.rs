//! The daemon's parts put together as `run` does, with a sink that counts in the broker's place.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use sightline_config::Environment;
use sightline_core::{
    event::{FrameBalance, Ulid},
    histogram::{Stage, StageTimes},
    plan::{OnUnavailable, PipelinePlan},
    ports::FrameSource,
    provider::{CpuOptions, Provider},
};
use sightline_media::JpegEncoder;
use sightline_pipeline::{
    clock::wall_now,
    engine::{Engine, EngineParts},
    runtime::{PipelineParts, Runtime, Surroundings},
    snapshots::SnapshotTaker,
    stamp::EventLog,
};
use sightline_store::FileArchive;
use tokio::sync::Notify;

use super::{sessions::with_precision, sink::CountingSink};
use crate::{
    cli::BenchArgs,
    configuration,
    failure::{Failure, Kind, OrFail},
    library::{self, Sessions},
    models,
};

/// As many as in `run`.
const RUNTIME_THREADS: usize = 2;
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// What is to run.
pub struct Wish {
    /// At most so many frames per second of each go to inference.
    pub fps: f32,
    /// Hand each frame's detections to the sink as well.
    pub detections: bool,
    /// Opens the cameras.
    pub source: Arc<dyn FrameSource>,
    /// Batches that run side by side on a CPU.
    pub sessions: Sessions,
}

/// The running pipeline.
pub struct Wired {
    /// The cameras.
    pub runtime: Runtime,
    /// The sessions.
    pub engine: Arc<Engine>,
    /// How long each stage takes.
    pub stages: Arc<StageTimes>,
    /// Where events go.
    pub sink: Arc<CountingSink>,
    tokio: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

/// What the pipeline had done at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// All cameras' frames.
    pub frames: FrameBalance,
    /// Batches.
    pub batches: u64,
    /// Events.
    pub events: u64,
    /// Time in each stage, in the order of [`Stage::ALL`].
    stages: [Duration; Stage::ALL.len()],
}

impl Done {
    /// Milliseconds in `stage` since `earlier`.
    pub fn millis_since(&self, earlier: &Self, stage: Stage) -> f64 {
        let at = |done: &Self| done.stages[stage as usize];
        at(self).saturating_sub(at(earlier)).as_secs_f64() * 1000.0
    }
}

/// A pipeline of that model and provider with everything else as it is when nothing is said.
///
/// # Errors
/// When there is no such model, or the provider is not wished rightly.
pub fn plan(args: &BenchArgs, model: &str, provider: Provider, urls: &[String]) -> Result<PipelinePlan, Failure> {
    let folder = tempfile::tempdir().or_fail(Kind::Internal)?;
    let file = folder.path().join("bench.yaml");
    std::fs::write(&file, pipeline_file(model, urls)).or_fail(Kind::Internal)?;
    let plan = configuration::load(&[file], &Environment::from_process());
    let plan = plan.map_err(|problems| Failure::new(Kind::Config, anyhow!("{problems}")))?;
    let mut pipeline = plan.pipelines.into_iter().next().context("no pipeline").or_fail(Kind::Internal)?;
    let mut provider = with_precision(provider, args.precision)?;
    if let (Provider::Cpu(CpuOptions { workers, .. }), Some(sessions)) = (&mut provider, args.sessions) {
        *workers = Some(sessions);
    }
    pipeline.inference.providers = vec![provider];
    pipeline.inference.on_unavailable = OnUnavailable::Fail;
    Ok(pipeline)
}

fn pipeline_file(model: &str, urls: &[String]) -> String {
    let mut yaml = format!("version: 1\nname: bench\nmodel: {{{}}}\ncameras:\n", models::yaml_reference(model));
    for (index, url) in urls.iter().enumerate() {
        yaml.push_str(&format!("  cam-{index}: {{url: \"{url}\"}}\n"));
    }
    yaml
}

impl Wired {
    /// Opens the sessions of `pipeline` and starts its cameras.
    ///
    /// # Errors
    /// When the provider does not run.
    pub fn start(mut pipeline: PipelinePlan, wish: &Wish, state_dir: Option<&Path>) -> Result<Self, Failure> {
        for camera in &mut pipeline.cameras {
            camera.fps = wish.fps;
        }
        pipeline.mqtt.detections = wish.detections;
        let stages = Arc::new(StageTimes::default());
        let opened = library::open(&pipeline.model, &pipeline.inference, wish.sessions, state_dir)?;
        let parts = EngineParts {
            model: pipeline.model.clone(),
            inference: pipeline.inference.clone(),
            execution: opened.execution,
            backends: opened.backends,
            batch_sizes: opened.batch_sizes,
            trouble: Arc::new(Notify::new()),
            stages: stages.clone(),
        };
        let engine = Engine::start(parts, "bench").or_fail(Kind::Internal)?;
        let folder = tempfile::tempdir().or_fail(Kind::Internal)?;
        let archive = Arc::new(FileArchive::open(folder.path(), &[]));
        let snapshots = SnapshotTaker::start(Arc::new(JpegEncoder), archive.clone()).or_fail(Kind::Internal)?;
        let sink = Arc::new(CountingSink::default());
        let events = Arc::new(EventLog::new(sink.clone(), Ulid::new(wall_now(), 0)));
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .enable_all()
            .build()
            .or_fail(Kind::Internal)?;
        let surroundings = Surroundings {
            source: wish.source.clone(),
            snapshots: Arc::new(snapshots),
            archive,
            stages: stages.clone(),
        };
        let entered = tokio.enter();
        let runtime =
            Runtime::start(vec![PipelineParts { plan: pipeline, engine: engine.clone(), events }], surroundings);
        drop(entered);
        Ok(Self { runtime, engine, stages, sink, tokio, _folder: folder })
    }

    /// What it has done so far.
    pub fn done(&self) -> Done {
        let mut frames = FrameBalance::default();
        for (_, camera) in self.runtime.balances() {
            frames += camera;
        }
        let spent = |stage: Stage| Duration::from_micros(self.stages.snapshot(stage).sum_micros);
        Done {
            frames,
            batches: self.engine.progress().batches,
            events: self.sink.events(),
            stages: Stage::ALL.map(spent),
        }
    }

    /// Stops it.
    pub fn stop(self) {
        self.tokio.block_on(self.runtime.stop(STOP_DEADLINE));
        self.tokio.shutdown_background();
    }
}
