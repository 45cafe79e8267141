//! Takes what would be published, and counts it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, FrameDetections, Retained},
    ports::{EventSink, Offered},
};
use sightline_pipeline::clock::wall_now;

/// The sink of a bench.
#[derive(Default)]
pub struct CountingSink {
    events: AtomicU64,
    /// How old each result was, from the camera's capture to here; while there is a list.
    ages: Mutex<Option<Vec<Duration>>>,
}

impl CountingSink {
    /// Events so far.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Begins a new list of ages.
    pub fn watch_ages(&self) {
        *self.ages.lock() = Some(Vec::new());
    }

    /// The ages since then, least first.
    pub fn take_ages(&self) -> Vec<Duration> {
        let mut ages = self.ages.lock().take().unwrap_or_default();
        ages.sort_unstable();
        ages
    }
}

impl EventSink for CountingSink {
    fn offer(&self, _event: Event) -> Offered {
        self.events.fetch_add(1, Ordering::Relaxed);
        Offered::Accepted
    }

    fn offer_detections(&self, detections: FrameDetections) -> Offered {
        if let Some(ages) = &mut *self.ages.lock() {
            ages.push(wall_now().saturating_since(detections.time.capture));
        }
        Offered::Accepted
    }

    fn retain(&self, _value: Retained) {}
}
