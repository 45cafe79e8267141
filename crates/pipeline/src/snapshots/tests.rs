use sightline_core::{event::Ulid, plan::Retention, ports::EventSink};

use super::*;
use crate::{
    collected_log::CollectedLog,
    fakes::{CollectingSink, FakeArchive, FakeEncoder, KeptSnapshot, frame_at},
};

const DEADLINE: Duration = Duration::from_secs(20);
const FILES: Option<Retention> = Some(Retention { max_files: 10, max_age: Duration::from_secs(60) });

struct Rig {
    taker: SnapshotTaker,
    encoder: Arc<FakeEncoder>,
    archive: Arc<FakeArchive>,
    sink: Arc<CollectingSink>,
    events: Arc<EventLog>,
}

fn rig(panic_every: u32) -> Rig {
    let encoder = Arc::new(FakeEncoder { panic_every, ..FakeEncoder::default() });
    let (archive, sink) = (Arc::new(FakeArchive::default()), Arc::new(CollectingSink::default()));
    let epoch = Ulid::new(WallTime::from_micros(0), 1);
    let events = Arc::new(EventLog::new(Arc::clone(&sink) as Arc<dyn EventSink>, epoch));
    let taker = SnapshotTaker::start(encoder.clone(), archive.clone()).unwrap();
    Rig { taker, encoder, archive, sink, events }
}

impl Rig {
    fn job(&self, camera: &str, track: u64) -> SnapshotJob {
        SnapshotJob {
            camera: camera.into(),
            label: "person".into(),
            track,
            bbox: BoxInFrame { x: 0.5, y: 0.25, width: 0.2, height: 0.4 },
            capture: WallTime::from_micros(0),
            plan: SnapshotPlan { crop: false, quality: 85, publish: false, files: FILES },
            picture: Arc::from(frame_at(Instant::now()).buffer),
            events: Arc::clone(&self.events),
            is_in_force: Arc::new(AtomicBool::new(true)),
        }
    }

    fn filed(&self) -> Vec<(String, u64)> {
        self.archive.snapshots.lock().iter().map(|kept| (kept.camera.clone(), kept.track)).collect()
    }

    /// Waits until the thread is inside the encoder, which the test holds up.
    fn wait_until_asked(&self, count: u32) {
        let until = Instant::now() + DEADLINE;
        while self.encoder.asked.load(std::sync::atomic::Ordering::SeqCst) < count {
            assert!(Instant::now() < until, "the encoder is not asked");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_picture_whose_camera_is_gone_by_then_is_filed_alone() {
    let rig = rig(0);
    let plan = SnapshotPlan { crop: false, quality: 70, publish: true, files: FILES };
    let is_in_force = Arc::new(AtomicBool::new(false));
    rig.taker.take(SnapshotJob { plan, is_in_force, ..rig.job("door", 1) });
    assert!(rig.taker.stop(DEADLINE));
    assert_eq!(rig.filed(), [("door".to_owned(), 1)]);
    assert!(rig.sink.retained.lock().is_empty(), "its topics are cleared, and stay so");
}

#[test]
fn a_picture_is_published_and_filed_as_the_plan_says() {
    let rig = rig(0);
    let published = SnapshotPlan { crop: true, quality: 70, publish: true, files: None };
    rig.taker.take(SnapshotJob { plan: published, ..rig.job("door", 1) });
    rig.taker.take(rig.job("yard", 2));
    assert!(rig.taker.stop(DEADLINE));

    let filed = rig.archive.snapshots.lock().clone();
    let jpeg = b"4x4 whole 85".to_vec();
    assert_eq!(filed, [KeptSnapshot { camera: "yard".into(), label: "person".into(), track: 2, jpeg }]);
    let retained = rig.sink.retained.lock().clone();
    // The box and 15 % of it on each side.
    let jpeg: Arc<[u8]> = b"4x4 0.47,0.19,0.26,0.52 70".as_slice().into();
    assert_eq!(retained, [Retained::Snapshot { camera: "door".into(), label: "person".into(), jpeg }]);
    assert_eq!(rig.taker.counts(), SnapshotCounts { taken: 2, ..SnapshotCounts::default() });
}

#[test]
fn a_margin_stays_inside_the_frame() {
    let corner = BoxInFrame { x: 0.0, y: 0.9, width: 0.2, height: 0.1 };
    let area = with_margin(&corner);
    assert!(area.x == 0.0 && area.bottom() <= 1.0 && area.right() > 0.22, "{area:?}");
}

#[test]
fn a_newer_picture_of_the_same_object_makes_the_older_one_needless() {
    let rig = rig(0);
    let held_up = rig.encoder.gate.lock();
    rig.taker.take(rig.job("door", 1));
    rig.wait_until_asked(1);
    rig.taker.take(rig.job("door", 2));
    rig.taker.take(rig.job("yard", 2));
    let better = SnapshotPlan { crop: false, quality: 99, publish: false, files: FILES };
    rig.taker.take(SnapshotJob { plan: better, ..rig.job("door", 2) });
    drop(held_up);
    assert!(rig.taker.stop(DEADLINE));
    assert_eq!(rig.filed(), [("door".into(), 1), ("yard".into(), 2), ("door".into(), 2)]);
    assert_eq!(rig.archive.snapshots.lock()[2].jpeg, b"4x4 whole 99");
    assert_eq!(rig.taker.counts(), SnapshotCounts { taken: 3, superseded: 1, ..SnapshotCounts::default() });
}

#[test]
fn a_picture_is_published_before_the_disk_is_waited_for() {
    let rig = rig(0);
    let disk_is_busy = rig.archive.gate.lock();
    let plan = SnapshotPlan { crop: false, quality: 85, publish: true, files: FILES };
    rig.taker.take(SnapshotJob { plan, ..rig.job("door", 1) });
    let until = Instant::now() + DEADLINE;
    while rig.sink.retained.lock().is_empty() {
        assert!(Instant::now() < until, "nothing is published");
        std::thread::yield_now();
    }
    assert!(rig.filed().is_empty());
    drop(disk_is_busy);
    assert!(rig.taker.stop(DEADLINE));
    assert_eq!(rig.filed().len(), 1);
}

#[test]
fn a_busy_camera_forces_its_own_oldest_out_and_nobody_elses() {
    let rig = rig(0);
    let held_up = rig.encoder.gate.lock();
    rig.taker.take(rig.job("door", 0));
    rig.wait_until_asked(1);
    rig.taker.take(rig.job("yard", 0));
    for track in 1..=20 {
        rig.taker.take(rig.job("door", track));
    }
    drop(held_up);
    let log = CollectedLog::default();
    assert!(tracing::subscriber::with_default(log.clone(), || rig.taker.stop(DEADLINE)));
    let expected = [("door", 0), ("yard", 0), ("door", 18), ("door", 19), ("door", 20)];
    assert_eq!(rig.filed(), expected.map(|(camera, track)| (camera.to_string(), track)));
    assert_eq!(rig.taker.counts(), SnapshotCounts { taken: 5, dropped: 17, ..SnapshotCounts::default() });
    let [line] = log.lines().try_into().unwrap();
    assert!(line.contains("dropped=17 failed=0"), "{line}");
}

#[test]
fn objects_of_one_frame_share_it_and_all_of_them_wait() {
    let rig = rig(0);
    let held_up = rig.encoder.gate.lock();
    rig.taker.take(rig.job("door", 0));
    rig.wait_until_asked(1);
    let frames: [Arc<dyn FrameBuffer>; 4] = std::array::from_fn(|_| Arc::from(frame_at(Instant::now()).buffer));
    let take = |track, frame: usize| {
        rig.taker.take(SnapshotJob { picture: Arc::clone(&frames[frame]), ..rig.job("door", track) });
    };
    (1..=5).for_each(|track| take(track, 0));
    assert_eq!(rig.taker.counts().dropped, 0);
    // Better pictures of three of them, each in a frame of its own: with the first one these are too many.
    (1..=3).for_each(|track| take(track, track as usize));
    assert!(frames.iter().filter(|frame| Arc::strong_count(frame) > 1).count() == 3, "buffers kept from the decoder");
    drop(held_up);
    assert!(rig.taker.stop(DEADLINE));
    let tracks: Vec<u64> = rig.filed().into_iter().map(|(_, track)| track).collect();
    assert_eq!(tracks, [0, 1, 2, 3]);
    assert_eq!(rig.taker.counts(), SnapshotCounts { taken: 4, superseded: 3, dropped: 2, ..SnapshotCounts::default() });
}

#[test]
fn of_all_cameras_so_many_wait_and_the_busiest_ones_go_first() {
    let rig = rig(0);
    let held_up = rig.encoder.gate.lock();
    rig.taker.take(rig.job("first", 0));
    rig.wait_until_asked(1);
    let singles: Vec<String> = (0..MOST_WAITING - 3).map(|number| format!("camera-{number}")).collect();
    rig.taker.take(rig.job(&singles[0], 1));
    (1..=3).for_each(|track| rig.taker.take(rig.job("busy", track)));
    singles[1..].iter().for_each(|camera| rig.taker.take(rig.job(camera, 1)));
    assert_eq!(rig.taker.counts().dropped, 0, "there was room for these");
    rig.taker.take(rig.job("late", 1));
    rig.taker.take(rig.job("later", 1));
    drop(held_up);
    assert!(rig.taker.stop(DEADLINE));
    let expected: Vec<(String, u64)> = [("first".to_string(), 0), (singles[0].clone(), 1), ("busy".to_string(), 3)]
        .into_iter()
        .chain(singles[1..].iter().cloned().chain(["late".into(), "later".into()]).map(|camera| (camera, 1)))
        .collect();
    assert_eq!(rig.filed(), expected);
    assert_eq!(rig.taker.counts().dropped, 2);
}

#[test]
fn a_stop_says_nothing_when_every_picture_was_taken() {
    let rig = rig(0);
    rig.taker.take(rig.job("door", 1));
    let log = CollectedLog::default();
    assert!(tracing::subscriber::with_default(log.clone(), || rig.taker.stop(DEADLINE)));
    assert!(log.lines().is_empty(), "{:?}", log.lines());
}

#[test]
fn a_panic_costs_one_picture() {
    let rig = rig(3);
    for track in 0..9 {
        rig.taker.take(rig.job(&format!("camera-{track}"), track));
    }
    assert!(rig.taker.stop(DEADLINE));
    assert_eq!(rig.taker.counts(), SnapshotCounts { taken: 6, failed: 3, ..SnapshotCounts::default() });
    assert_eq!(rig.filed().len(), 6);
}

#[test]
fn a_stop_does_not_wait_for_ever_and_nothing_is_taken_after_it() {
    let rig = rig(0);
    let held_up = rig.encoder.gate.lock();
    rig.taker.take(rig.job("door", 1));
    assert!(!rig.taker.stop(Duration::from_millis(20)), "encoding hangs");
    rig.taker.take(rig.job("door", 2));
    drop(held_up);
    assert!(rig.taker.stop(DEADLINE));
    assert_eq!(rig.filed(), [("door".into(), 1)]);
}
