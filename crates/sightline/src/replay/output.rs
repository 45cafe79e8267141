//! Where a replay's events go: JSON lines on stdout, and the timeline.

use std::{
    io::{BufWriter, Stdout, Write},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sightline_core::{
    event::{Event, FrameDetections, Retained},
    ports::{EventSink, Offered},
    time::WallTime,
};

use super::timeline::TimelineFile;

/// The sink of a replay. One thread uses it; the lock is for the port's sake.
pub struct Output {
    inner: Mutex<Inner>,
}

struct Inner {
    lines: BufWriter<Stdout>,
    timeline: Option<TimelineFile>,
    /// The first thing that went wrong; nothing is written after it.
    failure: Option<std::io::Error>,
}

impl Output {
    pub fn new(timeline: Option<TimelineFile>) -> Self {
        let inner = Inner { lines: BufWriter::new(std::io::stdout()), timeline, failure: None };
        Self { inner: Mutex::new(inner) }
    }

    /// The moment at which what follows is told.
    pub fn set_now(&self, now: WallTime) {
        self.with(|inner| {
            inner.timeline.iter_mut().for_each(|timeline| timeline.set_now(now));
            Ok(())
        });
    }

    /// Whether everything could be written so far.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn check(&self) -> std::io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.failure.take().map_or(Ok(()), Err)
    }

    /// Writes what is still to be written after `frames` frames of `length`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&self, frames: u64, length: Duration) -> std::io::Result<()> {
        self.check()?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timeline) = inner.timeline.take() {
            timeline.finish(frames, length)?;
        }
        inner.lines.flush()
    }

    fn with(&self, write: impl FnOnce(&mut Inner) -> std::io::Result<()>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.failure.is_none()
            && let Err(failure) = write(&mut inner)
        {
            inner.failure = Some(failure);
        }
    }
}

impl EventSink for Output {
    fn offer(&self, mut event: Event) -> Offered {
        // Handed on in the moment in which it happens.
        event.change.time.published = Some(event.change.time.inferred);
        self.with(|inner| {
            serde_json::to_writer(&mut inner.lines, &event)?;
            inner.lines.write_all(b"\n")?;
            // A line at a time, so that a reader of a long recording sees progress.
            inner.lines.flush()?;
            inner.timeline.as_mut().map_or(Ok(()), |timeline| timeline.event(&event))
        });
        Offered::Accepted
    }

    fn offer_detections(&self, _: FrameDetections) -> Offered {
        Offered::Refused
    }

    fn retain(&self, value: Retained) {
        self.with(|inner| {
            if let Some(timeline) = &mut inner.timeline {
                timeline.count(value);
            }
            Ok(())
        });
    }
}
