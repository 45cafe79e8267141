#![expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn seen(class_id: u16, x: f32, y: f32) -> Sighting {
    scored(class_id, x, y, 0.8)
}

fn scored(class_id: u16, x: f32, y: f32, score: f32) -> Sighting {
    let detection = Detection { class_id, score, bbox: BoxInFrame { x, y, width: 0.1, height: 0.2 } };
    Sighting { detection, is_high: score >= 0.5 }
}

fn at(start: Instant, millis: u64) -> Instant {
    start + Duration::from_millis(millis)
}

#[test]
fn flicker_of_two_frames_is_no_object() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    tracker.update(&[seen(1, 0.1, 0.1)], start, &mut changes);
    tracker.update(&[seen(1, 0.1, 0.1)], at(start, 200), &mut changes);
    tracker.update(&[], at(start, 5000), &mut changes);
    assert!(changes.started.is_empty() && changes.ended.is_empty());
}

#[test]
fn an_object_that_walks_keeps_its_id_and_ends_once() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    let mut started = Vec::<u64>::new();
    for step in 0..20u16 {
        let x = 0.02 * f32::from(step);
        tracker.update(&[seen(1, x, 0.3)], at(start, 200 * u64::from(step)), &mut changes);
        started.extend(changes.started.iter().map(|started| started.id));
    }
    assert_eq!(started, [1]);
    assert_eq!(changes.track_of_detection, [Some(1)]);
    let ended: Vec<usize> = [7000, 7200, 9000]
        .map(|millis| {
            tracker.update(&[], at(start, millis), &mut changes);
            changes.ended.len()
        })
        .into();
    assert_eq!(ended, [0, 1, 0], "not by time alone, and only once");
}

#[test]
fn an_object_on_a_slow_camera_is_one_object() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for step in 0..6 {
        tracker.update(&[seen(1, 0.3, 0.3)], at(start, 10_000 * step), &mut changes);
    }
    assert_eq!(changes.track_of_detection, [Some(1)]);
}

#[test]
fn a_gap_shorter_than_max_age_does_not_end_it() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for step in 0..3 {
        tracker.update(&[seen(1, 0.1, 0.1)], at(start, 200 * step), &mut changes);
    }
    tracker.update(&[], at(start, 1500), &mut changes);
    tracker.update(&[seen(1, 0.1, 0.1)], at(start, 1900), &mut changes);
    assert_eq!(changes.track_of_detection, [Some(1)]);
}

#[test]
fn a_low_score_keeps_an_object_and_makes_none() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for step in 0..50 {
        let score = if step < 3 { 0.8 } else { 0.3 };
        let frame = [scored(1, 0.1, 0.1, score), scored(1, 0.7, 0.1, 0.3)];
        tracker.update(&frame, at(start, 100 * step), &mut changes);
    }
    assert_eq!(changes.track_of_detection, [Some(1), None]);
    assert_eq!(tracker.objects().count(), 1);
}

#[test]
fn what_stands_still_is_waited_for_longer() {
    for (moves, waited) in [(0.0, 8), (0.01, 2)] {
        let (mut tracker, mut changes, start) =
            (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
        for step in 0..50u16 {
            let x = 0.1 + moves * f32::from(step);
            tracker.update(&[seen(1, x, 0.1)], at(start, 100 * u64::from(step)), &mut changes);
        }
        assert_eq!(tracker.object(1).map(|object| object.stationary), Some(moves == 0.0));
        let mut gone_after = None;
        for step in 1..100 {
            tracker.update(&[], at(start, 4900 + 100 * step), &mut changes);
            if !changes.ended.is_empty() {
                gone_after = Some(step);
            }
        }
        assert_eq!(gone_after, Some(10 * waited + 1));
    }
}

#[test]
fn a_part_of_an_object_is_no_other_object() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for step in 0..10 {
        let mut part = seen(1, 0.11, 0.1);
        part.detection.score = 0.6;
        part.detection.bbox.height = 0.14;
        tracker.update(&[part, seen(1, 0.1, 0.1)], at(start, 100 * step), &mut changes);
    }
    assert_eq!(tracker.objects().count(), 1);
}

#[test]
fn what_parts_from_an_object_begins_there() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    let part = |x: f32, y: f32| {
        let mut part = seen(1, x, y);
        part.detection.score = 0.6;
        part.detection.bbox.height = 0.14;
        part
    };
    for step in 0..100 {
        tracker.update(&[part(0.11, 0.1), seen(1, 0.1, 0.1)], at(start, 100 * step), &mut changes);
    }
    let mut started = Vec::new();
    for step in 0..10u16 {
        let frame = [part(0.11 + 0.03 * f32::from(step), 0.1), seen(1, 0.1, 0.1)];
        tracker.update(&frame, at(start, 10_000 + 100 * u64::from(step)), &mut changes);
        started.append(&mut changes.started);
    }
    assert_eq!(started.len(), 1);
    assert!(started[0].sightings.len() <= 3, "{:?}", started[0].sightings);
    let object = tracker.object(2).unwrap();
    assert!(object.first_seen >= at(start, 9_700), "{:?}", object.first_seen - start);
}

#[test]
fn what_it_did_before_it_was_an_object_is_told() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for step in 0..3u16 {
        tracker.update(&[seen(1, 0.1 + 0.05 * f32::from(step), 0.1)], at(start, 100 * u64::from(step)), &mut changes);
    }
    let sightings = &changes.started[0].sightings;
    assert_eq!(sightings.iter().map(|(_, when)| *when).collect::<Vec<_>>(), [0, 100, 200].map(|ms| at(start, ms)));
    assert!(sightings.is_sorted_by(|(one, _), (next, _)| one.x < next.x));
}

#[test]
fn two_classes_at_one_place_are_two_objects() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for step in 0..3 {
        tracker.update(&[seen(1, 0.1, 0.1), seen(2, 0.1, 0.1)], at(start, 100 * step), &mut changes);
    }
    assert_eq!(tracker.objects().count(), 2);
}

#[test]
fn two_that_cross_do_not_swap() {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    let mut first_ids = Vec::new();
    for step in 0..30u16 {
        let progress = 0.02 * f32::from(step);
        let frame = [seen(1, 0.1 + progress, 0.3), seen(1, 0.7 - progress, 0.32)];
        tracker.update(&frame, at(start, 100 * u64::from(step)), &mut changes);
        if step == 2 {
            first_ids.clone_from(&changes.track_of_detection);
        }
    }
    assert_eq!(changes.track_of_detection, first_ids);
}

/// Walks from `from` by `step` every 100 ms, and is seen at `then` so many milliseconds after the last step; the ids
/// of all objects there are after three more sightings there.
fn ids_after_a_gap(from: f32, step: f32, gap: u64, then: f32) -> Vec<Option<u64>> {
    let (mut tracker, mut changes, start) =
        (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
    for count in 0..10u16 {
        let x = from + step * f32::from(count);
        tracker.update(&[seen(1, x, 0.3)], at(start, 100 * u64::from(count)), &mut changes);
    }
    for count in 0..3 {
        tracker.update(&[seen(1, then, 0.3)], at(start, 900 + gap + 100 * count), &mut changes);
    }
    changes.track_of_detection
}

#[test]
fn who_turns_or_stops_while_frames_are_dropped_is_the_same() {
    // Last seen at 0.38, expected at 0.54 after the gap: it stopped, turned, or went on.
    for then in [0.38, 0.30, 0.54] {
        assert_eq!(ids_after_a_gap(0.2, 0.02, 800, then), [Some(1)], "{then}");
    }
}

#[test]
fn who_comes_in_where_somebody_left_is_another() {
    // The last sighting reaches the frame's edge.
    assert_eq!(ids_after_a_gap(0.72, 0.02, 800, 0.82), [Some(2)]);
}

proptest! {
    #[test]
    fn the_order_of_detections_makes_no_difference(
        frames in prop::collection::vec(
            prop::collection::vec((1u16..3, 0.0f32..0.5, 0.0f32..0.5, 0.2f32..1.0), 0..8), 1..30),
        seed in any::<u64>(),
    ) {
        let start = Instant::now();
        let run = |shuffled: bool| {
            let (mut tracker, mut changes) = (Tracker::new(TrackerSettings::default()), TrackChanges::default());
            let mut told = Vec::new();
            for (step, frame) in frames.iter().enumerate() {
                let mut sightings: Vec<_> =
                    frame.iter().map(|&(class, x, y, score)| scored(class, x, y, score)).collect();
                if shuffled && !sightings.is_empty() {
                    let by = usize::try_from(seed >> (step % 32) & 7).unwrap() % sightings.len();
                    sightings.rotate_left(by);
                    sightings.reverse();
                }
                tracker.update(&sightings, at(start, 130 * step as u64), &mut changes);
                let mut seen: Vec<_> = sightings
                    .iter()
                    .zip(&changes.track_of_detection)
                    .map(|(sighting, id)| format!("{sighting:?} {id:?}"))
                    .collect();
                seen.sort();
                told.push((seen, changes.started.clone(), changes.ended.clone()));
            }
            told
        };
        prop_assert_eq!(run(false), run(true));
    }

    #[test]
    fn ids_are_never_used_twice_and_every_start_has_one_end(
        frames in prop::collection::vec(prop::collection::vec((1u16..4, 0.0f32..0.9, 0.0f32..0.8), 0..6), 1..60),
    ) {
        let (mut tracker, mut changes, start) = (Tracker::new(TrackerSettings::default()), TrackChanges::default(), Instant::now());
        let (mut started, mut ended) = (Vec::new(), Vec::new());
        for (step, frame) in frames.iter().enumerate() {
            let detections: Vec<_> = frame.iter().map(|&(class, x, y)| seen(class, x, y)).collect();
            tracker.update(&detections, at(start, 300 * step as u64), &mut changes);
            started.extend(changes.started.iter().map(|started| started.id));
            ended.extend(changes.ended.iter().filter_map(|track| track.id));
            let known: Vec<_> = changes.track_of_detection.iter().flatten().collect();
            prop_assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), known.len());
        }
        tracker.end_all(&mut changes);
        ended.extend(changes.ended.iter().filter_map(|track| track.id));
        let unique: BTreeSet<_> = started.iter().copied().collect();
        prop_assert_eq!(unique.len(), started.len());
        ended.sort_unstable();
        started.sort_unstable();
        prop_assert_eq!(started, ended);
    }
}
