//! The motion gate and the decoder's economy: what does not move costs little, and nothing that comes is missed.

use std::{path::Path, time::Duration};

use serde_json::Value;
use sightline_media::VideoWriter;
use sightline_sim::scene::{Scene, SceneKind, SceneOptions};

use crate::support::{
    alone, broker::Broker, cameras, daemon::Daemon, listener::Listener, run, stderr, stdout, wait_until,
};

/// Frames a second of a scene.
const FPS: usize = 10;
/// Nobody is there before a scene begins: long enough for the gate to close.
const QUIET_FRAMES: usize = 8 * FPS;

/// A scene behind a while in which nobody is there.
fn film(kind: SceneKind, path: &Path) {
    let scene = Scene::new(kind, &SceneOptions::default()).expect("a scene");
    let mut writer = VideoWriter::create(path, 640, 360, FPS as f64).expect("a video");
    let quiet = (0..QUIET_FRAMES).map(|index| scene.render_empty(index));
    let frames = quiet.chain((0..scene.frames()).map(|index| scene.render(index).rgb));
    for (index, rgb) in frames.enumerate() {
        writer.write(&rgb, Duration::from_millis(100 * index as u64)).expect("a frame");
    }
    writer.finish().expect("a whole video");
}

/// When objects of each label began, and how many frames were inferred.
fn replay(video: &Path, folder: &Path, motion: &str) -> (Vec<(String, f64)>, usize) {
    let pipeline = folder.join("p.yaml");
    let yaml = "version: 1\nname: p\nmodel: {name: ssd-mobilenet-v1-sim}\ndefaults: {MOTION}\ncameras: {c: {url: test://black}}\n";
    std::fs::write(&pipeline, yaml.replace("MOTION", motion)).expect("a file");
    let timeline = folder.join("timeline.txt");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let output =
        run(&["replay", &text(video), "--pipeline", &text(&pipeline), "--timeline", &text(&timeline), "--fps", "5"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let events = stdout(&output);
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let seconds = |event: &Value| {
        let time = event["time"]["capture"].as_str().expect("a time");
        // 2026-01-01T00:00:SS.mmmZ: every one within a minute of the start.
        time[17..23].parse::<f64>().expect("seconds")
    };
    let began = events.filter(|event| event["type"] == "object_started");
    let began = began.map(|event| (event["label"].as_str().expect("a label").to_owned(), seconds(&event))).collect();
    let timeline = std::fs::read_to_string(timeline).expect("a timeline");
    let frames = timeline.split(" frames, ").next().and_then(|text| text.rsplit([' ', '\n']).next());
    (began, frames.and_then(|count| count.parse().ok()).expect("a number of frames"))
}

#[test]
fn the_gate_misses_nobody_who_comes_into_a_simulated_scene() {
    sightline_media::init().expect("GStreamer starts");
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let threads = SceneKind::ALL.map(|kind| {
            scope.spawn(move || {
                let folder = tempfile::tempdir().expect("a folder");
                let video = folder.path().join("scene.mp4");
                film(kind, &video);
                let (all, all_frames) = replay(&video, folder.path(), "");
                let (gated, gated_frames) = replay(&video, folder.path(), "motion: {}");
                assert!(!all.is_empty(), "{kind:?}: nobody came");
                assert_eq!(all.len(), gated.len(), "{kind:?}: {all:?} without the gate, {gated:?} with it");
                for ((label, at), (gated_label, gated_at)) in all.iter().zip(&gated) {
                    assert_eq!(label, gated_label, "{kind:?}: {all:?}, {gated:?}");
                    assert!(gated_at - at <= 0.5, "{kind:?}: a {label} of {at} s was seen at {gated_at} s");
                }
                // Of the quiet part about half: 3.5 s to learn the scene, and then nothing.
                let saved = all_frames - gated_frames;
                assert!(saved >= 15, "{kind:?}: {gated_frames} of {all_frames} frames were inferred");
                format!("{kind:?}: {} objects, {gated_frames} of {all_frames} frames inferred", gated.len())
            })
        });
        threads.into_iter().map(|thread| thread.join().expect("a scene")).collect()
    });
    eprintln!("{}", outcomes.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_idle_camera_key_frames_alone_are_decoded_and_who_comes_is_seen() {
    let _turn = alone().await;
    let server = cameras::serve(vec![
        ("empty", cameras::empty_scene(SceneKind::Office)),
        ("office", cameras::scene(SceneKind::Office)),
    ]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let yaml = format!(
        "version: 1\nname: less\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: 5, motion: {{}}}}\n{}{}",
        broker.yaml(),
        cameras::yaml(&server, &["empty", "office"])
    );
    let mut daemon = Daemon::start(&yaml);
    listener.wait_for_event("office", "object_started", "person").await;
    // Nothing moves: after a while the gate closes, and of nine pictures in ten not even one is decoded.
    daemon.wait_for_metric("sightline_camera_idle", &[("camera", "empty")], 1.0).await;
    daemon
        .wait_for_metric("sightline_pictures_undecoded_total", &[("camera", "empty"), ("reason", "idle")], 45.0)
        .await;
    assert_eq!(daemon.metric("sightline_camera_idle", &[("camera", "office")]).await, 0.0, "somebody is there");

    let states = listener.on("empty/status");
    let wrong = states
        .iter()
        .map(|message| message.json()["state"].clone())
        .find(|state| !["connecting", "streaming"].iter().any(|fine| state == fine));
    assert_eq!(wrong, None, "a camera of which little is decoded is neither stalled nor frozen");
    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    wait_until("the last status is published", || listener.status("empty")["state"] == "disabled").await;
    for id in ["empty", "office"] {
        let status = listener.status(id);
        let frames = status["frames"].as_object().expect("an object");
        let of = |name: &str| frames[name].as_u64().expect("a number");
        let dropped: u64 = frames.keys().filter(|name| name.starts_with("dropped_")).map(|name| of(name)).sum();
        assert_eq!(of("decoded"), of("inferred") + dropped + of("waiting"), "{id}: {frames:?}");
    }
    let (empty, office) = (listener.status("empty"), listener.status("office"));
    let inferred = |status: &Value| status["frames"]["inferred"].as_u64().expect("a number");
    assert!(inferred(&empty) * 2 < inferred(&office), "{empty} is to cost less than {office}");
}
