//! The file breaks under a running daemon: what memory holds goes into a fresh one.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
};

use sightline_core::outbox::{EventQuery, History};
use sightline_store::StoreSettings;

use crate::support::{close, deliver, files, open_with, outbox, push_all, take, until};

/// Overwrites all of the file but its first page, and empties the log.
fn break_file(state_dir: &Path) {
    let path = state_dir.join("events.sqlite3");
    let length = fs::metadata(&path).unwrap().len();
    assert!(length > 1_000_000, "too small a file to break under a cache: {length}");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&vec![0xA5; usize::try_from(length).unwrap() - 4096], 4096).unwrap();
}

#[test]
fn what_is_in_memory_is_delivered_and_written_afresh() {
    let state = tempfile::tempdir().unwrap();
    let settings = StoreSettings { window: 100, ..StoreSettings::default() };
    let store = open_with(state.path(), settings);
    let outbox_ = outbox(&store);
    // Once through a restart, so that all of it is in the file and none of it in the log.
    push_all(&*outbox_, 0..8000);
    close(&store);
    drop((store, outbox_));
    let store = open_with(state.path(), settings);
    let outbox_ = outbox(&store);
    assert_eq!(take(&*outbox_, 10), (0..10).collect::<Vec<_>>());
    break_file(state.path());

    // From 10 on as far as the window goes, and what comes after the damage was noticed.
    let mut delivered = Vec::new();
    let mut deliver_some = || {
        while let Some((key, event)) = outbox_.take() {
            outbox_.acknowledge(key);
            delivered.push(event.seq);
        }
        delivered.last().copied()
    };
    until("the damage to be noticed", || {
        deliver_some();
        outbox_.figures().displaced_memory > 0
    });
    push_all(&*outbox_, 8000..8010);
    until("the last event", || deliver_some() == Some(8009));
    let figures = outbox_.figures();
    assert!(delivered.is_sorted_by(|one, other| one < other) && delivered[..50] == (10..60).collect::<Vec<_>>());
    assert_eq!(figures.waiting, 10, "those that were handed out before");
    assert_eq!(figures.inherited + figures.offered, figures.acknowledged + figures.displaced() + figures.waiting);
    until("a fresh file", || {
        outbox_.figures().is_on_disk && !files(state.path(), "events.sqlite3.damaged-").is_empty()
    });
    close(&store);
    drop((store, outbox_));

    // The ten that were handed out before and not acknowledged are in the fresh file.
    let store = open_with(state.path(), settings);
    assert_eq!(deliver(&*outbox(&store), 10), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_question_to_the_history_finds_the_damage_as_well() {
    let state = tempfile::tempdir().unwrap();
    let settings = StoreSettings::default();
    let store = open_with(state.path(), settings);
    let outbox_ = outbox(&store);
    push_all(&*outbox_, 0..5000);
    close(&store);
    drop((store, outbox_));
    let store = open_with(state.path(), settings);
    let _outbox = outbox(&store);
    break_file(state.path());
    let query = EventQuery { limit: 5000, ..EventQuery::default() };
    let error = store.events(&query).unwrap_err().to_string();
    assert!(error.contains("the history of events cannot be read"), "{error}");
    until("a fresh file", || !files(state.path(), "events.sqlite3.damaged-").is_empty());
    until("answers from it", || store.events(&query).is_ok());
}
