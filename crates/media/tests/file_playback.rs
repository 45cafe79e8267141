//! Files as cameras: once, on repeat, of all codecs and broken.

mod support;

use std::time::{Duration, Instant};

use sightline_core::ports::{FrameSource, SourceErrorCode};
use support::{Recorder, X264, assert_code, assert_numbered, failure_of, file, make_media, make_mp4, start, stop};

#[test]
fn played_once_it_gives_every_frame_at_its_pace_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 20, 320, 180, "ball");
    let began = Instant::now();
    let (running, recorder) = start(&file(&path, false));
    recorder.wait_end();
    let took = began.elapsed();
    let frames = recorder.read(|log| log.frames.clone());
    stop(running, &recorder);
    assert_eq!(frames.len(), 20);
    assert_numbered(&frames);
    assert!(took > Duration::from_millis(1200), "20 frames at 15 per second are 1.3 s, not {took:?}");
    let info = recorder.wait_streaming();
    assert_eq!((info.codec.as_str(), info.width, info.height), ("H264", 320, 180));
}

#[test]
fn on_repeat_it_goes_past_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let container = folder.path().join("clip.mp4");
    make_mp4(&container, 10, 320, 180, "ball");
    let elementary = folder.path().join("clip.h264");
    make_media(&format!(
        "videotestsrc num-buffers=10 ! video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! {X264} ! \
         video/x-h264,stream-format=byte-stream ! filesink location={}",
        elementary.display()
    ));
    for path in [container, elementary] {
        let (running, recorder) = start(&file(&path, true));
        let frames = recorder.wait_frames(32);
        stop(running, &recorder);
        assert_numbered(&frames);
        for pair in frames.windows(2) {
            assert!(pair[0].times.decoded_at <= pair[1].times.decoded_at);
            let gap = pair[1].times.decoded_at - pair[0].times.decoded_at;
            assert!(gap < Duration::from_secs(1), "{gap:?} without a frame in {}", path.display());
        }
    }
}

#[test]
fn other_containers_and_codecs_play() {
    let folder = tempfile::tempdir().unwrap();
    let raw = "videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=320,height=180,framerate=15/1";
    for (name, chain, codec) in [
        ("h265.mkv", "x265enc speed-preset=ultrafast ! h265parse ! matroskamux", "H265"),
        ("mjpeg.avi", "jpegenc ! avimux", "JPEG"),
        ("vp8.webm", "vp8enc deadline=1 ! webmmux", "VP8"),
        ("raw.avi", "avimux", ""),
    ] {
        let path = folder.path().join(name);
        make_media(&format!("{raw} ! {chain} ! filesink location={}", path.display()));
        let (running, recorder) = start(&file(&path, false));
        recorder.wait_end();
        stop(running, &recorder);
        assert_eq!(recorder.wait_streaming().codec, codec, "{name}");
        assert_eq!(recorder.read(|log| log.frames.len()), 5, "{name}");
    }
}

#[test]
fn a_missing_file_is_not_found() {
    sightline_media::init().unwrap();
    let camera = file("/nowhere/clip.mp4".as_ref(), false);
    let error = sightline_media::GstSource.start(&camera, Recorder::default().callbacks()).err().unwrap();
    assert_code(&error, SourceErrorCode::NotFound);
    assert!(error.message.contains("/nowhere/clip.mp4"), "{error}");
}

#[test]
fn broken_files_are_codec_errors() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.mp4");
    make_mp4(&whole, 10, 320, 180, "ball");
    let bytes = std::fs::read(&whole).unwrap();
    let truncated = bytes[..bytes.len() / 2].to_vec();
    let noise: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    // Start codes and NAL headers of H.264 with nothing sensible in them.
    let mut garbage_h264 = Vec::new();
    for i in 0..200u8 {
        garbage_h264.extend([0, 0, 0, 1, if i % 10 == 0 { 0x67 } else { 0x65 }]);
        garbage_h264.extend(noise.iter().skip(usize::from(i) * 50).take(300).map(|byte| byte | 1));
    }
    for (name, content) in [
        ("truncated.mp4", truncated),
        ("noise.mp4", noise),
        ("text.mp4", b"this is no video\n".repeat(50)),
        ("garbage.h264", garbage_h264),
        ("empty.mp4", Vec::new()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        for repeat in [false, true] {
            assert_code(&failure_of(&file(&path, repeat)), SourceErrorCode::Codec);
        }
    }
}

#[test]
fn sound_alone_is_a_codec_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    make_media(&format!("audiotestsrc num-buffers=20 ! wavenc ! filesink location={}", path.display()));
    assert_code(&failure_of(&file(&path, false)), SourceErrorCode::Codec);
}
