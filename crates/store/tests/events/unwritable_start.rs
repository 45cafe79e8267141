//! There is no place for events when the daemon starts: it works from memory, and writes them when there is one.

use std::fs;

use sightline_core::outbox::{EventQuery, History};
use sightline_store::StoreSettings;

use crate::support::{close, deliver, open_with, outbox, push_all, take, until};

#[test]
fn events_are_delivered_from_memory_and_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    fs::write(&state_dir, "a file where a directory should be").unwrap();
    let store = open_with(&state_dir, StoreSettings { unwritten_events: 20, ..StoreSettings::default() });
    let outbox_ = outbox(&store);
    assert!(!outbox_.figures().is_on_disk);
    assert!(store.events(&EventQuery { limit: 1, ..EventQuery::default() }).is_err());
    push_all(&*outbox_, 0..10);
    assert_eq!(deliver(&*outbox_, 4), [0, 1, 2, 3]);
    assert_eq!(take(&*outbox_, 2), [4, 5]);
    // Memory has a bound: 4 to 29 are 26, and 6 are too many; the oldest that nobody has yet go.
    push_all(&*outbox_, 10..24);
    for seq in 24..30 {
        outbox_.push(crate::support::event(seq));
    }
    assert_eq!((outbox_.figures().waiting, outbox_.figures().displaced_memory), (20, 6));

    fs::remove_file(&state_dir).unwrap();
    let query = EventQuery { limit: 100, ..EventQuery::default() };
    until("events to be on disk", || store.events(&query).is_ok_and(|events| events.len() == 20));
    assert!(outbox_.figures().is_on_disk);
    push_all(&*outbox_, [30]);
    assert_eq!(deliver(&*outbox_, 1), [12]);
    close(&store);
    drop((store, outbox_));

    let store = open_with(&state_dir, StoreSettings::default());
    let expected: Vec<u64> = [4, 5].into_iter().chain(13..31).collect();
    assert_eq!(take(&*outbox(&store), 20), expected);
}

#[test]
fn what_an_earlier_process_left_is_found_when_the_disk_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (state_dir, away) = (folder.path().join("state"), folder.path().join("away"));
    let store = open_with(&state_dir, StoreSettings::default());
    push_all(&*outbox(&store), 0..5);
    close(&store);
    drop(store);
    fs::rename(&state_dir, &away).unwrap();
    fs::write(&state_dir, "a file where a directory should be").unwrap();
    let store = open_with(&state_dir, StoreSettings::default());
    let outbox_ = outbox(&store);
    push_all(&*outbox_, 5..10);
    assert_eq!(take(&*outbox_, 2), [5, 6]);
    fs::remove_file(&state_dir).unwrap();
    fs::rename(&away, &state_dir).unwrap();
    until("events to be on disk", || outbox_.figures().is_on_disk && outbox_.figures().inherited == 5);
    // Those that were left come first of all that was not handed out.
    assert_eq!(take(&*outbox_, 5), [0, 1, 2, 3, 4]);
    assert_eq!(take(&*outbox_, 3), [7, 8, 9]);
    close(&store);
    drop((store, outbox_));
    let store = open_with(&state_dir, StoreSettings::default());
    assert_eq!(take(&*outbox(&store), 10), (0..10).collect::<Vec<_>>());
}
