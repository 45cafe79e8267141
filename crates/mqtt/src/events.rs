//! The events on their way: from the outbox to the broker, and again when a connection was lost under them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use sightline_core::{
    event::Event,
    histogram::{Stage, StageTimes},
    outbox::{EventKey, Outbox, OutboxFigures},
    ports::Offered,
    time::WallTime,
};

use self::handed_out::HandedOut;

mod handed_out;

/// One connection's events. The outbox keeps them; here is what it has handed out and the broker has not acknowledged.
pub(crate) struct Events {
    outbox: Arc<dyn Outbox>,
    stages: Arc<StageTimes>,
    /// Touched by the session's task alone: the lock is never waited for.
    handed_out: Mutex<HandedOut>,
    /// Held by those who offer until the outbox has the event, so that none slips in behind the look that found no more.
    is_closed: RwLock<bool>,
    refused: AtomicU64,
}

impl Events {
    /// `wake` is called whenever [`Self::next`] may have something new.
    pub(crate) fn new(outbox: Arc<dyn Outbox>, stages: Arc<StageTimes>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        outbox.on_ready(wake);
        let handed_out = Mutex::new(HandedOut::default());
        Self { outbox, stages, handed_out, is_closed: RwLock::new(false), refused: AtomicU64::new(0) }
    }

    /// After the end only a durable outbox still takes events, for the next start.
    pub(crate) fn offer(&self, event: Event) -> Offered {
        let is_closed = self.is_closed.read();
        if *is_closed && !self.outbox.figures().is_on_disk {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Offered::Refused;
        }
        self.outbox.push(event)
    }

    /// There is a connection. What was offered before, by an earlier process as well, says that it was delayed.
    pub(crate) fn connected(&self) {
        let newest = self.outbox.newest();
        self.handed_out.lock().delayed_up_to(newest);
    }

    /// The connection is gone: what it left unacknowledged goes out first on the next.
    pub(crate) fn disconnected(&self) {
        self.handed_out.lock().rewind();
    }

    /// Sent on this connection and not acknowledged.
    pub(crate) fn in_flight(&self) -> usize {
        self.handed_out.lock().in_flight()
    }

    /// The next event to send; it is in flight from now on.
    pub(crate) fn next(&self) -> Option<(EventKey, Event)> {
        let mut handed_out = self.handed_out.lock();
        if !handed_out.has_more() {
            let (key, event) = self.outbox.take()?;
            handed_out.push(key, event);
        }
        handed_out.send()
    }

    /// The broker has it, at `now` and so long after it was handed over.
    pub(crate) fn acknowledged(&self, key: EventKey, delivery: Duration, now: WallTime) {
        let Some(event) = self.handed_out.lock().acknowledge(key) else { return };
        self.outbox.acknowledge(key);
        self.stages.record(Stage::Delivery, delivery);
        // Negative when the camera's clock is ahead of ours, or ours was set back: no duration, then.
        let micros = now.as_micros() - event.change.time.capture.as_micros();
        if let Ok(micros) = u64::try_from(micros) {
            self.stages.record(Stage::CaptureToAcknowledged, Duration::from_micros(micros));
        }
    }

    /// Whether the broker has every event, those still on their way to the disk among them.
    pub(crate) fn is_settled(&self) -> bool {
        self.outbox.figures().waiting == 0
    }

    /// When the broker has every event, this is the end.
    pub(crate) fn close_if_settled(&self) -> bool {
        let mut is_closed = self.is_closed.write();
        *is_closed |= self.is_settled();
        *is_closed
    }

    /// This is the end. What is left.
    pub(crate) fn close(&self) -> OutboxFigures {
        *self.is_closed.write() = true;
        self.figures()
    }

    /// The outbox's, and what was refused here.
    pub(crate) fn figures(&self) -> OutboxFigures {
        let refused = self.refused.load(Ordering::Relaxed);
        let figures = self.outbox.figures();
        OutboxFigures { offered: figures.offered + refused, refused: figures.refused + refused, ..figures }
    }

    /// Events sent once more because a connection was lost before their acknowledgement.
    pub(crate) fn republished(&self) -> u64 {
        self.handed_out.lock().republished()
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
