//! The simulated cameras, followed with what the project's own model finds in their pictures: `sightline detect` on
//! each frame, then the tracker.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use sightline_core::{detection::Detection, event::WireDetection};
use sightline_sim::scene::SceneKind;

use crate::{
    recordings::{self, Recording, SEEDS},
    runner::class_id,
    table::{Condition, Table},
};

/// A two-stage tracker follows known objects on detections that are too weak to be new ones.
const LOW_SCORE: f32 = 0.2;

/// A line of `sightline detect`.
#[derive(Deserialize)]
struct Line {
    source: PathBuf,
    detections: Vec<WireDetection>,
}

/// What the model finds in each frame, best first.
fn detect(recording: &Recording) -> Vec<Vec<Detection>> {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Recording::scene(recording.kind, recording.seed, recording.fps);
    let name = |index: usize| folder.path().join(format!("{index:04}.png"));
    for index in 0..recording.moments.len() {
        let picture = scene.render(index);
        let color = image::ColorType::Rgb8;
        image::save_buffer(name(index), &picture.rgb, picture.width, picture.height, color).expect("a file");
    }
    let mut found = found_in(folder.path());
    (0..recording.moments.len()).map(|index| found.remove(&name(index)).expect("a line for each frame")).collect()
}

fn found_in(folder: &Path) -> BTreeMap<PathBuf, Vec<Detection>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sightline"));
    command.env("SIGHTLINE_MODELS", models).env_remove("RUST_LOG");
    command.args(["detect", "--model", "ssd-mobilenet-v1-sim", "--score", &LOW_SCORE.to_string()]).arg(folder);
    let output = command.output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let line = |text: &str| {
        let line: Line = serde_json::from_str(text).expect("a line of JSON");
        (line.source, line.detections.iter().map(detection).collect())
    };
    lines.lines().map(line).collect()
}

fn detection(wire: &WireDetection) -> Detection {
    Detection { class_id: class_id(&wire.label), score: wire.score as f32, bbox: wire.r#box.into() }
}

/// The scenes' recordings of one day, and what the model finds in them. A scene is a thread: `sightline detect` uses one
/// core.
fn detected() -> Vec<(&'static Recording, Vec<Vec<Detection>>)> {
    let recordings = recordings::all().iter().filter(|recording| recording.seed == SEEDS[0]);
    let of_kind = |kind| recordings.clone().filter(move |recording| recording.kind == kind);
    std::thread::scope(|scope| {
        let detect_all = |kind| of_kind(kind).map(|recording| (recording, detect(recording))).collect::<Vec<_>>();
        let threads = SceneKind::ALL.map(|kind| scope.spawn(move || detect_all(kind)));
        threads.into_iter().flat_map(|thread| thread.join().expect("detections of a scene")).collect()
    })
}

#[test]
fn what_the_default_model_finds_is_followed() {
    let detected = detected();
    for least_score in [0.4, LOW_SCORE] {
        let mut table = Table::default();
        for (recording, detections) in &detected {
            let mut detections = detections.clone();
            for frame in &mut detections {
                frame.retain(|detection| detection.score >= least_score);
            }
            table.measure(recording, &detections);
        }
        table.tell(&format!(
            "Tracking with ssd-mobilenet-v1-sim from a score of {least_score} on, one day of each scene:"
        ));
        let idf1 = table.total(Condition { fps: 10, some_dropped: false }).identity.idf1();
        assert!(idf1 >= 0.75, "IDF1 is {idf1:.3} at 10 fps with the default model from a score of {least_score} on");
    }
}
