//! H.264, H.265 and MJPEG from a real RTSP server, over TCP and UDP.

mod support;

use sightline_core::{
    frame::{ColorMatrix, ColorRange, Colorimetry},
    plan::RtspTransport,
};
use support::{RAW, Server, assert_numbered, h264, rtsp, start, stop};

/// RTP carries JPEG sizes in blocks of eight (RFC 2435, 3.1.5), so 180 lines would arrive as 184.
fn jpeg_sized(raw: &str) -> String {
    raw.replace("height=180", "height=184")
}

fn streams(launch: &str, transport: RtspTransport, codec: &str) -> Vec<support::Seen> {
    streams_of_height(180, launch, transport, codec)
}

fn streams_of_height(height: u32, launch: &str, transport: RtspTransport, codec: &str) -> Vec<support::Seen> {
    let server = Server::start(&[("/cam", launch)]);
    let (running, recorder) = start(&rtsp(&server.url("/cam"), transport));
    let frames = recorder.wait_frames(10);
    let info = recorder.wait_streaming();
    stop(running, &recorder);
    assert_eq!((info.codec.as_str(), info.width, info.height), (codec, 320, height));
    assert!(!info.decoder.is_empty());
    assert_numbered(&frames);
    frames
}

#[test]
fn h264_over_tcp() {
    let frames = streams(&h264(), RtspTransport::Tcp, "H264");
    let expected = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Limited };
    assert!(frames.iter().all(|frame| frame.colorimetry == expected));
}

#[test]
fn h264_over_udp() {
    streams(&h264(), RtspTransport::Udp, "H264");
}

#[test]
fn h264_over_whatever_works() {
    streams(&h264(), RtspTransport::Auto, "H264");
}

#[test]
fn h265_over_tcp() {
    let launch = format!(
        "( {RAW} ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph265pay name=pay0 pt=96 config-interval=-1 )"
    );
    streams(&launch, RtspTransport::Tcp, "H265");
}

#[test]
fn mjpeg_over_tcp_is_full_range() {
    let launch = format!("( {} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )", jpeg_sized(RAW));
    let frames = streams_of_height(184, &launch, RtspTransport::Tcp, "JPEG");
    let expected = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Full };
    assert!(frames.iter().all(|frame| frame.colorimetry == expected), "{:?}", frames[0].colorimetry);
}

#[test]
fn mjpeg_in_4_2_2_is_converted() {
    let raw = jpeg_sized(RAW).replace("I420", "Y42B");
    let launch = format!("( {raw} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )");
    streams_of_height(184, &launch, RtspTransport::Tcp, "JPEG");
}

#[test]
fn audio_beside_the_video_is_left_alone() {
    let launch = format!(
        "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 {RAW} ! {} ! rtph264pay name=pay1 pt=96 )",
        support::X264
    );
    streams(&launch, RtspTransport::Tcp, "H264");
}
