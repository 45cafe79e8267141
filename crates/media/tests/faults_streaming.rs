//! Cameras that go away while they stream, in every way a camera can, and come back.
#![allow(clippy::print_stderr, reason = "how long each took is what one reads a run for")]

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{
    plan::RtspTransport,
    ports::{SourceErrorCode, StopOutcome},
};
use support::{
    PASSWORD,
    clip::Clip,
    leftovers::none_left,
    patient,
    peer::{Leave, Peer, Sending},
    rtsp, rtsp_with_password, start, stop,
};

const STALL_TIMEOUT: Duration = Duration::from_secs(3);

/// With what a busy machine adds. That silence is told before the caller gives up, `source::silence` holds exactly.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// Streams, leaves, is noticed in time and as `code` with words that hold `says`; comes back.
fn assert_noticed(how: Leave, transport: RtspTransport, code: SourceErrorCode, says: &str) {
    none_left(|| {
        let peer = Peer::start(|_| ());
        let camera = patient(rtsp(&peer.url(), transport), STALL_TIMEOUT);
        let (running, recorder) = start(&camera);
        recorder.wait_frames(5);
        let left = Instant::now();
        peer.leave(how);
        let error = recorder.wait_failure();
        eprintln!("{how:?} over {transport:?} after {:?}: {:?} {error}", left.elapsed(), error.code);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(says), "`{says}` in: {error}");
        assert!(left.elapsed() < NOTICED_WITHIN, "{:?}", left.elapsed());
        stop(running, &recorder);

        peer.come_back();
        let (running, recorder) = start(&camera);
        recorder.wait_frames(1);
        stop(running, &recorder);
    });
}

#[test]
fn rtcp_bye_is_the_end_of_the_stream() {
    assert_noticed(Leave::Bye, RtspTransport::Tcp, SourceErrorCode::Ended, "the stream ended");
}

#[test]
fn rtcp_bye_over_udp_is_the_end_of_the_stream() {
    assert_noticed(Leave::Bye, RtspTransport::Udp, SourceErrorCode::Ended, "the stream ended");
}

#[test]
fn a_closed_connection_is_the_end_of_the_stream() {
    assert_noticed(Leave::Close, RtspTransport::Tcp, SourceErrorCode::Ended, "the stream ended");
}

#[test]
fn a_reset_connection_is_noticed_at_once() {
    assert_noticed(Leave::Reset, RtspTransport::Tcp, SourceErrorCode::Network, "the connection broke");
}

#[test]
fn a_connection_closed_beside_udp_is_noticed() {
    let silence = "stopped sending";
    assert_noticed(Leave::Close, RtspTransport::Udp, SourceErrorCode::Timeout, silence);
}

#[test]
fn silence_is_noticed_before_the_caller_gives_up() {
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        assert_noticed(Leave::Silence, transport, SourceErrorCode::Timeout, "stopped sending");
    }
}

#[test]
fn a_machine_that_is_gone_is_noticed_before_the_caller_gives_up() {
    assert_noticed(Leave::Vanish, RtspTransport::Tcp, SourceErrorCode::Timeout, "stopped sending");
}

#[test]
fn a_camera_that_has_gone_can_be_left_at_once() {
    for how in [Leave::Bye, Leave::Close, Leave::Reset, Leave::Silence, Leave::Vanish] {
        none_left(|| {
            let peer = Peer::start(|_| ());
            let (running, recorder) = start(&rtsp(&peer.url(), RtspTransport::Tcp));
            recorder.wait_frames(2);
            peer.leave(how);
            let began = Instant::now();
            assert_eq!(running.stop(Duration::from_secs(2)), StopOutcome::Stopped, "{how:?}");
            eprintln!("{how:?}: stopped in {:?}", began.elapsed());
        });
    }
}

#[test]
fn a_password_that_was_changed_is_auth_until_it_is_right_again() {
    none_left(|| {
        let peer = Peer::start(|script| script.password = Some(PASSWORD.into()));
        let camera = patient(rtsp_with_password(&peer.url(), PASSWORD), STALL_TIMEOUT);
        let (running, recorder) = start(&camera);
        recorder.wait_frames(2);
        // Cameras close their connections when their users change.
        peer.change(|script| script.password = Some("another".into()));
        peer.leave(Leave::Close);
        recorder.wait_failure();
        stop(running, &recorder);
        peer.come_back();

        let (running, recorder) = start(&camera);
        let error = recorder.wait_failure();
        assert_eq!(error.code, SourceErrorCode::Auth, "{error}");
        assert!(error.message.contains("refuses this user or password"), "{error}");
        stop(running, &recorder);

        peer.change(|script| script.password = Some(PASSWORD.into()));
        let (running, recorder) = start(&camera);
        recorder.wait_frames(1);
        stop(running, &recorder);
    });
}

#[test]
fn another_codec_and_size_after_a_restart_are_taken() {
    none_left(|| {
        let peer = Peer::start(|_| ());
        let camera = rtsp(&peer.url(), RtspTransport::Tcp);
        let (running, recorder) = start(&camera);
        recorder.wait_frames(2);
        assert_eq!(recorder.wait_streaming().codec, "H264");
        peer.change(|script| script.clip = Arc::new(Clip::h265(256, 144)));
        peer.leave(Leave::Reset);
        recorder.wait_failure();
        stop(running, &recorder);
        peer.come_back();

        let (running, recorder) = start(&camera);
        let frames = recorder.wait_frames(2);
        let stream = recorder.wait_streaming();
        assert_eq!((stream.codec.as_str(), stream.width, stream.height), ("H265", 256, 144));
        assert_eq!((frames[1].info.width, frames[1].info.height), (256, 144));
        stop(running, &recorder);
    });
}

#[test]
fn another_size_in_mid_stream_is_taken() {
    none_left(|| {
        let peer = Peer::start(|_| ());
        let (running, recorder) = start(&rtsp(&peer.url(), RtspTransport::Tcp));
        recorder.wait_frames(5);
        peer.change(|script| script.clip = Arc::new(Clip::h264(640, 360)));
        recorder.wait("frames of the new size", |log| {
            log.frames.iter().any(|frame| (frame.info.width, frame.info.height) == (640, 360)).then_some(())
        });
        stop(running, &recorder);
    });
}

#[test]
fn a_camera_that_stops_its_video_and_goes_on_with_reports_is_silent() {
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        none_left(|| {
            let peer = Peer::start(|_| ());
            let (running, recorder) = start(&patient(rtsp(&peer.url(), transport), STALL_TIMEOUT));
            recorder.wait_frames(5);
            peer.change(|script| script.sending = Sending::Nothing);
            let error = recorder.wait_failure();
            assert_eq!(error.code, SourceErrorCode::Timeout, "{error}");
            assert!(error.message.contains("stopped sending"), "{error}");
            stop(running, &recorder);
        });
    }
}
