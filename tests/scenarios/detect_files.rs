//! `sightline detect` over pictures and videos of the project's own making.

use serde_json::Value;
use sightline_sim::scene::{SceneKind, SceneOptions, render};

use crate::support::{run, stderr, stdout};

/// Frame 60 of the office as a PNG, and the boxes of the persons in it.
fn picture(folder: &std::path::Path) -> (String, usize) {
    let picture = render(SceneKind::Office, &SceneOptions::default(), 60).expect("a picture");
    let path = folder.join("office.png");
    image::save_buffer(&path, &picture.rgb, picture.width, picture.height, image::ColorType::Rgb8).expect("a file");
    (path.to_str().expect("UTF-8").to_string(), picture.truth.iter().filter(|object| object.label == "person").count())
}

#[test]
fn a_picture_becomes_a_line_and_a_drawing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, persons) = picture(folder.path());
    assert!(persons > 0, "the frame shows somebody");
    let drawings = folder.path().join("drawn");
    let output =
        run(&["detect", "--model", "ssd-mobilenet-v1-sim", "--draw", drawings.to_str().expect("UTF-8"), &path]);
    assert!(output.status.success(), "{}", stderr(&output));
    let line: Value = serde_json::from_str(&stdout(&output)).expect("one line of JSON");
    assert_eq!((&line["source"], &line["width"], &line["height"]), (&path.into(), &640.into(), &360.into()));
    let found = line["detections"].as_array().expect("a list").iter().filter(|d| d["label"] == "person").count();
    assert_eq!(found, persons, "{line}");
    assert!(drawings.join("office.png").is_file());
}

#[test]
fn an_unreadable_input_is_told_and_the_others_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, _) = picture(folder.path());
    let cut_off = folder.path().join("cut.png");
    std::fs::write(&cut_off, &std::fs::read(&good).expect("the picture")[..500]).expect("a file");
    let noise = folder.path().join("noise.mp4");
    std::fs::write(&noise, b"this is no video at all, whatever its name says").expect("a file");
    let output = run(&[
        "detect",
        "--model",
        "ssd-mobilenet-v1-sim",
        "/nowhere.jpg",
        cut_off.to_str().expect("UTF-8"),
        noise.to_str().expect("UTF-8"),
        &good,
    ]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 1, "the good one");
    for name in ["/nowhere.jpg", "cut.png", "noise.mp4"] {
        assert!(stderr(&output).contains(name), "{name} in {}", stderr(&output));
    }
}
