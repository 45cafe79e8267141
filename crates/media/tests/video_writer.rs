//! Video files written picture by picture, and read back.
#![allow(clippy::unwrap_used, reason = "a failing unwrap in a helper is the failing test")]

mod support;

use std::time::Duration;

use sightline_core::{frame::FrameView, picture::to_rgb};
use sightline_media::{VideoReader, VideoWriter};

/// A grey picture that is as bright as its number says, with a red rightmost column and a blue lowest row.
fn picture(index: u64, width: usize, height: usize) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            rgb.extend(match (x + 8 >= width, y + 8 >= height) {
                (true, _) => [220, 20, 20],
                (false, true) => [20, 20, 220],
                _ => [40 + 5 * index as u8; 3],
            });
        }
    }
    rgb
}

fn pixel(view: FrameView<'_>, x: usize, y: usize) -> [u8; 3] {
    let at = (y * view.width + x) * 3;
    to_rgb(view).unwrap()[at..at + 3].try_into().unwrap()
}

fn assert_near(found: [u8; 3], expected: [u8; 3]) {
    assert!(found.iter().zip(expected).all(|(&a, b)| a.abs_diff(b) <= 24), "{found:?} is not {expected:?}");
}

#[test]
fn every_picture_is_in_the_file_at_its_time() {
    sightline_media::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (width, height) in [(320u32, 180u32), (321, 181), (64, 1080)] {
        let path = folder.path().join(format!("{width}x{height}.mp4"));
        // Not evenly spaced, as the frames of a camera are not.
        let times: Vec<Duration> = (0..30u64).map(|index| Duration::from_millis(index * 66 + index % 3 * 10)).collect();
        let mut writer = VideoWriter::create(&path, width, height, 15.0).unwrap();
        for (index, time) in (0..).zip(&times) {
            assert!(!path.exists(), "not before it is complete");
            writer.write(&picture(index, width as usize, height as usize), *time).unwrap();
        }
        let bytes = writer.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes);

        let frames: Vec<_> = VideoReader::open(&path, None).unwrap().map(|frame| frame.unwrap()).collect();
        assert_eq!(frames.len(), times.len());
        for (frame, time) in frames.iter().zip(&times) {
            assert!(frame.pts.abs_diff(*time) < Duration::from_millis(2), "{:?} is not {time:?}", frame.pts);
            assert_eq!((frame.width, frame.height), (width.next_multiple_of(2), height.next_multiple_of(2)));
            let view = frame.buffer.view();
            assert_near(pixel(view, 10, 10), [40 + 5 * frame.index as u8; 3]);
            assert_near(pixel(view, view.width - 2, 10), [220, 20, 20]);
            assert_near(pixel(view, 10, view.height - 2), [20, 20, 220]);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary file is left");
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    sightline_media::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = VideoWriter::create(&folder.path().join("a.mp4"), 64, 32, 10.0).unwrap();
    writer.write(&picture(0, 64, 32), Duration::ZERO).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn errors_name_the_file_and_the_reason() {
    sightline_media::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = |result: Result<VideoWriter, _>| -> String {
        result.err().map(|error: sightline_media::FileError| error.to_string()).unwrap()
    };
    let nowhere = error(VideoWriter::create(&folder.path().join("missing/a.mp4"), 64, 32, 10.0));
    assert!(nowhere.contains("missing/a.mp4") && nowhere.contains("No such file"), "{nowhere}");
    let tiny = error(VideoWriter::create(&folder.path().join("tiny.mp4"), 8, 32, 10.0));
    assert!(tiny.contains("tiny.mp4") && tiny.contains("8x32"), "{tiny}");

    let mut writer = VideoWriter::create(&folder.path().join("a.mp4"), 64, 32, 10.0).unwrap();
    let wrong = writer.write(&[0; 10], Duration::ZERO).unwrap_err().to_string();
    assert!(wrong.contains("a.mp4") && wrong.contains("10 bytes"), "{wrong}");
    let empty = writer.finish();
    eprintln!("{empty:?}");
    assert!(empty.is_err(), "a file without one picture is none");
}

/// `/dev/full` takes no byte: what a full disk does.
#[test]
fn a_full_disk_is_an_error_and_not_a_wait() {
    sightline_media::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    std::os::unix::fs::symlink("/dev/full", folder.path().join(".a.mp4.part")).unwrap();
    let began = std::time::Instant::now();
    let mut writer = VideoWriter::create(&path, 640, 360, 10.0).unwrap();
    let noise: Vec<u8> = (0..640 * 360 * 3u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let written = (0..400u64).try_for_each(|index| writer.write(&noise, Duration::from_millis(index * 100)));
    let error = written.and_then(|()| writer.finish().map(|_| ())).unwrap_err().to_string();
    eprintln!("{error}");
    assert!(error.contains("a.mp4"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(25));
    assert!(!path.exists());
}
