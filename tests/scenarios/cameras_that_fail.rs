//! Cameras that cannot be reached, refuse the password, send what nobody decodes, or are cut-off files: each is named
//! with its code on its status topic, and the one that works is not harmed.

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others,
    broker::{Broker, free_port},
    cameras,
    canary::CANARY,
    daemon::Daemon,
    listener::Listener,
    payloads::assert_all_valid,
    wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_has_its_code() {
    let _turn = beside_others().await;
    let good = cameras::serve(vec![("good", cameras::scene(SceneKind::Office))]);
    let locked = cameras::serve_with(
        vec![("locked", cameras::scene(SceneKind::Office))],
        cameras::with_password("viewer", "the right one"),
    );
    let unknown_codec = crate::support::cameras::vp8_server();
    let folder = tempfile::tempdir().expect("a folder");
    let cut_off = folder.path().join("cut-off.mp4");
    std::fs::write(&cut_off, b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2\0\0\xff\xffmdat only the beginning")
        .expect("a file");
    let nobody = free_port();
    let port = locked.port();

    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let yaml = format!(
        "version: 1\nname: failing\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: 10}}\n{}cameras:\n  \
         good: {{url: \"{}\"}}\n  \
         unreachable: {{url: \"rtsp://viewer:{CANARY}@127.0.0.1:{nobody}/x\"}}\n  \
         locked: {{url: \"rtsp://viewer:${{env:TEST_CANARY}}@127.0.0.1:{port}/locked\"}}\n  \
         missing: {{url: \"rtsp://viewer:the%20right%20one@127.0.0.1:{port}/nothing-here\"}}\n  \
         strange: {{url: \"{}\"}}\n  \
         cut-off: {{url: \"file://{}\"}}\n  \
         absent: {{url: \"file:///nowhere/video.mp4\"}}\n",
        broker.yaml(),
        good.url(0).expect("an address"),
        unknown_codec.url(),
        cut_off.display(),
    );
    let mut daemon = Daemon::start_with(&yaml, &[("TEST_CANARY", CANARY)]);

    listener.wait_for_state("good", "streaming").await;
    for (camera, code) in [
        ("unreachable", "network"),
        ("locked", "auth"),
        ("missing", "not_found"),
        ("strange", "codec"),
        ("cut-off", "codec"),
        ("absent", "not_found"),
    ] {
        wait_until(&format!("camera {camera} fails with {code}"), || {
            let status = listener.status(camera);
            status["state"] == "backoff" && status["code"] == code
        })
        .await;
        let message = listener.status(camera)["message"].to_string();
        eprintln!("{camera}: {message}");
        assert!(message.len() > 10, "{camera} says why: {message}");
    }
    listener.wait_for_event("good", "object_started", "person").await;

    let (status, _) = daemon.terminate().await;
    assert!(status.success());
    assert_all_valid(&listener.all());
}
