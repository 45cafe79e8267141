//! The samples themselves: strides, planes and colours are what was sent.

mod support;

use sightline_core::{
    frame::{FrameBuffer, PixelFormat},
    plan::SourceSpec,
    ports::{FrameSource, SourceErrorCode},
};
use sightline_media::{GstSource, VideoReader};
use support::{Recorder, assert_code, assert_numbered, camera, make_mp4, mean_yuv, start, stop};

/// BT.601, limited range, as videotestsrc paints them.
const COLOURS: [(&str, [f32; 3]); 4] = [
    ("red", [81.0, 90.0, 240.0]),
    ("green", [145.0, 54.0, 34.0]),
    ("blue", [41.0, 240.0, 110.0]),
    ("white", [235.0, 128.0, 128.0]),
];

fn assert_near(name: &str, seen: [f32; 3], expected: [f32; 3]) {
    for (seen, expected) in seen.iter().zip(expected) {
        assert!((seen - expected).abs() < 3.0, "{name}: {seen:?} is not {expected:?}");
    }
}

#[test]
fn decoded_colours_are_right_at_sizes_that_need_padding() {
    let folder = tempfile::tempdir().unwrap();
    for (name, expected) in COLOURS {
        for (width, height) in [(322, 182), (320, 180), (98, 66)] {
            let path = folder.path().join(format!("{name}-{width}.mp4"));
            make_mp4(&path, 3, width, height, name);
            let frames: Vec<_> = VideoReader::open(&path, None).unwrap().map(Result::unwrap).collect();
            assert_eq!(frames.len(), 3);
            for frame in frames {
                let view = frame.buffer.view();
                assert_eq!((view.width, view.height), (width as usize, height as usize));
                assert_near(name, mean_yuv(&view), expected);
            }
        }
    }
}

#[test]
fn nothing_of_the_padding_is_visible() {
    // A white picture: every visible sample is white, up to the last column and row.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("white.mp4");
    make_mp4(&path, 2, 322, 182, "white");
    let frame = VideoReader::open(&path, None).unwrap().next().unwrap().unwrap();
    let view = frame.buffer.view();
    for row in 0..view.height {
        let start = row * view.planes[0].stride;
        let samples = &view.planes[0].data[start..start + view.width];
        assert!(samples.iter().all(|&sample| sample > 225), "row {row}");
    }
}

#[test]
fn a_test_pattern_is_a_camera() {
    let (running, recorder) = start(&camera(SourceSpec::Test { pattern: "red".into() }));
    let frames = recorder.wait_frames(5);
    let info = recorder.wait_streaming();
    stop(running, &recorder);
    assert_numbered(&frames);
    assert_eq!((info.width, info.height, info.codec.as_str()), (640, 360, ""));
    assert_eq!(frames[0].format, PixelFormat::I420);
    assert_near("red", frames[0].mean, COLOURS[0].1);
}

#[test]
fn an_unknown_pattern_or_a_simulated_scene_is_refused() {
    sightline_media::init().unwrap();
    for source in [SourceSpec::Test { pattern: "tartan".into() }, SourceSpec::Sim { scene: "yard".into() }] {
        let error = GstSource.start(&camera(source), Recorder::default().callbacks()).err().unwrap();
        assert_code(&error, SourceErrorCode::Config);
    }
}

#[test]
fn a_missing_device_is_not_found() {
    sightline_media::init().unwrap();
    let source = SourceSpec::V4l2 { device: "/dev/video-that-is-not-there".into() };
    let error = GstSource.start(&camera(source), Recorder::default().callbacks()).err().unwrap();
    assert_code(&error, SourceErrorCode::NotFound);
}

#[test]
fn frames_outlive_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 2, 320, 180, "blue");
    let mut reader = VideoReader::open(&path, None).unwrap();
    let buffer: Box<dyn FrameBuffer> = reader.next().unwrap().unwrap().buffer;
    drop(reader);
    assert_near("blue", mean_yuv(&buffer.view()), COLOURS[2].1);
}
