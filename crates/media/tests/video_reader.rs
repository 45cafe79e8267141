//! Video files read frame by frame.

mod support;

use std::time::Duration;

use sightline_media::VideoReader;
use support::{make_media, make_mp4};

#[test]
fn every_frame_comes_in_order_with_its_time_however_slow_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 60, 320, 180, "ball");
    let mut expected = 0;
    for frame in VideoReader::open(&path, None).unwrap() {
        let frame = frame.unwrap();
        assert_eq!(frame.index, expected);
        let due = Duration::from_secs(expected) / 15;
        assert!(frame.pts.abs_diff(due) < Duration::from_millis(2), "{:?} is not {due:?}", frame.pts);
        assert_eq!((frame.width, frame.height), (320, 180));
        expected += 1;
    }
    assert_eq!(expected, 60);
}

#[test]
fn a_file_with_reordered_frames_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mkv");
    make_media(&format!(
        "videotestsrc num-buffers=31 pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! \
         x264enc bframes=3 b-adapt=false speed-preset=veryfast ! h264parse ! matroskamux ! filesink location={}",
        path.display()
    ));
    let times: Vec<_> = VideoReader::open(&path, None).unwrap().map(|frame| frame.unwrap().pts).collect();
    assert_eq!(times.len(), 31);
    assert!(times.is_sorted());
}

#[test]
fn a_reader_may_stop_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 60, 320, 180, "ball");
    assert_eq!(VideoReader::open(&path, None).unwrap().take(3).filter(Result::is_ok).count(), 3);
}

#[test]
fn what_is_no_video_is_an_error_that_names_the_file() {
    sightline_media::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let missing = VideoReader::open(&folder.path().join("missing.mp4"), None).err().unwrap();
    assert!(missing.to_string().contains("missing.mp4"), "{missing}");

    let whole = folder.path().join("whole.mp4");
    make_mp4(&whole, 10, 320, 180, "ball");
    let bytes = std::fs::read(&whole).unwrap();
    let sound = folder.path().join("sound.wav");
    make_media(&format!("audiotestsrc num-buffers=20 ! wavenc ! filesink location={}", sound.display()));
    for (name, content) in [
        ("truncated.mp4", bytes[..bytes.len() / 2].to_vec()),
        ("text.mp4", b"this is no video\n".repeat(50)),
        ("empty.mp4", Vec::new()),
        ("sound.wav", std::fs::read(&sound).unwrap()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut reader = VideoReader::open(&path, None).unwrap();
        let error = reader.next().expect("an error, not an empty file").err().unwrap();
        eprintln!("{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert!(reader.next().is_none());
    }
}

#[test]
fn an_unknown_decoder_is_refused() {
    sightline_media::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    make_mp4(&path, 2, 320, 180, "ball");
    let error = VideoReader::open(&path, Some("turbodec")).err().unwrap();
    assert!(error.to_string().contains("turbodec"), "{error}");
}
