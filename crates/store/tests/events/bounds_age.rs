//! Events grow too old: while they wait, as history, and when no broker wants them any more.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use sightline_core::{
    outbox::{EventQuery, History, OutboxPlan},
    time::WallTime,
};
use sightline_store::{EventStore, StoreSettings};

use crate::support::{START, close, deliver, destination, open_with, outbox_with, push_all, take, until};

const HOUR: Duration = Duration::from_secs(3600);
const PLAN: OutboxPlan = OutboxPlan { max_bytes: 1 << 30, max_age: HOUR, history_bytes: 1 << 30, history_age: HOUR };

/// One clock per test: they run side by side.
macro_rules! settings {
    ($clock:ident) => {{
        static $clock: AtomicI64 = AtomicI64::new(START);
        fn now() -> WallTime {
            WallTime::from_micros($clock.load(Ordering::Relaxed) * 1_000_000)
        }
        let pass = |seconds: i64| {
            $clock.fetch_add(seconds, Ordering::Relaxed);
        };
        let tidy_every = Duration::from_millis(5);
        (StoreSettings { window: 10, tidy_every, now, ..StoreSettings::default() }, pass)
    }};
}

fn in_history(store: &EventStore) -> usize {
    store.events(&EventQuery { limit: 1000, ..EventQuery::default() }).unwrap().len()
}

#[test]
fn what_waits_too_long_is_forced_out_wherever_it_is() {
    let (settings, pass) = settings!(CLOCK);
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), settings);
    let outbox = outbox_with(&store, PLAN);
    push_all(&*outbox, 0..50);
    until("events to be written", || in_history(&store) == 50);
    assert_eq!(take(&*outbox, 3), [0, 1, 2]);
    pass(3000);
    push_all(&*outbox, 50..60);
    until("events to be written", || in_history(&store) == 60);
    pass(700);
    until("old events to go", || outbox.figures().displaced_age == 50 && in_history(&store) == 10);
    let figures = outbox.figures();
    assert_eq!((figures.waiting, figures.displaced()), (10, 50));
    // Found with the next events that are read back.
    let oldest = Some(WallTime::from_micros((START + 3000) * 1_000_000));
    until("the oldest to be known", || outbox.figures().oldest == oldest);
    assert_eq!(deliver(&*outbox, 10), (50..60).collect::<Vec<_>>());
    pass(3000);
    until("history to go", || in_history(&store) == 0);
}

#[test]
fn what_became_too_old_between_two_processes_is_forced_out() {
    let (settings, pass) = settings!(CLOCK);
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), settings);
    push_all(&*outbox_with(&store, PLAN), 0..50);
    close(&store);
    drop(store);
    pass(4000);
    let store = open_with(state.path(), settings);
    let outbox = outbox_with(&store, PLAN);
    until("old events to go", || outbox.figures().displaced_age == 50);
    push_all(&*outbox, [50]);
    assert_eq!(take(&*outbox, 1), [50]);
}

#[test]
fn events_of_a_broker_that_is_gone_go_when_they_are_too_old() {
    let (settings, pass) = settings!(CLOCK);
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), settings);
    push_all(&*outbox_with(&store, PLAN), 0..50);
    close(&store);
    drop(store);
    let store = open_with(state.path(), settings);
    let mut other = destination("other:1883");
    other.base_topic = "elsewhere".into();
    assert_eq!(store.outboxes(&[(other, PLAN)])[0].figures().inherited, 0);
    until("a look at the history", || in_history(&store) == 50);
    pass(4000);
    until("old events to go", || in_history(&store) == 0);
}
