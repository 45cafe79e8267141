//! A Jetson whose GStreamer lacks the element that brings frames into memory.

mod support;

use sightline_core::{plan::CameraSpec, ports::SourceErrorCode};
use support::{Recorder, assert_code, failure_of, file, jetson, make_mp4, start, stop};

#[test]
fn the_named_decoder_says_what_to_install_and_the_best_ranked_makes_way() {
    sightline_media::init().unwrap();
    jetson::install_nvv4l2decoder();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 5, 320, 180, "ball");

    let error = failure_of(&CameraSpec { decoder: Some("nvv4l2decoder".into()), ..file(&path, true) });
    assert_code(&error, SourceErrorCode::Codec);
    for told in ["`nvv4l2decoder` does not start", "`nvvidconv`", "install nvidia-l4t-gstreamer"] {
        assert!(error.message.contains(told), "{error}");
    }

    let (running, recorder): (_, Recorder) = start(&file(&path, true));
    recorder.wait_frames(3);
    let stream = recorder.wait_streaming();
    stop(running, &recorder);
    assert_eq!(stream.decoder, "avdec_h264");
}
