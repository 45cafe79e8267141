//! What is written at once.

use sightline_core::outbox::EventKey;

use super::entry::Entry;

/// Of one outbox.
#[derive(Debug, Default)]
pub struct Batch {
    /// New events, by key.
    pub inserts: Vec<Entry>,
    /// What became of earlier ones, also of those of this batch.
    pub changes: Vec<Change>,
    /// Key of the newest event offered so far.
    pub newest: EventKey,
}

impl Batch {
    pub const fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.changes.is_empty()
    }
}

/// What became of an event that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub key: EventKey,
    /// Of its payload.
    pub bytes: u64,
    pub fate: Fate,
}

/// Why an event waits no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The broker has it: it is history.
    Delivered,
    /// It was forced out: it is gone.
    Displaced,
}
