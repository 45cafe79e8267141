//! An event that waits, and what is to be written of it.

use std::{
    ops::{AddAssign, SubAssign},
    sync::Arc,
    time::Instant,
};

use sightline_core::{event::Event, outbox::EventKey, time::WallTime};

/// An event that its broker does not have yet, held in memory.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: EventKey,
    pub event: Event,
    /// Of its payload.
    pub bytes: u64,
    pub offered: WallTime,
    /// `None`: it is safe on disk.
    pub unwritten: Option<Unwritten>,
}

/// What the disk does not have yet.
#[derive(Clone, Debug)]
pub struct Unwritten {
    /// The payload: made where the event was offered, so that the one thread that writes does nothing else.
    pub json: Arc<str>,
    /// Since when it is to be written.
    pub since: Instant,
}

impl Entry {
    pub const fn is_written(&self) -> bool {
        self.unwritten.is_none()
    }

    /// Its database is gone: it is to be written again. The payload is made anew, because of what is on disk memory keeps
    /// the event only.
    pub fn forget_written(&mut self) {
        // An event that has been a payload once is one again.
        let json = || serde_json::to_string(&self.event).unwrap_or_default().into();
        self.unwritten.get_or_insert_with(|| Unwritten { json: json(), since: Instant::now() });
    }
}

/// How many events, and how many bytes of payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub events: u64,
    pub bytes: u64,
}

impl Totals {
    pub const fn one(bytes: u64) -> Self {
        Self { events: 1, bytes }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Totals {
    fn sub_assign(&mut self, other: Self) {
        self.events = self.events.saturating_sub(other.events);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}
