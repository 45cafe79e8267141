//! The way of a frame through a Jetson's decoder and compositor, with stand-ins for NVIDIA's elements.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may; its helpers are tests too")]

mod support;

use std::{
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::Ordering,
        mpsc::{self, Receiver},
    },
    time::Duration,
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{
    frame::{ColorMatrix, Frame, PictureSize, PixelFormat},
    model::InputSpec,
    plan::{CameraSpec, RtspTransport},
    ports::{FrameSource, RunningSource, SourceCallbacks},
    preprocess::{InputSliceMut, Preprocessor},
};
use sightline_media::GstSource;
use support::{
    Access, DEADLINE, Recorder, Server, X264, assert_in_order, assert_numbered, file, jetson, make_media, make_mp4,
    rtsp, stop,
};

const MODEL: PictureSize = PictureSize { width: 300, height: 300 };

fn start(camera: &CameraSpec, wanted: Option<PictureSize>) -> (Box<dyn RunningSource>, Recorder) {
    board();
    let recorder = Recorder::default();
    recorder.want(wanted);
    let running = GstSource.start(camera, recorder.callbacks()).unwrap();
    (running, recorder)
}

/// Makes a Jetson of this process.
fn board() {
    static BOARD: LazyLock<()> = LazyLock::new(|| {
        sightline_media::init().unwrap();
        jetson::install_nvv4l2decoder();
        jetson::install_nvvidconv();
    });
    LazyLock::force(&BOARD);
}

fn decoded_by(decoder: &str, path: &Path) -> CameraSpec {
    CameraSpec { decoder: Some(decoder.into()), ..file(path, true) }
}

/// A camera of 640×360, and the filter that says so.
fn camera() -> (Server, Arc<Mutex<Option<gst::Element>>>) {
    board();
    let launch = format!(
        "( videotestsrc is-live=true ! videoscale ! capsfilter name=size \
         caps=video/x-raw,format=I420,width=640,height=360,framerate=15/1 ! {X264} ! \
         rtph264pay name=pay0 pt=96 config-interval=-1 )"
    );
    let size = Arc::new(Mutex::new(None));
    let found = Arc::clone(&size);
    let server = Server::start_with(&[("/cam", &launch)], &Access::Open, move |element| {
        *found.lock().unwrap() = element.downcast::<gst::Bin>().unwrap().by_name("size");
    });
    (server, size)
}

#[test]
fn frames_come_at_the_models_size_and_tell_the_cameras() {
    let (server, _) = camera();
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp), Some(MODEL));
    let frames = recorder.wait_frames(5);
    let stream = recorder.wait_streaming();
    stop(running, &recorder);
    // Nobody named it: it is the best ranked.
    assert_eq!((&*stream.codec, &*stream.decoder), ("H264", "nvv4l2decoder"));
    assert_eq!((stream.width, stream.height), (640, 360));
    assert!(jetson::BLENDS.load(Ordering::SeqCst), "the nearest sample is nvvidconv's default");
    assert_in_order(&frames);
    for frame in frames {
        assert_eq!((frame.info.width, frame.info.height), (640, 360));
        assert_eq!((frame.size, frame.format), (MODEL, PixelFormat::Nv12));
    }
}

#[test]
fn whole_pictures_come_where_they_are_wanted_and_where_nothing_scales() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 5, 640, 360, "ball");
    for (decoder, wanted) in [("nvv4l2decoder", None), ("avdec_h264", Some(MODEL)), ("avdec_h264", None)] {
        let (running, recorder) = start(&decoded_by(decoder, &path), wanted);
        let frames = recorder.wait_frames(3);
        let stream = recorder.wait_streaming();
        stop(running, &recorder);
        assert_eq!((&*stream.decoder, stream.width, stream.height), (decoder, 640, 360));
        assert_numbered(&frames);
    }
}

#[test]
fn a_wish_that_changes_is_met_while_the_stream_goes_on() {
    let (server, _) = camera();
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp), Some(MODEL));
    recorder.wait_frames(3);
    let before = jetson::RECONFIGURED.load(Ordering::SeqCst);
    // Snapshots were switched on, and off again; then another model.
    let wishes = [None, Some(MODEL), Some(PictureSize { width: 160, height: 96 })];
    for wanted in wishes {
        let expected = wanted.unwrap_or(PictureSize { width: 640, height: 360 });
        recorder.want(wanted);
        recorder.wait(&format!("frames of {expected:?}"), |log| {
            log.frames.iter().rev().take(3).all(|frame| frame.size == expected).then_some(())
        });
    }
    stop(running, &recorder);
    recorder.read(|log| {
        assert_in_order(&log.frames);
        assert!(log.frames.iter().all(|frame| (frame.info.width, frame.info.height) == (640, 360)));
        assert_eq!(log.streamed_sizes(), [(640, 360)], "nothing about the camera has changed");
    });
    assert_eq!(jetson::RECONFIGURED.load(Ordering::SeqCst), before, "the decoder is left alone");
}

#[test]
fn a_new_resolution_is_told_although_frames_stay_as_they_are() {
    let (server, size) = camera();
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp), Some(MODEL));
    recorder.wait_frames(3);
    for (width, height, expected) in [
        (800, 450, MODEL),
        // Smaller than the model: nothing is made larger than it came.
        (160, 90, PictureSize { width: 160, height: 90 }),
    ] {
        let caps = format!("video/x-raw,format=I420,width={width},height={height},framerate=15/1");
        size.lock().unwrap().as_ref().unwrap().set_property("caps", caps.parse::<gst::Caps>().unwrap());
        let is_new = |frame: &&support::Seen| (frame.info.width, frame.info.height) == (width, height);
        let frames = recorder.wait("frames of the new size", |log| {
            let frames: Vec<_> = log.frames.iter().filter(is_new).cloned().collect();
            (frames.len() >= 3).then_some(frames)
        });
        assert!(frames.iter().all(|frame| frame.size == expected), "{:?}", frames[0].size);
    }
    stop(running, &recorder);
    assert_eq!(recorder.read(support::Log::streamed_sizes), [(640, 360), (800, 450), (160, 90)]);
}

#[test]
fn what_the_stream_states_of_its_colours_outlives_scaling() {
    let folder = tempfile::tempdir().unwrap();
    for (stated, expected) in [("bt601", ColorMatrix::Bt601), ("bt709", ColorMatrix::Bt709)] {
        let path = folder.path().join(format!("{stated}.mp4"));
        make_bars(&path, stated);
        let (running, recorder) = start(&file(&path, true), Some(MODEL));
        let frames = recorder.wait_frames(1);
        stop(running, &recorder);
        assert_eq!((frames[0].size, frames[0].colorimetry.matrix), (MODEL, expected), "{stated}");
    }
}

/// Three frames of 1280×720. Bars have an orientation.
fn make_bars(path: &Path, colorimetry: &str) {
    make_media(&format!(
        "videotestsrc num-buffers=3 pattern=smpte75 ! \
         video/x-raw,format=I420,width=1280,height=720,framerate=15/1,colorimetry={colorimetry} ! {X264} ! h264parse ! \
         mp4mux ! filesink location={}",
        path.display()
    ));
}

/// The tensor of the first frame, made as the daemon makes it.
fn tensor_of(camera: &CameraSpec, wanted: Option<PictureSize>) -> Vec<u8> {
    board();
    let (sender, tensors): (_, Receiver<Vec<u8>>) = mpsc::channel();
    let on_frame = move |frame: Frame| {
        let input = InputSpec::rgb_bytes(300, 300);
        let mut tensor = vec![0; input.samples_per_image()];
        Preprocessor::new(&input).fill(frame.buffer.view(), InputSliceMut::U8(&mut tensor)).unwrap();
        // Only the first one is waited for.
        let _ = sender.send(tensor);
    };
    let callbacks =
        SourceCallbacks { wanted_size: Box::new(move || wanted), ..SourceCallbacks::of_all(on_frame, |_| ()) };
    let running = GstSource.start(camera, callbacks).unwrap();
    let tensor = tensors.recv_timeout(DEADLINE).unwrap();
    running.stop(Duration::from_secs(5));
    tensor
}

#[test]
fn the_tensor_is_that_of_a_picture_scaled_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.mp4");
    make_bars(&path, "bt601");
    let scaled_here = tensor_of(&decoded_by("avdec_h264", &path), Some(MODEL));
    let scaled_there = tensor_of(&decoded_by("nvv4l2decoder", &path), Some(MODEL));
    let difference = |one: &[u8], other: &[u8]| {
        let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / one.len() as f64
    };
    let mirrored: Vec<u8> = scaled_here.chunks(900).flat_map(|row| row.chunks(3).rev().flatten().copied()).collect();
    let (same, other) = (difference(&scaled_here, &scaled_there), difference(&mirrored, &scaled_there));
    eprintln!("mean difference of a sample: {same:.2} of 255, and {other:.2} to its mirror image");
    assert!(same < 2.0 && other > 20.0, "{same} and {other}");
}
