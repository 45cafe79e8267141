//! A client gets decodable frames at the camera's rate, showing what the ground truth says they show.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::time::{Duration, Instant};

use sightline_sim::{
    clip::{ClipOptions, Codec},
    scene::SceneKind,
    server::{RtspServer, ServerOptions},
};
use support::{Client, camera, gst_video_size};

fn frames_arrive_at_ten_a_second(codec: Codec) {
    let options = ClipOptions { codec, ..ClipOptions::default() };
    let server =
        RtspServer::start(vec![camera("street", SceneKind::Street, &options)], ServerOptions::default()).unwrap();
    let client = Client::open(&server.url(0).unwrap(), "");
    // What had been waiting while the connection was set up arrives at once: the rate counts from later on.
    for _ in 0..10 {
        assert_eq!(gst_video_size(&client.next()), (160, 96));
    }
    let begun = Instant::now();
    for _ in 0..20 {
        client.next();
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(1600) && took < Duration::from_millis(2600), "20 frames took {took:?}");
}

#[test]
fn h264() {
    frames_arrive_at_ten_a_second(Codec::H264);
}

#[test]
fn jpeg() {
    frames_arrive_at_ten_a_second(Codec::Jpeg);
}

#[test]
fn h265() {
    frames_arrive_at_ten_a_second(Codec::H265);
}
