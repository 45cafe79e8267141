use std::{fs, sync::Arc, time::Duration};

use sightline_core::{
    event::{EventKind, EventTimes, ModelIdentity, ObjectChange, Origin, Ulid},
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    ports::{ClipFacts, partial_path},
};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const MANY: Retention = Retention { max_files: 100, max_age: HOUR };

fn at(seconds: i64) -> WallTime {
    WallTime::from_micros((1_700_000_000 + seconds) * 1_000_000)
}

fn archive() -> (tempfile::TempDir, FileArchive) {
    let state = tempfile::tempdir().unwrap();
    let archive = FileArchive::open(state.path());
    (state, archive)
}

fn snapshot(camera: &'static str, track: u64, seconds: i64) -> SnapshotFile<'static> {
    SnapshotFile { camera, label: "traffic light", track, capture: at(seconds), jpeg: b"jpeg" }
}

fn event(id: u128, seconds: i64) -> Event {
    let time = EventTimes {
        capture: at(seconds),
        clock: CaptureClock::Receive,
        decoded: at(seconds),
        inferred: at(seconds),
        published: None,
    };
    let model = ModelIdentity { name: "m".into(), sha256: "0".into() };
    let change = ObjectChange {
        kind: EventKind::ZoneEntered { zone: "yard".into() },
        track: 7,
        label: "person".into(),
        score: 0.9,
        top_score: 0.9,
        bbox: BoxInFrame { x: 0.0, y: 0.0, width: 1.0, height: 1.0 },
        zones: Arc::new([]),
        stationary: false,
        age: Duration::ZERO,
        frame: FrameInfo { width: 1, height: 1, seq: 0 },
        time,
    };
    let origin =
        Origin { node: "n".into(), pipeline: "p".into(), camera: "back/yard".into(), model, provider: "cpu".into() };
    let id = Ulid::new(at(seconds), id);
    Event { id, seq: 0, epoch: id, origin: Arc::new(origin), change, replayed: false }
}

fn names(state: &Path, kind: &str) -> Vec<String> {
    let mut names = Vec::new();
    for camera in folder::names_in(&state.join(kind)).unwrap() {
        names.extend(folder::names_in(&state.join(kind).join(camera)).unwrap());
    }
    names.sort();
    names
}

/// Writes the clip itself, as a camera's recording would, and finishes it.
fn keep_clip(archive: &FileArchive, first: &Event, files: Retention, now: WallTime) -> PathBuf {
    let path = archive.clip_path(first);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "mp4").unwrap();
    let facts = ClipFacts { duration: Duration::from_micros(12_345_678), bytes: 3 };
    let events = [first.into(), (&event(99, 5)).into()];
    let clip = ClipRecord { camera: "back/yard", path: &path, facts, events: &events, events_omitted: 4 };
    archive.clip_finished(&clip, files, now);
    path
}

#[test]
fn snapshots_are_named_by_time_label_and_track() {
    let (state, archive) = archive();
    archive.keep_snapshot(&snapshot("door", 17, 0), MANY, at(1));
    let [name] = names(state.path(), "snapshots").try_into().unwrap();
    assert!(name.starts_with("20231114T221320.000Z-traffic_light~") && name.ends_with("-17.jpg"), "{name}");
    assert_eq!(fs::read(state.path().join("snapshots/door").join(name)).unwrap(), b"jpeg");
}

#[test]
fn a_better_picture_replaces_the_earlier_one_of_the_same_object_only() {
    let (state, archive) = archive();
    for (camera, track, seconds) in [("door", 1, 0), ("door", 2, 1), ("yard", 1, 2), ("door", 1, 3)] {
        archive.keep_snapshot(&snapshot(camera, track, seconds), MANY, at(4));
    }
    let times: Vec<String> = names(state.path(), "snapshots").iter().map(|name| name[9..15].to_owned()).collect();
    assert_eq!(times, ["221321", "221322", "221323"]);

    // Another run counts its tracks anew: its track 1 is somebody else.
    FileArchive::open(state.path()).keep_snapshot(&snapshot("door", 1, 9), MANY, at(9));
    assert_eq!(names(state.path(), "snapshots").len(), 4);
}

#[test]
fn retention_is_each_cameras_own_and_what_is_gone_is_forgotten() {
    let (state, archive) = archive();
    let two = Retention { max_files: 2, max_age: HOUR };
    for track in 0..5 {
        archive.keep_snapshot(&snapshot("door", track, i64::try_from(track).unwrap()), two, at(10));
        archive.keep_snapshot(&snapshot("yard", track, i64::try_from(track).unwrap()), MANY, at(10));
    }
    assert_eq!(folder::names_in(&state.path().join("snapshots/door")).unwrap().len(), 2);
    assert_eq!(folder::names_in(&state.path().join("snapshots/yard")).unwrap().len(), 5);
    assert_eq!(archive.lock_latest().len(), 7);
    archive.tidy("yard", Some(two), None, at(10));
    assert_eq!(folder::names_in(&state.path().join("snapshots/yard")).unwrap().len(), 2);
    archive.tidy("yard", Some(two), None, at(100_000));
    assert!(folder::names_in(&state.path().join("snapshots/yard")).unwrap().is_empty(), "too old");
}

#[test]
fn a_clip_has_what_it_shows_noted_beside_it() {
    let (state, archive) = archive();
    let path = keep_clip(&archive, &event(1, 0), MANY, at(1));
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, format!("20231114T221320.000Z-zone_entered-{}.mp4", event(1, 0).id));
    assert!(path.starts_with(state.path().join("clips")), "{path:?}");
    let note: serde_json::Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
    let expected = serde_json::json!({
        "schema": "sightline.clip/1",
        "camera": "back/yard",
        "duration_seconds": 12.346,
        "bytes": 3,
        "events": [
            {"id": event(1, 0).id.to_string(), "type": "zone_entered", "time": "2023-11-14T22:13:20.000Z", "track": 7, "label": "person"},
            {"id": event(99, 5).id.to_string(), "type": "zone_entered", "time": "2023-11-14T22:13:25.000Z", "track": 7, "label": "person"},
        ],
        "events_omitted": 4,
    });
    assert_eq!(note, expected);
}

#[test]
fn clips_go_with_their_notes() {
    let (state, archive) = archive();
    let two = Retention { max_files: 2, max_age: HOUR };
    for number in 0..4 {
        keep_clip(&archive, &event(number, i64::try_from(number).unwrap()), two, at(10));
    }
    let kept = names(state.path(), "clips");
    assert_eq!(kept.len(), 4, "two clips and their notes: {kept:?}");
    assert!(kept[0].starts_with("20231114T221322"), "{kept:?}");
    archive.tidy("back/yard", None, Some(two), at(100_000));
    assert!(names(state.path(), "clips").is_empty());
}

#[test]
fn leftovers_of_an_earlier_run_are_removed_at_the_start() {
    let (state, archive) = archive();
    let kept = keep_clip(&archive, &event(1, 0), MANY, at(1));
    let gone = keep_clip(&archive, &event(2, 1), MANY, at(1));
    fs::remove_file(&gone).unwrap();
    fs::write(partial_path(&archive.clip_path(&event(3, 2))), "half a clip").unwrap();
    fs::write(kept.with_file_name("mine.json"), "{}").unwrap();
    let _again = FileArchive::open(state.path());
    let left = names(state.path(), "clips");
    let expected = [kept.with_extension("json"), kept.clone(), kept.with_file_name("mine.json")];
    assert_eq!(left, expected.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()));
}

#[test]
fn what_cannot_be_written_is_told_once_and_works_again_later() {
    let state = tempfile::tempdir().unwrap();
    let blocked = state.path().join("snapshots");
    fs::write(&blocked, "a file where a folder should be").unwrap();
    let archive = FileArchive::open(state.path());
    assert!(archive.snapshots.is_failing.load(Ordering::Relaxed), "seen at the start already");
    archive.keep_snapshot(&snapshot("door", 1, 0), MANY, at(0));
    assert!(archive.snapshots.is_failing.load(Ordering::Relaxed));
    assert!(!archive.clips.is_failing.load(Ordering::Relaxed), "clips are another matter");
    fs::remove_file(&blocked).unwrap();
    archive.keep_snapshot(&snapshot("door", 1, 0), MANY, at(0));
    assert!(!archive.snapshots.is_failing.load(Ordering::Relaxed));
    assert_eq!(names(state.path(), "snapshots").len(), 1);
}
