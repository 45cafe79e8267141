//! Video files read frame by frame.

mod support;

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use sightline_media::VideoReader;
use support::{DEADLINE, make_media, make_mp4};

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
fn a_reader_may_be_opened_and_closed_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("bare.h264");
    make_media(&format!(
        "videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! x264enc \
         tune=zerolatency ! video/x-h264,stream-format=byte-stream ! filesink location={}",
        bare.display()
    ));
    let mp4 = folder.path().join("clip.mp4");
    make_mp4(&mp4, 60, 320, 180, "ball");
    // Several at work at the same time begin and end at any moment of what is being plugged in. Where those are not kept
    // apart, one in some 7,000 hangs while it is opened: this fails in one run of three then.
    let (done, is_done) = mpsc::channel();
    let readers = (0..4).map(|reader| {
        let (done, paths) = (done.clone(), [bare.clone(), mp4.clone()]);
        std::thread::spawn(move || {
            for round in 0..600 {
                let open = VideoReader::open_on_one_thread(&paths[round % 2]).unwrap();
                std::thread::sleep(Duration::from_micros(((reader * 100 + round) * 37 % 2000) as u64));
                drop(open);
                done.send(()).unwrap();
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    drop(done);
    loop {
        match is_done.recv_timeout(DEADLINE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("opening or closing hangs"),
        }
    }
    for reader in readers {
        reader.join().unwrap();
    }
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
