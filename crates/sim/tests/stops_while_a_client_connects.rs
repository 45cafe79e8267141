//! A client that waits for its first frame does not hold the server up: neither a silent camera's nor one that just came.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::time::{Duration, Instant};

use sightline_sim::{
    clip::ClipOptions,
    scene::SceneKind,
    server::{RtspServer, ServerOptions},
};
use support::{Client, camera, wait_for};

#[test]
fn stopping_takes_no_longer_than_a_key_frame() {
    let cameras = vec![camera("street", SceneKind::Street, &ClipOptions::default())];
    let server = RtspServer::start(cameras, ServerOptions::default()).unwrap();
    server.pause(0).unwrap();
    let client = Client::open(&server.url(0).unwrap(), "");
    // Its DESCRIBE cannot be answered before the camera sends: the server's thread for it is waiting.
    wait_for("the client is connected", || is_connected(server.port()));
    assert_eq!(client.next_within(Duration::from_millis(500)).unwrap_err(), "nothing");
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(4), "stopping took {:?}", begun.elapsed());
}

/// Whether the kernel lists an established connection to that port of this machine (Linux, proc(5)).
fn is_connected(port: u16) -> bool {
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = format!("0100007F:{port:04X} 01");
    connections.lines().any(|line| line.contains(&remote))
}
