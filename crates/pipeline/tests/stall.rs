//! A camera that is connected and sends nothing is opened anew; one that can never work is given up.

mod support;

use std::time::Duration;

use sightline_core::{
    event::CameraState,
    ports::{SourceError, SourceErrorCode},
};
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_a_stall_and_is_tried_again() {
    let source = FakeSource::default();
    source.script("silent", vec![Script::Silent]);
    let rig = start(vec![camera("silent", 5.0)], source, vec![Box::new(FakeBackend::default())], 1);
    rig.wait_for("a second try", |rig| {
        rig.states("silent").iter().filter(|(state, _)| *state == CameraState::Connecting).count() >= 2
    })
    .await;
    let states = rig.states("silent");
    assert_eq!(states[1], (CameraState::Stalled, Some("timeout")));
    assert_eq!(states[2], (CameraState::Backoff, Some("timeout")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_whose_source_notices_its_silence_has_stalled_too() {
    let error = SourceError { code: SourceErrorCode::Timeout, message: "it stopped without a word".into() };
    let source = FakeSource::default();
    source.script("quiet", vec![Script::BreakAfter(100, Duration::from_millis(10), error)]);
    let rig = start(vec![camera("quiet", 5.0)], source, vec![Box::new(FakeBackend::default())], 1);
    rig.wait_for("it waits for the next try", |rig| {
        rig.status("quiet").is_some_and(|status| status.state == CameraState::Backoff)
    })
    .await;
    let states = rig.states("quiet");
    assert!(
        states.ends_with(&[(CameraState::Stalled, Some("timeout")), (CameraState::Backoff, Some("timeout"))]),
        "{states:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_cannot_work_as_configured_is_given_up() {
    let error = SourceError { code: SourceErrorCode::Config, message: "no element \"nosuchdec\"".into() };
    let source = FakeSource::default();
    source.script("wrong", vec![Script::Refuse(error)]);
    let rig = start(vec![camera("wrong", 5.0)], source, vec![Box::new(FakeBackend::default())], 1);
    rig.wait_for("the camera is given up", |rig| {
        rig.status("wrong").is_some_and(|status| status.state == CameraState::Failed)
    })
    .await;
    let status = rig.status("wrong").unwrap();
    assert_eq!(status.code, Some("config"));
    assert!(status.message.unwrap().contains("nosuchdec"));
}
