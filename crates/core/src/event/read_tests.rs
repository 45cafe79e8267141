use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{frame::CaptureClock, time::WallTime};

fn any_text() -> impl Strategy<Value = Arc<str>> {
    any::<String>().prop_map(Arc::from)
}

/// Up to a century.
fn any_span() -> impl Strategy<Value = Duration> {
    (0u64..3_200_000_000_000_000).prop_map(Duration::from_micros)
}

fn any_moment() -> impl Strategy<Value = WallTime> {
    (-2_000_000_000_000_000i64..8_000_000_000_000_000).prop_map(WallTime::from_micros)
}

fn any_ulid() -> impl Strategy<Value = Ulid> {
    (any_moment(), any::<u128>()).prop_map(|(time, random)| Ulid::new(time, random))
}

fn any_kind() -> impl Strategy<Value = EventKind> {
    let reason = prop::sample::select(vec![
        EndReason::Left,
        EndReason::CameraLost,
        EndReason::Restart,
        EndReason::Shutdown,
        EndReason::Reload,
    ]);
    let direction = prop::sample::select(vec![LineDirection::In, LineDirection::Out]);
    prop_oneof![
        Just(EventKind::ObjectStarted),
        Just(EventKind::ObjectUpdated),
        reason.prop_map(|reason| EventKind::ObjectEnded { reason }),
        any_text().prop_map(|zone| EventKind::ZoneEntered { zone }),
        (any_text(), any_span()).prop_map(|(zone, dwell)| EventKind::ZoneLeft { zone, dwell }),
        (any_text(), any_span()).prop_map(|(zone, dwell)| EventKind::ZoneLoitering { zone, dwell }),
        (any_text(), direction).prop_map(|(line, direction)| EventKind::LineCrossed { line, direction }),
    ]
}

/// Mostly one that is accepted in every place.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0f64..2.0, 4 => 0.0f64..3e11, 1 => any::<f64>(), 1 => 1e19f64..2e19]
}

fn any_execution() -> impl Strategy<Value = ExecutionSummary> {
    let thousandths = 0u32..=1000;
    (any::<String>(), thousandths, prop::collection::vec(any::<String>(), 0..3)).prop_map(
        |(device, thousandths, passed_over)| ExecutionSummary {
            device,
            share: f64::from(thousandths) / 1000.0,
            passed_over,
        },
    )
}

fn any_origin() -> impl Strategy<Value = Arc<Origin>> {
    let texts = (any::<String>(), any::<String>(), any::<String>(), any::<String>(), any::<String>(), any::<String>());
    (texts, prop::option::of(any_execution())).prop_map(
        |((node, pipeline, camera, name, sha256, provider), execution)| {
            Arc::new(Origin { node, pipeline, camera, model: ModelIdentity { name, sha256 }, provider, execution })
        },
    )
}

fn any_times() -> impl Strategy<Value = EventTimes> {
    let clock = prop::sample::select(vec![CaptureClock::Rtcp, CaptureClock::Receive]);
    (any_moment(), clock, any_moment(), any_moment(), prop::option::of(any_moment())).prop_map(
        |(capture, clock, decoded, inferred, published)| EventTimes { capture, clock, decoded, inferred, published },
    )
}

fn any_change() -> impl Strategy<Value = ObjectChange> {
    let finite = || any::<f32>().prop_filter("JSON has no other", |value| value.is_finite());
    let bbox =
        (finite(), finite(), finite(), finite()).prop_map(|(x, y, width, height)| BoxInFrame { x, y, width, height });
    let frame =
        (any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(width, height, seq)| FrameInfo { width, height, seq });
    let what = (any_kind(), any::<u64>(), any_text(), finite(), finite(), bbox);
    let how = (prop::collection::vec(any_text(), 0..4), any::<bool>(), any_span(), frame, any_times());
    (what, how).prop_map(|((kind, track, label, score, top_score, bbox), (zones, stationary, age, frame, time))| {
        let zones = zones.into();
        ObjectChange { kind, track, label, score, top_score, bbox, zones, stationary, age, frame, time }
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    (any_ulid(), any::<u64>(), any_ulid(), any_origin(), any_change(), any::<bool>())
        .prop_map(|(id, seq, epoch, origin, change, replayed)| Event { id, seq, epoch, origin, change, replayed })
}

proptest! {
    #[test]
    fn what_is_read_back_is_written_the_same(event in any_event()) {
        let written = serde_json::to_string(&event).unwrap();
        let read: Event = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
        prop_assert_eq!((read.id, read.origin, read.change.label), (event.id, event.origin, event.change.label));
        prop_assert_eq!(read.change.kind.name(), event.change.kind.name());
    }

    /// Whoever wrote it: it is refused, or written in the same way from the first time on.
    #[test]
    fn numbers_are_refused_or_settle_when_they_are_written(
        score in any_number(), edge in any_number(), age in any_number(),
    ) {
        let mut event = zone_left();
        event["score"] = json!(score);
        event["box"]["x"] = json!(edge);
        event["age_seconds"] = json!(age);
        event["dwell_seconds"] = json!(age);
        if let Ok(read) = serde_json::from_value::<Event>(event) {
            let written = serde_json::to_string(&read).unwrap();
            let again: Event = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(again.change.age, read.change.age);
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), written);
        }
    }

    #[test]
    fn garbage_is_an_error_and_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(serde_json::from_slice::<Event>(&bytes).is_err());
    }

    #[test]
    fn a_text_that_was_cut_is_an_error(event in any_event(), part in 0.0f64..1.0) {
        let written = serde_json::to_vec(&event).unwrap();
        let end = (written.len() as f64 * part) as usize;
        prop_assert!(serde_json::from_slice::<Event>(&written[..end]).is_err());
    }
}

/// A `zone_left`, as the wire has it.
fn zone_left() -> Value {
    json!({
        "schema": "sightline.event/1", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "seq": 1842,
        "epoch": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "type": "zone_left", "node": "box-7", "pipeline": "yard",
        "camera": "front-door", "track": 57, "label": "person", "score": 0.87, "top_score": 0.93,
        "box": {"x": 0.412, "y": 0.331, "w": 0.083, "h": 0.294},
        "frame": {"width": 1920, "height": 1080, "seq": 90211}, "zones": [], "zone": "driveway", "line": null,
        "direction": null, "stationary": false, "age_seconds": 12.5, "dwell_seconds": 3.25,
        "time": {"capture": "2026-11-23T20:15:03.120Z", "clock": "rtcp", "decoded": "2026-11-23T20:15:03.220Z",
            "inferred": "2026-11-23T20:15:03.250Z", "published": null},
        "model": {"name": "ssd-mobilenet-v1-coco", "sha256": "00"}, "provider": "cpu", "replayed": false
    })
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    let mut later = zone_left();
    later["colour"] = json!("red");
    later["box"]["depth"] = json!(1.0);
    later["time"]["sent"] = json!(null);
    let read: Event = serde_json::from_value(later).unwrap();
    assert_eq!(read.change.kind, EventKind::ZoneLeft { zone: "driveway".into(), dwell: Duration::from_millis(3250) });
    assert_eq!(serde_json::to_value(&read).unwrap(), zone_left());
}

#[test]
fn what_contradicts_itself_is_refused_with_its_reason() {
    for (field, value, reason) in [
        ("schema", json!("sightline.event/2"), "is not \"sightline.event/1\""),
        ("type", json!("object_flew"), "type is none"),
        ("type", json!("object_started"), "belongs to another type"),
        ("type", json!("zone_entered"), "belongs to another type"),
        ("type", json!("object_ended"), "reason is missing"),
        ("type", json!("line_crossed"), "line is missing"),
        ("reason", json!("left"), "belongs to another type"),
        ("direction", json!("in"), "belongs to another type"),
        ("zone", json!(null), "zone is missing"),
        ("dwell_seconds", json!(-1.0), "no span of time"),
        ("age_seconds", json!(1e300), "no span of time"),
        ("age_seconds", json!(1.844_674_407_370_955e19), "no span of time"),
        ("dwell_seconds", json!(4e11), "no span of time"),
        ("id", json!("01ARZ3NDEKTSV4RRFFQ69G5FAU"), "not an identifier"),
        ("seq", json!(-1), "invalid value"),
        ("score", json!(null), "invalid type"),
        ("score", json!(1e300), "beyond a float"),
        ("top_score", json!(-1e39), "beyond a float"),
        ("box", json!({"x": 0.1, "y": 0.1, "w": 3.5e38, "h": 0.1}), "beyond a float"),
        ("label", json!(7), "invalid type"),
    ] {
        let mut wrong = zone_left();
        wrong[field] = value;
        let error = serde_json::from_value::<Event>(wrong).unwrap_err().to_string();
        assert!(error.contains(reason), "{field}: {error}");
    }
}

#[test]
fn every_field_is_needed() {
    let whole = zone_left();
    // `reason` is an `object_ended`'s only; an Option that is not there is null.
    let optional = ["line", "direction"];
    for field in whole.as_object().unwrap().keys().filter(|field| !optional.contains(&field.as_str())) {
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<Event>(less).is_err(), "{field}");
    }
}

#[test]
fn moments_that_no_calendar_has_are_refused() {
    for moment in
        ["2026-02-30T00:00:00.000Z", "2026-11-23T25:00:00.000Z", "2026/11/23T20:15:03.120Z", "2026-11-23T20:15:03Z"]
    {
        let mut wrong = zone_left();
        wrong["time"]["capture"] = json!(moment);
        let error = serde_json::from_value::<Event>(wrong).unwrap_err().to_string();
        assert!(error.contains("not a time"), "{moment}: {error}");
    }
}
