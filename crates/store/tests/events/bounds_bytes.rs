//! An outbox holds so many bytes: the oldest events are forced out, and counted.

use sightline_core::{
    outbox::{EventQuery, History, OutboxPlan},
    ports::Offered,
};
use sightline_store::StoreSettings;

use crate::support::{
    close, deliver, event, files, next, open_with, outbox_with, payload_bytes, push_all, take, until,
};

/// Room for a hundred events, whose numbers have three digits.
fn plan() -> OutboxPlan {
    OutboxPlan { max_bytes: 100 * payload_bytes(100), ..OutboxPlan::default() }
}

fn settings() -> StoreSettings {
    StoreSettings { window: 20, ..StoreSettings::default() }
}

#[test]
fn the_oldest_are_forced_out_and_stay_out_in_the_next_process() {
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), settings());
    let outbox = outbox_with(&store, plan());
    push_all(&*outbox, 100..200);
    let mut displacing = 0;
    for seq in 200..500 {
        displacing += u32::from(outbox.push(event(seq)) == Offered::AcceptedDisplacingOldest);
    }
    until("the bound to be kept", || outbox.figures().waiting == 100);
    let figures = outbox.figures();
    assert!(displacing > 0);
    assert_eq!((figures.displaced_size, figures.displaced(), figures.offered), (300, 300, 400));
    close(&store);
    drop((store, outbox));

    let store = open_with(state.path(), settings());
    let outbox = outbox_with(&store, plan());
    assert_eq!(outbox.figures().inherited, 100);
    assert_eq!(deliver(&*outbox, 100), (400..500).collect::<Vec<_>>());
}

#[test]
fn what_was_handed_out_makes_room_last_and_is_acknowledged_in_vain_then() {
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), settings());
    let plan = OutboxPlan { max_bytes: 3 * payload_bytes(100), ..OutboxPlan::default() };
    let outbox = outbox_with(&store, plan);
    push_all(&*outbox, 100..103);
    let first = next(&*outbox);
    let second = next(&*outbox);
    assert_eq!(outbox.push(event(103)), Offered::AcceptedDisplacingOldest);
    assert_eq!(take(&*outbox, 1), [103]);
    assert_eq!(outbox.push(event(104)), Offered::AcceptedDisplacingOldest);
    outbox.acknowledge(first.0);
    assert_eq!((outbox.figures().acknowledged, outbox.figures().displaced_size), (0, 2));
    outbox.acknowledge(second.0);
    assert_eq!((outbox.figures().acknowledged, outbox.figures().waiting), (1, 2));
}

#[test]
fn the_history_has_a_bound_of_its_own_and_the_file_does_not_grow_beyond_both() {
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), settings());
    let plan = OutboxPlan { history_bytes: 100 * payload_bytes(1000), ..plan() };
    let outbox = outbox_with(&store, plan);
    let query = EventQuery { limit: 100_000, ..EventQuery::default() };
    for start in (1000..9000).step_by(50) {
        push_all(&*outbox, start..start + 50);
        assert_eq!(deliver(&*outbox, 50), (start..start + 50).collect::<Vec<_>>());
    }
    until("the bound to be kept", || {
        let events = store.events(&query).unwrap();
        events.iter().all(|event| event.is_delivered) && events.len() == 100
    });
    let newest: Vec<_> = store.events(&query).unwrap().into_iter().rev().map(|event| event.payload).collect();
    let expected: Vec<_> = (8900..9000).map(|seq| serde_json::to_string(&event(seq)).unwrap()).collect();
    assert_eq!(newest, expected);
    close(&store);
    let bytes = std::fs::metadata(state.path().join("events.sqlite3")).unwrap().len();
    assert!(bytes < 4 * plan.history_bytes, "{bytes} bytes for {} of history", plan.history_bytes);
    assert_eq!(files(state.path(), "events.sqlite3"), ["events.sqlite3"]);
}
