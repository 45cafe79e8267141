//! Stopping ends the server's threads and frees its port, with clients connected.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use sightline_sim::{
    clip::ClipOptions,
    scene::SceneKind,
    server::{RtspServer, ServerOptions},
};
use support::{Client, camera, wait_for};

/// Names of this process's threads but for GLib's pool, whose idle threads go by themselves after some seconds.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.flatten().map(name).map(|n| n.trim().to_owned()).filter(|n| !n.starts_with("pool-")).collect()
}

#[test]
fn no_thread_and_no_port_are_left() {
    // One round first: GStreamer and GLib start threads of their own that stay for the process's life.
    for round in 0..2 {
        let before = threads().len();
        let server = RtspServer::start(
            vec![camera("street", SceneKind::Street, &ClipOptions::default())],
            ServerOptions::default(),
        )
        .unwrap();
        let port = server.port();
        let client = Client::open(&server.url(0).unwrap(), "");
        client.next();
        assert!(threads().iter().any(|name| name == "sim-pacer"), "{:?}", threads());
        server.stop();
        assert!(!threads().iter().any(|name| name.starts_with("sim-")), "{:?}", threads());
        drop(client);
        if round > 0 {
            wait_for("as many threads as before", || threads().len() <= before);
        }
        std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}
