//! Writing fails with an I/O error: the operating system lets the child's files grow no further, until it is told to.

use std::process::Command;

use crate::support::{child, close, deliver, next, open, outbox, push_all, until};

/// The limit is a soft one, and the signal that comes with it is ignored, so that writing fails with `EFBIG`.
const LIMITED: [&str; 4] = ["sh", "-c", "trap '' XFSZ; ulimit -S -f 600; exec \"$@\"", "sh"];

#[test]
fn the_daemon_goes_on_from_memory_and_recovers() {
    let state = tempfile::tempdir().unwrap();
    let mut process = child::start("write_limit::child_with_a_limit", state.path(), &LIMITED);
    assert_eq!(process.next("failing").as_deref(), Some(""));
    let pid = process.process.id().to_string();
    let raised = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    if !raised.is_ok_and(|status| status.success()) {
        println!("SKIPPED: there is no prlimit (util-linux) here to raise the limit with");
        return;
    }
    std::fs::write(state.path().join("raised"), "").unwrap();
    process.finish();
    let store = open(state.path());
    let outbox = outbox(&store);
    let rest: Vec<u64> = (0..outbox.figures().waiting).map(|_| next(&*outbox).1.seq).collect();
    assert!(rest.first() == Some(&500) && rest.is_sorted_by(|one, other| other - one == 1), "{rest:?}");
}

#[test]
#[ignore = "a part of the test above"]
fn child_with_a_limit() {
    let Some(state_dir) = child::state_dir() else { return };
    let store = open(&state_dir);
    let outbox = outbox(&store);
    let mut seq = 0;
    until("writing to fail", || {
        push_all(&*outbox, seq..seq + 20);
        seq += 20;
        !outbox.figures().is_on_disk
    });
    push_all(&*outbox, seq..seq + 500);
    assert_eq!(deliver(&*outbox, 500), (0..500).collect::<Vec<_>>());
    println!("\nfailing");
    until("the limit to be raised", || state_dir.join("raised").exists());
    until("events to be on disk again", || outbox.figures().is_on_disk);
    assert_eq!(outbox.figures().displaced(), 0);
    close(&store);
}
