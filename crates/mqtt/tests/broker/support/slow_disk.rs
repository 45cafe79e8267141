//! An outbox as a durable one behaves: what is offered is handed out only when it has been written.

use std::sync::Arc;

use parking_lot::Mutex;
use sightline_core::{
    event::Event,
    outbox::{EventKey, Outbox, OutboxFigures},
    ports::Offered,
};
use sightline_mqtt::memory::MemoryOutbox;

#[derive(Default)]
pub struct SlowDisk {
    memory: MemoryOutbox,
    /// Key of the newest event that is written, and of the newest that was handed out.
    written_and_taken: Mutex<(EventKey, EventKey)>,
    wake: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

impl SlowDisk {
    /// Everything that was offered so far is written now.
    pub fn write(&self) {
        self.written_and_taken.lock().0 = self.memory.newest();
        let wake = self.wake.lock().clone();
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl Outbox for SlowDisk {
    fn push(&self, event: Event) -> Offered {
        self.memory.push(event)
    }

    fn take(&self) -> Option<(EventKey, Event)> {
        let mut keys = self.written_and_taken.lock();
        if keys.1 >= keys.0 {
            return None;
        }
        let taken = self.memory.take()?;
        keys.1 = taken.0;
        Some(taken)
    }

    fn acknowledge(&self, key: EventKey) {
        self.memory.acknowledge(key);
    }

    fn newest(&self) -> EventKey {
        self.memory.newest()
    }

    fn on_ready(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        *self.wake.lock() = Some(wake);
    }

    fn figures(&self) -> OutboxFigures {
        OutboxFigures { is_on_disk: true, ..self.memory.figures() }
    }
}
