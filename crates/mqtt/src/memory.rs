//! An outbox in memory: it forgets at exit. For the demo, for a daemon whose state directory cannot be used, for tests.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;
use sightline_core::{
    event::Event,
    outbox::{EventKey, Outbox, OutboxFigures},
    ports::Offered,
    time::WallTime,
};

/// An [`Outbox`] that keeps events in memory only. What waits when the process ends is lost.
pub struct MemoryOutbox {
    state: Mutex<State>,
    on_ready: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
    max_events: usize,
    max_bytes: usize,
}

struct Entry {
    key: EventKey,
    event: Event,
    offered: WallTime,
    bytes: usize,
}

#[derive(Default)]
struct State {
    /// Not handed out yet.
    waiting: VecDeque<Entry>,
    waiting_bytes: usize,
    /// When each was offered that was handed out and not acknowledged.
    handed_out: BTreeMap<EventKey, (WallTime, usize)>,
    handed_out_bytes: usize,
    /// As many as were offered: the keys are 1, 2, 3, …
    newest: EventKey,
    acknowledged: u64,
    displaced: u64,
    /// Events displaced since it became full; `None` while it is not.
    episode: Option<u64>,
}

impl Default for MemoryOutbox {
    /// 10,000 events, 16 MiB.
    fn default() -> Self {
        Self::new(10_000, 16 * 1024 * 1024)
    }
}

impl MemoryOutbox {
    /// Keeps at most `max_events` events and `max_bytes` bytes of them, and beyond those what was handed out, of which
    /// the taker bounds the number. When full, the oldest event is forced out: of a long outage its end is worth more
    /// than its beginning, and `seq` shows subscribers the gap. The newest is always kept, if need be alone.
    #[must_use]
    pub fn new(max_events: usize, max_bytes: usize) -> Self {
        let max_events = max_events.max(1);
        Self { state: Mutex::default(), on_ready: Mutex::new(None), max_events, max_bytes }
    }
}

impl Outbox for MemoryOutbox {
    fn push(&self, event: Event) -> Offered {
        let offered = WallTime::from_system(SystemTime::now());
        let mut state = self.state.lock();
        let displaced = state.push(event, offered, self.max_events, self.max_bytes);
        let starts_episode = displaced > 0 && state.episode.is_none();
        if displaced > 0 {
            state.episode = Some(state.episode.unwrap_or(0) + displaced);
        }
        drop(state);

        if starts_episode {
            let max_events = self.max_events;
            tracing::warn!(max_events, "the event outbox in memory is full: the oldest events are being dropped");
        }
        // Not called under the lock, so that it may take from there.
        let on_ready = self.on_ready.lock().clone();
        if let Some(wake) = on_ready {
            wake();
        }
        if displaced > 0 { Offered::AcceptedDisplacingOldest } else { Offered::Accepted }
    }

    fn take(&self) -> Option<(EventKey, Event)> {
        let mut state = self.state.lock();
        let taken = state.take()?;
        // Half empty, not merely below the bound: an outbox that hovers at its bound is one episode, not thousands.
        let has_caught_up = state.waiting.len() <= self.max_events / 2;
        let ended_episode = if has_caught_up { state.episode.take() } else { None };
        drop(state);
        if let Some(dropped) = ended_episode {
            tracing::warn!(dropped, "the event outbox in memory has room again; that many events were dropped");
        }
        Some(taken)
    }

    fn acknowledge(&self, key: EventKey) {
        let mut state = self.state.lock();
        if let Some((_, bytes)) = state.handed_out.remove(&key) {
            state.handed_out_bytes -= bytes;
            state.acknowledged += 1;
        }
    }

    fn newest(&self) -> EventKey {
        self.state.lock().newest
    }

    /// `wake` is called by the thread that pushes, this outbox having none of its own.
    fn on_ready(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        *self.on_ready.lock() = Some(wake);
    }

    fn figures(&self) -> OutboxFigures {
        let state = self.state.lock();
        let handed_out = state.handed_out.first_key_value().map(|(_, (offered, _))| *offered);
        OutboxFigures {
            offered: state.newest,
            acknowledged: state.acknowledged,
            waiting: (state.waiting.len() + state.handed_out.len()) as u64,
            waiting_bytes: (state.waiting_bytes + state.handed_out_bytes) as u64,
            oldest: handed_out.or_else(|| state.waiting.front().map(|entry| entry.offered)),
            displaced_memory: state.displaced,
            is_on_disk: false,
            ..OutboxFigures::default()
        }
    }
}

impl State {
    /// How many were forced out for it.
    fn push(&mut self, event: Event, offered: WallTime, max_events: usize, max_bytes: usize) -> u64 {
        self.newest += 1;
        let bytes = footprint(&event);
        self.waiting_bytes += bytes;
        self.waiting.push_back(Entry { key: self.newest, event, offered, bytes });
        let mut displaced = 0;
        while self.waiting.len() > 1 && (self.waiting.len() > max_events || self.waiting_bytes > max_bytes) {
            if let Some(oldest) = self.waiting.pop_front() {
                self.waiting_bytes -= oldest.bytes;
            }
            displaced += 1;
        }
        self.displaced += displaced;
        displaced
    }

    fn take(&mut self) -> Option<(EventKey, Event)> {
        let Entry { key, event, offered, bytes } = self.waiting.pop_front()?;
        self.waiting_bytes -= bytes;
        self.handed_out_bytes += bytes;
        self.handed_out.insert(key, (offered, bytes));
        Some((key, event))
    }
}

/// Memory that one event holds by itself; its `origin` is shared by all events of a camera.
fn footprint(event: &Event) -> usize {
    size_of::<Entry>() + event.change.label.len()
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
