//! A camera that runs, and how it is taken down without anybody waiting for it.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{ClipRequest, NotRecorded, Recording, RunningSource, StopOutcome};

use super::{reporter::Reporter, stream::Stream, tap::Tap};

/// Owns the pipeline. Dropped without [`RunningSource::stop`] it is torn down all the same, unwatched.
pub struct Running {
    pipeline: Option<gst::Pipeline>,
    reporter: Arc<Reporter>,
    tap: Option<Arc<Tap>>,
    thread_name: String,
}

impl Running {
    pub fn new(pipeline: gst::Pipeline, stream: &Stream) -> Self {
        Self {
            pipeline: Some(pipeline),
            reporter: Arc::clone(&stream.reporter),
            tap: stream.tap.clone(),
            thread_name: format!("teardown-{}", stream.camera),
        }
    }

    /// Sets the pipeline to NULL on a thread of its own: joining the thread of a camera that has gone silent can hang.
    /// The receiver hears when it is done.
    fn tear_down(&mut self) -> Option<mpsc::Receiver<()>> {
        let pipeline = self.pipeline.take()?;
        // Recordings end with what they have; their own threads wait for the disk.
        if let Some(tap) = &self.tap {
            tap.close();
        }
        let (done, is_done) = mpsc::channel();
        let remains = pipeline.clone();
        let work = move || {
            // Going down to NULL cannot fail, by GStreamer's rules; it can only take long.
            let _ = pipeline.set_state(gst::State::Null);
            drop(pipeline);
            // Nobody listens any more when it was overdue.
            let _ = done.send(());
        };
        if let Err(error) = std::thread::Builder::new().name(self.thread_name.clone()).spawn(work) {
            tracing::error!(thread = self.thread_name, %error, "no thread for the teardown; GStreamer's pool does it");
            remains.call_async(|pipeline| {
                let _ = pipeline.set_state(gst::State::Null);
            });
        }
        Some(is_done)
    }
}

impl RunningSource for Running {
    fn record(&self, clip: ClipRequest) -> Result<Box<dyn Recording>, NotRecorded> {
        self.tap.as_ref().ok_or(NotRecorded::Impossible)?.record(clip)
    }

    fn stop(mut self: Box<Self>, deadline: Duration) -> StopOutcome {
        let until = Instant::now() + deadline;
        let Some(is_done) = self.tear_down() else { return StopOutcome::Stopped };
        let callbacks_are_back = self.reporter.close(deadline);
        let left = until.saturating_duration_since(Instant::now());
        let is_down = is_done.recv_timeout(left).is_ok();
        if callbacks_are_back && is_down { StopOutcome::Stopped } else { StopOutcome::Overdue }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.reporter.close(Duration::ZERO);
        self.tear_down();
    }
}
