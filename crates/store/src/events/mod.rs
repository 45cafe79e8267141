//! Events on their way to their brokers, and the history of those that arrived: SQLite in the state directory.

mod backlog;
mod batch;
mod database;
mod destination;
mod disk;
mod entry;
mod episodes;
mod fault;
mod history;
mod lock;
mod outbox;
mod round;
mod served;
mod set_aside;
mod settings;
mod signal;
mod tables;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::Mutex;
use sightline_core::{
    histogram::StageTimes,
    outbox::{EventQuery, History, HistoryError, Outbox, OutboxPlan, RecordedEvent},
};

pub use self::{
    destination::{Destination, moves},
    settings::StoreSettings,
};
use self::{
    fault::Fault,
    history::Reader,
    lock::StateLock,
    outbox::{EventOutbox, Hub},
    signal::{Arrivals, Signal},
    writer::Writer,
};
use crate::error::StoreError;

/// An outbox is waited for so long when it is asked for: looking through a file takes a second at most, and a disk that
/// takes longer must not keep cameras from starting.
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// What a store that is dropped waits for.
const DROP_DEADLINE: Duration = Duration::from_secs(2);

/// The outboxes of all brokers in one database, and the history of their events. See the crate's documentation for what
/// survives what.
pub struct EventStore {
    hub: Arc<Hub>,
    state_dir: PathBuf,
    reader: Reader,
    /// The outboxes that are wished.
    live: Mutex<Vec<Arc<EventOutbox>>>,
    writer: Mutex<Option<RunningWriter>>,
}

struct RunningWriter {
    thread: JoinHandle<()>,
    /// Told how many events did not reach the disk.
    ended: Receiver<u64>,
}

impl EventStore {
    /// Keeps events in `state_dir`, which is made if need be. Whatever is wrong with the disk or the file is told, dealt
    /// with and no error: a camera is worth more than its history.
    ///
    /// # Errors
    /// When another process has this state directory, or the operating system gives no thread.
    pub fn open(state_dir: &Path, stages: Arc<StageTimes>) -> Result<Arc<Self>, StoreError> {
        Self::open_with(state_dir, stages, StoreSettings::default())
    }

    /// The same with bounds of its own.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        state_dir: &Path,
        stages: Arc<StageTimes>,
        settings: StoreSettings,
    ) -> Result<Arc<Self>, StoreError> {
        let lock = match StateLock::take(state_dir) {
            Err(Fault::InUse) => return Err(StoreError::InUse { state_dir: state_dir.to_owned() }),
            // The writer tries again, and tells what is wrong.
            lock => lock.ok(),
        };
        // Keys begin at the time, so that they rise even over a database that was lost.
        let first_key = u64::try_from((settings.now)().as_micros()).unwrap_or(0).max(1);
        let hub = Arc::new(Hub {
            settings,
            stages,
            signal: Signal::default(),
            next_key: AtomicU64::new(first_key),
            is_failing: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            damaged: AtomicU64::new(0),
        });
        let writer = Writer::new(Arc::clone(&hub), state_dir, lock);
        let (end, ended) = mpsc::sync_channel(1);
        let run = move || {
            let left = writer.run();
            // Whoever would have listened is gone.
            let _ = end.send(left);
        };
        let thread = std::thread::Builder::new().name("events".into()).spawn(run);
        let thread = thread.map_err(|cause| StoreError::NoThread { cause })?;
        Ok(Arc::new(Self {
            hub,
            state_dir: state_dir.to_owned(),
            reader: Reader::new(state_dir),
            live: Mutex::default(),
            writer: Mutex::new(Some(RunningWriter { thread, ended })),
        }))
    }

    /// The outboxes of `wished`, in that order, with what earlier processes left for them. Called again, after a reload:
    /// a destination that had an outbox before keeps it, by its new plan; one that is not wished any more is released: its
    /// outbox refuses events and hands none out, and what waits stays on disk for a later wish, until it is too old. Stop
    /// its publisher first. When exactly one is new and one is gone that had the same topics, the broker has moved: the
    /// outbox is the same one. Of what earlier processes have left, a new destination takes over what waits for one that is
    /// gone in the same way.
    ///
    /// Waits for the disk, seconds at most.
    #[must_use]
    pub fn outboxes(&self, wished: &[(Destination, OutboxPlan)]) -> Vec<Arc<dyn Outbox>> {
        let mut live = self.live.lock();
        let (mut kept, mut arrived): (Vec<Arc<EventOutbox>>, Vec<_>) = (Vec::new(), Vec::new());
        let held: Vec<Destination> = live.iter().map(|outbox| outbox.destination()).collect();
        let wishes: Vec<Destination> = wished.iter().map(|(destination, _)| destination.clone()).collect();
        for (from, to) in destination::moves(&held, &wishes) {
            live[from].move_to(&wishes[to]);
        }
        for (destination, plan) in wished {
            let is_it = |outbox: &&Arc<EventOutbox>| outbox.destination() == *destination;
            let outbox = match kept.iter().find(is_it).or_else(|| live.iter().find(is_it)) {
                Some(outbox) => Arc::clone(outbox),
                None => {
                    let outbox = EventOutbox::new(destination.clone(), *plan, Arc::clone(&self.hub));
                    arrived.push(Arc::new(outbox));
                    Arc::clone(&arrived[arrived.len() - 1])
                }
            };
            outbox.with(|backlog| backlog.set_plan(*plan));
            kept.push(outbox);
        }
        for gone in live.iter().filter(|outbox| !wishes.contains(&outbox.destination())) {
            let events = gone.with(|backlog| backlog.release());
            let Destination { broker, base_topic } = gone.destination();
            if events > 0 {
                tracing::warn!(broker, base_topic, events, "a broker is gone from the configuration; its events wait");
            }
        }
        live.clone_from(&kept);
        let (done, is_done) = mpsc::sync_channel(1);
        let is_news = !arrived.is_empty();
        self.hub.signal.arrived(Arrivals { outboxes: arrived, done });
        if !is_news {
            return kept.into_iter().map(|outbox| outbox as Arc<dyn Outbox>).collect();
        }
        // When it takes longer, the outboxes are in use already, and find what was left for them later.
        let _ = is_done.recv_timeout(LONGEST_LOOK);
        kept.into_iter().map(|outbox| outbox as Arc<dyn Outbox>).collect()
    }

    /// Writes what is left and ends; `deadline` from now at the latest it gives up. What is offered from now on is
    /// refused. Returns how many events did not reach the disk.
    pub fn close(&self, deadline: Duration) -> u64 {
        self.hub.is_closed.store(true, Ordering::Release);
        // The writer is the last to let go of the file, and so leaves it whole, without a log beside it.
        self.reader.close();
        self.hub.signal.close();
        let Some(RunningWriter { thread, ended }) = self.writer.lock().take() else { return 0 };
        let left = match ended.recv_timeout(deadline) {
            Ok(left) => {
                // It has said its last word already.
                let _ = thread.join();
                left
            }
            Err(_) => self.live.lock().iter().map(|outbox| outbox.with(|it| it.unwritten().events)).sum(),
        };
        if left > 0 {
            let state_dir = self.state_dir.display();
            tracing::error!(events = left, %state_dir, "that many events did not reach the disk and are lost");
        }
        left
    }
}

impl Drop for EventStore {
    fn drop(&mut self) {
        self.close(DROP_DEADLINE);
    }
}

impl History for EventStore {
    /// What is on disk: an event that is in memory alone yet, for some milliseconds or because the disk takes nothing, is
    /// missing, and stays so if it is delivered meanwhile. Payloads are as they were offered: `published` is null.
    fn events(&self, query: &EventQuery) -> Result<Vec<RecordedEvent>, HistoryError> {
        let generation = self.hub.generation.load(Ordering::Relaxed);
        self.reader.events(query, generation).map_err(|fault| {
            if matches!(fault, Fault::Damaged(_)) {
                self.hub.damaged.store(generation, Ordering::Relaxed);
                self.hub.signal.due();
            }
            history::unreadable(&fault)
        })
    }
}
