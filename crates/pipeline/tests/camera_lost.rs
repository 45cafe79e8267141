//! One camera breaks and comes back; the others notice nothing.

mod support;

use std::time::Duration;

use sightline_core::{
    event::{CameraState, EndReason, EventKind},
    ports::{SourceError, SourceErrorCode},
};
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_camera_ends_its_objects_and_comes_back() {
    let interval = Duration::from_millis(20);
    let error = SourceError { code: SourceErrorCode::Network, message: "connection reset by the camera".into() };
    let source = FakeSource::default();
    source.script("flaky", vec![Script::BreakAfter(60, interval, error), Script::Stream(interval)]);
    source.script("steady", vec![Script::Stream(interval)]);
    let rig =
        start(vec![camera("flaky", 50.0), camera("steady", 50.0)], source, vec![Box::new(FakeBackend::default())], 4);

    rig.wait_for("the camera is back", |rig| rig.events_of("flaky", "object_started") == 2).await;

    let states = rig.states("flaky");
    let expected = [
        (CameraState::Connecting, None),
        (CameraState::Streaming, None),
        (CameraState::Backoff, Some("network")),
        (CameraState::Connecting, None),
        (CameraState::Streaming, None),
    ];
    assert_eq!(states, expected);
    let kinds: Vec<_> = rig
        .sink
        .events
        .lock()
        .iter()
        .filter(|event| event.origin.camera == "flaky")
        .map(|event| event.change.kind.clone())
        .collect();
    let lost = EventKind::ObjectEnded { reason: EndReason::CameraLost };
    assert_eq!(kinds, [EventKind::ObjectStarted, lost, EventKind::ObjectStarted]);
    assert_eq!(rig.states("steady"), [(CameraState::Connecting, None), (CameraState::Streaming, None)]);

    let frames: Vec<u64> =
        rig.sink.detections.lock().iter().filter(|d| d.origin.camera == "flaky").map(|d| d.frame.seq).collect();
    assert!(frames.is_sorted_by(|a, b| a < b), "frame numbers go on over a reconnect: {frames:?}");
}
