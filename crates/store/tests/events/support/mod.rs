//! Stores, events and patience.

pub mod child;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{
    event::{Event, EventKind, EventTimes, ModelIdentity, ObjectChange, Origin, Ulid},
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    histogram::StageTimes,
    outbox::{EventKey, Outbox, OutboxPlan},
    ports::Offered,
    time::WallTime,
};
use sightline_store::{Destination, EventStore, StoreError, StoreSettings};

/// In seconds: when the frame of event 0 was taken. Of the others, as many seconds later as their number is.
pub const START: i64 = 1_700_000_000;

/// An event that differs from others by its `seq`.
pub fn event(seq: u64) -> Event {
    event_of(seq, "front-door", "person", EventKind::ObjectStarted)
}

pub fn event_of(seq: u64, camera: &str, label: &str, kind: EventKind) -> Event {
    let moment = WallTime::from_micros((START + i64::try_from(seq % 100_000_000).unwrap()) * 1_000_000);
    let model = ModelIdentity { name: "ssd-mobilenet-v1-coco".into(), sha256: "0".repeat(64) };
    let (node, pipeline, camera) = ("box-7".into(), "yard".into(), camera.into());
    let clock = CaptureClock::Receive;
    Event {
        id: Ulid::new(moment, u128::from(seq)),
        seq,
        epoch: Ulid::new(moment, 0),
        origin: Arc::new(Origin { node, pipeline, camera, model, provider: "cpu".into(), execution: None }),
        change: ObjectChange {
            kind,
            track: seq + 1,
            label: label.into(),
            score: 0.5,
            top_score: 0.75,
            bbox: BoxInFrame { x: 0.125, y: 0.25, width: 0.25, height: 0.5 },
            zones: Arc::new(["driveway".into()]),
            stationary: false,
            age: Duration::from_millis(1500),
            frame: FrameInfo { width: 1920, height: 1080, seq },
            time: EventTimes { capture: moment, clock, decoded: moment, inferred: moment, published: None },
        },
        replayed: false,
    }
}

/// Bytes of [`event`]'s payload, for `seq` of so many digits as this one.
pub fn payload_bytes(seq: u64) -> u64 {
    serde_json::to_string(&event(seq)).unwrap().len() as u64
}

pub fn destination(broker: &str) -> Destination {
    Destination { broker: broker.into(), base_topic: "sightline/box-7".into() }
}

pub fn open(state_dir: &Path) -> Arc<EventStore> {
    open_with(state_dir, StoreSettings::default())
}

pub fn open_with(state_dir: &Path, settings: StoreSettings) -> Arc<EventStore> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match EventStore::open_with(state_dir, Arc::new(StageTimes::default()), settings) {
            // A process that another test is just forking holds the lock of a closed store for a moment longer.
            Err(StoreError::InUse { .. }) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            opened => return opened.unwrap(),
        }
    }
}

/// The outbox of the only broker.
pub fn outbox(store: &EventStore) -> Arc<dyn Outbox> {
    outbox_with(store, OutboxPlan::default())
}

pub fn outbox_with(store: &EventStore, plan: OutboxPlan) -> Arc<dyn Outbox> {
    store.outboxes(&[(destination("broker:1883"), plan)]).remove(0)
}

/// Ends a store as a daemon does that stops.
pub fn close(store: &EventStore) {
    assert_eq!(store.close(Duration::from_secs(10)), 0, "events did not reach the disk");
}

pub fn push_all(outbox: &dyn Outbox, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        assert_eq!(outbox.push(event(seq)), Offered::Accepted, "{seq}");
    }
}

/// Waits for a condition.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The next event, waited for.
#[track_caller]
pub fn next(outbox: &dyn Outbox) -> (EventKey, Event) {
    let mut taken = None;
    until("an event to take", || {
        taken = outbox.take();
        taken.is_some()
    });
    taken.unwrap()
}

/// Takes so many events. Their numbers.
#[track_caller]
pub fn take(outbox: &dyn Outbox, count: usize) -> Vec<u64> {
    (0..count).map(|_| next(outbox).1.seq).collect()
}

/// Takes and acknowledges so many events. Their numbers.
#[track_caller]
pub fn deliver(outbox: &dyn Outbox, count: usize) -> Vec<u64> {
    let deliver_one = |_| {
        let (key, event) = next(outbox);
        outbox.acknowledge(key);
        event.seq
    };
    (0..count).map(deliver_one).collect()
}

/// Names in the state directory that begin with `prefix`, in order.
pub fn files(state_dir: &Path, prefix: &str) -> Vec<String> {
    let names = std::fs::read_dir(state_dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}
