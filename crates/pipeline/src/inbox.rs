//! Between a source's threads and its camera's task.

use parking_lot::Mutex;
use sightline_core::{picture_watch::PictureState, ports::SourceEvent};
use tokio::sync::Notify;

/// What a source reports, for the task to pick up. Bounded: the newest of each kind.
#[derive(Default)]
pub struct Inbox {
    events: Mutex<(Option<SourceEvent>, Option<SourceEvent>)>,
    picture: Mutex<PictureState>,
    /// Something has come.
    pub arrived: Notify,
}

impl Inbox {
    /// Takes a report in.
    pub fn put(&self, event: SourceEvent) {
        let mut slots = self.events.lock();
        match event {
            SourceEvent::Streaming(_) => slots.0 = Some(event),
            // The first end is the cause; what follows is its echo.
            SourceEvent::Failed(_) | SourceEvent::Ended => {
                slots.1.get_or_insert(event);
            }
        }
        drop(slots);
        self.arrived.notify_one();
    }

    /// What the picture shows now; wakes the task only when that has changed.
    pub fn put_picture(&self, shown: PictureState) {
        if std::mem::replace(&mut *self.picture.lock(), shown) != shown {
            self.arrived.notify_one();
        }
    }

    /// The newest beginning and the first end since the last time.
    pub fn take(&self) -> (Option<SourceEvent>, Option<SourceEvent>) {
        let mut slots = self.events.lock();
        (slots.0.take(), slots.1.take())
    }

    /// What the picture shows now.
    pub fn picture(&self) -> PictureState {
        *self.picture.lock()
    }
}
