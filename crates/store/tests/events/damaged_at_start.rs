//! A file that is broken, or somebody else's, is set aside, and the daemon starts.

use std::{fs, path::Path};

use crate::support::{close, deliver, files, open, outbox, push_all};

const FILE: &str = "events.sqlite3";

/// A database of ours with some thousand events.
fn filled(state_dir: &Path) {
    let store = open(state_dir);
    push_all(&*outbox(&store), 0..3000);
    close(&store);
}

/// Starts, works, stops; starts again and finds its events.
#[track_caller]
fn works_afresh(state_dir: &Path) {
    let store = open(state_dir);
    let first = outbox(&store);
    assert_eq!(first.figures().inherited, 0);
    push_all(&*first, 0..10);
    assert_eq!(deliver(&*first, 5), [0, 1, 2, 3, 4]);
    close(&store);
    drop((store, first));
    let store = open(state_dir);
    assert_eq!(deliver(&*outbox(&store), 5), [5, 6, 7, 8, 9]);
}

#[track_caller]
fn is_kept_aside(state_dir: &Path, content: &[u8]) {
    let aside = files(state_dir, "events.sqlite3.damaged-");
    let main: Vec<_> = aside.iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    assert_eq!(main.len(), 1, "{aside:?}");
    assert!(fs::read(state_dir.join(main[0])).unwrap() == content, "what was set aside was changed");
}

#[test]
fn a_broken_header() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path());
    let path = state.path().join(FILE);
    let mut content = fs::read(&path).unwrap();
    content[..100].fill(0xA5);
    fs::write(&path, &content).unwrap();
    works_afresh(state.path());
    is_kept_aside(state.path(), &content);
}

#[test]
fn broken_pages() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path());
    let path = state.path().join(FILE);
    let mut content = fs::read(&path).unwrap();
    let middle = content.len() / 2;
    content[middle..middle + 40_960].fill(0xA5);
    fs::write(&path, &content).unwrap();
    works_afresh(state.path());
    is_kept_aside(state.path(), &content);
}

#[test]
fn half_a_file() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path());
    let path = state.path().join(FILE);
    let content = fs::read(&path).unwrap();
    let half = &content[..content.len() / 2];
    fs::write(&path, half).unwrap();
    works_afresh(state.path());
    is_kept_aside(state.path(), half);
}

#[test]
fn no_database_at_all() {
    let state = tempfile::tempdir().unwrap();
    let content = b"these are the notes of somebody who likes the name\n".repeat(100);
    fs::write(state.path().join(FILE), &content).unwrap();
    works_afresh(state.path());
    is_kept_aside(state.path(), &content);
}

#[test]
fn another_programs_database() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join(FILE);
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    let content = fs::read(&path).unwrap();
    works_afresh(state.path());
    is_kept_aside(state.path(), &content);
}

#[test]
fn a_newer_versions_database() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path());
    let path = state.path().join(FILE);
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    let content = fs::read(&path).unwrap();
    works_afresh(state.path());
    is_kept_aside(state.path(), &content);
}

#[test]
fn an_event_that_cannot_be_understood_does_not_stop_the_others() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path());
    let path = state.path().join(FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("UPDATE payload SET json = '{}' WHERE key = (SELECT min(key) + 1 FROM payload)").unwrap();
    drop(connection);
    for _ in 0..2 {
        let store = open(state.path());
        let outbox = outbox(&store);
        assert_eq!(crate::support::take(&*outbox, 2999), [0].into_iter().chain(2..3000).collect::<Vec<_>>());
        close(&store);
    }
}
