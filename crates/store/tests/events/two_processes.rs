//! Two daemons with one state directory: the second one says what is wrong, and the first one is not disturbed.

use std::sync::Arc;

use sightline_core::{histogram::StageTimes, recovery::Recovery};
use sightline_store::{EventStore, StoreError};

use crate::support::{child, close, deliver, open, outbox, push_all};

#[test]
fn the_second_is_refused_as_long_as_the_first_lives() {
    let state = tempfile::tempdir().unwrap();
    let mut first = child::start("two_processes::child_that_holds_the_directory", state.path(), &[]);
    assert_eq!(first.next("open").as_deref(), Some(""));
    let refused = EventStore::open(state.path(), Arc::new(StageTimes::default())).err().unwrap();
    assert!(matches!(refused, StoreError::InUse { .. }) && refused.recovery() == Recovery::GiveUpProcess);
    let message = refused.to_string();
    assert!(message.contains("--state-dir") && message.contains(state.path().to_str().unwrap()), "{message}");

    first.process.kill().unwrap();
    first.process.wait().unwrap();
    let store = open(state.path());
    assert_eq!(deliver(&*outbox(&store), 3), [0, 1, 2]);
    close(&store);
    // Closed is closed, though the store is still there.
    open(state.path());
}

#[test]
#[ignore = "a part of the test above"]
fn child_that_holds_the_directory() {
    let Some(state_dir) = child::state_dir() else { return };
    let store = open(&state_dir);
    let outbox = outbox(&store);
    push_all(&*outbox, 0..3);
    crate::support::take(&*outbox, 3);
    println!("\nopen");
    // Until it is killed.
    loop {
        std::thread::park();
    }
}
