//! Cameras send garbage, pictures of another size, the same picture all the time, and black ones: each has its state and
//! code on its topic and over HTTP, and is well again by itself. The good camera beside them does not notice.

use std::sync::Arc;

use crate::support::{
    alone,
    beside::GoodCamera,
    broker::Broker,
    clip::Clip,
    daemon::Daemon,
    listener::Listener,
    log::assert_calm,
    payloads::assert_all_valid,
    peer::{Peer, Sending},
    wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_bad_picture_is_told_and_survived() {
    let _turn = alone().await;
    let good = GoodCamera::start();
    let clips = [Clip::h264(320, 180), Clip::h264(640, 360), Clip::still(320, 180), Clip::black(320, 180)];
    let [moving, larger, still, black] = clips.map(Arc::new);
    let cameras = ["noise", "size", "freezes", "darkens"];
    let peers = cameras.map(|_| Peer::start(|script| script.clip = moving.clone()));
    let [noise, size, freezes, darkens] = &peers;

    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut yaml = format!(
        "version: 1\nname: pictures\nmodel: {{name: ssd-mobilenet-v1-sim}}\n\
         defaults: {{stall_timeout: 2s, frozen_after: 2s, dark_after: 2s}}\n{}cameras:\n{}",
        broker.yaml(),
        good.yaml()
    );
    for (id, peer) in cameras.iter().zip(&peers) {
        yaml += &format!("  {id}: {{url: \"{}\"}}\n", peer.url());
    }
    let mut daemon = Daemon::start(&yaml);
    for id in cameras.iter().chain(&["good"]) {
        listener.wait_for_state(id, "streaming").await;
    }

    let before = good.before(&listener).await;
    noise.change(|script| script.sending = Sending::Noise);
    size.change(|script| script.clip = larger.clone());
    freezes.change(|script| script.clip = still.clone());
    darkens.change(|script| script.clip = black.clone());
    good.is_as(before, &listener).await;

    for (id, state, code) in
        [("noise", "backoff", Some("codec")), ("freezes", "frozen", None), ("darkens", "dark", None)]
    {
        daemon.wait_for_camera(id, state, code).await;
        listener.wait_for_state(id, state).await;
        assert_eq!(listener.status(id)["code"].as_str(), code, "{id}");
    }
    wait_until("objects are looked for in pictures of the new size", || newest_width(&listener, "size") == 640).await;
    daemon.wait_for_camera("size", "streaming", None).await;

    noise.change(|script| script.sending = Sending::Video);
    for peer in [size, freezes, darkens] {
        peer.change(|script| script.clip = moving.clone());
    }
    for id in cameras {
        daemon.wait_for_camera(id, "streaming", None).await;
        listener.wait_for_state(id, "streaming").await;
    }
    wait_until("pictures are of the first size again", || newest_width(&listener, "size") == 320).await;
    // Neither was opened anew: their streams have never ended.
    for id in ["size", "freezes", "darkens", "good"] {
        assert_eq!(daemon.metric("sightline_camera_connects_total", &[("camera", id)]).await, 1.0, "{id}");
    }
    let log = daemon.log();
    for (id, told) in [("noise", "not streaming"), ("freezes", "the same picture"), ("darkens", "a black picture")] {
        let lines = log.lines().filter(|line| line.contains(told) && line.contains(&format!("camera={id} ")));
        assert_eq!(lines.count(), 1, "{id}: {log}");
    }

    let (status, _) = daemon.terminate().await;
    assert!(status.success());
    assert_calm(&daemon.log());
    assert_all_valid(&listener.all());
}

/// Width of the pictures that are looked at now.
fn newest_width(listener: &Listener, camera: &str) -> u64 {
    let newest = listener.on(&format!("{camera}/detections")).pop().expect("detections");
    newest.json()["frame"]["width"].as_u64().expect("a width")
}
