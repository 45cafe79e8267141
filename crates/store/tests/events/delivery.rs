//! Events are delivered in order, by the next process what this one did not, and each has a key of its own.

use std::{sync::Arc, time::Duration};

use sightline_core::{
    histogram::{Stage, StageTimes},
    outbox::{EventQuery, History},
    ports::Offered,
};
use sightline_store::EventStore;

use crate::support::{close, deliver, event, next, open, outbox, push_all, take, until};

#[test]
fn what_was_not_acknowledged_is_handed_out_again_by_the_next_process_before_what_is_new() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let first = outbox(&store);
    assert_eq!((first.take().is_none(), first.newest()), (true, 0));
    push_all(&*first, 0..10);
    assert_eq!(deliver(&*first, 4), [0, 1, 2, 3]);
    assert_eq!(take(&*first, 3), [4, 5, 6]);
    let newest = first.newest();
    close(&store);
    assert_eq!(first.push(event(99)), Offered::Refused);
    drop((store, first));

    let store = open(state.path());
    let second = outbox(&store);
    let figures = second.figures();
    assert_eq!((figures.inherited, figures.waiting, second.newest()), (6, 6, newest));
    push_all(&*second, 10..12);
    let taken: Vec<_> = (0..8).map(|_| next(&*second)).collect();
    assert_eq!(taken.iter().map(|(_, event)| event.seq).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9, 10, 11]);
    assert!(taken.is_sorted_by(|(one, _), (other, _)| one < other));
    assert!(taken[5].0 == newest && taken[6].0 > newest);
    for (key, _) in &taken {
        second.acknowledge(*key);
        second.acknowledge(*key);
    }
    let figures = second.figures();
    assert_eq!((figures.acknowledged, figures.waiting, figures.waiting_bytes, figures.oldest), (8, 0, 0, None));
    close(&store);
    drop((store, second));

    let store = open(state.path());
    let third = outbox(&store);
    assert_eq!((third.figures().inherited, third.take().is_none()), (0, true));
    assert!(third.newest() > newest);
}

#[test]
fn a_payload_comes_back_as_it_was_and_an_acknowledged_one_is_history() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let outbox = outbox(&store);
    push_all(&*outbox, 0..2);
    assert_eq!(deliver(&*outbox, 1), [0]);
    let query = EventQuery { limit: 10, ..EventQuery::default() };
    until("one event to be history", || store.events(&query).unwrap().iter().any(|event| event.is_delivered));
    let events = store.events(&query).unwrap();
    let payloads: Vec<_> = events.iter().map(|event| event.payload.clone()).collect();
    assert_eq!(payloads, [1, 0].map(|seq| serde_json::to_string(&event(seq)).unwrap()));
    assert!(!events[0].is_delivered && events[0].key > events[1].key);
}

#[test]
fn whoever_waits_for_events_is_woken_when_they_are_safe() {
    let state = tempfile::tempdir().unwrap();
    let stages = Arc::new(StageTimes::default());
    let store = EventStore::open(state.path(), Arc::clone(&stages)).unwrap();
    let outbox = outbox(&store);
    let (wake, woken) = std::sync::mpsc::channel();
    outbox.on_ready(Arc::new(move || wake.send(()).unwrap()));
    woken.recv_timeout(Duration::from_secs(10)).unwrap();
    for seq in 0..3 {
        assert!(outbox.take().is_none());
        outbox.push(event(seq));
        woken.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(outbox.take().map(|(_, event)| event.seq), Some(seq));
    }
    assert_eq!(stages.snapshot(Stage::Store).count(), 3);
}

#[test]
fn each_broker_has_its_own_events() {
    let state = tempfile::tempdir().unwrap();
    let wished = ["one:1883", "two:1883"].map(|broker| (crate::support::destination(broker), Default::default()));
    for round in 0..2 {
        let store = open(state.path());
        let outboxes = store.outboxes(&wished);
        if round == 0 {
            push_all(&*outboxes[0], [0, 2, 4]);
            push_all(&*outboxes[1], [1, 3, 5]);
        }
        let taken = outboxes.iter().map(|outbox| take(&**outbox, 3)).collect::<Vec<_>>();
        assert_eq!(taken, [[0, 2, 4], [1, 3, 5]]);
        close(&store);
    }
}

#[test]
fn a_mistake_on_the_writers_thread_stops_nothing() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let outbox = outbox(&store);
    let (wake, woken) = std::sync::mpsc::channel();
    outbox.on_ready(Arc::new(move || {
        wake.send(()).unwrap();
        panic!("a mistake that this test makes")
    }));
    for seq in 0..20 {
        woken.recv_timeout(Duration::from_secs(10)).unwrap();
        push_all(&*outbox, [seq]);
        assert_eq!(deliver(&*outbox, 1), [seq]);
    }
    assert!(outbox.figures().is_on_disk && outbox.figures().write_failures == 0);
    push_all(&*outbox, 20..30);
    close(&store);
    drop((store, outbox));
    let store = open(state.path());
    assert_eq!(take(&*crate::support::outbox(&store), 10), (20..30).collect::<Vec<_>>());
}
