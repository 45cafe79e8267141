//! Cameras that cannot be opened, each with its code.

mod support;

use std::net::TcpListener;

use sightline_core::{
    plan::RtspTransport,
    ports::{FrameSource, SourceErrorCode},
};
use support::{
    Access, PASSWORD, RAW, Recorder, Server, assert_code, failure_of, h264, rtsp, rtsp_with_password, start, stop,
};

#[test]
fn an_unknown_path_is_not_found() {
    let server = Server::start(&[("/cam", &h264())]);
    assert_code(&failure_of(&rtsp(&server.url("/other"), RtspTransport::Tcp)), SourceErrorCode::NotFound);
}

#[test]
fn a_refused_port_is_network() {
    // Bound and closed again: free, as nearly as one can know.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("rtsp://127.0.0.1:{port}/cam");
    assert_code(&failure_of(&rtsp(&url, RtspTransport::Tcp)), SourceErrorCode::Network);
}

#[test]
fn an_unknown_host_is_network() {
    let url = "rtsp://no-such-camera.invalid/cam";
    assert_code(&failure_of(&rtsp(url, RtspTransport::Tcp)), SourceErrorCode::Network);
}

#[test]
fn a_server_of_another_protocol_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtsp://{}/cam", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = [0; 512];
        let _ = connection.read(&mut request);
        let _ = connection.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    let error = failure_of(&rtsp(&url, RtspTransport::Tcp));
    server.join().unwrap();
    assert!(matches!(error.code, SourceErrorCode::Network | SourceErrorCode::Other), "{error:?}");
}

#[test]
fn an_unknown_codec_is_named() {
    let launch = format!("( {RAW} ! vp8enc deadline=1 ! rtpvp8pay name=pay0 pt=96 )");
    let server = Server::start(&[("/cam", &launch)]);
    let error = failure_of(&rtsp(&server.url("/cam"), RtspTransport::Tcp));
    assert_code(&error, SourceErrorCode::Codec);
    assert!(error.message.contains("VP8"), "{error}");
}

#[test]
fn a_stream_without_video_is_a_codec_error() {
    let server = Server::start(&[("/cam", "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )")]);
    assert_code(&failure_of(&rtsp(&server.url("/cam"), RtspTransport::Tcp)), SourceErrorCode::Codec);
}

#[test]
fn the_right_password_opens_and_the_wrong_one_is_auth() {
    for access in [Access::Basic, Access::Digest] {
        let server = Server::start_with(&[("/cam", &h264())], &access, |_| ());
        let (running, recorder) = start(&rtsp_with_password(&server.url("/cam"), PASSWORD));
        recorder.wait_frames(1);
        stop(running, &recorder);

        let wrong = failure_of(&rtsp_with_password(&server.url("/cam"), "sesame-open"));
        assert_code(&wrong, SourceErrorCode::Auth);
        assert!(!wrong.message.contains("sesame-open"), "{wrong}");
        assert_code(&failure_of(&rtsp(&server.url("/cam"), RtspTransport::Tcp)), SourceErrorCode::Auth);
    }
}

#[test]
fn an_unknown_decoder_is_refused_at_once() {
    sightline_media::init().unwrap();
    let mut camera = rtsp("rtsp://127.0.0.1:1/cam", RtspTransport::Tcp);
    camera.decoder = Some("turbodec".into());
    let error = sightline_media::GstSource.start(&camera, Recorder::default().callbacks()).err().unwrap();
    assert_code(&error, SourceErrorCode::Config);
    assert!(error.message.contains("turbodec") && error.message.contains("avdec_h264"), "{error}");
}

#[test]
fn the_wished_decoder_is_used_and_one_for_another_codec_is_refused() {
    let raw = RAW.replace("height=180", "height=184");
    let launch = format!("( {raw} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )");
    let server = Server::start(&[("/cam", &launch)]);
    let mut camera = rtsp(&server.url("/cam"), RtspTransport::Tcp);
    for wished in ["jpegdec", "avdec_mjpeg"] {
        camera.decoder = Some(wished.into());
        let (running, recorder) = start(&camera);
        recorder.wait_frames(1);
        assert_eq!(recorder.wait_streaming().decoder, wished);
        stop(running, &recorder);
    }
    camera.decoder = Some("avdec_h265".into());
    assert_code(&failure_of(&camera), SourceErrorCode::Config);
}
