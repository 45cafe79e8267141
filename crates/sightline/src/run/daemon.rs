//! A plan to running parts: engines, brokers, cameras. Started, reloaded, stopped.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{histogram::StageTimes, operations::ReloadReport, plan::Plan, time::WallTime};
use sightline_media::JpegEncoder;
use sightline_pipeline::{
    clock::wall_now,
    runtime::{PipelineParts, Runtime, Surroundings},
    snapshots::SnapshotTaker,
};
use sightline_store::{CameraFiles, EventStore, FileArchive};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{
    brokers::{self, Broker},
    engines::{self, EngineSurroundings, Engines, Occasion, RunningEngine},
    load::LoadWatch,
    observed::{InForce, Observed},
};
use crate::{
    failure::{Failure, Kind, OrFail},
    sources::Sources,
};

/// SIGTERM to exit takes at most five seconds: this for the cameras and workers …
const RUNTIME_DEADLINE: Duration = Duration::from_millis(2800);
/// … this for what is still to be published …
const FLUSH_DEADLINE: Duration = Duration::from_millis(1300);
/// … and this for the events' last way to the disk.
const STORE_DEADLINE: Duration = Duration::from_millis(500);

/// Everything that runs.
pub struct Daemon {
    runtime: Runtime,
    brokers: Vec<Arc<Broker>>,
    engines: Vec<RunningEngine>,
    sources: Arc<Sources>,
    archive: Arc<FileArchive>,
    store: Arc<EventStore>,
    surroundings: EngineSurroundings,
    plan: Arc<Plan>,
    since: WallTime,
}

/// What runs already, and what new engines need.
pub struct Prerequisites {
    sources: Arc<Sources>,
    running: Vec<RunningEngine>,
    surroundings: EngineSurroundings,
}

/// A plan that can be put in force: what can fail has been done.
pub struct Prepared {
    plan: Arc<Plan>,
    engines: Engines,
}

impl Daemon {
    /// Starts a plan: models first, then brokers, then cameras.
    ///
    /// # Errors
    /// When the state directory is another daemon's, a model or its provider is not available, or a broker's certificates
    /// cannot be used. Cameras and brokers that cannot be reached are no errors: they are tried again.
    pub async fn start(plan: Plan, state_dir: &Path) -> Result<Self, Failure> {
        let since = wall_now();
        let stages = Arc::new(StageTimes::default());
        let store = EventStore::open(state_dir, stages.clone()).or_fail(Kind::Unavailable)?;
        let sources = Sources::start()?;
        let surroundings = EngineSurroundings {
            stages: stages.clone(),
            trouble: Arc::new(Notify::new()),
            state_dir: state_dir.to_path_buf(),
        };
        let prerequisites =
            Prerequisites { sources: sources.clone(), running: Vec::new(), surroundings: surroundings.clone() };
        let Prepared { plan, engines } = prepare(plan, prerequisites, Occasion::Wished).await?;
        let brokers = brokers::open(&plan, &[], &store, &stages, since)?;
        brokers::first_answers(&brokers).await;

        let archive = Arc::new(FileArchive::open(state_dir, &camera_files(&plan)));
        FileArchive::keep_tidy(&archive).or_fail(Kind::Internal)?;
        let snapshots = SnapshotTaker::start(Arc::new(JpegEncoder), archive.clone()).or_fail(Kind::Internal)?;
        let around_cameras = Surroundings {
            source: sources.clone(),
            snapshots: Arc::new(snapshots),
            archive: archive.clone(),
            stages: stages.clone(),
        };
        let runtime = Runtime::start(parts(&plan, &engines, &brokers), around_cameras);
        let engines = engines.all;
        let daemon = Self { runtime, brokers, engines, surroundings, sources, archive, store, plan, since };
        daemon.tell();
        Ok(daemon)
    }

    /// What is seen of it from outside.
    pub fn observed(&self) -> Arc<Observed> {
        Arc::new(Observed {
            roster: self.runtime.roster(),
            store: self.store.clone(),
            stages: self.surroundings.stages.clone(),
            since: self.since,
            in_force: parking_lot::RwLock::new(self.in_force()),
        })
    }

    /// What is needed for [`prepare`].
    pub fn prerequisites(&self) -> Prerequisites {
        Prerequisites {
            sources: self.sources.clone(),
            running: self.engines.clone(),
            surroundings: self.surroundings.clone(),
        }
    }

    /// The plan in force.
    pub fn plan(&self) -> Plan {
        Plan::clone(&self.plan)
    }

    /// Is woken when an engine's sessions fail.
    pub fn trouble(&self) -> Arc<Notify> {
        self.surroundings.trouble.clone()
    }

    /// Whether an engine's sessions fail.
    pub fn is_in_trouble(&self) -> bool {
        self.engines.iter().any(|running| running.engine.failure().is_some())
    }

    /// Puts a prepared plan in force. What did not change goes on undisturbed. Takes a few seconds at most.
    ///
    /// # Errors
    /// When a broker's certificates cannot be used; nothing has changed then.
    pub async fn reload(&mut self, prepared: Prepared, observed: &Observed) -> Result<ReloadReport, Failure> {
        let Prepared { plan, engines } = prepared;
        let opened = brokers::open(&plan, &self.brokers, &self.store, &self.surroundings.stages, self.since)?;
        self.archive.set_cameras(&camera_files(&plan));
        let changes = self.runtime.reload(parts(&plan, &engines, &opened)).await;
        if !changes.stragglers.is_empty() {
            warn!(stragglers = ?changes.stragglers, "did not end in time; they are left to end by themselves");
        }
        let old_brokers = std::mem::replace(&mut self.brokers, opened);
        let old_engines = std::mem::replace(&mut self.engines, engines.all);
        self.plan = plan;
        self.tell();
        *observed.in_force.write() = self.in_force();
        self.leave_brokers(old_brokers).await;
        self.leave_engines(old_engines);
        Ok(ReloadReport {
            added: changes.added,
            removed: changes.removed,
            restarted: changes.restarted,
            changed: changes.changed,
            unchanged: changes.unchanged,
            models: engines.loaded,
        })
    }

    /// Stops everything: sources, then workers, then brokers, then the store. Takes less than five seconds.
    pub async fn stop(self) {
        let stopped = self.runtime.stop(RUNTIME_DEADLINE).await;
        if !stopped.stragglers.is_empty() {
            warn!(stragglers = ?stopped.stragglers, "did not end in time");
        }
        for (camera, frames) in &stopped.balances {
            info!(%camera, decoded = frames.decoded, inferred = frames.inferred, dropped = frames.dropped(), "frames");
        }
        brokers::shut_down(self.brokers, FLUSH_DEADLINE).await;
        let store = self.store;
        // A join error is a panic, of which the panic hook has told.
        let _ = tokio::task::spawn_blocking(move || store.close(STORE_DEADLINE)).await;
    }

    /// Looks whether the wished frames fit, tells the log when that has changed, and subscribers what has become of it.
    pub fn watch_load(&self, watch: &mut LoadWatch) {
        if watch.look(self.runtime.pipelines(), Instant::now()) {
            self.publish_status();
        }
    }

    fn publish_status(&self) {
        brokers::publish_node_status(&self.brokers, self.runtime.pipelines(), &self.plan.pipelines, self.since);
    }

    /// Publishes the node's status, and says which topics are this plan's.
    fn tell(&self) {
        self.publish_status();
        brokers::declare_topics(&self.brokers, &self.plan);
    }

    fn in_force(&self) -> InForce {
        let pipelines = self.runtime.pipelines().to_vec();
        InForce { plan: self.plan.clone(), pipelines, brokers: self.brokers.clone(), engines: self.engines.clone() }
    }

    /// Shuts down the connections that nobody uses any more; their topics have been renounced.
    async fn leave_brokers(&self, old: Vec<Arc<Broker>>) {
        let is_left = |old: &Arc<Broker>| !self.brokers.iter().any(|broker| Arc::ptr_eq(&broker.events, &old.events));
        let left: Vec<_> = old.into_iter().filter(is_left).collect();
        if left.is_empty() {
            return;
        }
        for broker in &left {
            info!(broker = broker.name(), "leaving a broker that is not in the configuration any more");
            broker.publisher.declared();
        }
        brokers::shut_down(left, FLUSH_DEADLINE).await;
        brokers::release_outboxes(&self.brokers, &self.store);
    }

    /// Stops the engines that nobody uses any more, beside everything else: their last batches may take a while.
    fn leave_engines(&self, old: Vec<RunningEngine>) {
        for RunningEngine { engine, .. } in old {
            if self.engines.iter().any(|kept| Arc::ptr_eq(&kept.engine, &engine)) {
                continue;
            }
            info!(model = engine.model.name, "unloading a model that no pipeline uses any more");
            tokio::task::spawn_blocking(move || engine.stop());
        }
    }
}

/// Does everything of a start or a reload that can fail, and changes nothing of what runs. Sessions and scenes that it adds stay
/// when something fails after them; there is a small number of either.
///
/// # Errors
/// When a scene is unknown, a model or its provider is not available, or a broker's certificates cannot be used.
pub async fn prepare(plan: Plan, prerequisites: Prerequisites, occasion: Occasion) -> Result<Prepared, Failure> {
    let Prerequisites { sources, running, surroundings } = prerequisites;
    brokers::check(&plan)?;
    sources.provide(&plan).await?;
    let plan = Arc::new(plan);
    // Opening sessions can take minutes on an accelerator; meanwhile a signal must still be heard.
    let opening = tokio::task::spawn_blocking({
        let plan = plan.clone();
        move || engines::open(&plan.pipelines, &running, &surroundings, occasion)
    });
    let engines = opening.await.or_fail(Kind::Internal)??;
    Ok(Prepared { plan, engines })
}

/// Each pipeline with its engine and the log of its events.
fn parts(plan: &Plan, engines: &Engines, brokers: &[Arc<Broker>]) -> Vec<PipelineParts> {
    let pipelines = plan.pipelines.iter().zip(&engines.of_pipeline);
    let parts = pipelines.filter_map(|(pipeline, engine)| {
        let events = brokers::of(brokers, &pipeline.mqtt)?.events.clone();
        let engine = engines.all.get(*engine)?.engine.clone();
        Some(PipelineParts { plan: pipeline.clone(), engine, events })
    });
    parts.collect()
}

/// What each camera may keep.
fn camera_files(plan: &Plan) -> Vec<CameraFiles> {
    let cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras);
    let files = cameras.map(|camera| CameraFiles {
        camera: camera.spec.id.clone(),
        snapshots: camera.snapshots.as_ref().and_then(|snapshots| snapshots.files),
        clips: camera.clips.as_ref().map(|clips| clips.files),
    });
    files.collect()
}
