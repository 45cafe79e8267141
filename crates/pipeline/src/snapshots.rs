//! Pictures of objects: encoded, published and filed on a thread of their own, off every frame's way.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use sightline_core::{
    event::Retained,
    frame::FrameBuffer,
    geometry::BoxInFrame,
    plan::SnapshotPlan,
    ports::{Archive, PictureEncoder, SnapshotFile},
    time::WallTime,
};
use tracing::{error, info, warn};

use crate::{clock::wall_now, stamp::EventLog};

/// Pictures that wait, of all cameras together.
const MOST_WAITING: usize = 16;
/// Frames of one camera of which pictures wait. Each keeps its decoder from a buffer, of which hardware has only a few.
const MOST_FRAMES_OF_ONE: usize = 3;
/// What of the object's box is added on each of its sides.
const MARGIN: f32 = 0.15;

/// A picture to be taken.
pub struct SnapshotJob {
    /// The camera.
    pub camera: Arc<str>,
    /// The object's class.
    pub label: Arc<str>,
    /// The object's track.
    pub track: u64,
    /// Where in the picture it is.
    pub bbox: BoxInFrame,
    /// When the camera took the picture.
    pub capture: WallTime,
    /// What to make of it.
    pub plan: SnapshotPlan,
    /// The picture. `Arc::from` makes it of a frame's buffer.
    pub picture: Arc<dyn FrameBuffer>,
    /// Where it is published.
    pub events: Arc<EventLog>,
    /// Whether anybody still wishes that: by then the camera may be gone, and its topics cleared.
    pub is_in_force: Arc<AtomicBool>,
}

/// What became of the pictures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotCounts {
    /// Encoded, and published and filed as wished.
    pub taken: u64,
    /// Not needed any more: a newer one of the same object came while it waited.
    pub superseded: u64,
    /// Forced out by newer ones of other objects; told at the first one, and how many at the end.
    pub dropped: u64,
    /// Could not be encoded; told likewise.
    pub failed: u64,
}

/// Takes pictures; one per daemon. Dropped, it finishes what waits and its thread ends.
pub struct SnapshotTaker {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    /// A job came, or the taker closes.
    arrived: Condvar,
    /// The thread has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<SnapshotJob>,
    counts: SnapshotCounts,
    /// Pictures have been dropped since the queue was last empty, and that has been told.
    is_overflowing: bool,
    is_closed: bool,
    has_ended: bool,
}

impl SnapshotTaker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the operating system gives none.
    pub fn start(encoder: Arc<dyn PictureEncoder>, archive: Arc<dyn Archive>) -> std::io::Result<Self> {
        let inner = Mutex::new(Inner::default());
        let shared = Arc::new(Shared { inner, arrived: Condvar::new(), ended: Condvar::new() });
        let mut worker = Worker { shared: Arc::clone(&shared), encoder, archive, is_failing: false };
        std::thread::Builder::new().name("snapshots".into()).spawn(move || worker.run())?;
        Ok(Self { shared })
    }

    /// Hands in a picture; never blocks. One of the same object that still waits is not needed any more. When pictures of
    /// too many frames of the camera wait its oldest are dropped; when too many of all cameras wait, the oldest of the camera
    /// that has most of them.
    pub fn take(&self, job: SnapshotJob) {
        let mut inner = self.shared.inner.lock();
        if inner.is_closed {
            return;
        }
        let is_same_object = |waiting: &SnapshotJob| waiting.camera == job.camera && waiting.track == job.track;
        let place = inner.waiting.iter().position(is_same_object);
        // What is no longer needed is dropped after the lock: it gives a buffer back to its decoder.
        let _superseded = place.and_then(|place| inner.waiting.remove(place));
        inner.counts.superseded += u64::from(place.is_some());
        let (_forced_out, news) = inner.add(job);
        drop(inner);
        self.shared.arrived.notify_one();
        if news {
            warn!("more snapshots than can be encoded; the oldest that wait are dropped and counted");
        }
    }

    /// What became of the pictures so far.
    #[must_use]
    pub fn counts(&self) -> SnapshotCounts {
        self.shared.inner.lock().counts
    }

    /// Finishes what waits and ends; takes nothing more. Tells how many pictures there are not. Returns whether it was done
    /// within `deadline`. Blocks.
    pub fn stop(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        self.close();
        let mut inner = self.shared.inner.lock();
        while !inner.has_ended {
            if self.shared.ended.wait_until(&mut inner, until).timed_out() {
                break;
            }
        }
        let (has_ended, counts) = (inner.has_ended, inner.counts);
        drop(inner);
        let SnapshotCounts { taken, superseded, dropped, failed } = counts;
        if dropped + failed > 0 {
            warn!(taken, superseded, dropped, failed, "not every snapshot was taken");
        }
        has_ended
    }

    fn close(&self) {
        self.shared.inner.lock().is_closed = true;
        self.shared.arrived.notify_one();
    }
}

impl Drop for SnapshotTaker {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inner {
    /// Returns what it forces out, and whether that is news.
    fn add(&mut self, job: SnapshotJob) -> (Vec<SnapshotJob>, bool) {
        let mut forced_out = Vec::new();
        while let Some(place) = self.place_to_clear(&job) {
            forced_out.extend(self.waiting.remove(place));
        }
        self.waiting.push_back(job);
        self.counts.dropped += forced_out.len() as u64;
        let news = !forced_out.is_empty() && !std::mem::replace(&mut self.is_overflowing, true);
        (forced_out, news)
    }

    /// Which picture makes room for `new`; `None` when there is room. A busy camera pays for itself.
    fn place_to_clear(&self, new: &SnapshotJob) -> Option<usize> {
        let oldest_of = |camera: &str| self.waiting.iter().position(|job| *job.camera == *camera);
        let count_of = |camera: &str| self.waiting.iter().filter(|job| *job.camera == *camera).count();
        if self.frames_with(new) > MOST_FRAMES_OF_ONE {
            return oldest_of(&new.camera);
        }
        if self.waiting.len() < MOST_WAITING {
            return None;
        }
        // Of several with as many, the one whose picture has waited longest: `max_by_key` takes the last one.
        let busiest = self.waiting.iter().rev().max_by_key(|job| count_of(&job.camera))?;
        oldest_of(&busiest.camera)
    }

    /// Of how many frames of its camera pictures would wait with `new`. Objects in one frame share it.
    fn frames_with(&self, new: &SnapshotJob) -> usize {
        let mut frames: Vec<&Arc<dyn FrameBuffer>> = vec![&new.picture];
        for job in self.waiting.iter().filter(|job| job.camera == new.camera) {
            if !frames.iter().any(|frame| Arc::ptr_eq(frame, &job.picture)) {
                frames.push(&job.picture);
            }
        }
        frames.len()
    }
}

struct Worker {
    shared: Arc<Shared>,
    encoder: Arc<dyn PictureEncoder>,
    archive: Arc<dyn Archive>,
    is_failing: bool,
}

impl Worker {
    fn run(&mut self) {
        while let Some(job) = self.next() {
            // A panic costs one picture and not the thread.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.run_once(job)));
            let outcome = outcome.unwrap_or_else(|_| Err("encoding panicked; this is a bug in sightline".into()));
            let mut inner = self.shared.inner.lock();
            match outcome {
                Ok(()) => inner.counts.taken += 1,
                Err(_) => inner.counts.failed += 1,
            }
            drop(inner);
            self.note(outcome);
        }
        self.shared.inner.lock().has_ended = true;
        self.shared.ended.notify_all();
    }

    /// The next picture; `None` when there is none any more.
    fn next(&self) -> Option<SnapshotJob> {
        let mut inner = self.shared.inner.lock();
        loop {
            if let Some(job) = inner.waiting.pop_front() {
                return Some(job);
            }
            if std::mem::take(&mut inner.is_overflowing) {
                info!("snapshots are encoded as they come again");
            }
            if inner.is_closed {
                return None;
            }
            self.shared.arrived.wait(&mut inner);
        }
    }

    fn run_once(&self, job: SnapshotJob) -> Result<(), String> {
        let SnapshotJob { camera, label, track, bbox, capture, plan, picture, events, is_in_force } = job;
        let area = plan.crop.then(|| with_margin(&bbox));
        let jpeg = self.encoder.jpeg(picture.view(), area, plan.quality).map_err(|error| error.to_string())?;
        // The decoder gets its buffer back, and subscribers the picture, before the disk is waited for.
        drop(picture);
        let jpeg: Arc<[u8]> = jpeg.into();
        if plan.publish && is_in_force.load(Ordering::Acquire) {
            let (camera, label, jpeg) = (Arc::clone(&camera), Arc::clone(&label), Arc::clone(&jpeg));
            events.sink().retain(Retained::Snapshot { camera, label, jpeg });
        }
        if let Some(files) = plan.files {
            let snapshot = SnapshotFile { camera: &camera, label: &label, track, capture, jpeg: &jpeg };
            self.archive.keep_snapshot(&snapshot, files, wall_now());
        }
        Ok(())
    }

    /// Logged once per change of state.
    fn note(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) if std::mem::take(&mut self.is_failing) => info!("snapshots are taken again"),
            Err(reason) if !std::mem::replace(&mut self.is_failing, true) => {
                error!(reason, "a snapshot failed; they are counted until one works again");
            }
            _ => {}
        }
    }
}

fn with_margin(bbox: &BoxInFrame) -> BoxInFrame {
    let (across, down) = (MARGIN * bbox.width, MARGIN * bbox.height);
    BoxInFrame::from_edges(bbox.x - across, bbox.y - down, bbox.right() + across, bbox.bottom() + down).clipped()
}

#[cfg(test)]
mod tests;
