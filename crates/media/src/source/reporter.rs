//! The way from GStreamer's threads to the caller, which can be shut for good.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sightline_core::{
    frame::{Frame, PictureSize},
    ports::{FrameUse, SkippedPicture, SourceCallbacks, SourceError, SourceEvent, WantedDecoding},
};

/// Calls the callbacks until the source has failed, ended or been stopped.
///
/// A callback runs under a count, not under a lock: frames never wait for anything here.
pub struct Reporter {
    callbacks: SourceCallbacks,
    /// No callback starts any more.
    closed: AtomicBool,
    /// Failed or ended: the one last event has been taken.
    finished: AtomicBool,
    /// Callbacks that run right now.
    running: AtomicUsize,
    idle: (Mutex<()>, Condvar),
}

impl Reporter {
    pub fn new(callbacks: SourceCallbacks) -> Self {
        Self {
            callbacks,
            closed: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            idle: (Mutex::new(()), Condvar::new()),
        }
    }

    /// What a frame is for that was decoded at `decoded_at`.
    pub fn use_of_frame(&self, decoded_at: Instant) -> FrameUse {
        if self.is_finished() {
            return FrameUse::Nothing;
        }
        let Some(_entered) = self.enter() else { return FrameUse::Nothing };
        (self.callbacks.use_of_frame)(decoded_at)
    }

    /// Hands a frame on, unless the source is over.
    pub fn frame(&self, frame: Frame, for_what: FrameUse) {
        if self.is_finished() {
            return;
        }
        let Some(_entered) = self.enter() else { return };
        (self.callbacks.on_frame)(frame, for_what);
    }

    /// How much of the stream has to be decoded.
    pub fn wanted_decoding(&self) -> WantedDecoding {
        let Some(_entered) = self.enter() else { return WantedDecoding::ALL };
        (self.callbacks.wanted_decoding)()
    }

    /// So many encoded pictures were left undecoded.
    pub fn skipped(&self, why: SkippedPicture, pictures: u64) {
        let Some(_entered) = self.enter() else { return };
        (self.callbacks.on_skipped)(why, pictures);
    }

    /// Reports something after which the source goes on.
    pub fn event(&self, event: SourceEvent) {
        if self.is_finished() {
            return;
        }
        let Some(_entered) = self.enter() else { return };
        (self.callbacks.on_event)(event);
    }

    /// The size at which pictures are enough; `None` also when nobody takes them any more.
    pub fn wanted_size(&self) -> Option<PictureSize> {
        let _entered = self.enter()?;
        (self.callbacks.wanted_size)()
    }

    /// Reports that it broke. Only the first end counts: what follows a failure is its debris.
    pub fn fail(&self, error: SourceError) {
        self.finish(SourceEvent::Failed(error));
    }

    /// Reports the file's end.
    pub fn end(&self) {
        self.finish(SourceEvent::Ended);
    }

    fn finish(&self, event: SourceEvent) {
        if self.finished.swap(true, Ordering::SeqCst) {
            return;
        }
        let Some(_entered) = self.enter() else { return };
        (self.callbacks.on_event)(event);
    }

    /// Whether it has failed or ended.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// Shuts the way: no callback starts after this, and those that run have `patience` to come back. Returns whether
    /// they did.
    pub fn close(&self, patience: Duration) -> bool {
        self.closed.store(true, Ordering::SeqCst);
        let (lock, condition) = &self.idle;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |_: &mut ()| self.running.load(Ordering::SeqCst) > 0;
        condition.wait_timeout_while(guard, patience, busy).is_ok_and(|(_, result)| !result.timed_out())
    }

    /// Counts first and looks then: whoever closes sees either the count or a callback that never starts.
    fn enter(&self) -> Option<Entered<'_>> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let entered = Entered(self);
        if self.closed.load(Ordering::SeqCst) { None } else { Some(entered) }
    }
}

/// One running callback; leaving also when it panics.
struct Entered<'a>(&'a Reporter);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let was_last = self.0.running.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && self.0.closed.load(Ordering::SeqCst) {
            let (lock, condition) = &self.0.idle;
            drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
            condition.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use sightline_core::ports::SourceErrorCode;

    use super::*;
    use crate::elements::source_error;

    fn counting() -> (Arc<Reporter>, Arc<AtomicUsize>) {
        let events = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&events);
        let on_event = move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        };
        let reporter = Reporter::new(SourceCallbacks::of_all(|_| (), on_event));
        (Arc::new(reporter), events)
    }

    #[test]
    fn only_the_first_end_is_reported() {
        let (reporter, events) = counting();
        reporter.fail(source_error(SourceErrorCode::Auth, "first"));
        reporter.fail(source_error(SourceErrorCode::Other, "debris"));
        reporter.end();
        assert_eq!(events.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn nothing_is_reported_once_closed() {
        let (reporter, events) = counting();
        assert!(reporter.close(Duration::from_secs(1)));
        reporter.end();
        assert_eq!(events.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn closing_waits_for_a_running_callback_but_not_for_ever() {
        let (entered_tx, entered) = mpsc::channel();
        let (leave, leave_rx) = mpsc::channel::<()>();
        let leave_rx = Mutex::new(leave_rx);
        let on_event = move |_| {
            entered_tx.send(()).unwrap();
            leave_rx.lock().unwrap().recv().unwrap();
        };
        let reporter = Arc::new(Reporter::new(SourceCallbacks::of_all(|_| (), on_event)));
        let caller = Arc::clone(&reporter);
        let thread = std::thread::spawn(move || caller.end());
        entered.recv().unwrap();
        assert!(!reporter.close(Duration::from_millis(20)), "the callback still runs");
        leave.send(()).unwrap();
        assert!(reporter.close(Duration::from_secs(5)), "the callback came back");
        thread.join().unwrap();
    }
}
