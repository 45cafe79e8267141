//! Recordings of one camera's events: when one begins, how long it goes on, and what it shows.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use sightline_core::{
    event::Event,
    plan::ClipPlan,
    ports::{Archive, ClipError, ClipEvent, ClipFacts, ClipRecord, ClipRequest, NotRecorded, Recording, RunningSource},
};
use tracing::{info, warn};

use crate::clock::wall_now;

/// One recording is no longer than this, however many events prolong it; the next event begins another.
pub const LONGEST: Duration = Duration::from_secs(300);
/// Events that are noted of one recording; more are counted.
const MOST_EVENTS: usize = 1000;

/// Records what a camera's plan says. Outlives the camera's connections.
pub struct ClipTaker {
    camera: Arc<str>,
    plan: ClipPlan,
    archive: Arc<dyn Archive>,
    current: Mutex<Option<Current>>,
    state: Arc<State>,
}

/// The recording that events prolong.
struct Current {
    recording: Box<dyn Recording>,
    events: Arc<Mutex<Noted>>,
    /// It must not end later.
    latest_end: Instant,
}

#[derive(Default)]
struct Noted {
    events: Vec<ClipEvent>,
    omitted: usize,
}

impl Noted {
    fn add(&mut self, event: &Event) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(event.into());
        } else {
            self.omitted += 1;
        }
    }
}

/// What recordings on their own threads share with their taker.
#[derive(Default)]
struct State {
    being_written: Mutex<usize>,
    fewer: Condvar,
    /// The last recording failed, and that has been told.
    is_failing: AtomicBool,
    /// Why the source refused the last recording, which has been told.
    refused: Mutex<Option<NotRecorded>>,
}

/// Counts a recording for as long as it lives.
struct BeingWritten(Arc<State>);

impl BeingWritten {
    fn new(state: &Arc<State>) -> Self {
        *state.being_written.lock() += 1;
        Self(Arc::clone(state))
    }
}

impl Drop for BeingWritten {
    fn drop(&mut self) {
        *self.0.being_written.lock() -= 1;
        self.0.fewer.notify_all();
    }
}

impl ClipTaker {
    /// For one camera.
    #[must_use]
    pub fn new(camera: Arc<str>, plan: ClipPlan, archive: Arc<dyn Archive>) -> Self {
        Self { camera, plan, archive, current: Mutex::new(None), state: Arc::default() }
    }

    /// Something happened in a frame that was decoded at `decoded_at`. Begins a recording, or prolongs the one that is being
    /// made, when the plan says so for this type of event. Never blocks.
    pub fn on_event(&self, event: &Event, decoded_at: Instant, source: &dyn RunningSource) {
        if !self.plan.events.iter().any(|wished| wished == event.change.kind.name()) {
            return;
        }
        let mut current = self.current.lock();
        let until = decoded_at + self.plan.post;
        if let Some(current) = current.as_ref().filter(|current| until <= current.latest_end) {
            // Locked first: once prolonged, the recording may end at any time, and its events are taken then.
            let mut noted = current.events.lock();
            if current.recording.extend(until) {
                noted.add(event);
                return;
            }
        }
        *current = self.begin(event, decoded_at, source);
    }

    /// The camera's connection has ended: what happens next begins another recording.
    pub fn source_ended(&self) {
        *self.current.lock() = None;
    }

    /// Waits until every recording has been written, for no longer than `deadline`; returns whether all are. Blocks. A
    /// recording ends when its source is stopped, or at its own time.
    pub fn finish(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        let mut being_written = self.state.being_written.lock();
        while *being_written > 0 {
            if self.state.fewer.wait_until(&mut being_written, until).timed_out() {
                break;
            }
        }
        *being_written == 0
    }

    fn begin(&self, event: &Event, decoded_at: Instant, source: &dyn RunningSource) -> Option<Current> {
        let from = decoded_at.checked_sub(self.plan.pre).unwrap_or(decoded_at);
        let mut noted = Noted::default();
        noted.add(event);
        let events = Arc::new(Mutex::new(noted));
        let path = self.archive.clip_path(event);
        let clip = ClipRequest {
            path: path.clone(),
            from,
            until: decoded_at + self.plan.post,
            on_done: self.on_done(path, Arc::clone(&events)),
        };
        let recording = match source.record(clip) {
            Ok(recording) => recording,
            Err(reason) => {
                self.refused(Some(reason));
                return None;
            }
        };
        self.refused(None);
        Some(Current { recording, events, latest_end: from + LONGEST.max(self.plan.pre + self.plan.post) })
    }

    /// Logged once per change of state.
    fn refused(&self, reason: Option<NotRecorded>) {
        let mut told = self.state.refused.lock();
        if *told == reason {
            return;
        }
        let camera = &self.camera;
        match &reason {
            Some(reason) => warn!(%camera, %reason, "no clip of an event; told once until that changes"),
            None => info!(%camera, "clips are recorded again"),
        }
        *told = reason;
    }

    fn on_done(
        &self,
        path: PathBuf,
        events: Arc<Mutex<Noted>>,
    ) -> Box<dyn FnOnce(Result<ClipFacts, ClipError>) + Send> {
        let (camera, archive, files) = (Arc::clone(&self.camera), Arc::clone(&self.archive), self.plan.files);
        let being_written = BeingWritten::new(&self.state);
        Box::new(move |result| {
            let state = &being_written.0;
            match result {
                Ok(facts) => {
                    if state.is_failing.swap(false, Ordering::Relaxed) {
                        info!(%camera, "clips are recorded again");
                    }
                    let now = wall_now();
                    let start = now.minus_micros(i64::try_from(facts.begun.elapsed().as_micros()).unwrap_or_default());
                    let noted = std::mem::take(&mut *events.lock());
                    let clip = ClipRecord {
                        camera: &camera,
                        path: &path,
                        start,
                        facts,
                        events: &noted.events,
                        events_omitted: noted.omitted,
                    };
                    archive.clip_finished(&clip, files, now);
                }
                Err(error) if !state.is_failing.swap(true, Ordering::Relaxed) => {
                    warn!(%camera, %error, "no clip; told once until it works again");
                }
                Err(_) => {}
            }
        })
    }
}

#[cfg(test)]
mod tests;
