//! SIGTERM drains and ends inside five seconds, whatever the cameras and the broker do.

use std::{net::TcpListener, time::Duration};

use crate::support::{alone, broker::free_port, daemon::Daemon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_in_time_with_hanging_cameras_and_no_broker() {
    let _turn = alone().await;
    // Accepts connections and never answers: what a crashed camera's kernel does.
    let black_hole = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let hanging = black_hole.local_addr().expect("its address").port();
    let (nobody, no_broker) = (free_port(), free_port());
    let yaml = format!(
        "version: 1\nname: hang\nmodel: {{name: ssd-mobilenet-v1-sim}}\nmqtt: {{url: \"mqtt://127.0.0.1:{no_broker}\", node: box}}\n\
         cameras:\n  hanging: {{url: \"rtsp://127.0.0.1:{hanging}/x\"}}\n  nobody: {{url: \"rtsp://127.0.0.1:{nobody}/x\"}}\n  \
         pattern: {{url: \"test://ball\"}}\n"
    );
    let mut daemon = Daemon::start(&yaml);
    daemon.wait_for_log("streaming").await;
    let (status, took) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "SIGTERM to exit took {took:?}");
    assert!(daemon.log().contains("stopped"), "{}", daemon.log());
}
