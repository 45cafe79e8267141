//! A camera that runs, and how it is taken down without anybody waiting for it.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use gstreamer as gst;
use sightline_core::ports::{ClipRequest, NotRecorded, Recording, RunningSource, StopOutcome};

use super::{silence::Alarm, stream::Stream, teardown};

/// Owns the pipeline. Dropped without [`RunningSource::stop`] it is torn down all the same, unwatched.
pub struct Running {
    pipeline: Option<gst::Pipeline>,
    stream: Arc<Stream>,
    /// Goes off when the camera sends nothing.
    alarm: Option<Alarm>,
}

impl Running {
    pub fn new(pipeline: gst::Pipeline, stream: &Arc<Stream>) -> Self {
        Self { pipeline: Some(pipeline), stream: Arc::clone(stream), alarm: None }
    }

    /// Keeps `alarm` for as long as the camera runs.
    pub fn set_alarm(&mut self, alarm: Alarm) {
        self.alarm = Some(alarm);
    }

    /// The receiver hears when it is done.
    fn tear_down(&mut self) -> Option<mpsc::Receiver<()>> {
        let pipeline = self.pipeline.take()?;
        self.alarm = None;
        // Recordings end with what they have; their own threads wait for the disk.
        if let Some(tap) = &self.stream.tap {
            tap.close();
        }
        Some(teardown::begin(&self.stream.camera, pipeline, self.stream.contents()))
    }
}

impl RunningSource for Running {
    fn record(&self, clip: ClipRequest) -> Result<Box<dyn Recording>, NotRecorded> {
        self.stream.tap.as_ref().ok_or(NotRecorded::Impossible)?.record(clip)
    }

    fn stop(mut self: Box<Self>, deadline: Duration) -> StopOutcome {
        let until = Instant::now() + deadline;
        // What the teardown breaks is no failure of the camera.
        self.stream.reporter.close(Duration::ZERO);
        let Some(is_done) = self.tear_down() else { return StopOutcome::Stopped };
        let callbacks_are_back = self.stream.reporter.close(deadline);
        let left = until.saturating_duration_since(Instant::now());
        let is_down = is_done.recv_timeout(left).is_ok();
        if callbacks_are_back && is_down {
            return StopOutcome::Stopped;
        }
        teardown::count_overdue();
        StopOutcome::Overdue
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stream.reporter.close(Duration::ZERO);
        self.tear_down();
    }
}
