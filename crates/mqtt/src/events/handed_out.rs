//! The events that the outbox has handed out and the broker has not acknowledged, in order. Pure.

use std::collections::VecDeque;

use sightline_core::{event::Event, outbox::EventKey};

struct Entry {
    key: EventKey,
    event: Event,
    /// On a connection that was lost.
    was_sent: bool,
}

/// At most as many as may be in flight: one is taken from the outbox only when there is none here to be sent.
///
/// Invariant: `entries` is ordered by key, and exactly its first `in_flight` entries were sent on this connection.
#[derive(Default)]
pub(crate) struct HandedOut {
    entries: VecDeque<Entry>,
    in_flight: usize,
    /// Events up to this one were offered before this connection was made.
    delayed_up_to: EventKey,
    republished: u64,
}

impl HandedOut {
    /// A connection was made when `newest` was the newest event.
    pub(crate) fn delayed_up_to(&mut self, newest: EventKey) {
        self.delayed_up_to = newest;
    }

    /// The outbox has handed it out.
    pub(crate) fn push(&mut self, key: EventKey, event: Event) {
        self.entries.push_back(Entry { key, event, was_sent: false });
    }

    /// Whether there is one to send.
    pub(crate) fn has_more(&self) -> bool {
        self.in_flight < self.entries.len()
    }

    /// The oldest event that is not in flight; it is from now on.
    pub(crate) fn send(&mut self) -> Option<(EventKey, Event)> {
        let entry = self.entries.get(self.in_flight)?;
        self.in_flight += 1;
        self.republished += u64::from(entry.was_sent);
        let mut event = entry.event.clone();
        event.replayed |= entry.key <= self.delayed_up_to;
        Some((entry.key, event))
    }

    /// The broker has it: it is gone. `None` when it was not in flight.
    pub(crate) fn acknowledge(&mut self, key: EventKey) -> Option<Event> {
        // Brokers acknowledge in order (MQTT 3.1.1, 4.6), so the first one looked at is the right one.
        let index = self.entries.iter().take(self.in_flight).position(|entry| entry.key == key)?;
        self.in_flight -= 1;
        self.entries.remove(index).map(|entry| entry.event)
    }

    /// The connection is gone: everything is to be sent again, in order.
    pub(crate) fn rewind(&mut self) {
        for entry in self.entries.iter_mut().take(self.in_flight) {
            entry.was_sent = true;
        }
        self.in_flight = 0;
    }

    /// Sent on this connection and not acknowledged.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Events sent more than once.
    pub(crate) const fn republished(&self) -> u64 {
        self.republished
    }
}
