//! The schedule: frame n of camera k goes out at start + n / rate + phase(k), whoever watches.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use sightline_core::time::WallTime;

use super::{OnFrame, SentFrame, feed::Feed};
use crate::error::SimError;

/// A machine that slept longer than this does not send all it missed.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(2);

/// The thread that sends.
pub(super) struct Pacer {
    stopping: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
    first_frames: Vec<WallTime>,
}

#[derive(Default)]
struct Stop {
    requested: Mutex<bool>,
    changed: Condvar,
}

/// What is next for a camera; ordered by time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Instant,
    camera: usize,
    frame: u64,
}

impl Pacer {
    pub(super) fn start(feeds: Vec<Arc<Feed>>, on_frame: Option<OnFrame>) -> Result<Self, SimError> {
        let (start, wall) = (Instant::now(), WallTime::from_system(SystemTime::now()));
        let phases: Vec<Duration> = feeds.iter().enumerate().map(|(i, feed)| phase(i, feed)).collect();
        let first_frames = phases
            .iter()
            .map(|phase| {
                let micros = i64::try_from(phase.as_micros()).unwrap_or(0);
                WallTime::from_micros(wall.as_micros() + micros)
            })
            .collect::<Vec<_>>();
        let starts: Vec<Instant> = phases.iter().map(|&phase| start + phase).collect();
        let stopping = Arc::new(Stop::default());
        let schedule = Schedule { feeds, starts, walls: first_frames.clone(), on_frame };
        let thread = std::thread::Builder::new()
            .name("sim-pacer".into())
            .spawn({
                let stopping = Arc::clone(&stopping);
                move || schedule.run(&stopping)
            })
            .map_err(|error| SimError::Server(format!("no thread to send frames from: {error}")))?;
        Ok(Self { stopping, thread: Some(thread), first_frames })
    }

    /// When camera `index` takes its frame 0.
    pub(super) fn first_frame(&self, index: usize) -> WallTime {
        self.first_frames.get(index).copied().unwrap_or(WallTime::from_micros(0))
    }

    pub(super) fn stop(&mut self) {
        *self.stopping.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopping.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that sends the simulated frames panicked");
        }
    }
}

/// Cameras are out of step by the golden section of a frame, so that no two frames meet.
fn phase(index: usize, feed: &Feed) -> Duration {
    let fraction = (index as f64 * 0.618_033_988_749_895).fract();
    Duration::from_secs_f64(fraction / feed.clip().rate().per_sec())
}

struct Schedule {
    feeds: Vec<Arc<Feed>>,
    starts: Vec<Instant>,
    walls: Vec<WallTime>,
    on_frame: Option<OnFrame>,
}

impl Schedule {
    fn run(mut self, stopping: &Stop) {
        let first = |(camera, &at): (usize, &Instant)| Reverse(Due { at, camera, frame: 0 });
        let mut dues: BinaryHeap<Reverse<Due>> = self.starts.iter().enumerate().map(first).collect();
        while let Some(Reverse(due)) = dues.pop() {
            if wait_until(due.at, stopping) {
                return;
            }
            self.send(&due);
            dues.push(Reverse(self.next(&due)));
        }
    }

    fn send(&mut self, due: &Due) {
        let feed = &self.feeds[due.camera];
        feed.send(due.frame);
        let Some(on_frame) = &mut self.on_frame else { return };
        let since_first = i64::try_from(feed.clip().rate().nanos_at(due.frame) / 1000).unwrap_or(i64::MAX);
        let time = WallTime::from_micros(self.walls[due.camera].as_micros().saturating_add(since_first));
        let objects = feed.clip().truth(due.frame);
        on_frame(&SentFrame { camera: due.camera, path: feed.path(), frame: due.frame, time, objects: &objects });
    }

    fn next(&self, due: &Due) -> Due {
        let (feed, start) = (&self.feeds[due.camera], self.starts[due.camera]);
        let at = |frame: u64| start + Duration::from_nanos(feed.clip().rate().nanos_at(frame));
        let now = Instant::now();
        let frame = due.frame + 1;
        if now.saturating_duration_since(at(frame)) < LONGEST_CATCH_UP {
            return Due { at: at(frame), camera: due.camera, frame };
        }
        feed.skipped();
        let elapsed = u64::try_from(now.duration_since(start).as_nanos()).unwrap_or(u64::MAX);
        let frame = feed.clip().rate().frame_at(elapsed) + 1;
        Due { at: at(frame), camera: due.camera, frame }
    }
}

/// True when it is time to stop.
fn wait_until(at: Instant, stopping: &Stop) -> bool {
    let mut requested = stopping.requested.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let left = at.saturating_duration_since(Instant::now());
        if *requested || left.is_zero() {
            return *requested;
        }
        requested = stopping.changed.wait_timeout(requested, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}
