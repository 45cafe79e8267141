//! The inference worker: batches in, detections out. One named OS thread each.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use sightline_core::{
    detection::Detection,
    frame::{Frame, FrameBuffer, FrameInfo, FrameTimes, FrameView},
    histogram::{Stage, StageTimes},
    model::DetectionSettings,
    time::WallTime,
};
use tokio::sync::mpsc;
use tracing::{debug, error, info};

use crate::{
    batcher::{Batch, Batcher, InFlight},
    clock::wall_now,
    detector::{Detector, DetectorError},
    queue::{CameraKey, Outcome},
    trouble::{FAILURES_IN_A_ROW, Trouble},
};

/// A frame that went through the network. While it lives its camera has no other frame in flight, so a camera whose
/// task is slow drops its own frames before inference and never anybody else's.
#[derive(Debug)]
pub struct InferredFrame {
    /// The frame.
    pub info: FrameInfo,
    /// Its moments.
    pub times: FrameTimes,
    /// When the network's answer was there.
    pub inferred: WallTime,
    /// What was seen, best first.
    pub detections: Vec<Detection>,
    /// The picture, for cameras whose [`CameraPort::keeps_pictures`] is set.
    pub picture: Option<Picture>,
    /// Accounts for the frame when dropped.
    pub in_flight: InFlight,
}

/// A frame's pixels that outlive their inference. The decoder gets its buffer back when it is dropped.
pub struct Picture(pub Box<dyn FrameBuffer>);

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Picture")
    }
}

/// Where a camera's results go, and what to keep of them.
#[derive(Clone, Debug)]
pub struct CameraPort {
    /// What decoding keeps.
    pub settings: DetectionSettings,
    /// Snapshots are wished: the frame comes with its detections.
    pub keeps_pictures: bool,
    /// See [`crate::engine::results_channel`].
    pub results: mpsc::Sender<InferredFrame>,
}

/// The cameras of an engine, by key.
pub type CameraPorts = Arc<RwLock<std::collections::BTreeMap<CameraKey, CameraPort>>>;

/// What a worker works with.
pub struct WorkerParts {
    /// Where frames come from.
    pub batcher: Arc<Batcher>,
    /// Where results go.
    pub ports: CameraPorts,
    /// Its session.
    pub detector: Detector,
    /// Where it is counted how long each stage takes.
    pub stages: Arc<StageTimes>,
    /// Counts the batches of all workers, good and bad.
    pub batches: Arc<AtomicU64>,
    /// Since when it has been running a batch.
    pub at_work: Arc<AtWork>,
    /// Where it is told that the session fails.
    pub trouble: Arc<Trouble>,
}

/// Since when a worker has been running its batch: two stores a batch, so that one that hangs among many is noticed.
pub struct AtWork {
    origin: Instant,
    /// Nanoseconds after the origin; 0: no batch runs.
    since: AtomicU64,
}

impl Default for AtWork {
    fn default() -> Self {
        Self { origin: Instant::now(), since: AtomicU64::new(0) }
    }
}

impl AtWork {
    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    fn begin(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// How long the batch has been running; nothing while none is.
    pub fn elapsed(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_nanos(self.now().saturating_sub(since)),
        }
    }
}

/// Starts a worker; it ends when the batcher is closed.
///
/// # Errors
/// When the operating system gives no thread.
pub fn spawn(name: String, parts: WorkerParts) -> std::io::Result<JoinHandle<()>> {
    let mut worker =
        Worker { parts, settings: Vec::new(), keeps_pictures: Vec::new(), answered: Vec::new(), failures_in_a_row: 0 };
    std::thread::Builder::new().name(name).spawn(move || worker.run())
}

struct Worker {
    parts: WorkerParts,
    settings: Vec<DetectionSettings>,
    keeps_pictures: Vec<bool>,
    answered: Vec<(CameraKey, Instant)>,
    /// Batches that failed since one did not.
    failures_in_a_row: u32,
}

impl Worker {
    fn run(&mut self) {
        let mut batch = Batch::default();
        while self.parts.batcher.next(&mut batch) {
            self.parts.at_work.begin();
            // A panic costs one batch and not the process; its frames are counted as failed when they are dropped.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.run_once(&mut batch.entries)));
            self.parts.at_work.end();
            batch.entries.clear();
            self.parts.batches.fetch_add(1, Ordering::Relaxed);
            match outcome {
                Ok(Ok(())) => self.note_success(),
                Ok(Err(error)) => {
                    self.note_failure(&error.to_string());
                    // What cannot be decoded is the model's fault, which another session would not mend.
                    if let DetectorError::Backend(error) = &error
                        && self.failures_in_a_row >= FAILURES_IN_A_ROW
                    {
                        self.parts.trouble.report(&error.message);
                    }
                }
                Err(_) => self.note_failure("the worker panicked; this is a bug in sightline"),
            }
        }
    }

    fn run_once(&mut self, entries: &mut Vec<(InFlight, Frame)>) -> Result<(), DetectorError> {
        let begun = Instant::now();
        for (_, frame) in &*entries {
            self.parts.stages.record(Stage::Queue, begun.saturating_duration_since(frame.times.decoded_at));
        }
        self.look_up_settings(entries);
        self.load(entries);
        self.parts.stages.record(Stage::Preprocess, begun.elapsed());
        let settings = &self.settings;
        // The pixels are in the tensor: the decoder gets its buffers back before the network runs, but for the cameras
        // whose best pictures are kept.
        let loaded: Vec<(InFlight, FrameInfo, FrameTimes, Option<Picture>)> = entries
            .drain(..)
            .zip(&self.keeps_pictures)
            .map(|((in_flight, Frame { info, times, buffer }), keeps)| {
                (in_flight, info, times, keeps.then_some(Picture(buffer)))
            })
            .collect();
        let detections = self.parts.detector.run(settings)?;
        let inferred = wall_now();
        self.answered.clear();
        self.answered.extend(loaded.iter().map(|(in_flight, _, times, _)| (in_flight.key, times.decoded_at)));
        self.parts.batcher.answered(&self.answered, begun);
        let ports = self.parts.ports.read();
        for ((mut in_flight, info, times, picture), detections) in loaded.into_iter().zip(detections) {
            let Some(port) = ports.get(&in_flight.key) else { continue };
            in_flight.settle_as(Outcome::Inferred);
            let result = InferredFrame { info, times, inferred, detections, picture, in_flight };
            if let Err(mpsc::error::TrySendError::Closed(mut lost) | mpsc::error::TrySendError::Full(mut lost)) =
                port.results.try_send(result)
            {
                lost.in_flight.settle_as(Outcome::Stopped);
            }
        }
        Ok(())
    }

    /// Loads the batch without the frames that cannot be read: one camera's damaged frame costs no other camera one.
    fn load(&mut self, entries: &mut Vec<(InFlight, Frame)>) {
        loop {
            let views: Vec<FrameView<'_>> = entries.iter().map(|(_, frame)| frame.buffer.view()).collect();
            let Err(unreadable) = self.parts.detector.load(&views) else { return };
            drop(views);
            debug!(%unreadable, "a frame is dropped and counted as failed");
            entries.remove(unreadable.index);
            self.settings.remove(unreadable.index);
            self.keeps_pictures.remove(unreadable.index);
        }
    }

    /// The settings of each frame's camera, and the frames without the cameras that went meanwhile.
    fn look_up_settings(&mut self, entries: &mut Vec<(InFlight, Frame)>) {
        self.settings.clear();
        self.keeps_pictures.clear();
        let ports = self.parts.ports.read();
        entries.retain_mut(|(in_flight, _)| {
            let Some(port) = ports.get(&in_flight.key) else {
                in_flight.settle_as(Outcome::Stopped);
                return false;
            };
            self.settings.push(port.settings);
            self.keeps_pictures.push(port.keeps_pictures);
            true
        });
    }

    fn note_success(&mut self) {
        if std::mem::take(&mut self.failures_in_a_row) > 0 {
            info!("inference works again");
        }
    }

    /// Logged once per change of state: a session that fails does so for every batch.
    fn note_failure(&mut self, reason: &str) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if self.failures_in_a_row == 1 {
            error!(reason, "inference failed; its frames are dropped and counted until it works again");
        }
    }
}
