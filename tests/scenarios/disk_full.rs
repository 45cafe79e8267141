//! The disk that events are kept on fills up while the daemon runs: it says so, goes on delivering, and writes again once
//! there is room. The disk is a file system of 4 MiB in a mount namespace of the daemon's own.

use std::{fs::File, io::Write as _, process::Command};

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others,
    broker::Broker,
    cameras,
    daemon::{Daemon, Launch},
    link::{Fault, Link},
    listener::Listener,
    pipeline, skipped, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_delivered_from_memory_until_there_is_room() {
    let _turn = beside_others().await;
    let Some(unshare) = namespaces() else {
        skipped("disk_full", "this machine lets nobody have a mount namespace (unshare --mount)");
        return;
    };
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut link = Link::to(broker.port, Fault::None).await;
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    std::fs::create_dir(&state).expect("a folder");
    let mount_and_run = "mount -t tmpfs -o size=4m none \"$0\" && exec \"$@\"";
    let through = [unshare, &["sh", "-c", mount_and_run, state.to_str().expect("UTF-8")]].concat();
    let through = through.into_iter().map(str::to_string).collect();
    let yaml = pipeline(&broker.yaml_at(link.port), &cameras::yaml(&server, &["street"]));
    let mut daemon = Daemon::launch_in(folder, &yaml, Launch { through, ..Launch::default() });
    wait_until("events arrive", || listener.event_count() >= 2).await;
    assert_eq!(daemon.broker().await["outbox"]["is_on_disk"], true);

    // As the daemon sees it.
    let ballast = format!("/proc/{}/root{}/ballast", daemon.id(), state.display());
    let mut file = File::create(&ballast).expect("a file on its disk");
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    daemon.wait_for_log("events do not reach the disk").await;
    assert_eq!(daemon.broker().await["outbox"]["is_on_disk"], false);
    assert!(daemon.metric("sightline_outbox_on_disk", &[]).await < 0.5);
    assert!(daemon.metric("sightline_outbox_write_failures_total", &[]).await >= 1.0);
    assert_eq!(daemon.get("/healthz").await.status, 200, "that is no reason to restart it: events would be lost");
    let before = listener.event_count();
    wait_until("events arrive all the same", || listener.event_count() >= before + 2).await;

    // What cannot be delivered either waits in memory, and reaches the disk as soon as there is room.
    link.close().await;
    daemon.wait_for_waiting_events(3).await;
    std::fs::remove_file(&ballast).expect("it is removed");
    daemon.wait_for_log("events reach the disk again").await;
    assert_eq!(daemon.broker().await["outbox"]["is_on_disk"], true);
    let events = daemon.get("/api/v1/events?limit=1").await.json();
    assert_eq!(events["events"][0]["delivered"], false, "{events}");
    link.open().await;
    let before = listener.event_count();
    wait_until("what has waited arrives", || listener.event_count() >= before + 3).await;

    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    wait_until("offline is published", || {
        listener.on("available").last().is_some_and(|message| &*message.payload == b"offline")
    })
    .await;
    assert_no_number_is_missing(&listener);
    assert_eq!(daemon.log().matches("events do not reach the disk").count(), 1, "it is told once: {}", daemon.log());
}

/// Numbers of first arrivals rise without gaps: what did not reach the disk is not in the history to be compared with.
fn assert_no_number_is_missing(listener: &Listener) {
    let mut numbers: Vec<u64> = Vec::new();
    for number in listener.events("street").iter().filter_map(|event| event["seq"].as_u64()) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

/// How this user gets a mount namespace, if at all.
fn namespaces() -> Option<&'static [&'static str]> {
    let works = |command: &[&str]| {
        let tried =
            Command::new(command[0]).args(&command[1..]).args(["mount", "-t", "tmpfs", "none", "/mnt"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    [&["unshare", "--mount"][..], &["unshare", "--map-root-user", "--mount"]].into_iter().find(|command| works(command))
}
