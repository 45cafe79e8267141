//! A reload: brokers stay, come, go, move.

use std::{sync::Arc, time::Duration};

use sightline_core::{outbox::OutboxPlan, ports::Offered};

use crate::support::{deliver, destination, event, next, open, payload_bytes, push_all, take, until};

#[test]
fn a_broker_that_stays_keeps_its_outbox_and_gets_its_new_plan() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let before = store.outboxes(&[(destination("a"), OutboxPlan::default())]).remove(0);
    push_all(&*before, 100..200);
    assert_eq!(take(&*before, 2), [100, 101]);
    let plan = OutboxPlan { max_bytes: 10 * payload_bytes(100), ..OutboxPlan::default() };
    let after = store.outboxes(&[(destination("b"), OutboxPlan::default()), (destination("a"), plan)]).remove(1);
    assert!(Arc::ptr_eq(&before, &after));
    until("the new bound to be kept", || after.figures().waiting == 10);
    assert_eq!(after.figures().displaced_size, 90);
    assert_eq!(deliver(&*after, 8), (192..200).collect::<Vec<_>>());
}

#[test]
fn a_broker_that_goes_leaves_its_events_for_its_return() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let wished = [(destination("a"), OutboxPlan::default())];
    let before = store.outboxes(&wished).remove(0);
    push_all(&*before, 0..10);
    let (key, _) = next(&*before);
    assert!(store.outboxes(&[]).is_empty());
    assert_eq!((before.push(event(10)), before.take().is_none()), (Offered::Refused, true));
    before.acknowledge(key);
    assert_eq!((before.figures().refused, before.figures().acknowledged), (1, 0));

    let after = store.outboxes(&wished).remove(0);
    assert!(!Arc::ptr_eq(&before, &after));
    assert_eq!(after.figures().inherited, 10);
    assert_eq!(take(&*after, 10), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_broker_that_moves_while_events_come_in_loses_none() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let mut seq = 0;
    for broker in ["a", "b", "c", "a"] {
        let outbox = store.outboxes(&[(destination(broker), OutboxPlan::default())]).remove(0);
        assert_eq!(outbox.figures().waiting, seq);
        // Not waited for: the move comes while they are on their way to the disk.
        push_all(&*outbox, seq..seq + 200);
        seq += 200;
    }
    let outbox = store.outboxes(&[(destination("a"), OutboxPlan::default())]).remove(0);
    assert_eq!(take(&*outbox, 800), (0..800).collect::<Vec<_>>());
}

#[test]
fn a_broker_that_has_moved_is_found_at_its_new_address_by_the_next_process() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    // There were events at the new address before, too.
    drop(store.outboxes(&[(destination("b"), OutboxPlan::default())]));
    drop(store.outboxes(&[]));
    let outbox = store.outboxes(&[(destination("a"), OutboxPlan::default())]).remove(0);
    push_all(&*outbox, 0..10);
    let moved = store.outboxes(&[(destination("b"), OutboxPlan::default())]).remove(0);
    assert!(Arc::ptr_eq(&outbox, &moved));
    push_all(&*moved, 10..20);
    store.close(Duration::from_secs(5));
    drop((outbox, moved, store));

    let store = open(state.path());
    let outbox = store.outboxes(&[(destination("b"), OutboxPlan::default())]).remove(0);
    assert_eq!(outbox.figures().inherited, 20);
    assert_eq!(take(&*outbox, 20), (0..20).collect::<Vec<_>>());
}
