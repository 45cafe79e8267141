//! Cameras that send nothing: a peer that vanished without a word, a server that never answers.
//!
//! rtspsrc waits for ever for the next packet: in a TCP connection its keep-alive goes into the void, and the kernel gives up
//! after a quarter of an hour; with UDP its timeout is for the first packet only. And of a server that answers one request
//! and not the next it says "timeout" and not which. The caller's own stall timeout would notice, but knows neither; so this
//! comes a little before it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::SourceErrorCode;

use super::stream::Stream;
use crate::elements::source_error;

/// So much of the caller's patience.
const SHARE_OF_STALL_TIMEOUT: f32 = 0.9;
/// So often is it looked, in each patience.
const LOOKS: u32 = 20;
const NEVER: u64 = u64::MAX;

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The server has not described its stream yet.
    Opening,
    /// It has; SETUP was not answered yet.
    Described,
    /// It was; PLAY was not answered yet.
    SetUp,
    /// The server has said that it plays.
    Playing,
}

/// When the last packet came, and what had happened before.
pub struct Silence {
    started: Instant,
    /// Milliseconds since `started`.
    last_packet: AtomicU64,
    step: AtomicU8,
    patience: Duration,
}

impl Silence {
    /// `stall_timeout` is when the caller gives up waiting for frames.
    pub fn new(stall_timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            last_packet: AtomicU64::new(NEVER),
            step: AtomicU8::new(Step::Opening as u8),
            patience: stall_timeout.mul_f32(SHARE_OF_STALL_TIMEOUT),
        }
    }

    /// A packet came: one store per packet.
    pub fn packet(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(NEVER - 1);
        self.last_packet.store(now, Ordering::Relaxed);
    }

    /// The connection has come to `step`; it never goes back.
    pub fn reached(&self, step: Step) {
        self.step.fetch_max(step as u8, Ordering::Relaxed);
    }

    /// What is wrong when there has been nothing for too long by `now`.
    fn complaint(&self, now: Instant) -> Option<String> {
        let last_packet = self.last_packet.load(Ordering::Relaxed);
        let since = if last_packet == NEVER { 0 } else { last_packet };
        let silent_for = now.saturating_duration_since(self.started + Duration::from_millis(since));
        if silent_for < self.patience {
            return None;
        }
        let step = self.step.load(Ordering::Relaxed);
        let is_at = |at: Step| step == at as u8;
        let what = if last_packet != NEVER {
            "the camera has stopped sending without a word; it may have restarted or lost its network"
        } else if is_at(Step::Playing) {
            "the camera says that it plays, but sends no video"
        } else if is_at(Step::SetUp) {
            "the camera sets its stream up, but does not answer PLAY"
        } else if is_at(Step::Described) {
            "the camera describes its stream, but does not answer SETUP"
        } else {
            "the camera does not answer"
        };
        Some(format!("{what} (nothing for {:.1} s)", silent_for.as_secs_f32()))
    }
}

/// Looks again and again until it is dropped.
pub struct Alarm(gst::PeriodicClockId);

impl Alarm {
    /// Fails `stream` when it is silent for too long. All cameras share one thread for it, that of GStreamer's system
    /// clock.
    pub fn set(stream: &Arc<Stream>) -> Self {
        let clock = gst::SystemClock::obtain();
        let interval = stream.silence.patience / LOOKS;
        let interval = gst::ClockTime::from_nseconds(u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1));
        let looks = clock.new_periodic_id(clock.time() + interval, interval);
        let watched = Arc::clone(stream);
        let look = move |_: &gst::Clock, _: Option<gst::ClockTime>, _: &gst::ClockId| {
            if let Some(complaint) = watched.silence.complaint(Instant::now()) {
                let message = format!("{}: {complaint}", watched.address);
                watched.reporter.fail(source_error(SourceErrorCode::Timeout, message));
            }
        };
        if looks.wait_async(look).is_err() {
            // The caller's own stall timeout is still there.
            tracing::warn!(camera = %stream.camera, "GStreamer's clock does not wake us; silence is noticed later");
        }
        Self(looks)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.unschedule();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_says_how_far_it_came() {
        let silence = Silence::new(Duration::from_secs(10));
        let after = |seconds| silence.complaint(silence.started + Duration::from_secs(seconds));
        assert_eq!(after(8), None);
        assert!(after(9).unwrap().contains("does not answer (nothing for 9.0 s)"));
        silence.reached(Step::Playing);
        silence.reached(Step::SetUp);
        assert!(after(9).unwrap().contains("sends no video"), "a step is never taken back");
        silence.packet();
        assert_eq!(after(8), None);
        assert!(after(10).unwrap().contains("stopped sending"));
    }
}
