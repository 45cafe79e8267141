//! One model's sessions and the cameras that share them.

use std::{collections::BTreeMap, sync::Arc, thread::JoinHandle, time::Duration};

use parking_lot::RwLock;
use sightline_core::{
    model::{DetectionSettings, ModelSpec},
    plan::{InferencePlan, Provider},
    ports::Backend,
};
use tokio::sync::mpsc;

use crate::{
    batcher::Batcher,
    detector::Detector,
    queue::{CameraKey, QueueSettings},
    worker::{self, CameraPort, CameraPorts, InferredFrame},
};

/// What an engine is made of: opened sessions of one model.
pub struct EngineParts {
    /// The model.
    pub model: Arc<ModelSpec>,
    /// How its sessions are fed.
    pub inference: InferencePlan,
    /// The provider really in use.
    pub provider: Provider,
    /// One session per worker.
    pub backends: Vec<Box<dyn Backend>>,
    /// The only batch size that the graph takes; any size when absent.
    pub fixed_batch: Option<usize>,
}

/// A frame that waited longer than this for the network says nothing about now: the camera has sent better ones, or
/// has stopped sending.
const MAX_FRAME_AGE: Duration = Duration::from_millis(1000);

/// Running workers, and the queue they take frames from.
pub struct Engine {
    /// The model.
    pub model: Arc<ModelSpec>,
    /// The provider really in use.
    pub provider: Provider,
    /// The queue.
    pub batcher: Arc<Batcher>,
    ports: CameraPorts,
    workers: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Starts one worker per session; `index` names their threads.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(parts: EngineParts, index: usize) -> std::io::Result<Self> {
        let EngineParts { model, inference, provider, backends, fixed_batch } = parts;
        let batcher = Batcher::new(QueueSettings {
            max_batch: fixed_batch.unwrap_or(inference.max_batch),
            max_wait: inference.max_wait,
            max_age: MAX_FRAME_AGE,
        });
        let ports: CameraPorts = Arc::new(RwLock::new(BTreeMap::new()));
        let workers = backends
            .into_iter()
            .enumerate()
            .map(|(worker, backend)| {
                let detector = Detector::new(model.clone(), backend, fixed_batch);
                worker::spawn(format!("infer-{index}-{worker}"), batcher.clone(), ports.clone(), detector)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { model, provider, batcher, ports, workers })
    }

    /// Adds a camera of which at most `fps` frames per second are inferred; its results come out of the receiver, with
    /// their pictures where `keeps_pictures`.
    #[must_use]
    pub fn add_camera(
        &self,
        fps: f32,
        settings: DetectionSettings,
        keeps_pictures: bool,
    ) -> (CameraKey, mpsc::Receiver<InferredFrame>) {
        let key = self.batcher.add(fps);
        let (results, receiver) = mpsc::channel(1);
        self.ports.write().insert(key, CameraPort { settings, keeps_pictures, results });
        (key, receiver)
    }

    /// Ends all workers. Frames still waiting stay where they are.
    pub fn stop(&mut self) {
        self.batcher.close();
        for worker in self.workers.drain(..) {
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
