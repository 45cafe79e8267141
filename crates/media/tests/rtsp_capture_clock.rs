//! Capture times from RTCP sender reports.

mod support;

use sightline_core::{frame::CaptureClock, plan::RtspTransport};
use support::{Server, h264, rtsp, start, stop};

#[test]
fn the_clock_becomes_the_cameras_own_and_is_within_a_second_of_the_truth() {
    let server = Server::start(&[("/cam", &h264())]);
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        let (running, recorder) = start(&rtsp(&server.url("/cam"), transport));
        let by_camera = recorder.wait("frame with the camera's clock", |log| {
            log.frames.iter().find(|frame| frame.times.clock == CaptureClock::Rtcp).cloned()
        });
        // gst-rtsp-server reports this machine's clock: the capture lies before the decoding, and not long.
        let age_micros = by_camera.times.decoded.as_micros() - by_camera.times.capture.as_micros();
        eprintln!("{transport:?}: frame {} captured {age_micros} µs before it was decoded", by_camera.info.seq);
        assert!((-100_000..1_000_000).contains(&age_micros), "{age_micros} µs");

        // From then on the times are those of a camera of 15 frames per second, by its own clock.
        let first = by_camera.info.seq;
        let last = recorder
            .wait("15 more frames", |log| log.frames.iter().find(|frame| frame.info.seq == first + 15).cloned());
        let span = last.times.capture.as_micros() - by_camera.times.capture.as_micros();
        assert!((900_000..1_100_000).contains(&span), "{span} µs for 15 frames");
        stop(running, &recorder);
    }
}

#[test]
fn before_the_first_report_it_is_the_receive_time() {
    let server = Server::start(&[("/cam", &h264())]);
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp));
    let frames = recorder.wait_frames(15);
    stop(running, &recorder);
    for frame in frames {
        let age_micros = frame.times.decoded.as_micros() - frame.times.capture.as_micros();
        assert!((-100_000..2_000_000).contains(&age_micros), "{:?}: {age_micros} µs", frame.times.clock);
    }
}
