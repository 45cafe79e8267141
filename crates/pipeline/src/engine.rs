//! One model's sessions and the cameras that share them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use sightline_core::{
    event::{FrameBalance, LoadState, LoadStatus},
    execution::{BatchSizes, Execution, PassedOver},
    histogram::StageTimes,
    model::ModelSpec,
    plan::InferencePlan,
    ports::Backend,
    time::WallTime,
};
use tokio::sync::{Notify, mpsc};

use crate::{
    batcher::Batcher,
    clock::wall_now,
    detector::Detector,
    queue::{CameraKey, CameraWish, QueueSettings},
    trouble::Trouble,
    worker::{self, AtWork, CameraPort, CameraPorts, InferredFrame, WorkerParts},
};

/// What an engine is made of: opened sessions of one model.
pub struct EngineParts {
    /// The model.
    pub model: Arc<ModelSpec>,
    /// How its sessions are fed.
    pub inference: InferencePlan,
    /// What runs it.
    pub execution: Execution,
    /// One session per worker.
    pub backends: Vec<Box<dyn Backend>>,
    /// What they take.
    pub batch_sizes: BatchSizes,
    /// Is woken when the sessions turn out to fail.
    pub trouble: Arc<Notify>,
    /// Where it is counted how long each stage takes.
    pub stages: Arc<StageTimes>,
}

/// Running workers, and the queue they take frames from.
pub struct Engine {
    /// The model.
    pub model: Arc<ModelSpec>,
    /// How its sessions are fed.
    pub inference: InferencePlan,
    execution: RwLock<Arc<Execution>>,
    /// The queue.
    pub batcher: Arc<Batcher>,
    batch_sizes: BatchSizes,
    trouble: Arc<Trouble>,
    ports: CameraPorts,
    stages: Arc<StageTimes>,
    batches: Arc<AtomicU64>,
    /// What the wished frames last were found to be, and since when.
    load: Mutex<(LoadState, WallTime)>,
    workers: Mutex<Vec<(JoinHandle<()>, Arc<AtWork>)>>,
    /// Sessions that run; also when their threads have been taken to be joined.
    sessions: AtomicUsize,
}

/// How far an engine has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Batches that came to an end, good or bad.
    pub batches: u64,
    /// Whether a frame waits or is in a batch.
    pub has_work: bool,
    /// How long the batch that has run the longest has been running.
    pub longest_batch: Duration,
}

impl Engine {
    /// Starts one worker per session; `name` is part of their threads' names.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(parts: EngineParts, name: &str) -> std::io::Result<Arc<Self>> {
        let EngineParts { model, inference, execution, backends, batch_sizes, stages, trouble } = parts;
        let batcher = Batcher::new(QueueSettings {
            max_batch: batch_sizes.most(execution.provider.max_batch(inference.max_batch)),
            min_batch: batch_sizes.fitting(1),
            max_wait: inference.max_wait,
            latency_target: inference.latency_target,
        });
        let engine = Arc::new(Self {
            model,
            inference,
            execution: RwLock::new(Arc::new(execution)),
            batcher,
            batch_sizes,
            trouble: Arc::new(Trouble::new(trouble)),
            ports: Arc::new(RwLock::new(BTreeMap::new())),
            stages,
            batches: Arc::default(),
            load: Mutex::new((LoadState::Ok, wall_now())),
            workers: Mutex::default(),
            sessions: AtomicUsize::new(0),
        });
        engine.add_workers(backends, name)?;
        Ok(engine)
    }

    /// One more worker for each of `backends`, sessions of the same model on the same provider.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn add_workers(&self, backends: Vec<Box<dyn Backend>>, name: &str) -> std::io::Result<()> {
        let mut workers = self.workers.lock();
        for backend in backends {
            let at_work = Arc::new(AtWork::default());
            let parts = WorkerParts {
                at_work: at_work.clone(),
                trouble: self.trouble.clone(),
                batcher: self.batcher.clone(),
                ports: self.ports.clone(),
                detector: Detector::new(self.model.clone(), backend, self.batch_sizes.clone())
                    .counting_in(self.stages.clone()),
                stages: self.stages.clone(),
                batches: self.batches.clone(),
            };
            let thread = format!("infer-{name}-{}", workers.len());
            workers.push((worker::spawn(thread, parts)?, at_work));
            self.sessions.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What runs it.
    #[must_use]
    pub fn execution(&self) -> Arc<Execution> {
        self.execution.read().clone()
    }

    /// The providers that were preferred were tried again, and still do not run, for these reasons.
    pub fn pass_over_again(&self, passed_over: Vec<PassedOver>) {
        let mut execution = self.execution.write();
        *execution = Arc::new(Execution { passed_over, ..Execution::clone(&execution) });
    }

    /// Why its sessions fail, if they do: then somebody should put another engine in its place.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.trouble.reason()
    }

    /// Sessions that run.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Adds a camera; its results go to `port`. Its counts go on from `counts`.
    #[must_use]
    pub fn add_camera(&self, wish: CameraWish, port: CameraPort, counts: FrameBalance) -> CameraKey {
        let key = self.batcher.add(wish, counts);
        self.ports.write().insert(key, port);
        key
    }

    /// Forgets a camera; its last counts. A result that is on its way may still come.
    pub fn remove_camera(&self, key: CameraKey) -> FrameBalance {
        self.ports.write().remove(&key);
        self.batcher.remove(key)
    }

    /// How far it has come: what has work and does not go on is stuck.
    #[must_use]
    pub fn progress(&self) -> Progress {
        // In this order: a batch that ends in between counts as progress.
        let has_work = self.batcher.has_work();
        let batches = self.batches.load(Ordering::Relaxed);
        let running = self.workers.lock().iter().map(|(_, at_work)| at_work.elapsed()).max();
        Progress { batches, has_work, longest_batch: running.unwrap_or_default() }
    }

    /// How much of what is wished of it is done.
    #[must_use]
    pub fn load(&self) -> LoadStatus {
        let load = self.batcher.load();
        let mut known = self.load.lock();
        if known.0 != load.state {
            let ago = load.since.map(|since| since.elapsed()).unwrap_or_default();
            *known = (load.state, wall_now().minus_micros(i64::try_from(ago.as_micros()).unwrap_or(0)));
        }
        LoadStatus {
            state: load.state,
            since: known.1,
            inferred_share: rounded(load.inferred_share, 1000.0),
            decoding: load.decoding,
            decoded_share: rounded(load.decoded_share, 1000.0),
            latency_ms_p95: load.latency_p95.map(|age| rounded(age.as_secs_f64() * 1000.0, 10.0)),
            batch: load.level.batch,
            fps_factor: rounded(load.level.factor, 1000.0),
        }
    }

    /// Ends all workers: takes as long as their last batches. Frames still waiting stay where they are.
    pub fn stop(&self) {
        self.batcher.close();
        let workers = std::mem::take(&mut *self.workers.lock());
        for (worker, _) in workers {
            // A worker catches its own panics; there is nothing to learn from a join error.
            let _ = worker.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// A camera's results: at most one from each of two engines while it is handed over from one to the other.
#[must_use]
pub fn results_channel() -> (mpsc::Sender<InferredFrame>, mpsc::Receiver<InferredFrame>) {
    mpsc::channel(2)
}
