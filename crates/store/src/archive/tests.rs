use std::{fs, time::Instant};

use sightline_core::{
    event::{EventKind, EventTimes, ModelIdentity, ObjectChange, Origin, Ulid},
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    ports::{ClipFacts, partial_path},
};

use super::*;
use crate::folder::tests::set_written;

const HOUR: Duration = Duration::from_secs(3600);
const MANY: Retention = Retention { max_files: 100, max_age: HOUR };

fn at(seconds: i64) -> WallTime {
    WallTime::from_micros((1_700_000_000 + seconds) * 1_000_000)
}

fn archive() -> (tempfile::TempDir, FileArchive) {
    let state = tempfile::tempdir().unwrap();
    let archive = FileArchive::open(state.path(), &[]);
    (state, archive)
}

fn snapshot(camera: &'static str, track: u64, seconds: i64) -> SnapshotFile<'static> {
    SnapshotFile { camera, label: "traffic light", track, capture: at(seconds), jpeg: b"jpeg" }
}

pub fn event(id: u128, seconds: i64) -> Event {
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
    let origin = Origin {
        node: "n".into(),
        pipeline: "p".into(),
        camera: "back/yard".into(),
        model,
        provider: "cpu".into(),
        execution: None,
    };
    let id = Ulid::new(at(seconds), id);
    Event { id, seq: 0, epoch: id, origin: Arc::new(origin), change, replayed: false }
}

fn names(state: &Path, kind: &str) -> Vec<String> {
    let mut names = Vec::new();
    for camera in folder::names_in(&state.join(kind)).unwrap() {
        names.extend(folder::names_in(&state.join(kind).join(camera)).unwrap());
    }
    names.retain(|name| name != remembered::NAME);
    names.sort();
    names
}

/// Makes all files of a folder written so many seconds after the start.
fn written_at(state: &Path, kind: &str, camera: &str, seconds: i64) {
    let folder = state.join(kind).join(camera);
    for name in folder::names_in(&folder).unwrap() {
        set_written(&folder.join(name), at(seconds));
    }
}

fn kept(camera: &str, snapshots: Option<Retention>, clips: Option<Retention>) -> CameraFiles {
    CameraFiles { camera: camera.into(), snapshots, clips }
}

/// Writes the clip itself, as a camera's recording would, and finishes it.
fn keep_clip(archive: &FileArchive, first: &Event, files: Retention, now: WallTime) -> PathBuf {
    let path = archive.clip_path(first);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "mp4").unwrap();
    let facts = ClipFacts { begun: Instant::now(), duration: Duration::from_micros(12_345_678), bytes: 3 };
    let events = [first.into(), (&event(99, 5)).into()];
    let clip = ClipRecord { camera: "back/yard", path: &path, start: at(0), facts, events: &events, events_omitted: 4 };
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
    FileArchive::open(state.path(), &[]).keep_snapshot(&snapshot("door", 1, 9), MANY, at(9));
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
    let count = |camera: &str| {
        let names = folder::names_in(&state.path().join("snapshots").join(camera)).unwrap();
        names.iter().filter(|name| *name != remembered::NAME).count()
    };
    assert_eq!((count("door"), count("yard")), (2, 5));
    assert_eq!(archive.lock_latest().len(), 7);
    let again = FileArchive::open(state.path(), &[kept("yard", Some(two), None)]);
    again.tidy(at(10));
    assert_eq!((count("door"), count("yard")), (2, 2));
    archive.tidy(at(10));
    assert_eq!(archive.lock_latest().len(), 4, "another process removed three");
}

#[test]
fn what_gets_too_old_goes_without_anything_new() {
    let (state, archive) = archive();
    archive.keep_snapshot(&snapshot("door", 1, 0), MANY, at(0));
    keep_clip(&archive, &event(1, 0), MANY, at(0));
    for (kind, camera) in [("snapshots", "door".to_string()), ("clips", names::safe("back/yard"))] {
        written_at(state.path(), kind, &camera, 0);
    }
    let planned =
        FileArchive::open(state.path(), &[kept("door", Some(MANY), None), kept("back/yard", None, Some(MANY))]);
    planned.tidy(at(3600));
    assert_eq!((names(state.path(), "snapshots").len(), names(state.path(), "clips").len()), (1, 2));
    planned.tidy(at(3601));
    assert_eq!((names(state.path(), "snapshots").len(), names(state.path(), "clips").len()), (0, 0));
}

#[test]
fn cameras_that_are_gone_or_keep_nothing_now_are_held_to_what_they_were_allowed_last() {
    let (state, archive) = archive();
    let month = Retention { max_files: 100, max_age: 30 * 24 * HOUR };
    for (camera, files) in [("gone", month), ("off", MANY), ("unnoted", MANY)] {
        archive.keep_snapshot(&snapshot(camera, 1, 0), files, at(0));
        written_at(state.path(), "snapshots", camera, 0);
    }
    fs::remove_file(state.path().join("snapshots/unnoted").join(remembered::NAME)).unwrap();
    let now = FileArchive::open(state.path(), &[kept("off", None, Some(MANY))]);
    let left = |seconds: i64| {
        now.tidy(at(seconds));
        let is_left = |camera: &&str| folder::names_in(&state.path().join("snapshots").join(camera)).unwrap().len() > 1;
        (["gone", "off"].into_iter().filter(is_left).collect::<Vec<_>>(), names(state.path(), "snapshots").len())
    };
    let day = 86_400;
    assert_eq!(left(3600), (vec!["gone", "off"], 3));
    assert_eq!(left(3601), (vec!["gone"], 2));
    assert_eq!(left(7 * day), (vec!["gone"], 2));
    assert_eq!(left(7 * day + 1), (vec!["gone"], 1), "a week without a note");
    assert_eq!(left(30 * day + 1), (vec![], 0));
}

#[test]
fn one_broken_folder_does_not_keep_the_others_from_being_tidied() {
    let (state, archive) = archive();
    for camera in ["a", "b", "c"] {
        archive.keep_snapshot(&snapshot(camera, 1, 0), MANY, at(0));
        written_at(state.path(), "snapshots", camera, 0);
    }
    let note = state.path().join("snapshots/b").join(remembered::NAME);
    fs::remove_file(&note).unwrap();
    fs::create_dir(&note).unwrap();
    archive.tidy(at(4000));
    assert!(archive.snapshots.is_failing.load(Ordering::Relaxed));
    assert_eq!(names(state.path(), "snapshots").len(), 1);
}

#[test]
fn a_thread_tidies_again_and_again() {
    let (state, archive) = archive();
    let archive = Arc::new(archive);
    FileArchive::tidy_every(&archive, Duration::from_millis(1)).unwrap();
    for round in 0..3 {
        let path = state.path().join("snapshots/door").join(format!("{}-person-{round}.jpg", names::time(at(round))));
        folder::write(&path, b"jpeg").unwrap();
        set_written(&path, at(round));
        let until = Instant::now() + Duration::from_secs(20);
        while path.exists() {
            assert!(Instant::now() < until, "still there in round {round}");
            std::thread::yield_now();
        }
    }
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
        "start": "2023-11-14T22:13:20.000Z",
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
    written_at(state.path(), "clips", &names::safe("back/yard"), 10);
    archive.tidy(at(100_000));
    assert!(names(state.path(), "clips").is_empty());
}

#[test]
fn a_reload_changes_what_is_allowed() {
    let (state, archive) = archive();
    for track in 0..5 {
        archive.keep_snapshot(&snapshot("yard", track, 0), MANY, at(0));
    }
    let two = Retention { max_files: 2, max_age: HOUR };
    archive.set_cameras(&[kept("yard", Some(two), None)]);
    archive.tidy(at(10));
    assert_eq!(names(state.path(), "snapshots").len(), 2);
}

#[test]
fn leftovers_of_an_earlier_run_are_removed_and_what_another_process_is_writing_is_not() {
    let (state, archive) = archive();
    let kept = keep_clip(&archive, &event(1, 0), MANY, at(1));
    let gone = keep_clip(&archive, &event(2, 1), MANY, at(1));
    fs::remove_file(&gone).unwrap();
    let [abandoned, being_written] = [3, 4].map(|id| partial_path(&archive.clip_path(&event(id, 2))));
    for (path, seconds) in [(&abandoned, 0), (&being_written, 1000)] {
        fs::write(path, "half a clip").unwrap();
        set_written(path, at(seconds));
    }
    fs::write(kept.with_file_name("mine.json"), "{}").unwrap();
    FileArchive::open(state.path(), &[]).tidy(at(4000));
    let expected = [being_written, kept.with_extension("json"), kept.clone(), kept.with_file_name("mine.json")];
    let name_of = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(names(state.path(), "clips"), expected.map(name_of));
}

#[test]
fn what_cannot_be_written_is_told_once_and_works_again_later() {
    let state = tempfile::tempdir().unwrap();
    let blocked = state.path().join("snapshots");
    fs::write(&blocked, "a file where a folder should be").unwrap();
    let archive = FileArchive::open(state.path(), &[]);
    archive.tidy(at(0));
    assert!(archive.snapshots.is_failing.load(Ordering::Relaxed), "seen at the start already");
    archive.keep_snapshot(&snapshot("door", 1, 0), MANY, at(0));
    assert!(archive.snapshots.is_failing.load(Ordering::Relaxed));
    assert!(!archive.clips.is_failing.load(Ordering::Relaxed), "clips are another matter");
    fs::remove_file(&blocked).unwrap();
    archive.keep_snapshot(&snapshot("door", 1, 0), MANY, at(0));
    assert!(!archive.snapshots.is_failing.load(Ordering::Relaxed));
    assert_eq!(names(state.path(), "snapshots").len(), 1);
}
