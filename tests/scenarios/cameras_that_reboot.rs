//! Cameras go in mid-stream, each in its own way, and one gets another password: each has its state and code on its topic
//! and over HTTP, is told of once in the log, and comes back by itself. The good camera beside them does not notice.

use std::time::Instant;

use serde_json::Value;

use crate::support::{
    alone,
    beside::GoodCamera,
    broker::Broker,
    cameras::USER,
    canary::CANARY,
    daemon::Daemon,
    listener::{Listener, Message},
    log::assert_calm,
    payloads::assert_all_valid,
    peer::{Leave, Peer},
    wait_until,
};

/// How each goes, and the code for it.
const WAYS: [(&str, Leave, &str); 5] = [
    ("says-bye", Leave::Bye, "ended"),
    ("closes", Leave::Close, "ended"),
    ("resets", Leave::Reset, "network"),
    ("falls-silent", Leave::Silence, "timeout"),
    ("vanishes", Leave::Vanish, "timeout"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_reboot_is_told_and_survived() {
    let _turn = alone().await;
    let good = GoodCamera::start();
    let peers = WAYS.map(|(id, how, code)| (id, how, code, Peer::start(|_| ())));
    let locked = Peer::start(|script| script.password = Some(CANARY.into()));

    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut yaml = format!(
        "version: 1\nname: rebooting\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{stall_timeout: 2s}}\n\
         {}cameras:\n{}  locked: {{url: \"{}\", username: {USER}, password: \"${{env:TEST_CANARY}}\"}}\n",
        broker.yaml(),
        good.yaml(),
        locked.url()
    );
    for (id, _, _, peer) in &peers {
        yaml += &format!("  {id}: {{url: \"{}\"}}\n", peer.url());
    }
    let mut daemon = Daemon::start_with(&yaml, &[("TEST_CANARY", CANARY)]);
    let ids = || WAYS.iter().map(|(id, ..)| *id).chain(["good", "locked"]);
    for id in ids() {
        listener.wait_for_state(id, "streaming").await;
    }

    let before = good.before(&listener).await;
    let left = Instant::now();
    for (_, how, _, peer) in &peers {
        peer.leave(*how);
    }
    // Cameras close their connections when their users change.
    locked.change(|script| script.password = Some("another".into()));
    locked.leave(Leave::Close);
    locked.come_back();
    good.is_as(before, &listener).await;

    for (id, _, code, _) in &peers {
        let failures = || since(&listener, id, left, "backoff");
        wait_until(&format!("{id} is told"), || !failures().is_empty()).await;
        assert_eq!(failures()[0]["code"], *code, "{id}: {:?}", failures());
    }
    wait_until("the wrong password is told", || {
        since(&listener, "locked", left, "backoff").iter().any(|status| status["code"] == "auth")
    })
    .await;
    daemon.wait_for_camera("locked", "backoff", Some("auth")).await;
    locked.change(|script| script.password = Some(CANARY.into()));

    for (id, _, code, peer) in &peers {
        // Failed more than once, told once: each try is met as the first.
        daemon.wait_for_metric("sightline_camera_failures_total", &[("camera", id)], 2.0).await;
        let log = daemon.log();
        let of_this = |line: &&str| line.contains("not streaming") && line.contains(&format!("camera={id} "));
        let told: Vec<&str> = log.lines().filter(of_this).collect();
        assert_eq!(told.iter().filter(|line| line.contains(&format!("code=\"{code}\""))).count(), 1, "{told:#?}");
        peer.come_back();
    }
    let came_back = Instant::now();
    for id in ids().filter(|id| *id != "good") {
        let what = format!("{id} streams again");
        wait_until(&what, || !since(&listener, id, came_back, "streaming").is_empty()).await;
        daemon.wait_for_camera(id, "streaming", None).await;
    }
    let good_was = listener.on("good/status");
    assert!(good_was.iter().filter(|status| status.at > left).all(|status| status.json()["state"] == "streaming"));

    let (status, _) = daemon.terminate().await;
    assert!(status.success());
    assert_calm(&daemon.log());
    assert_all_valid(&listener.all());
}

/// What a camera's topic has said of that state since then.
fn since(listener: &Listener, id: &str, since: Instant, state: &str) -> Vec<Value> {
    let messages = listener.on(&format!("{id}/status")).into_iter().filter(|message| message.at >= since);
    messages.map(|message| Message::json(&message)).filter(|status| status["state"] == state).collect()
}
