//! Events on their way to a broker, and the history of those that arrived: the ports that `store` implements.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{event::Event, ports::Offered, time::WallTime};

/// Names an event in an outbox: rises in the order of offering, over restarts, and is never used twice.
pub type EventKey = u64;

/// One broker connection's events, kept until the broker has acknowledged them. Nothing here blocks for the disk.
///
/// An event is offered ([`Outbox::push`]), written to disk, handed out once ([`Outbox::take`]) and removed from what waits
/// ([`Outbox::acknowledge`]). What was handed out and not acknowledged is handed out again by the next process.
pub trait Outbox: Send + Sync {
    /// Takes an event in, behind all others.
    fn push(&self, event: Event) -> Offered;

    /// The oldest event that is safe on disk and was not handed out yet by this process, with the process before it
    /// among them. While the disk takes nothing, events are handed out all the same: late is better than never. Only when it
    /// cannot even be read do they pass those that are on it alone.
    fn take(&self) -> Option<(EventKey, Event)>;

    /// The broker has it.
    fn acknowledge(&self, key: EventKey);

    /// Key of the newest event that was offered so far, also by an earlier process; 0 when there was none.
    fn newest(&self) -> EventKey;

    /// `wake` is called, on a thread of the outbox's own, whenever [`Outbox::take`] may have something new.
    fn on_ready(&self, wake: Arc<dyn Fn() + Send + Sync>);

    /// How it is doing.
    fn figures(&self) -> OutboxFigures;
}

/// How an outbox is doing. Counts are since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxFigures {
    /// Events offered.
    pub offered: u64,
    /// The broker has acknowledged them.
    pub acknowledged: u64,
    /// Events that the broker does not have yet, also of earlier processes.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// When the oldest of them was offered.
    pub oldest: Option<WallTime>,
    /// Events found at the start that an earlier process had left.
    pub inherited: u64,
    /// Forced out because the outbox held too many bytes.
    pub displaced_size: u64,
    /// Forced out because they were too old.
    pub displaced_age: u64,
    /// Lost because neither the disk nor memory had room, or with a database that was damaged.
    pub displaced_memory: u64,
    /// Offered after the end, and not taken.
    pub refused: u64,
    /// Whether what is offered reaches the disk. `false`: it waits in memory, and a crash would lose it.
    pub is_on_disk: bool,
    /// Failed attempts to write.
    pub write_failures: u64,
}

impl OutboxFigures {
    /// Events forced out, whatever the reason.
    #[must_use]
    pub const fn displaced(&self) -> u64 {
        self.displaced_size + self.displaced_age + self.displaced_memory
    }
}

/// How many events are kept for a broker that is away, and how many as history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxPlan {
    /// Events that wait: at most so many bytes.
    pub max_bytes: u64,
    /// At most so old.
    #[serde(serialize_with = "crate::time::serialize_span")]
    pub max_age: Duration,
    /// Delivered events, kept to be asked for: at most so many bytes …
    pub history_bytes: u64,
    /// … and at most so old.
    #[serde(serialize_with = "crate::time::serialize_span")]
    pub history_age: Duration,
}

impl Default for OutboxPlan {
    /// About 100,000 waiting events, a week; the same again as history.
    fn default() -> Self {
        const MEBIBYTE: u64 = 1024 * 1024;
        const DAY: Duration = Duration::from_hours(24);
        Self { max_bytes: 100 * MEBIBYTE, max_age: 7 * DAY, history_bytes: 100 * MEBIBYTE, history_age: 7 * DAY }
    }
}

/// Which events of the history are asked for. All given conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Captured at this moment or later.
    pub from: Option<WallTime>,
    /// Captured before this moment.
    pub until: Option<WallTime>,
    /// Of this camera.
    pub camera: Option<String>,
    /// Of this label.
    pub label: Option<String>,
    /// Of this `type`.
    pub kind: Option<String>,
    /// Offered before the event of this key: the next page.
    pub before: Option<EventKey>,
    /// At most so many; at least 1.
    pub limit: usize,
}

/// An event of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its key.
    pub key: EventKey,
    /// Whether its broker has it.
    pub is_delivered: bool,
    /// Its payload as JSON: `sightline.event/1`.
    pub payload: String,
}

/// The events that were offered, delivered or not, as far as they have reached the disk. Blocks for the disk: called on
/// threads that may wait.
pub trait History: Send + Sync {
    /// The newest events first.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn events(&self, query: &EventQuery) -> Result<Vec<RecordedEvent>, HistoryError>;
}

/// Why the history gives no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct HistoryError {
    /// In words.
    pub message: String,
}
