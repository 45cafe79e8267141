//! The events that the broker does not have yet, in order. In memory; a durable one has the same few operations.

use std::collections::VecDeque;

use sightline_core::event::Event;

/// Names an event in the outbox; rises in the order of offering, never used twice.
pub(crate) type Key = u64;

/// What became of the outbox by one more event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// So many others were forced out.
    pub(crate) displaced: u64,
}

struct Entry {
    key: Key,
    event: Event,
    bytes: usize,
}

/// A bounded queue whose first part is in flight: sent, but not acknowledged.
///
/// Invariant: `entries` is ordered by key, and exactly its first `in_flight` entries were sent on this connection.
pub(crate) struct Outbox {
    entries: VecDeque<Entry>,
    in_flight: usize,
    bytes: usize,
    next_key: Key,
    max_events: usize,
    max_bytes: usize,
}

impl Outbox {
    /// Keeps at most `max_events` events and `max_bytes` bytes. When full, the oldest waiting event is forced out: of
    /// a long outage its end is worth more than its beginning, and `seq` shows subscribers the gap. An event in flight
    /// is forced out only when nothing else is left to make room, because the broker may already have it.
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Self {
        let max_events = max_events.max(1);
        Self { entries: VecDeque::new(), in_flight: 0, bytes: 0, next_key: 0, max_events, max_bytes }
    }

    /// Takes an event in, behind all others. It is always kept, if need be alone.
    pub(crate) fn push(&mut self, event: Event) -> Pushed {
        let bytes = footprint(&event);
        self.bytes += bytes;
        self.entries.push_back(Entry { key: self.next_key, event, bytes });
        self.next_key += 1;
        let mut displaced = 0;
        while self.is_over_bounds() && self.entries.len() > 1 {
            self.displace_one();
            displaced += 1;
        }
        Pushed { displaced }
    }

    fn is_over_bounds(&self) -> bool {
        self.entries.len() > self.max_events || self.bytes > self.max_bytes
    }

    fn displace_one(&mut self) {
        let newest = self.entries.len() - 1;
        if self.in_flight < newest {
            self.remove(self.in_flight);
            return;
        }
        self.remove(0);
        self.in_flight -= 1;
    }

    fn remove(&mut self, index: usize) {
        if let Some(entry) = self.entries.remove(index) {
            self.bytes -= entry.bytes;
        }
    }

    /// The oldest event that is not in flight; it is from now on.
    pub(crate) fn next_to_send(&mut self) -> Option<(Key, Event)> {
        let entry = self.entries.get(self.in_flight)?;
        self.in_flight += 1;
        Some((entry.key, entry.event.clone()))
    }

    /// The broker has it. `false` when it was forced out meanwhile.
    pub(crate) fn acknowledge(&mut self, key: Key) -> bool {
        // Brokers acknowledge in order (MQTT 3.1.1, 4.6), so the first one looked at is the right one.
        let Some(index) = self.entries.iter().take(self.in_flight).position(|entry| entry.key == key) else {
            return false;
        };
        self.remove(index);
        self.in_flight -= 1;
        true
    }

    /// The connection is gone: everything is to be sent again, in order, marked as replayed.
    pub(crate) fn rewind(&mut self) {
        self.in_flight = 0;
        for entry in &mut self.entries {
            entry.event.replayed = true;
        }
    }

    /// Events that the broker does not have, as far as is known.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Of these, the sent ones.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }
}

/// Memory that one event holds by itself; its `origin` is shared by all events of a camera.
fn footprint(event: &Event) -> usize {
    size_of::<Entry>() + event.change.label.len()
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
