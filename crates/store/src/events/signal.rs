//! How the writer is told that there is something to do.

use std::{
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::outbox::EventOutbox;

/// Outboxes that are new, and whom to tell that they have been looked for on disk.
#[derive(Debug)]
pub struct Arrivals {
    pub outboxes: Vec<Arc<EventOutbox>>,
    pub done: SyncSender<()>,
}

/// What the writer was told since it asked last.
#[derive(Debug, Default)]
pub struct Signals {
    /// There is something to write, to read back, or to tell.
    is_due: bool,
    /// When acknowledgements are to be written at the latest.
    acknowledgements: Option<Instant>,
    pub arrivals: Vec<Arrivals>,
    /// Everything is to be written, and then it is over.
    pub is_closing: bool,
}

/// Between many that tell and the one that does.
#[derive(Debug, Default)]
pub struct Signal {
    signals: Mutex<Signals>,
    changed: Condvar,
}

impl Signal {
    /// There is something to do now.
    pub fn due(&self) {
        self.tell(|signals| signals.is_due = true);
    }

    /// There are acknowledgements; they may wait for company for so long.
    pub fn acknowledged(&self, within: Duration) {
        let mut signals = self.signals.lock();
        if signals.acknowledgements.is_some() {
            return;
        }
        signals.acknowledgements = Some(Instant::now() + within);
        drop(signals);
        self.changed.notify_one();
    }

    pub fn arrived(&self, arrivals: Arrivals) {
        self.tell(|signals| signals.arrivals.push(arrivals));
    }

    pub fn close(&self) {
        self.tell(|signals| signals.is_closing = true);
    }

    fn tell(&self, what: impl FnOnce(&mut Signals)) {
        what(&mut self.signals.lock());
        self.changed.notify_one();
    }

    /// Waits until there is something to do, at most until `latest`.
    pub fn wait(&self, latest: Instant) -> Signals {
        let mut signals = self.signals.lock();
        loop {
            let due = signals.acknowledgements.map_or(latest, |at| at.min(latest));
            let is_told = signals.is_due || signals.is_closing || !signals.arrivals.is_empty();
            if is_told || Instant::now() >= due {
                return std::mem::take(&mut *signals);
            }
            self.changed.wait_until(&mut signals, due);
        }
    }
}
