//! Recordings of what a camera sends, as it sends it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing unwrap in a helper is the failing test")]

mod support;

use std::{
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{
    plan::{CameraSpec, RtspTransport},
    ports::{ClipError, ClipFacts, ClipRequest, NotRecorded, Recording, RunningSource, StopOutcome, partial_path},
};
use sightline_media::VideoReader;
use support::{Access, DEADLINE, RAW, Recorder, Server, X264, digest, file, h264, make_media, rtsp, start, stop};

const SECOND: Duration = Duration::from_secs(1);
/// Pictures per second of everything here, and the distance of key frames.
const RATE: usize = 15;

type Done = mpsc::Receiver<Result<ClipFacts, ClipError>>;

fn keeping(camera: CameraSpec) -> CameraSpec {
    CameraSpec { keep_packets: Some(2 * SECOND), ..camera }
}

fn record(
    running: &dyn RunningSource,
    path: &Path,
    from: Instant,
    until: Instant,
) -> Result<(Box<dyn Recording>, Done), NotRecorded> {
    let (sender, done) = mpsc::channel();
    let on_done = Box::new(move |result| sender.send(result).unwrap());
    let recording = running.record(ClipRequest { path: path.to_owned(), from, until, on_done })?;
    Ok((recording, done))
}

fn finished(done: &Done) -> ClipFacts {
    let facts = done.recv_timeout(DEADLINE).expect("on_done is called").unwrap();
    assert!(done.recv_timeout(DEADLINE).is_err(), "once");
    facts
}

/// Digest and time of every frame.
fn played(path: &Path) -> Vec<(u64, Duration)> {
    let frames = VideoReader::open(path, None).unwrap().map(|frame| frame.unwrap());
    frames.map(|frame| (digest(&frame.buffer.view()), frame.pts)).collect()
}

/// The clip's frames are those that were decoded live, bit for bit and in their order, none of them left out. Live frames
/// may be left out: on a busy machine the latest wins.
fn assert_is_part_of(clip: &[(u64, Duration)], recorder: &Recorder) {
    let digests: Vec<u64> = clip.iter().map(|(digest, _)| *digest).collect();
    let place_of = |digest: u64| digests.iter().position(|&known| known == digest);
    recorder.wait("frames up to the clip's end", |log| {
        let of_the_clip: Vec<_> = log.frames.iter().map(|frame| place_of(frame.digest)).collect();
        let first = of_the_clip.iter().position(Option::is_some)?;
        let last = of_the_clip.iter().rposition(Option::is_some)?;
        // The last one may have been left out, or be the last one that came at all.
        let is_whole = of_the_clip[last] == Some(digests.len() - 1) || last + 1 < of_the_clip.len();
        let between = &of_the_clip[first..=last];
        assert!(between.iter().all(Option::is_some), "the clip lacks a frame: {of_the_clip:?}");
        assert!(between.is_sorted(), "not in order: {of_the_clip:?}");
        (is_whole && between.len() * 2 > digests.len()).then_some(())
    });
    // How far apart depends on the load: RTP times are fitted to when packets arrive. Those of a file are compared below.
    assert!(clip.windows(2).all(|pair| pair[0].1 < pair[1].1), "times do not rise");
    assert!(clip[0].1 < Duration::from_millis(10), "it begins at {:?}", clip[0].1);
}

/// The clip holds what came between the two moments, what came before only from the last key frame on, and nothing of
/// what came after. Counted in live frames, of which a decoder holds back a few, however fast they came.
fn assert_spans(clip: &[(u64, Duration)], recorder: &Recorder, from: Instant, until: Instant) {
    const HELD_BACK: usize = 4;
    let is_in_clip = |digest: u64| clip.iter().any(|(known, _)| *known == digest);
    recorder.read(|log| {
        let place = |moment: Instant| log.frames.partition_point(|frame| frame.times.decoded_at < moment);
        let (begin, end) = (place(from), place(until));
        let first = log.frames.iter().position(|frame| is_in_clip(frame.digest)).unwrap();
        let after_last = log.frames.iter().rposition(|frame| is_in_clip(frame.digest)).unwrap() + 1;
        assert!(first <= begin + HELD_BACK, "frames are missing at the beginning: {first}, {begin}");
        assert!(begin <= first + RATE + HELD_BACK, "more than a group of pictures before: {first}, {begin}");
        assert!(end <= after_last, "frames are missing at the end: {after_last}, {end}");
        // Packets are stamped when they arrive and frames when they are decoded: a busy machine puts frames between.
        assert!(after_last <= end + RATE, "frames of later: {after_last}, {end}");
    });
}

/// Before and after a moment, over TCP, to the group of pictures.
fn before_and_after(launch: &str) {
    before_and_after_with(launch, None);
}

fn before_and_after_with(launch: &str, decoder: Option<&str>) {
    let server = Server::start(&[("/cam", launch)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/clip.mp4");
    let camera = keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp));
    let (running, recorder) = start(&CameraSpec { decoder: decoder.map(str::to_owned), ..camera });
    recorder.wait_frames(4 * RATE);
    let now = Instant::now();
    let (_recording, done) = record(&*running, &path, now - 2 * SECOND, now + SECOND).unwrap();
    let facts = finished(&done);
    assert!(now.elapsed() >= SECOND, "not before its end");
    let clip = played(&path);
    assert_is_part_of(&clip, &recorder);
    assert_spans(&clip, &recorder, now - 2 * SECOND, now + SECOND);
    stop(running, &recorder);

    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(facts.bytes, bytes.len() as u64);
    let place_of = |name: &[u8]| bytes.windows(4).position(|window| window == name);
    assert!(place_of(b"moov") < place_of(b"mdat"), "the index comes first");
    let length = clip.last().unwrap().1 + SECOND / 15;
    assert!(facts.duration.abs_diff(length) < SECOND / 5, "{:?} is not {length:?}", facts.duration);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn h264_is_recorded_from_before_to_after() {
    before_and_after(&h264());
}

/// As cameras do that say their parameter sets in RTSP alone.
#[test]
fn h264_without_parameter_sets_in_the_stream_is_recorded() {
    before_and_after(&h264().replace("config-interval=-1", "config-interval=0"));
}

/// This decoder takes byte streams only, which hold no description of themselves but in the stream.
#[test]
fn h264_for_a_decoder_of_byte_streams_is_recorded() {
    before_and_after_with(&h264().replace("config-interval=-1", "config-interval=0"), Some("openh264dec"));
}

#[test]
fn h264_with_b_frames_is_recorded() {
    let encoder = "x264enc bframes=2 b-adapt=false rc-lookahead=0 speed-preset=ultrafast key-int-max=15";
    before_and_after(&format!("( {RAW} ! {encoder} ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 )"));
}

#[test]
fn h265_is_recorded_from_before_to_after() {
    before_and_after(&format!(
        "( {RAW} ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! \
         rtph265pay name=pay0 pt=96 config-interval=-1 )"
    ));
}

#[test]
fn a_recording_is_extended_until_it_has_ended() {
    let server = Server::start(&[("/cam", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(RATE + 1);
    let path = folder.path().join("clip.mp4");
    let now = Instant::now();
    let (recording, done) = record(&*running, &path, now, now + SECOND).unwrap();
    assert!(recording.extend(now + 2 * SECOND));
    assert!(recording.extend(now), "never earlier");
    finished(&done);
    assert!(now.elapsed() >= 2 * SECOND);
    assert!(!recording.extend(now + 9 * SECOND), "it has ended");
    let clip = played(&path);
    assert_is_part_of(&clip, &recorder);
    assert_spans(&clip, &recorder, now, now + 2 * SECOND);
    stop(running, &recorder);
}

#[test]
fn a_camera_that_dies_leaves_a_file_that_plays() {
    let mut server = Server::start(&[("/cam", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(RATE + 1);
    let now = Instant::now();
    let (recording, done) = record(&*running, &path, now - SECOND, now + 100 * SECOND).unwrap();
    let before = recorder.read(|log| log.frames.len());
    recorder.wait_frames(before + RATE);
    server.kill();
    recorder.wait_failure();
    stop(running, &recorder);
    finished(&done);
    assert!(!recording.extend(now + 200 * SECOND));
    let clip = played(&path);
    assert!(clip.len() >= RATE, "{} frames", clip.len());
    assert_is_part_of(&clip, &recorder);
}

#[test]
fn a_new_resolution_ends_the_recording() {
    let launch = format!(
        "( videotestsrc is-live=true ! videoscale ! capsfilter name=size \
         caps=video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! {X264} ! \
         rtph264pay name=pay0 pt=96 config-interval=-1 )"
    );
    let size = Arc::new(Mutex::new(None));
    let found = Arc::clone(&size);
    let server = Server::start_with(&[("/cam", &launch)], &Access::Open, move |element| {
        *found.lock().unwrap() = element.downcast::<gst::Bin>().unwrap().by_name("size");
    });
    let folder = tempfile::tempdir().unwrap();
    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(RATE);
    let path = folder.path().join("before.mp4");
    let now = Instant::now();
    let (_recording, done) = record(&*running, &path, now, now + 100 * SECOND).unwrap();
    let caps: gst::Caps = "video/x-raw,format=I420,width=242,height=138,framerate=15/1".parse().unwrap();
    size.lock().unwrap().as_ref().unwrap().set_property("caps", &caps);
    finished(&done);
    let sizes: Vec<_> = VideoReader::open(&path, None).unwrap().map(|frame| frame.unwrap()).collect();
    assert!(sizes.iter().all(|frame| (frame.width, frame.height) == (320, 180)));

    let path = folder.path().join("after.mp4");
    let now = Instant::now();
    let (_recording, done) = record(&*running, &path, now, now + 100 * SECOND).unwrap();
    recorder.wait("the new size", |log| log.frames.last().filter(|frame| frame.info.width == 242).map(|_| ()));
    stop(running, &recorder);
    finished(&done);
    let frame = VideoReader::open(&path, None).unwrap().next().unwrap().unwrap();
    assert_eq!((frame.width, frame.height), (242, 138));
}

#[test]
fn a_file_with_b_frames_that_ends_is_recorded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("video.mkv");
    make_media(&format!(
        "videotestsrc num-buffers=31 pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! \
         x264enc bframes=3 b-adapt=false speed-preset=veryfast ! h264parse ! matroskamux ! filesink location={}",
        video.display()
    ));
    let path = folder.path().join("clip.mp4");
    let began = Instant::now();
    let (running, recorder) = start(&keeping(file(&video, false)));
    recorder.wait_frames(1);
    let (_recording, done) = record(&*running, &path, began, began + 100 * SECOND).unwrap();
    finished(&done);
    let clip = played(&path);
    assert_eq!(clip.len(), 31);
    assert_is_part_of(&clip, &recorder);
    let original = played(&video);
    assert!(clip.iter().zip(&original).all(|(a, b)| a.0 == b.0 && a.1.abs_diff(b.1) < Duration::from_millis(2)));
    stop(running, &recorder);
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let jpeg = format!("( {} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )", RAW.replace("height=180", "height=184"));
    let server = Server::start(&[("/jpeg", &jpeg), ("/h264", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let now = Instant::now();
    let without_packets = rtsp(&server.url("/h264"), RtspTransport::Tcp);
    for camera in [keeping(rtsp(&server.url("/jpeg"), RtspTransport::Tcp)), without_packets] {
        let (running, recorder) = start(&camera);
        recorder.wait_frames(2);
        let refused = record(&*running, &folder.path().join("a.mp4"), now, now + SECOND).err();
        assert_eq!(refused, Some(NotRecorded::Impossible));
        stop(running, &recorder);
    }
}

#[test]
fn only_so_many_are_recorded_at_a_time() {
    let server = Server::start(&[("/cam", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(2);
    let now = Instant::now();
    let clip = |name: &str| record(&*running, &folder.path().join(name), now, now + 100 * SECOND);
    let begun = ["a", "b", "c", "d"].map(|name| clip(name).unwrap());
    assert_eq!(clip("e").err(), Some(NotRecorded::TooMany { most: 4 }));
    stop(running, &recorder);
    for (_, done) in &begun {
        finished(done);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_the_file() {
    let server = Server::start(&[("/cam", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a-file/clip.mp4");
    std::fs::write(folder.path().join("a-file"), "in the way").unwrap();
    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(2);
    let (_recording, done) = record(&*running, &path, Instant::now(), Instant::now() + SECOND).unwrap();
    let error = done.recv_timeout(DEADLINE).unwrap().unwrap_err().to_string();
    assert!(error.contains("a-file/clip.mp4"), "{error}");
    stop(running, &recorder);
}

/// A named pipe that nobody reads is a disk that takes nothing.
#[test]
fn a_camera_stops_without_waiting_for_the_disk() {
    let server = Server::start(&[("/cam", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_pipe(&partial_path(&path));
    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(2);
    let (_recording, done) = record(&*running, &path, Instant::now(), Instant::now() + 100 * SECOND).unwrap();
    recorder.wait_frames(RATE);
    assert_eq!(running.stop(5 * SECOND), StopOutcome::Stopped);
    assert!(done.try_recv().is_err(), "it still waits");
}

fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A full pipe is a disk on which no file is ever finished: until it is, nothing may be said to be in it.
#[test]
fn a_recording_that_was_cut_has_ended_before_its_file_is_finished() {
    const O_NONBLOCK: i32 = 0o4000;
    let mut server = Server::start(&[("/cam", &h264())]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let partial = partial_path(&path);
    make_pipe(&partial);
    // For reading, too: opened so, it waits for no other side, and neither does whoever writes the clip.
    let open = std::fs::OpenOptions::new().read(true).write(true).custom_flags(O_NONBLOCK).open(&partial);
    let mut pipe = open.unwrap();
    let full = (0..).find_map(|_| pipe.write(&[0; 512]).err()).unwrap();
    assert_eq!(full.kind(), ErrorKind::WouldBlock);

    let (running, recorder) = start(&keeping(rtsp(&server.url("/cam"), RtspTransport::Tcp)));
    recorder.wait_frames(RATE);
    let now = Instant::now();
    let (recording, done) = record(&*running, &path, now, now + 100 * SECOND).unwrap();
    recorder.wait_frames(2 * RATE);
    server.kill();
    recorder.wait_failure();
    assert_eq!(running.stop(5 * SECOND), StopOutcome::Stopped);
    assert!(!recording.extend(now + 200 * SECOND), "the stream has been cut");
    assert!(done.try_recv().is_err(), "the file is not finished");
    drop(pipe);
}
