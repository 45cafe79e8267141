//! Snapshots and clips: what they mean once they are a plan, and what is told of wrong ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use std::time::Duration;

use common::{HEAD, assert_told, environment, load_text};
use sightline_core::{
    event::EventKind,
    plan::{CameraPlan, ClipPlan, Retention, SnapshotPlan},
};

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// The cameras of a file with this text from line 4 on.
fn cameras(text: &str) -> Vec<CameraPlan> {
    let text = format!("{HEAD}{text}\n");
    let plan = load_text(&text, &environment(&[])).unwrap_or_else(|problems| panic!("\n{text}\n{problems}"));
    plan.pipelines[0].cameras.clone()
}

/// The one RTSP camera with these settings.
fn camera(settings: &str) -> CameraPlan {
    cameras(&format!("cameras: {{a: {{url: 'rtsp://h/', {settings}}}}}")).remove(0)
}

fn default_snapshots() -> SnapshotPlan {
    SnapshotPlan { crop: true, quality: 85, publish: true, files: Some(Retention { max_files: 500, max_age: WEEK }) }
}

fn default_clips() -> ClipPlan {
    ClipPlan {
        events: vec!["object_started".to_owned()],
        pre: Duration::from_secs(5),
        post: Duration::from_secs(10),
        files: Retention { max_files: 200, max_age: WEEK },
    }
}

#[test]
fn both_are_off_unless_asked_for() {
    for settings in [
        "fps: 5",
        "snapshots: , clips: ",
        "snapshots: {enabled: false}, clips: {enabled: false}",
        "snapshots: {enabled: false, publish: false, save: false}, clips: {enabled: false, pre: 3s}",
    ] {
        let camera = camera(settings);
        assert_eq!((camera.snapshots, camera.clips, camera.spec.keep_packets), (None, None, None), "{settings}");
    }
}

#[test]
fn a_section_switches_them_on() {
    for settings in [
        "snapshots: {}, clips: {}",
        "snapshots: {enabled: true}, clips: {enabled: true}",
        "snapshots: {quality: 85, max_age: 7d}, clips: {events: [object_started], pre: 5s, max_age: 168h}",
    ] {
        let camera = camera(settings);
        assert_eq!(camera.snapshots, Some(default_snapshots()), "{settings}");
        assert_eq!(camera.clips, Some(default_clips()), "{settings}");
        assert_eq!(camera.spec.keep_packets, Some(Duration::from_secs(5)), "{settings}");
    }
}

#[test]
fn each_setting_has_its_effect() {
    let saved = camera("snapshots: {crop: false, quality: 1, publish: false, max_files: 1, max_age: 12h}");
    let files = Some(Retention { max_files: 1, max_age: Duration::from_secs(12 * 3600) });
    assert_eq!(saved.snapshots, Some(SnapshotPlan { crop: false, quality: 1, publish: false, files }));
    let published = camera("snapshots: {save: false, quality: 100}").snapshots;
    assert_eq!(published, Some(SnapshotPlan { quality: 100, files: None, ..default_snapshots() }));

    let recorded =
        camera("clips: {events: [zone_loitering, line_crossed], pre: 0s, post: 2m, max_files: 9, max_age: 1d}");
    let expected = ClipPlan {
        events: vec!["zone_loitering".to_owned(), "line_crossed".to_owned()],
        pre: Duration::ZERO,
        post: Duration::from_secs(120),
        files: Retention { max_files: 9, max_age: Duration::from_secs(86_400) },
    };
    assert_eq!(recorded.clips, Some(expected));
    assert_eq!(recorded.spec.keep_packets, Some(Duration::ZERO));
    for kind in EventKind::NAMES {
        assert_eq!(camera(&format!("clips: {{events: [{kind}]}}")).clips.unwrap().events, [kind]);
    }
}

#[test]
fn a_cameras_own_section_replaces_the_inherited_one() {
    let cameras = cameras(
        "defaults: {snapshots: {quality: 50, publish: false}, clips: {pre: 20s, post: 1s}}
cameras:
  inherits: {url: 'rtsp://h/1'}
  replaces: {url: 'file:///clip.mp4', snapshots: {crop: false}, clips: {post: 30s}}
  neither: {url: 'test://', snapshots: {enabled: false}, clips: {enabled: false}}
  scene: {url: 'sim://street', snapshots: }",
    );
    let [inherits, replaces, neither, scene] = cameras.as_slice() else { panic!("four cameras") };
    let inherited = SnapshotPlan { quality: 50, publish: false, ..default_snapshots() };
    assert_eq!(inherits.snapshots.as_ref(), Some(&inherited));
    let clips = inherits.clips.as_ref().unwrap();
    assert_eq!((clips.pre, clips.post), (Duration::from_secs(20), Duration::from_secs(1)));
    assert_eq!(inherits.spec.keep_packets, Some(Duration::from_secs(20)));

    assert_eq!(replaces.snapshots, Some(SnapshotPlan { crop: false, ..default_snapshots() }));
    assert_eq!(replaces.clips, Some(ClipPlan { post: Duration::from_secs(30), ..default_clips() }));
    assert_eq!(replaces.spec.keep_packets, Some(Duration::from_secs(5)));

    assert_eq!((&neither.snapshots, &neither.clips, neither.spec.keep_packets), (&None, &None, None));
    assert_eq!((&scene.snapshots, &scene.clips), (&inherits.snapshots, &inherits.clips));
}

#[test]
fn settings_that_are_wrong() {
    for (settings, expected) in [
        ("snapshots: {quality: 0}", "snapshots.quality: must lie between 1 and 100, not 0"),
        ("snapshots: {quality: 101}", "snapshots.quality: must lie between 1 and 100, not 101"),
        ("snapshots: {quality: best}", "snapshots.quality: expected a whole number of 0 or more, found text"),
        ("snapshots: {max_files: 0}", "snapshots.max_files: must lie between 1 and 1000000, not 0"),
        ("snapshots: {max_age: 7}", "snapshots.max_age: a duration needs a unit"),
        ("snapshots: {max_age: 0s}", "snapshots.max_age: must be at least 1s"),
        ("snapshots: {max_age: 3651d}", "snapshots.max_age: must be at most 3650d"),
        ("snapshots: {enabled: maybe}", "snapshots.enabled: expected `true` or `false`, found text"),
        ("snapshots: true", "snapshots: expected a mapping (`key: value` lines), found true or false"),
        ("snapshots: {publish: false, save: false}", "snapshots: neither published nor saved: this asks for nothing"),
        ("snapshots: {enabled: false, quality: 0}", "snapshots.quality: must lie between 1 and 100, not 0"),
        ("clips: {pre: 61s}", "clips.pre: must be at most 1m"),
        ("clips: {post: 11m}", "clips.post: must be at most 10m"),
        ("clips: {max_files: 1000001}", "clips.max_files: must lie between 1 and 1000000, not 1000001"),
        ("clips: {max_age: soon}", "clips.max_age: not a duration"),
        ("clips: {events: []}", "clips.events: names no type of event"),
        ("clips: {events: object_started}", "clips.events: expected a list, found text"),
        ("clips: {events: [door_opened]}", "clips.events[0]: there is no such type of event"),
        ("clips: {events: [line_crossed, line_crossed]}", "clips.events[1]: this type of event is in the list twice"),
        ("clips: {enabled: false, events: [door_opened]}", "clips.events[0]: there is no such type of event"),
        ("clips: {quality: 1}", "clips.quality: unknown key `quality`"),
    ] {
        let camera = format!("cameras:\n  a:\n    url: rtsp://h/\n    {settings}\n");
        assert_told(&[(&camera, &[&format!("p.yaml:7: cameras.a.{expected}")])]);
        let defaults = format!("defaults:\n  {settings}\ncameras: {{a: {{url: 'rtsp://h/'}}}}\n");
        assert_told(&[(&defaults, &[&format!("p.yaml:5: defaults.{expected}")])]);
    }
    let text = format!("{HEAD}cameras: {{a: {{url: 'rtsp://h/', clips: {{events: [object_start]}}}}}}\n");
    let problems = load_text(&text, &environment(&[])).unwrap_err();
    assert_eq!(problems.as_slice()[0].help.as_deref(), Some("did you mean `object_started`?"));
}

#[test]
fn clips_need_a_camera_that_sends_encoded_video() {
    assert_told(&[
        (
            "cameras:\n  a:\n    url: test://\n    clips: {pre: 1s}\n",
            &["p.yaml:7: cameras.a.clips: a test:// camera sends no encoded video that could be recorded"],
        ),
        (
            "defaults: {clips: {}}\ncameras:\n  a: {url: 'v4l2:///dev/video0'}\n  b: {url: 'rtsp://h/'}\n",
            &["p.yaml:6: cameras.a.clips: a v4l2:// camera sends no encoded video that could be recorded"],
        ),
    ]);
    let text = format!("{HEAD}defaults: {{clips: {{}}}}\ncameras: {{a: {{url: test://}}}}\n");
    let problems = load_text(&text, &environment(&[])).unwrap_err();
    let help = problems.as_slice()[0].help.as_deref();
    assert_eq!(help, Some("`defaults` asks for clips: write `clips: {enabled: false}` for this camera"));
    let remedied = text.replace("{url: test://}", "{url: test://, clips: {enabled: false}}");
    load_text(&remedied, &environment(&[])).unwrap();
}
