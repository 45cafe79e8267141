//! How much of the events is held in memory, and by which clock they grow old.

use std::time::{Duration, SystemTime};

use sightline_core::time::WallTime;

/// Bounds of an [`EventStore`](super::EventStore). The defaults are the daemon's; tests have smaller ones.
#[derive(Clone, Copy, Debug)]
pub struct StoreSettings {
    /// Events of an outbox that are safe on disk and held in memory as well, ready to be handed out. What waits beyond
    /// them is on disk alone.
    pub window: usize,
    /// Events of an outbox that are not on disk yet: at most so many …
    pub unwritten_events: u64,
    /// … and at most so many bytes of payloads.
    pub unwritten_bytes: u64,
    /// Acknowledgements wait so long for company: what is lost of them is delivered twice.
    pub acknowledge_within: Duration,
    /// How often it is looked for what has become too old.
    pub tidy_every: Duration,
    /// Tells the time that events are offered at, and grow old by.
    pub now: fn() -> WallTime,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            window: 2000,
            unwritten_events: 10_000,
            unwritten_bytes: 16 * 1024 * 1024,
            acknowledge_within: Duration::from_millis(250),
            tidy_every: Duration::from_secs(60),
            now: || WallTime::from_system(SystemTime::now()),
        }
    }
}
