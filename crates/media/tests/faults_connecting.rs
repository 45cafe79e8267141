//! Cameras that cannot be opened because of what they answer, or do not answer.

mod support;

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use sightline_core::{
    plan::RtspTransport,
    ports::{SourceErrorCode, StopOutcome},
};
use support::{failure_of, leftovers::none_left, patient, peer::Peer, rtsp, start, stop};

/// The caller gives up after 3 s without a frame; the source must say why before that.
const STALL_TIMEOUT: Duration = Duration::from_secs(3);

/// With what a busy machine adds. That silence is told before the caller gives up, `source::silence` holds exactly.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// Opens the camera: it fails with `code` and words that hold `says`, in time.
fn assert_fails(url: &str, transport: RtspTransport, code: SourceErrorCode, says: &str) {
    let began = Instant::now();
    let error = failure_of(&patient(rtsp(url, transport), STALL_TIMEOUT));
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(says), "`{says}` in: {error}");
    assert!(began.elapsed() < NOTICED_WITHIN, "{:?}: {error}", began.elapsed());
}

#[test]
fn a_server_that_stops_answering_is_a_timeout_that_says_where() {
    for (mute_at, says) in [
        ("OPTIONS", "does not answer"),
        ("DESCRIBE", "does not answer"),
        ("SETUP", "does not answer SETUP"),
        ("PLAY", "does not answer PLAY"),
    ] {
        none_left(|| {
            let peer = Peer::start(|script| script.mute_at = Some(mute_at));
            assert_fails(&peer.url(), RtspTransport::Tcp, SourceErrorCode::Timeout, says);
        });
    }
}

#[test]
fn a_server_that_stops_answering_can_be_left_at_once() {
    for mute_at in ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"] {
        none_left(|| {
            let peer = Peer::start(|script| script.mute_at = Some(mute_at));
            let (running, recorder) = start(&rtsp(&peer.url(), RtspTransport::Tcp));
            // As many requests as come before it, and itself.
            let requests = match mute_at {
                "OPTIONS" => 1,
                "DESCRIBE" => 2,
                "SETUP" => 3,
                _ => 4,
            };
            support::wait_until("its request", || peer.requests() >= requests);
            let began = Instant::now();
            assert_eq!(running.stop(Duration::from_secs(2)), StopOutcome::Stopped, "{mute_at}");
            eprintln!("{mute_at}: stopped in {:?}", began.elapsed());
            assert_eq!(recorder.read(|log| log.events.len()), 0);
        });
    }
}

#[test]
fn a_teardown_that_is_not_answered_delays_nobody() {
    none_left(|| {
        let peer = Peer::start(|script| script.mute_at = Some("TEARDOWN"));
        for _ in 0..5 {
            let (running, recorder) = start(&rtsp(&peer.url(), RtspTransport::Tcp));
            recorder.wait_frames(1);
            stop(running, &recorder);
        }
    });
}

#[test]
fn a_server_that_takes_no_connection_any_more_is_a_timeout() {
    none_left(|| {
        // Nobody accepts, and the queue of one is full: the next SYN gets no answer.
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let filling: Vec<_> = (0..4)
            .map_while(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok())
            .collect();
        assert!(filling.len() < 4, "the queue takes everything");

        let (running, _) = start(&rtsp(&format!("rtsp://{address}/cam"), RtspTransport::Tcp));
        assert_eq!(running.stop(Duration::from_secs(2)), StopOutcome::Stopped, "in the middle of connecting");
        assert_fails(&format!("rtsp://{address}/cam"), RtspTransport::Tcp, SourceErrorCode::Timeout, "does not answer");
    });
}

#[test]
fn a_refused_connection_leaves_nothing_behind() {
    none_left(|| {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("rtsp://{address}/cam");
        assert_fails(&url, RtspTransport::Tcp, SourceErrorCode::Network, "cannot connect");
    });
}

#[test]
fn a_description_without_video_is_a_codec_error() {
    none_left(|| {
        let peer = Peer::start(|script| {
            script.description = Some(
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=peer\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
                 m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track1\r\n"
                    .into(),
            );
        });
        assert_fails(&peer.url(), RtspTransport::Tcp, SourceErrorCode::Codec, "no video");
    });
}

#[test]
fn a_description_of_nothing_is_not_found() {
    for description in [
        "",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=peer\r\nt=0 0\r\n",
        "<html>Please log in</html>",
        "\u{1}\u{2}\u{3}m=\r\na",
    ] {
        none_left(|| {
            let peer = Peer::start(|script| script.description = Some(description.into()));
            assert_fails(&peer.url(), RtspTransport::Tcp, SourceErrorCode::NotFound, "describes no stream");
        });
    }
}

#[test]
fn a_description_of_a_video_that_makes_no_sense_is_a_codec_error() {
    for description in ["m=video\r\na=\r\n\r\nm=video x y z\r\n", "v=0\r\nm=video 0 RTP/AVP 96\r\na=control:track1\r\n"]
    {
        none_left(|| {
            let peer = Peer::start(|script| script.description = Some(description.into()));
            assert_fails(&peer.url(), RtspTransport::Tcp, SourceErrorCode::Codec, "no video");
        });
    }
}
