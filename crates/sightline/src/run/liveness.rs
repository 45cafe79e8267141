//! Whether inference goes on: what has work and ends no batch is stuck.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sightline_pipeline::engine::{Engine, Progress};

use super::observed::Observed;

/// An engine that has work and has ended no batch for so long is stuck, and so is one of whose batches one has run for so long. Far beyond any batch, on any hardware.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// Looks at all engines; remembers what it saw of each the last time.
pub struct Liveness {
    observed: Arc<Observed>,
    seen: Mutex<Vec<(Weak<Engine>, Seen)>>,
}

/// How far an engine had come, and since when it has come no further.
#[derive(Clone, Copy, Debug)]
struct Seen {
    progress: Progress,
    since: Instant,
}

impl Seen {
    /// What is to be remembered after another look.
    fn after(self, progress: Progress, now: Instant) -> Self {
        let is_standing = progress.has_work && self.progress.has_work && progress.batches == self.progress.batches;
        Self { progress, since: if is_standing { self.since } else { now } }
    }

    fn is_stuck(self, now: Instant) -> bool {
        self.stands_for(now) > STUCK_AFTER
    }

    /// How long it has, or one of its sessions, come no further.
    fn stands_for(self, now: Instant) -> Duration {
        let standing = if self.progress.has_work { now.saturating_duration_since(self.since) } else { Duration::ZERO };
        standing.max(self.progress.longest_batch)
    }
}

impl Liveness {
    /// Nothing was looked at yet.
    pub fn new(observed: Arc<Observed>) -> Self {
        Self { observed, seen: Mutex::default() }
    }

    /// Looks now. Cheap; called as often as anybody likes.
    ///
    /// # Errors
    /// Which model is stuck.
    pub fn check(&self) -> Result<(), String> {
        let now = Instant::now();
        let engines: Vec<Arc<Engine>> =
            self.observed.in_force.read().engines.iter().map(|running| running.engine.clone()).collect();
        let mut seen = self.seen.lock();
        let last_time = std::mem::take(&mut *seen);
        let mut stuck = Ok(());
        for engine in engines {
            let progress = engine.progress();
            let known = last_time.iter().find(|(known, _)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(&engine)));
            let now_seen = known.map_or(Seen { progress, since: now }, |(_, known)| known.after(progress, now));
            if now_seen.is_stuck(now) {
                let for_seconds = now_seen.stands_for(now).as_secs();
                stuck = Err(format!("inference with {} has ended no batch for {for_seconds} s", engine.model.name));
            }
            seen.push((Arc::downgrade(&engine), now_seen));
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn progress(batches: u64, has_work: bool) -> Progress {
        Progress { batches, has_work, longest_batch: Duration::ZERO }
    }

    #[test]
    fn only_work_without_an_end_is_stuck() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let seen = Seen { progress: progress(7, true), since: start };
        assert!(!seen.after(progress(7, true), at(30)).is_stuck(at(30)));
        assert!(seen.after(progress(7, true), at(31)).is_stuck(at(31)));
        assert!(!seen.after(progress(8, true), at(31)).is_stuck(at(31)), "a batch has ended");
        assert!(!seen.after(progress(7, false), at(31)).is_stuck(at(31)), "nothing is to be done");
        let hanging = Progress { longest_batch: Duration::from_secs(31), ..progress(900, true) };
        assert!(seen.after(hanging, at(31)).is_stuck(at(31)), "others go on, and one session hangs");
        let idle = Seen { progress: progress(7, false), since: start };
        assert!(!idle.after(progress(7, true), at(99)).is_stuck(at(99)), "work has only come");
    }
}
