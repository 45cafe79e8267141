//! The whole way with nothing from outside the project: simulated RTSP cameras, the project's own model, a real
//! broker. One camera is killed and brought back; the others notice nothing.

use std::time::{Duration, Instant};

use sightline_sim::scene::SceneKind;

use crate::support::{
    alone, broker::Broker, cameras, daemon::Daemon, listener::Listener, payloads::assert_all_valid, wait_until,
};

const IDS: [&str; 4] = ["street", "office", "crossing", "parking"];
/// How long a camera is watched before, while and after another one is away.
const WATCH: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_flow_and_a_lost_camera_harms_no_other() {
    let turn = alone().await;
    let server = cameras::serve(IDS.into_iter().zip(SceneKind::ALL.map(cameras::scene)).collect());
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let yaml = format!(
        "version: 1\nname: simulated\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: 10}}\n{}{}",
        broker.yaml(),
        cameras::yaml(&server, &IDS)
    );
    let mut daemon = Daemon::start(&yaml);

    for id in IDS {
        listener.wait_for_state(id, "streaming").await;
    }
    listener.wait_for_event("office", "object_started", "person").await;
    listener.wait_for_event("street", "object_started", "car").await;

    let others = &IDS[1..];
    let frames_of_others = async |from: Instant| {
        tokio::time::sleep_until((from + WATCH).into()).await;
        others.iter().map(|id| listener.frames_between(id, from, from + WATCH)).collect::<Vec<_>>()
    };
    let with_all = frames_of_others(Instant::now()).await;

    server.kill(0).expect("a camera to kill");
    listener.wait_for_state("street", "backoff").await;
    let without_one = frames_of_others(Instant::now()).await;
    // Frames are compared; others may run as well from now on.
    let _turn = turn.downgrade();
    server.revive(0).expect("a camera to revive");
    listener.wait_for_state("street", "streaming").await;
    wait_until("the camera counts its objects again", || {
        let events = listener.events("street");
        let lost = events.iter().position(|event| event["reason"] == "camera_lost");
        lost.is_none_or(|lost| events[lost..].iter().any(|event| event["type"] == "object_started"))
    })
    .await;

    for (id, (before, after)) in others.iter().zip(with_all.iter().zip(&without_one)) {
        eprintln!("{id}: {before} frames in {WATCH:?} with all cameras, {after} with one away");
        assert!(*after * 100 >= *before * 90, "{id} lost frames when another camera went: {before} then {after}");
        let states: Vec<_> = listener.on(&format!("{id}/status")).iter().map(|m| m.json()["state"].clone()).collect();
        assert!(!states.iter().any(|state| state == "backoff"), "{id}: {states:?}");
    }

    let (status, took) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "SIGTERM to exit took {took:?}");
    wait_until("offline is published", || {
        listener.on("available").last().is_some_and(|message| &*message.payload == b"offline")
    })
    .await;
    assert_all_valid(&listener.all());
    for id in IDS {
        assert_balance_and_counts(&listener, id);
    }
}

/// After the end every frame is accounted for, every object has ended, and every count is zero.
fn assert_balance_and_counts(listener: &Listener, id: &str) {
    let status = listener.status(id);
    let frames = &status["frames"];
    let of = |name: &str| frames[name].as_u64().expect("a number");
    let dropped: u64 = ["rate", "idle", "superseded", "stale", "load", "failed", "stopped"]
        .iter()
        .map(|why| of(&format!("dropped_{why}")))
        .sum();
    assert_eq!(of("decoded"), of("inferred") + dropped + of("waiting"), "{id}: {frames}");
    assert_eq!(of("waiting"), 0, "{id}: {frames}");
    assert_eq!(status["state"], "disabled", "{id}");
    let published = listener.on(&format!("{id}/detections")).len() as u64;
    assert!(published > 0 && published <= of("inferred"), "{id}: {published} published, {frames}");
    let events = listener.events(id);
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(of("object_started"), of("object_ended"), "{id}: objects started and ended");
    for label in ["person", "car"] {
        let counts = listener.on(&format!("{id}/count/{label}"));
        assert_eq!(counts.last().map(|count| &*count.payload), Some(&b"0"[..]), "{id}: {label} at the end");
    }
}
