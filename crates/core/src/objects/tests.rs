#![expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::{
    event::LineDirection,
    frame::CaptureClock,
    geometry::Point,
    plan::{CameraSpec, DecodingPlan, LinePlan, ReferencePoint, SourceSpec, ZonePlan},
    time::WallTime,
};

fn labels() -> Labels {
    Labels::new(vec![None, Some("person".into()), Some("car".into())])
}

/// The lower half is the zone `yard`, for persons; its upper edge is the line `gate`.
fn camera() -> CameraPlan {
    let point = |(x, y)| Point { x, y };
    let corners = [(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)].map(point);
    CameraPlan {
        spec: CameraSpec {
            id: "camera".into(),
            source: SourceSpec::Test { pattern: "black".into() },
            decoder: None,
            stall_timeout: Duration::from_secs(10),
            keep_packets: None,
        },
        fps: 10.0,
        priority: crate::plan::Priority::default(),
        labels: BTreeMap::new(),
        zones: vec![ZonePlan {
            id: "yard".into(),
            polygon: Polygon::new(corners.into()).unwrap(),
            labels: vec!["person".into()],
            point: ReferencePoint::Foot,
            inertia: Duration::from_millis(300),
            loitering: Some(Duration::from_secs(2)),
        }],
        lines: vec![LinePlan {
            id: "gate".into(),
            from: point((0.0, 0.5)),
            to: point((1.0, 0.5)),
            labels: Vec::new(),
            point: ReferencePoint::Foot,
        }],
        masks: Vec::new(),
        snapshots: None,
        clips: None,
        frozen_after: None,
        dark_after: None,
        motion: None,
        decoding: DecodingPlan::default(),
    }
}

fn seen(class_id: u16, score: f32, x: f32, foot: f32) -> Detection {
    Detection { class_id, score, bbox: BoxInFrame { x, y: foot - 0.2, width: 0.1, height: 0.2 } }
}

fn at_frame(seq: u64) -> (FrameInfo, EventTimes) {
    let time = WallTime::from_micros(i64::try_from(seq).unwrap() * 100_000);
    let clock = CaptureClock::Receive;
    let times = EventTimes { capture: time, clock, decoded: time, inferred: time, published: None };
    (FrameInfo { width: 640, height: 360, seq }, times)
}

/// Ten frames a second; what happened in all of them, and the observer after it.
fn watch(frames: &[Vec<Detection>]) -> (Vec<ObjectChange>, ObjectObserver) {
    let mut observer = ObjectObserver::new(&camera(), &labels(), 0.5);
    let (start, mut changes) = (Instant::now(), Vec::new());
    for (seq, detections) in (0..).zip(frames) {
        let (info, time) = at_frame(seq);
        let now = start + Duration::from_millis(100 * seq);
        observer.observe(detections, info, time, now, &mut |change| changes.push(change));
    }
    (changes, observer)
}

/// Somebody who walks down the picture at a twentieth of it a frame, stands for `stands` frames, and walks up again.
fn visit(stands: usize) -> Vec<Vec<Detection>> {
    let down = (0..12u8).map(|step| 0.25 + 0.05 * f32::from(step));
    let feet: Vec<f32> = down.clone().chain(std::iter::repeat_n(0.8, stands)).chain(down.rev()).collect();
    let frames = feet.into_iter().map(|foot| vec![seen(1, 0.7, 0.4, foot)]);
    frames.chain(std::iter::repeat_n(Vec::new(), 25)).collect()
}

fn told(changes: &[ObjectChange]) -> Vec<&'static str> {
    changes.iter().map(|change| change.kind.name()).collect()
}

#[test]
fn a_visit_is_told_from_start_to_end() {
    let (changes, mut observer) = watch(&visit(30));
    let without_updates: Vec<_> = told(&changes).into_iter().filter(|name| *name != "object_updated").collect();
    assert_eq!(
        without_updates,
        [
            "object_started",
            "line_crossed",
            "zone_entered",
            "zone_loitering",
            "line_crossed",
            "zone_left",
            "object_ended"
        ]
    );
    let find = |name: &str| changes.iter().filter(move |change| change.kind.name() == name).collect::<Vec<_>>();
    let directions: Vec<_> = find("line_crossed").iter().map(|change| change.kind.clone()).collect();
    let line: Arc<str> = "gate".into();
    assert_eq!(
        directions,
        [LineDirection::In, LineDirection::Out]
            .map(|direction| EventKind::LineCrossed { line: line.clone(), direction })
    );
    let EventKind::ZoneLeft { dwell, .. } = find("zone_left")[0].kind else { panic!("left the zone") };
    // From foot 0.5 down to 0.8, three seconds there, and up again.
    assert!((dwell.as_secs_f32() - 4.4).abs() < 0.25, "{dwell:?}");
    assert_eq!(find("zone_entered")[0].zones.len(), 1);
    assert_eq!(find("zone_left")[0].zones.len(), 0);
    let ended = find("object_ended")[0];
    assert_eq!((ended.frame.seq, ended.age), (53, Duration::from_millis(5300)));

    let mut counts = Vec::new();
    observer.take_counts(&mut |count| counts.push(format!("{count:?}")));
    assert_eq!(counts.len(), 4, "person, car, yard/person, gate: {counts:?}");
    assert!(counts[3].contains("in: 1, out: 1"), "{counts:?}");
    counts.clear();
    observer.take_counts(&mut |count| counts.push(format!("{count:?}")));
    assert_eq!(counts, Vec::<String>::new(), "only what has changed");
}

#[test]
fn updates_are_told_at_most_once_a_second() {
    // Each frame is surer than the last one, and then the object moves after standing still.
    let frames: Vec<_> = (0..60u8).map(|step| vec![seen(2, 0.5 + 0.005 * f32::from(step), 0.4, 0.4)]).collect();
    let (changes, _) = watch(&frames);
    let updates: Vec<_> = changes.iter().filter(|change| change.kind == EventKind::ObjectUpdated).collect();
    assert_eq!(updates.len(), 5);
    assert!(updates.windows(2).all(|pair| pair[1].frame.seq - pair[0].frame.seq >= 10));
    assert_eq!(updates.iter().filter(|update| update.stationary).count(), 3, "three seconds, then it stands still");
}

#[test]
fn who_vanishes_inside_a_zone_leaves_it_and_ends() {
    let mut frames = visit(5);
    frames.truncate(16);
    let (mut changes, mut observer) = watch(&frames);
    assert_eq!(observer.counts().filter(|count| matches!(count, Retained::Zone { inside: 1, .. })).count(), 1);
    changes.clear();
    observer.end_all(EndReason::CameraLost, &mut |change| changes.push(change));
    assert_eq!(told(&changes), ["zone_left", "object_ended"]);
    assert_eq!(changes[1].kind, EventKind::ObjectEnded { reason: EndReason::CameraLost });
    assert!(changes.iter().all(|change| change.zones.is_empty()));
    for count in observer.counts() {
        assert!(!matches!(count, Retained::Zone { inside: 1.., .. } | Retained::Count { present: 1.., .. }));
    }
}

#[test]
fn a_line_is_crossed_also_before_two_sightings_made_it_an_object() {
    // Half the picture in three frames.
    let frames: Vec<_> = [0.3, 0.45, 0.6, 0.75, 0.9].map(|foot| vec![seen(2, 0.9, 0.4, foot)]).into();
    let (changes, _) = watch(&frames);
    assert_eq!(told(&changes), ["object_started", "line_crossed"]);
    assert_eq!(changes[1].frame.seq, 2);
}

#[test]
fn the_best_shot_is_the_nearest_and_surest_whole_view() {
    let mut observer = ObjectObserver::new(&camera(), &labels(), 0.5);
    let start = Instant::now();
    let mut shots = Vec::new();
    for seq in 0..40u8 {
        let size = 0.1 + 0.01 * f32::from(seq.min(20));
        // From frame 30 on it is cut off at the left.
        let x = if seq < 30 { 0.3 } else { 0.0 };
        let bbox = BoxInFrame { x, y: 0.2, width: size, height: size };
        let (info, time) = at_frame(seq.into());
        let now = start + Duration::from_millis(100 * u64::from(seq));
        observer.observe(&[Detection { class_id: 1, score: 0.8, bbox }], info, time, now, &mut |_| ());
        shots.extend(observer.best_shots().iter().map(|shot| (seq, shot.bbox.width)));
    }
    assert_eq!(shots[0].0, 2, "with its start");
    assert!(shots.windows(2).all(|pair| pair[1].1 > 1.14 * pair[0].1), "{shots:?}");
    assert!(shots.len() < 7 && shots.last().unwrap().0 <= 20, "{shots:?}");
}

fn any_frames() -> impl Strategy<Value = Vec<Vec<Detection>>> {
    let detection = (1u16..3, 0.2f32..1.0, 0.0f32..0.6, 0.3f32..1.0)
        .prop_map(|(class_id, score, x, foot)| seen(class_id, score, x, foot));
    // Nearly the same picture for a while, or nothing would ever become an object.
    let still = (prop::collection::vec(detection, 0..6), 1usize..12, -0.02f32..0.02);
    prop::collection::vec(still, 1..8).prop_map(|pictures| {
        let frames = pictures.into_iter().flat_map(|(picture, times, drift)| {
            (0..times).map(move |step| {
                let moved = |detection: &Detection| {
                    let mut moved = *detection;
                    moved.bbox.y += drift * step as f32;
                    moved
                };
                picture.iter().map(moved).collect()
            })
        });
        frames.collect()
    })
}

proptest! {
    #[test]
    fn every_life_is_whole_and_counts_are_the_objects(frames in any_frames()) {
        let mut observer = ObjectObserver::new(&camera(), &labels(), 0.5);
        let start = Instant::now();
        let (mut open, mut ids) = (BTreeMap::<u64, BTreeSet<Arc<str>>>::new(), BTreeSet::new());
        let mut crossings = 0;
        let mut follow = |changes: Vec<ObjectChange>| -> Result<BTreeMap<u64, BTreeSet<Arc<str>>>, TestCaseError> {
            for change in changes {
                let zones = open.get_mut(&change.track);
                match (&change.kind, zones) {
                    (EventKind::ObjectStarted, None) => {
                        prop_assert!(ids.insert(change.track), "an id is never used twice");
                        open.insert(change.track, BTreeSet::new());
                    }
                    (EventKind::ObjectEnded { .. }, Some(zones)) => {
                        prop_assert!(zones.is_empty(), "who is gone is in no zone");
                        open.remove(&change.track);
                    }
                    (EventKind::ZoneEntered { zone }, Some(zones)) => prop_assert!(zones.insert(zone.clone())),
                    (EventKind::ZoneLeft { zone, .. }, Some(zones)) => prop_assert!(zones.remove(zone)),
                    (EventKind::ZoneLoitering { zone, .. }, Some(zones)) => prop_assert!(zones.contains(zone)),
                    (EventKind::LineCrossed { .. }, Some(_)) => crossings += 1,
                    (EventKind::ObjectUpdated, Some(_)) => {}
                    (kind, zones) => prop_assert!(false, "{kind:?} with {zones:?}"),
                }
            }
            Ok(open.clone())
        };
        let mut told_crossings = 0;
        for step in 0..=frames.len() {
            let mut changes = Vec::new();
            match frames.get(step) {
                Some(detections) => {
                    let (info, time) = at_frame(step as u64);
                    let now = start + Duration::from_millis(170 * step as u64);
                    observer.observe(detections, info, time, now, &mut |change| changes.push(change));
                }
                None => observer.end_all(EndReason::Shutdown, &mut |change| changes.push(change)),
            }
            let open = follow(changes)?;
            let (mut present, mut inside) = (0, 0);
            for count in observer.counts() {
                match count {
                    Retained::Count { present: now, .. } => present += now as usize,
                    Retained::Zone { inside: now, .. } => inside += now as usize,
                    Retained::Line { crossings, .. } => told_crossings = crossings.r#in + crossings.out,
                    _ => {}
                }
            }
            prop_assert_eq!(present, open.len());
            prop_assert_eq!(inside, open.values().map(BTreeSet::len).sum::<usize>());
        }
        prop_assert_eq!(told_crossings, crossings);
        prop_assert_eq!(observer.tracks().count(), 0);
    }

    #[test]
    fn permuting_detections_changes_nothing(frames in any_frames(), by in 0usize..6) {
        let permuted: Vec<Vec<Detection>> = frames
            .iter()
            .map(|frame| {
                let mut other = frame.clone();
                other.reverse();
                let length = other.len().max(1);
                other.rotate_left(by % length);
                other
            })
            .collect();
        prop_assert_eq!(watch(&frames).0, watch(&permuted).0);
    }
}
