//! The queue between the cameras' threads and the inference workers.

use std::{sync::Arc, time::Instant};

use parking_lot::{Condvar, Mutex};
use sightline_core::{event::FrameBalance, frame::Frame};

use crate::queue::{CameraKey, CameraWish, FrameQueue, Load, Next, Outcome, QueueSettings};

/// A [`FrameQueue`] that several threads share. One short lock per frame; nothing is computed, logged or freed in it.
#[derive(Debug)]
pub struct Batcher {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: FrameQueue,
    closed: bool,
    /// Workers that wait for a batch.
    idle_workers: usize,
}

/// A frame in a batch. However it ends, dropping this accounts for it and lets the camera's next frame go.
#[derive(Debug)]
pub struct InFlight {
    batcher: Arc<Batcher>,
    /// The camera.
    pub key: CameraKey,
    outcome: Outcome,
}

/// A worker's batch. Its memory is used again and again.
#[derive(Debug, Default)]
pub struct Batch {
    /// The frames to run, the longest waiting first.
    pub entries: Vec<(InFlight, Frame)>,
    taken: Vec<(CameraKey, Frame)>,
    stale: Vec<Frame>,
}

impl InFlight {
    /// Says what became of the frame; [`Outcome::Failed`] until then.
    pub const fn settle_as(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Whether it was put for that camera of that batcher.
    #[must_use]
    pub fn is_of(&self, batcher: &Arc<Batcher>, key: CameraKey) -> bool {
        self.key == key && Arc::ptr_eq(&self.batcher, batcher)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.batcher.state.lock().queue.settle(self.key, self.outcome);
        self.batcher.changed.notify_one();
    }
}

impl Batcher {
    /// A batcher without cameras.
    #[must_use]
    pub fn new(settings: QueueSettings) -> Arc<Self> {
        let state = Mutex::new(State { queue: FrameQueue::new(settings), closed: false, idle_workers: 0 });
        Arc::new(Self { state, changed: Condvar::new() })
    }

    /// Adds a camera. Its counts go on from `counts`.
    pub fn add(&self, wish: CameraWish, counts: FrameBalance) -> CameraKey {
        self.state.lock().queue.add(wish, counts)
    }

    /// Drops a camera's waiting frame, counted as stopped.
    pub fn empty(&self, key: CameraKey) {
        let frame = self.state.lock().queue.empty(key);
        drop(frame);
    }

    /// Forgets a camera; its last counts.
    pub fn remove(&self, key: CameraKey) -> FrameBalance {
        let (frame, counts) = self.state.lock().queue.remove(key);
        drop(frame);
        counts
    }

    /// Whether a frame that was decoded at `now` is within its camera's rate: see [`FrameQueue::admit`].
    #[must_use]
    pub fn admit(&self, key: CameraKey, now: Instant) -> bool {
        self.state.lock().queue.admit(key, now)
    }

    /// A camera's picture was left out because decoding does not keep up.
    pub fn left_undecoded(&self, key: CameraKey, now: Instant) {
        self.state.lock().queue.left_undecoded(key, now);
    }

    /// Accounts for an admitted frame in which nothing moves.
    pub fn pass_over(&self, key: CameraKey) {
        self.state.lock().queue.pass_over(key);
    }

    /// Takes in an admitted frame; the latest one of a camera wins.
    pub fn put(&self, key: CameraKey, frame: Frame, now: Instant) {
        let superseded = {
            let mut state = self.state.lock();
            let all_are_busy = state.idle_workers == 0;
            state.queue.put(key, frame, all_are_busy, now)
        };
        self.changed.notify_one();
        // Freed here and not under the lock: it gives a buffer back to the decoder.
        drop(superseded);
    }

    /// Waits for the next batch and fills `batch` with it; `false` when the batcher was closed.
    pub fn next(self: &Arc<Self>, batch: &mut Batch) -> bool {
        batch.entries.clear();
        let mut state = self.state.lock();
        state.idle_workers += 1;
        loop {
            if state.closed {
                state.idle_workers -= 1;
                return false;
            }
            let idle_workers = state.idle_workers;
            let next = state.queue.take(Instant::now(), idle_workers, &mut batch.taken, &mut batch.stale);
            if next != Next::Run && !batch.stale.is_empty() {
                // Freed outside the lock, and then asked again: what came meanwhile has woken nobody.
                parking_lot::MutexGuard::unlocked(&mut state, || batch.stale.clear());
                continue;
            }
            match next {
                Next::Run => break,
                Next::WaitUntil(deadline) => {
                    self.changed.wait_until(&mut state, deadline);
                }
                Next::Idle => self.changed.wait(&mut state),
            }
        }
        state.idle_workers -= 1;
        drop(state);
        batch.stale.clear();
        let in_flight = |key| InFlight { batcher: self.clone(), key, outcome: Outcome::Failed };
        batch.entries.extend(batch.taken.drain(..).map(|(key, frame)| (in_flight(key), frame)));
        // Another worker may have slept through a frame that did not fit into this batch.
        self.changed.notify_one();
        true
    }

    /// A batch that was taken at `taken` has its answers: see [`FrameQueue::answered`]. To be told before they are handed on.
    pub fn answered(&self, frames: &[(CameraKey, Instant)], taken: Instant) {
        self.state.lock().queue.answered(frames, taken, Instant::now());
    }

    /// How much of what is wished is done.
    #[must_use]
    pub fn load(&self) -> Load {
        self.state.lock().queue.load(Instant::now())
    }

    /// Ends all waiting workers.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether any frame waits or is in a batch.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.state.lock().queue.has_work()
    }

    /// What became of a camera's frames.
    #[must_use]
    pub fn balance(&self, key: CameraKey) -> FrameBalance {
        self.state.lock().queue.balance(key)
    }

    /// When a camera's last frame came.
    #[must_use]
    pub fn last_put(&self, key: CameraKey) -> Option<Instant> {
        self.state.lock().queue.last_put(key)
    }
}
