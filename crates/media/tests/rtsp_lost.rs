//! Cameras that go away or never answer.

mod support;

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use sightline_core::{
    plan::RtspTransport,
    ports::{SourceErrorCode, StopOutcome},
};
use support::{Server, failure_of, h264, rtsp, start, stop};

#[test]
fn a_killed_server_is_noticed() {
    let mut server = Server::start(&[("/cam", &h264())]);
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp));
    recorder.wait_frames(5);
    let killed = Instant::now();
    server.kill();
    let error = recorder.wait_failure();
    eprintln!("{:?} after {:?}: {error}", error.code, killed.elapsed());
    assert!(matches!(error.code, SourceErrorCode::Network | SourceErrorCode::Ended), "{error:?}");
    assert!(killed.elapsed() < Duration::from_secs(10));
    stop(running, &recorder);
}

#[test]
fn a_server_that_never_answers_can_be_stopped_while_connecting() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtsp://{}/cam", silent.local_addr().unwrap());
    let (running, _recorder) = start(&rtsp(&url, RtspTransport::Tcp));
    // Connected, so it now waits for an answer.
    let (_connection, _) = silent.accept().unwrap();
    let began = Instant::now();
    let outcome = running.stop(Duration::from_secs(2));
    eprintln!("{outcome:?} after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_millis(2500));
    assert_eq!(outcome, StopOutcome::Stopped);
}

#[test]
fn a_server_that_never_answers_is_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtsp://{}/cam", silent.local_addr().unwrap());
    let began = Instant::now();
    let error = failure_of(&rtsp(&url, RtspTransport::Tcp));
    assert_eq!(error.code, SourceErrorCode::Timeout, "{error}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_source_that_is_dropped_without_stop_reports_nothing_more() {
    let server = Server::start(&[("/cam", &h264())]);
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp));
    recorder.wait_frames(2);
    let began = Instant::now();
    drop(running);
    assert!(began.elapsed() < Duration::from_secs(1), "dropping does not wait");
    let frames = recorder.read(|log| log.frames.len());
    // A second connection proves that the server still sends; had the first gone on, its frames would show.
    let (other, other_recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp));
    other_recorder.wait_frames(5);
    stop(other, &other_recorder);
    assert!(recorder.read(|log| log.frames.len()) <= frames + 1, "at most the one that was on its way");
}
