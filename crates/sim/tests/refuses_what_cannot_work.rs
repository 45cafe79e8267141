//! Settings that cannot work are refused when the server starts, saying what is wrong.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use sightline_sim::{
    clip::ClipOptions,
    scene::SceneKind,
    server::{RtspServer, ServerOptions, SimCamera},
};
use support::camera;

#[test]
fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = RtspServer::start(Vec::new(), ServerOptions { port, ..ServerOptions::default() }).err().unwrap();
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[test]
fn paths_that_are_missing_strange_or_taken() {
    let camera = camera("street", SceneKind::Street, &ClipOptions::default());
    let named = |path: &str| SimCamera { path: path.into(), ..camera.clone() };
    for (paths, complaint) in
        [(vec![""], "''"), (vec!["a b"], "'a b'"), (vec!["a/b"], "'a/b'"), (vec!["x", "x"], "two")]
    {
        let cameras = paths.iter().map(|path| named(path)).collect();
        let error = RtspServer::start(cameras, ServerOptions::default()).err().unwrap();
        assert!(error.to_string().contains(complaint), "{error}");
    }
}

#[test]
fn a_server_can_be_handed_to_another_thread() {
    fn is_sendable<T: Send + Sync>() {}
    is_sendable::<RtspServer>();
}
