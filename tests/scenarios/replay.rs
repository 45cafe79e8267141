//! A recording gives the same events each time, and the events that it gave before: `tests/golden/replay/*.txt`.
//!
//! After a change that is meant, `UPDATE_GOLDEN=1 cargo test -p sightline --test scenarios replay` writes them anew; the diff of the
//! text files is what changed for subscribers.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use sightline_media::{VideoReader, VideoWriter};
use sightline_sim::scene::{Scene, SceneKind, SceneOptions};

use crate::support::{output, payloads, project, run, shared, sightline, stderr, stdout};

/// The golden files, and the videos that they were made of.
const GOLDEN: [(&str, &str); 3] = [
    ("office", "intel-one-by-one-person-detection.mp4"),
    ("lane", "udacity-lane-solidWhiteRight.mp4"),
    ("classroom", "intel-preview-classroom.mp4"),
];

const PIPELINE: &str = "
version: 1
name: simulated
model: {name: ssd-mobilenet-v1-sim}
cameras:
  office:
    url: test://black
    labels: [person]
    zones:
      floor: {polygon: [[0, 0.3], [1, 0.3], [1, 1], [0, 1]], loitering: 2s}
    lines:
      entrance: {from: [0.25, 1], to: [0.25, 0]}
  spare: {url: test://black}
";

/// Eight seconds of the simulated office, and a pipeline for it.
fn office(folder: &Path) -> (PathBuf, PathBuf) {
    sightline_media::init().expect("GStreamer starts");
    let scene = Scene::new(SceneKind::Office, &SceneOptions::default()).expect("a scene");
    let video = folder.join("office.mp4");
    let mut writer = VideoWriter::create(&video, 640, 360, 10.0).expect("a video");
    for index in 0..80 {
        let pts = Duration::from_millis(100 * index as u64);
        writer.write(&scene.render(index).rgb, pts).expect("a frame");
    }
    writer.finish().expect("a whole video");
    let pipeline = folder.join("p.yaml");
    std::fs::write(&pipeline, PIPELINE).expect("a file");
    (video, pipeline)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn two_replays_are_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let (video, pipeline) = office(folder.path());
    let replay = |more: &[&str]| {
        let mut arguments = vec!["replay", text(&video), "--pipeline", text(&pipeline), "--camera", "office"];
        arguments.extend(more);
        let output = run(&arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let (timeline, drawing) = (folder.path().join("timeline.txt"), folder.path().join("drawn.mp4"));
    let first = replay(&["--timeline", text(&timeline), "--draw", text(&drawing)]);
    assert_eq!(first, replay(&[]), "the same events twice");

    let events: Vec<Value> = first.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    events.iter().for_each(payloads::assert_valid_event);
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert!(of("object_started") > 0, "{first}");
    assert_eq!(of("object_started"), of("object_ended"));
    assert_eq!(of("zone_entered"), of("zone_left"));
    assert!(of("zone_entered") > 0 && of("line_crossed") > 0, "{first}");
    assert!(events.iter().all(|event| event["node"] == "replay" && event["camera"] == "office"));
    for (number, event) in (0u64..).zip(&events) {
        assert_eq!(event["seq"], number);
    }

    let timeline = std::fs::read_to_string(timeline).expect("a timeline");
    assert!(timeline.contains("80 frames, 00:00:07.900"), "{timeline}");
    assert_eq!(timeline.lines().filter(|line| line.contains("zone_entered  ")).count(), of("zone_entered") + 1);
    let drawn = VideoReader::open(&drawing, None).expect("a video").filter(Result::is_ok).count();
    assert_eq!(drawn, 80);

    let slower_timeline = folder.path().join("slower.txt");
    let slower = replay(&["--fps", "5", "--start", "2026-11-24T08:00:00.000Z", "--timeline", text(&slower_timeline)]);
    assert!(slower.contains("2026-11-24T08:00:0"), "{slower}");
    let slower_timeline = std::fs::read_to_string(slower_timeline).expect("a timeline");
    assert!(
        slower_timeline.contains("41 frames, "),
        "half of them, and one that a camera may be early by: {slower_timeline}"
    );
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = folder.path().join("p.yaml");
    std::fs::write(&pipeline, PIPELINE).expect("a file");
    let video = folder.path().join("noise.mp4");
    std::fs::write(&video, b"no video").expect("a file");
    for (arguments, code, told) in [
        (vec![text(&video), "--pipeline", text(&pipeline)], 2, "name one with --camera: office, spare"),
        (vec![text(&video), "--pipeline", text(&pipeline), "--camera", "yard"], 2, "has no camera `yard`"),
        (vec![text(&video), "--pipeline", text(&pipeline), "--camera", "spare"], 2, "noise.mp4"),
        (vec!["/nowhere.mp4", "--pipeline", text(&pipeline), "--camera", "spare"], 2, "/nowhere.mp4"),
        (vec![text(&video), "--pipeline", "/nowhere.yaml"], 78, "/nowhere.yaml"),
        (vec![text(&video), "--pipeline", text(&pipeline), "--camera", "spare", "--fps", "0"], 2, "greater than 0"),
        (vec![text(&video), "--pipeline", text(&pipeline), "--camera", "spare", "--timeline", "/no/t"], 2, "/no/t"),
        (vec![text(&video), "--pipeline", text(&pipeline), "--draw", text(&video)], 2, "is the file of VIDEO"),
        (
            vec![text(&video), "--pipeline", text(&pipeline), "--timeline", text(&pipeline)],
            2,
            "is the file of --pipeline",
        ),
        (
            vec![text(&video), "--pipeline", text(&pipeline), "--draw", "/tmp/../tmp/x", "--timeline", "/tmp/x"],
            2,
            "is the file of --timeline",
        ),
    ] {
        let output = output(sightline().arg("replay").args(&arguments));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn recordings_give_the_events_that_they_gave_before() {
    if !cfg!(target_arch = "x86_64") {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: replay of golden files: they were made on x86_64\n"),
        );
        return;
    }
    let Some(shared) = shared("replay of golden files") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut differences = String::new();
    for (name, video) in GOLDEN {
        let stem = project().join("tests/golden/replay").join(name);
        let (pipeline, golden) = (stem.with_extension("yaml"), stem.with_extension("txt"));
        let (video, timeline) = (shared.join("videos").join(video), folder.path().join(name));
        let output = run(&["replay", text(&video), "--pipeline", text(&pipeline), "--timeline", text(&timeline)]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::copy(&timeline, &golden).expect("the golden file is written");
            continue;
        }
        let diff =
            std::process::Command::new("diff").arg("-u").arg(&golden).arg(&timeline).output().expect("diff runs");
        differences.push_str(&stdout(&diff));
    }
    assert!(differences.is_empty(), "other events than before (UPDATE_GOLDEN=1 accepts them):\n{differences}");
}
