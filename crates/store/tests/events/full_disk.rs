//! A disk that is really full: a small file system in a mount namespace of the child's own.

use std::{
    fs::{self, File},
    io::Write,
    process::{Command, Stdio},
};

use sightline_store::StoreSettings;

use crate::support::{child, close, deliver, open_with, outbox, push_all, until};

#[test]
fn the_daemon_goes_on_from_memory_and_recovers() {
    let state = tempfile::tempdir().unwrap();
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let mount = ["sh", "-c", "mount -t tmpfs -o size=2m none \"$SIGHTLINE_TEST_STATE_DIR\" && exec \"$@\"", "sh"];
    let can = Command::new(unshare[0])
        .args(&unshare[1..])
        .args(["mount", "-t", "tmpfs", "none"])
        .arg(state.path())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        println!("SKIPPED: unshare gives no mount namespace here, so there is no disk to fill");
        return;
    }
    let wrapper: Vec<&str> = unshare.into_iter().chain(mount).collect();
    child::start("full_disk::child_on_a_small_disk", state.path(), &wrapper).finish();
}

#[test]
#[ignore = "a part of the test above"]
fn child_on_a_small_disk() {
    let Some(state_dir) = child::state_dir() else { return };
    let settings = StoreSettings { window: 50, ..StoreSettings::default() };
    let store = open_with(&state_dir, settings);
    let outbox_ = outbox(&store);
    push_all(&*outbox_, 0..200);
    until("events to be written", || outbox_.figures().is_on_disk && outbox_.figures().waiting == 200);
    assert_eq!(deliver(&*outbox_, 10), (0..10).collect::<Vec<_>>());

    let ballast = state_dir.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    drop(file);
    let mut seq = 200;
    until("the disk to be full", || {
        push_all(&*outbox_, [seq]);
        seq += 1;
        !outbox_.figures().is_on_disk
    });
    let last = seq + 100;
    push_all(&*outbox_, seq..last);

    // All the same in order: first what is on the disk that cannot be written, then what is in memory.
    assert_eq!(deliver(&*outbox_, 200), (10..210).collect::<Vec<_>>());
    assert!(!outbox_.figures().is_on_disk && outbox_.figures().write_failures > 0);

    fs::remove_file(&ballast).unwrap();
    until("events to be on disk again", || outbox_.figures().is_on_disk);
    push_all(&*outbox_, [last]);
    close(&store);
    let figures = outbox_.figures();
    assert_eq!((figures.displaced(), figures.refused), (0, 0));
    drop((store, outbox_));

    let store = open_with(&state_dir, settings);
    let rest = usize::try_from(last + 1 - 210).unwrap();
    assert_eq!(deliver(&*outbox(&store), rest), (210..=last).collect::<Vec<_>>());
    assert!(outbox(&store).take().is_none());
}
