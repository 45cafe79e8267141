//! A recording becomes a camera: whatever its codec, without B-frames, at most 1280×720.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::{path::Path, sync::Arc};

use gst::prelude::*;
use gstreamer as gst;
use sightline_sim::{
    clip::{Clip, ClipOptions},
    server::{RtspServer, ServerOptions, SimCamera},
};
use support::{Client, gst_video_size};

/// Writes `frames` of a test pattern, with B-frames and a sound track as recordings have them.
fn record(path: &Path, caps: &str, frames: u32) {
    gst::init().unwrap();
    let description = format!(
        "videotestsrc num-buffers={frames} pattern=ball ! {caps} ! x264enc bframes=2 speed-preset=ultrafast \
         ! h264parse ! matroskamux name=mux ! filesink location={} \
         audiotestsrc num-buffers=20 ! audioconvert ! flacenc ! mux.",
        path.display()
    );
    let pipeline = gst::parse::launch(&description).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
}

#[test]
fn a_large_recording_with_b_frames_is_made_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.mkv");
    record(&path, "video/x-raw,width=1920,height=1080,framerate=30000/1001", 45);
    let clip = Clip::from_video(&path, &ClipOptions::default()).unwrap();
    assert_eq!((clip.width(), clip.height()), (1280, 720));
    assert_eq!((clip.rate().frames, clip.rate().secs), (30000, 1001));
    assert!((44..=46).contains(&clip.frames()), "{}", clip.frames());
    assert!(clip.truth(3).is_empty());

    let camera = SimCamera { path: "video".into(), clip: Arc::new(clip) };
    let server = RtspServer::start(vec![camera], ServerOptions::default()).unwrap();
    let client = Client::open(&server.url(0).unwrap(), "");
    // More than one round.
    for _ in 0..60 {
        assert_eq!(gst_video_size(&client.next()), (1280, 720));
    }
}

#[test]
fn what_is_no_video_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.mp4");
    std::fs::write(&path, "Dear Sir or Madam").unwrap();
    let error = Clip::from_video(&path, &ClipOptions::default()).unwrap_err().to_string();
    assert!(error.contains("letter.mp4"), "{error}");
}

#[test]
fn a_shared_video_plays() {
    let videos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/videos");
    let path = videos.join("intel-preview-classroom.mp4");
    if !path.is_file() {
        // Past libtest's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("SKIPPED: no {}\n", path.display()));
        return;
    }
    let clip = Clip::from_video(&path, &ClipOptions::default()).unwrap();
    assert!(clip.frames() > 20 && clip.key_frames() > 0, "{}: {} frames", path.display(), clip.frames());
}
