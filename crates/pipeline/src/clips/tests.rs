use sightline_core::{
    event::{EndReason, EventKind, EventTimes, ModelIdentity, ObjectChange, Origin, Ulid},
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    plan::Retention,
    time::WallTime,
};

use super::*;
use crate::{
    collected_log::CollectedLog,
    fakes::{FakeArchive, FakeRecorder},
};

fn facts() -> ClipFacts {
    ClipFacts { begun: Instant::now(), duration: SECOND, bytes: 1 }
}

const SECOND: Duration = Duration::from_secs(1);

fn event(seq: u64, kind: EventKind) -> Event {
    let moment = WallTime::from_micros(0);
    let time = EventTimes {
        capture: moment,
        clock: CaptureClock::Receive,
        decoded: moment,
        inferred: moment,
        published: None,
    };
    let origin = Origin {
        node: "n".into(),
        pipeline: "p".into(),
        camera: "door".into(),
        model: ModelIdentity { name: "m".into(), sha256: "0".into() },
        provider: "cpu".into(),
        execution: None,
    };
    let change = ObjectChange {
        kind,
        track: seq,
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
    let id = Ulid::new(moment, u128::from(seq));
    Event { id, seq, epoch: id, origin: Arc::new(origin), change, replayed: false }
}

fn started(seq: u64) -> Event {
    event(seq, EventKind::ObjectStarted)
}

struct Rig {
    taker: ClipTaker,
    archive: Arc<FakeArchive>,
    source: FakeRecorder,
    start: Instant,
}

fn rig() -> Rig {
    let plan = ClipPlan {
        events: vec!["object_started".into(), "line_crossed".into()],
        pre: 5 * SECOND,
        post: 10 * SECOND,
        files: Retention { max_files: 10, max_age: 60 * SECOND },
    };
    let archive = Arc::new(FakeArchive::default());
    let taker = ClipTaker::new("door".into(), plan, archive.clone());
    Rig { taker, archive, source: FakeRecorder::default(), start: Instant::now() + 1000 * SECOND }
}

impl Rig {
    fn at(&self, seconds: u32, event: &Event) {
        self.taker.on_event(event, self.start + SECOND * seconds, &self.source);
    }

    /// Begin and end of each recording, in seconds from the start.
    fn spans(&self) -> Vec<(i64, i64)> {
        let from_start = |moment: Instant| match moment.checked_duration_since(self.start) {
            Some(after) => i64::try_from(after.as_secs()).unwrap(),
            None => -i64::try_from((self.start - moment).as_secs()).unwrap(),
        };
        self.source.begun.lock().iter().map(|it| (from_start(it.from), from_start(*it.until.lock()))).collect()
    }

    fn end(&self, index: usize, result: Result<ClipFacts, ClipError>) {
        let recording = self.source.begun.lock()[index].clone();
        recording.end(result);
    }

    fn kept(&self) -> Vec<(PathBuf, Vec<u64>)> {
        self.archive.clips.lock().iter().map(|(_, path, tracks)| (path.clone(), tracks.clone())).collect()
    }
}

#[test]
fn a_recording_goes_from_before_to_after_its_event_and_others_prolong_it() {
    let rig = rig();
    rig.at(0, &started(1));
    assert_eq!(rig.spans(), [(-5, 10)]);
    rig.at(3, &event(2, EventKind::ObjectEnded { reason: EndReason::Left }));
    assert_eq!(rig.spans(), [(-5, 10)], "no event of this type is wished");
    rig.at(7, &started(3));
    assert_eq!(rig.spans(), [(-5, 17)]);
    assert!(!rig.taker.finish(Duration::ZERO), "it is being made");
    rig.end(0, Ok(facts()));
    assert!(rig.taker.finish(SECOND));
    assert_eq!(rig.kept(), [("door-1.mp4".into(), vec![1, 3])]);

    rig.at(30, &started(4));
    assert_eq!(rig.spans(), [(-5, 17), (25, 40)], "one that has ended is not prolonged");
}

#[test]
fn an_endless_row_of_events_makes_recordings_of_bounded_length() {
    let rig = rig();
    for second in 0..600 {
        rig.at(second, &started(second.into()));
    }
    // The first: 300 s from its beginning, 5 s before its first event; the next begins with the event that is too late.
    assert_eq!(rig.spans(), [(-5, 295), (281, 581), (567, 609)]);
    (0..3).for_each(|index| rig.end(index, Ok(facts())));
    let counts: Vec<usize> = rig.kept().iter().map(|(_, tracks)| tracks.len()).collect();
    assert_eq!(counts, [286, 286, 28], "every event is noted once");
}

#[test]
fn more_events_than_can_be_noted_are_counted() {
    let rig = rig();
    for seq in 0..1100 {
        rig.at(0, &started(seq));
    }
    assert_eq!(rig.taker.current.lock().as_ref().unwrap().events.lock().omitted, 100);
    rig.end(0, Ok(facts()));
    assert_eq!(rig.kept()[0].1.len(), 1000);
}

#[test]
fn a_recording_that_fails_is_not_kept_and_the_next_one_is_tried() {
    let rig = rig();
    rig.at(0, &started(1));
    rig.end(0, Err(ClipError { message: "the disk is full".into() }));
    assert!(rig.taker.state.is_failing.load(Ordering::Relaxed));
    assert!(rig.taker.finish(Duration::ZERO));
    rig.at(1, &started(2));
    rig.end(1, Ok(facts()));
    assert!(!rig.taker.state.is_failing.load(Ordering::Relaxed));
    assert_eq!(rig.kept(), [("door-2.mp4".into(), vec![2])]);
}

#[test]
fn why_nothing_is_recorded_is_told_once_per_reason_and_leaves_nothing_open() {
    let rig = rig();
    let reasons = [NotRecorded::NothingToRecord, NotRecorded::TooMany { most: 4 }, NotRecorded::Impossible];
    let log = CollectedLog::default();
    tracing::subscriber::with_default(log.clone(), || {
        for (second, reason) in (0..).zip(&reasons) {
            *rig.source.refuses.lock() = Some(reason.clone());
            rig.at(second, &started(1));
            rig.at(second, &started(2));
        }
        assert!(rig.taker.finish(Duration::ZERO));
        *rig.source.refuses.lock() = None;
        rig.at(5, &started(3));
        rig.at(6, &started(4));
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (line, reason) in lines.iter().zip(&reasons) {
        assert!(line.contains(&reason.to_string()), "{line}");
    }
    assert!(lines[3].contains("again"), "{}", lines[3]);
    assert_eq!(rig.spans(), [(0, 16)]);
}

#[test]
fn a_new_connection_begins_a_new_recording() {
    let rig = rig();
    rig.at(0, &started(1));
    rig.taker.source_ended();
    rig.at(1, &started(2));
    assert_eq!(rig.spans(), [(-5, 10), (-4, 11)]);
}
