//! Cameras whose packets are not what they should be: none, too many, damaged, lost, without reports.

mod support;

use std::time::{Duration, Instant};

use sightline_core::{frame::CaptureClock, plan::RtspTransport, ports::SourceErrorCode};
use support::{
    Seen, failure_of,
    leftovers::{none_left, resident_bytes},
    patient,
    peer::{Peer, Sending},
    rtsp, start, stop, wait_until,
};

const STALL_TIMEOUT: Duration = Duration::from_secs(2);
/// With what a busy machine adds. That it is told before the caller gives up, `source::silence` and `source::watch` hold.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

fn sending(what: Sending) -> Peer {
    Peer::start(|script| script.sending = what)
}

/// No frame is older than a second and a half when it is decoded, none is from the future, and they come in order.
fn assert_captured_in_time(frames: &[Seen]) {
    for frame in frames {
        let age_micros = frame.times.decoded.as_micros() - frame.times.capture.as_micros();
        assert!((-100_000..1_500_000).contains(&age_micros), "{:?}: {age_micros} µs", frame.times.clock);
    }
    let by_camera: Vec<_> = frames.iter().filter(|frame| frame.times.clock == CaptureClock::Rtcp).collect();
    assert!(by_camera.is_sorted_by_key(|frame| frame.times.capture), "captured in the order of decoding");
}

#[test]
fn noise_instead_of_video_is_a_codec_error_and_takes_no_memory() {
    none_left(|| {
        let peer = sending(Sending::Noise);
        let mut after_first_rounds = 0;
        for round in 0..6 {
            let began = Instant::now();
            let error = failure_of(&patient(rtsp(&peer.url(), RtspTransport::Tcp), STALL_TIMEOUT));
            assert_eq!(error.code, SourceErrorCode::Codec, "{error}");
            assert!(began.elapsed() < NOTICED_WITHIN, "{:?}", began.elapsed());
            if round == 1 {
                after_first_rounds = resident_bytes();
            }
        }
        let growth = resident_bytes().saturating_sub(after_first_rounds);
        eprintln!("four more rounds of noise took {} KiB", growth / 1024);
        assert!(growth < 16 << 20, "{growth} bytes");
    });
}

#[test]
fn truncated_packets_are_a_codec_error() {
    none_left(|| {
        let peer = sending(Sending::Truncated);
        let error = failure_of(&patient(rtsp(&peer.url(), RtspTransport::Tcp), STALL_TIMEOUT));
        assert_eq!(error.code, SourceErrorCode::Codec, "{error}");
    });
}

#[test]
fn noise_and_truncated_packets_in_mid_stream_are_survived() {
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        none_left(|| {
            let peer = sending(Sending::Video);
            let (running, recorder) = start(&rtsp(&peer.url(), transport));
            recorder.wait_frames(5);
            for damage in [Sending::Truncated, Sending::Noise] {
                peer.change(|script| script.sending = damage);
                // Long enough for a few pictures to be damaged, and shorter than anybody's patience.
                std::thread::sleep(Duration::from_millis(700));
                peer.change(|script| script.sending = Sending::Video);
                let seen = recorder.read(|log| log.frames.len());
                recorder.wait_frames(seen + 15);
            }
            assert!(recorder.read(|log| log.events.len()) <= 1, "nothing but the stream was reported");
            stop(running, &recorder);
        });
    }
}

#[test]
fn frames_survive_loss_and_reordering_over_udp() {
    none_left(|| {
        let peer = sending(Sending::Lossy { every: 23 });
        let (running, recorder) = start(&rtsp(&peer.url(), RtspTransport::Udp));
        let frames = recorder.wait_frames(30);
        assert_captured_in_time(&frames);
        assert!(frames.iter().any(|frame| frame.times.clock == CaptureClock::Rtcp), "the camera's clock is known");
        stop(running, &recorder);
    });
}

#[test]
fn without_reports_the_clock_is_the_time_of_receipt() {
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        none_left(|| {
            let peer = Peer::start(|script| script.reports = false);
            let (running, recorder) = start(&rtsp(&peer.url(), transport));
            let frames = recorder.wait_frames(30);
            stop(running, &recorder);
            assert!(frames.iter().all(|frame| frame.times.clock == CaptureClock::Receive));
            assert_captured_in_time(&frames);
        });
    }
}

#[test]
fn a_camera_that_plays_and_sends_nothing_is_a_timeout() {
    for (transport, reports) in [(RtspTransport::Tcp, false), (RtspTransport::Tcp, true), (RtspTransport::Udp, true)] {
        none_left(|| {
            let peer = Peer::start(|script| (script.sending, script.reports) = (Sending::Nothing, reports));
            let began = Instant::now();
            let error = failure_of(&patient(rtsp(&peer.url(), transport), STALL_TIMEOUT));
            assert_eq!(error.code, SourceErrorCode::Timeout, "{error}");
            assert!(error.message.contains("sends no video"), "{error}");
            assert!(began.elapsed() < NOTICED_WITHIN, "{:?}", began.elapsed());
        });
    }
}

#[test]
fn whatever_a_camera_sends_it_can_be_left_at_once() {
    for what in [Sending::Nothing, Sending::Noise, Sending::Truncated] {
        for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
            none_left(|| {
                let peer = sending(what);
                let (running, recorder) = start(&rtsp(&peer.url(), transport));
                // OPTIONS, DESCRIBE, SETUP, PLAY
                wait_until("its PLAY", || peer.requests() >= 4);
                stop(running, &recorder);
            });
        }
    }
}

#[test]
fn where_udp_does_not_come_through_either_tcp_is_taken_or_it_is_said() {
    none_left(|| {
        let peer = Peer::start(|script| script.swallows_udp = true);
        let patience = Duration::from_secs(10);
        let (running, recorder) = start(&patient(rtsp(&peer.url(), RtspTransport::Auto), patience));
        recorder.wait_frames(1);
        stop(running, &recorder);

        let error = failure_of(&patient(rtsp(&peer.url(), RtspTransport::Udp), patience));
        assert_eq!(error.code, SourceErrorCode::Timeout, "{error}");
        assert!(error.message.contains("firewall"), "{error}");
    });
}

#[test]
fn a_thousand_pictures_a_second_are_taken_without_growing() {
    none_left(|| {
        let peer = Peer::start(|script| script.pictures_per_second = 1000);
        let (running, recorder) = start(&rtsp(&peer.url(), RtspTransport::Tcp));
        recorder.wait_frames(500);
        let before = resident_bytes();
        recorder.wait_frames(2500);
        let growth = resident_bytes().saturating_sub(before);
        eprintln!("2000 more pictures took {} KiB", growth / 1024);
        assert!(growth < 32 << 20, "{growth} bytes");
        stop(running, &recorder);
    });
}
