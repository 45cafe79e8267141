//! The handle of one outbox: what a broker's connection holds.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use sightline_core::{
    event::Event,
    histogram::StageTimes,
    outbox::{EventKey, Outbox, OutboxFigures, OutboxPlan},
    ports::Offered,
};

use super::{
    backlog::Backlog,
    destination::Destination,
    entry::{Entry, Unwritten},
    settings::StoreSettings,
    signal::Signal,
};

/// What all outboxes of a store and its writer share.
pub struct Hub {
    pub settings: StoreSettings,
    pub stages: Arc<StageTimes>,
    pub signal: Signal,
    /// The key of the next event, of whatever outbox.
    pub next_key: AtomicU64,
    /// The disk takes nothing.
    pub is_failing: AtomicBool,
    /// Nothing is taken in any more.
    pub is_closed: AtomicBool,
    /// Rises with every other database that is in use; 0: none is.
    pub generation: AtomicU64,
    /// The generation whose database a reader found damaged; 0: none.
    pub damaged: AtomicU64,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("settings", &self.settings).finish_non_exhaustive()
    }
}

type Wake = Arc<dyn Fn() + Send + Sync>;

/// The core's [`Outbox`] on disk. Its lock is held for moves within memory only, never over serialising or the disk.
pub struct EventOutbox {
    /// Whose events they are, and how often it has moved since.
    destination: Mutex<(Destination, u32)>,
    backlog: Mutex<Backlog>,
    wake: Mutex<Option<Wake>>,
    hub: Arc<Hub>,
}

impl std::fmt::Debug for EventOutbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventOutbox").field("destination", &self.destination()).finish_non_exhaustive()
    }
}

impl EventOutbox {
    pub fn new(destination: Destination, plan: OutboxPlan, hub: Arc<Hub>) -> Self {
        let backlog = Backlog::new(plan, hub.settings, hub.is_failing.load(Ordering::Relaxed));
        Self { destination: Mutex::new((destination, 0)), backlog: Mutex::new(backlog), wake: Mutex::default(), hub }
    }

    /// Whose events they are.
    pub fn destination(&self) -> Destination {
        self.destination.lock().0.clone()
    }

    /// How often that has been another one.
    pub fn moves(&self) -> u32 {
        self.destination.lock().1
    }

    /// The broker is at another address from now on.
    pub fn move_to(&self, destination: &Destination) {
        let mut place = self.destination.lock();
        *place = (destination.clone(), place.1 + 1);
        drop(place);
        self.hub.signal.due();
    }

    /// Does something with its events. Nothing slow: cameras wait for this lock.
    pub fn with<T>(&self, what: impl FnOnce(&mut Backlog) -> T) -> T {
        what(&mut self.backlog.lock())
    }

    /// Wakes whoever waits for events, if there may be new ones.
    pub fn tell_news(&self) {
        let is_news = self.with(Backlog::take_news);
        let wake = self.wake.lock().clone();
        let Some(wake) = wake.filter(|_| is_news) else { return };
        // Whoever is woken may make mistakes; the disk has nothing to do with them.
        if catch_unwind(AssertUnwindSafe(|| wake())).is_err() {
            let Destination { broker, base_topic } = self.destination();
            tracing::error!(broker, base_topic, "whoever waits for events has panicked when it was told of some");
        }
    }
}

impl Outbox for EventOutbox {
    fn push(&self, event: Event) -> Offered {
        let now = (self.hub.settings.now)();
        let json = serde_json::to_string(&event);
        let mut backlog = self.backlog.lock();
        let Ok(json) = json else {
            backlog.refuse();
            return Offered::Refused;
        };
        if self.hub.is_closed.load(Ordering::Acquire) {
            backlog.refuse();
            return Offered::Refused;
        }
        // Under the lock, so that keys rise in the order of the queue.
        let key = self.hub.next_key.fetch_add(1, Ordering::Relaxed);
        let bytes = json.len() as u64;
        let unwritten = Some(Unwritten { json: json.into(), since: Instant::now() });
        let is_taken = backlog.push(Entry { key, event, bytes, offered: now, unwritten });
        let displaced = backlog.enforce(now);
        drop(backlog);

        self.hub.signal.due();
        match (is_taken, displaced) {
            (false, _) => Offered::Refused,
            (true, 0) => Offered::Accepted,
            (true, _) => Offered::AcceptedDisplacingOldest,
        }
    }

    fn take(&self) -> Option<(EventKey, Event)> {
        let (taken, is_low) = self.with(|backlog| (backlog.take(), backlog.wants().is_some()));
        if is_low {
            self.hub.signal.due();
        }
        taken
    }

    fn acknowledge(&self, key: EventKey) {
        if self.with(|backlog| backlog.acknowledge(key)) {
            self.hub.signal.acknowledged(self.hub.settings.acknowledge_within);
        }
    }

    fn newest(&self) -> EventKey {
        self.with(|backlog| backlog.newest())
    }

    fn on_ready(&self, wake: Wake) {
        *self.wake.lock() = Some(wake);
        self.with(Backlog::tell_again);
        self.hub.signal.due();
    }

    fn figures(&self) -> OutboxFigures {
        self.with(|backlog| backlog.figures())
    }
}
