//! One camera killed, paused and brought back; the other one does not notice.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::time::Duration;

use sightline_sim::{
    clip::ClipOptions,
    scene::SceneKind,
    server::{RtspServer, ServerOptions},
};
use support::{Client, DEADLINE, camera};

fn two_cameras() -> RtspServer {
    let cameras = [("street", SceneKind::Street), ("office", SceneKind::Office)];
    let cameras = cameras.map(|(path, kind)| camera(path, kind, &ClipOptions::default()));
    RtspServer::start(cameras.into(), ServerOptions::default()).unwrap()
}

#[test]
fn a_killed_camera_drops_its_clients_alone_and_comes_back() {
    let server = two_cameras();
    let street = Client::open(&server.url(0).unwrap(), "");
    let office = Client::open(&server.url(1).unwrap(), "");
    street.next();
    office.next();

    server.kill(0).unwrap();
    street.failure();
    let refused = Client::open(&server.url(0).unwrap(), "").failure();
    assert!(refused.contains("404") || refused.contains("Not Found"), "{refused}");
    for _ in 0..20 {
        office.next();
    }

    server.revive(0).unwrap();
    Client::open(&server.url(0).unwrap(), "").next();
    office.next();
}

#[test]
fn a_paused_camera_is_silent_and_goes_on() {
    let server = two_cameras();
    let street = Client::open(&server.url(0).unwrap(), "");
    street.next();
    server.pause(0).unwrap();
    // What was on its way still arrives; then one second of silence, ten frames' time.
    let mut on_their_way = 0;
    while street.next_within(Duration::from_secs(1)).is_ok() {
        on_their_way += 1;
        assert!(on_their_way < 30, "a paused camera keeps sending");
    }
    server.resume(0).unwrap();
    street.next_within(DEADLINE).unwrap();
}

#[test]
fn clients_come_and_go() {
    let server = two_cameras();
    for _ in 0..3 {
        Client::open(&server.url(0).unwrap(), "").next();
    }
    let both = [Client::open(&server.url(0).unwrap(), ""), Client::open(&server.url(0).unwrap(), "")];
    both.iter().for_each(|client| {
        client.next();
    });
}

#[test]
fn a_camera_that_is_not_there_cannot_be_killed() {
    assert!(two_cameras().kill(2).unwrap_err().to_string().contains("number 2"));
}
