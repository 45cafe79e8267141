//! Numbers events in the order in which they are handed on.

use std::sync::Arc;

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, ObjectChange, Origin, Ulid},
    ports::{EventSink, Offered},
};

/// The one way for events to a node's sink: gives each its id and its number.
pub struct EventLog {
    sink: Arc<dyn EventSink>,
    epoch: Ulid,
    next_seq: Mutex<u64>,
}

impl EventLog {
    /// A log of the daemon's run `epoch`, whose events go to `sink`.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>, epoch: Ulid) -> Self {
        Self { sink, epoch, next_seq: Mutex::new(0) }
    }

    /// The sink, for what is not numbered.
    #[must_use]
    pub fn sink(&self) -> &dyn EventSink {
        &*self.sink
    }

    /// Numbers a change, hands it on, and shows it to `on_event`.
    pub fn record(&self, change: ObjectChange, origin: &Arc<Origin>, on_event: &mut dyn FnMut(&Event)) {
        // Held until the sink has the event, or two cameras' events could overtake each other between being numbered
        // and being handed on. The sink never blocks.
        let mut next_seq = self.next_seq.lock();
        let seq = *next_seq;
        *next_seq += 1;
        let event = Event {
            // Unique in this run by the sum, and among runs by the epoch's 80 random bits.
            id: Ulid::new(change.time.inferred, self.epoch.random_part().wrapping_add(u128::from(seq))),
            seq,
            epoch: self.epoch,
            origin: origin.clone(),
            change,
            replayed: false,
        };
        // The sink keeps it until delivered, or counts and logs what it had to force out.
        let _: Offered = self.sink.offer(event.clone());
        drop(next_seq);
        // Beginning a recording takes longer than an event of another camera should wait.
        on_event(&event);
    }
}
