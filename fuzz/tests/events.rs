//! The corpus of events: one of each type as this version writes it, and each way to break one. What is read of it and
//! written again is what subscribers were promised.
//! `UPDATE_CORPUS=1 cargo test -p sightline-fuzz --test events` writes it anew, after a field was added.
#![allow(clippy::unwrap_used, reason = "a failure here is the failing test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sightline_core::{
    event::{
        EVENT_SCHEMA, EndReason, Event, EventKind, EventTimes, LineDirection, ModelIdentity, ObjectChange, Origin, Ulid,
    },
    execution::Execution,
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    time::WallTime,
};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/event_json")
}

fn one_of_each_type() -> Vec<Event> {
    let zone = || Arc::from("driveway");
    let dwell = Duration::from_millis(3250);
    let kinds = [
        EventKind::ObjectStarted,
        EventKind::ObjectUpdated,
        EventKind::ObjectEnded { reason: EndReason::CameraLost },
        EventKind::ZoneEntered { zone: zone() },
        EventKind::ZoneLeft { zone: zone(), dwell },
        EventKind::ZoneLoitering { zone: zone(), dwell },
        EventKind::LineCrossed { line: "gate".into(), direction: LineDirection::Out },
    ];
    kinds.into_iter().zip(0..).map(|(kind, seq)| event(kind, seq)).collect()
}

fn event(kind: EventKind, seq: u64) -> Event {
    let inferred = WallTime::from_micros(1_790_000_000_123_456);
    let capture = inferred.minus_micros(60_000);
    let is_late = seq.is_multiple_of(2);
    Event {
        id: Ulid::new(inferred, 0xD676_4C61_EFB9_9302_BD5B),
        seq,
        epoch: Ulid::new(capture, 0xABCD),
        origin: Arc::new(Origin {
            node: "box-7".into(),
            pipeline: "yard".into(),
            camera: "front-door".into(),
            model: ModelIdentity { name: "ssd-mobilenet-v1-coco".into(), sha256: "e4b118e5".repeat(8) },
            provider: "cpu".into(),
            execution: is_late.then(|| Execution::on_cpu("ONNX Runtime 1.32", 64).summary()),
        }),
        change: ObjectChange {
            kind,
            track: 57,
            label: "person".into(),
            score: 0.873_46,
            top_score: 0.93,
            bbox: BoxInFrame { x: 0.412, y: 0.331, width: 0.083, height: 0.294 },
            zones: if is_late { Arc::new([]) } else { ["driveway".into(), "Straße \"7\"".into()].into() },
            stationary: is_late,
            age: Duration::from_micros(12_500_600),
            frame: FrameInfo { width: 1920, height: 1080, seq: 90_211 },
            time: EventTimes {
                capture,
                clock: if is_late { CaptureClock::Receive } else { CaptureClock::Rtcp },
                decoded: inferred.minus_micros(20_000),
                inferred,
                published: is_late.then_some(inferred),
            },
        },
        replayed: is_late,
    }
}

/// Each in the place of what it is in a whole `zone_left`.
const BREAKS: [(&str, &str, &str); 14] = [
    ("age_below_zero", "\"age_seconds\":12.501", "\"age_seconds\":-0.001"),
    ("age_of_the_universe", "\"age_seconds\":12.501", "\"age_seconds\":18446744073709549568.0"),
    ("age_without_end", "\"age_seconds\":12.501", "\"age_seconds\":1e308"),
    ("another_schema", "sightline.event/1", "sightline.event/2"),
    ("another_type", "zone_left", "object_flew"),
    ("direction_of_no_line", "\"direction\":null", "\"direction\":\"in\""),
    ("dwell_is_missing", "\"dwell_seconds\":3.25", "\"dwell_seconds\":null"),
    ("field_twice", "\"seq\":4", "\"seq\":4,\"seq\":5"),
    ("id_too_large", "\"id\":\"0", "\"id\":\"8"),
    ("no_such_day", "2026-09-21", "2026-02-30"),
    ("not_a_number", "\"score\":0.8735", "\"score\":NaN"),
    ("score_beyond_f32", "\"score\":0.8735", "\"score\":1e300"),
    ("seq_beyond_u64", "\"seq\":4", "\"seq\":18446744073709551616"),
    ("width_beyond_f32", "\"w\":0.083", "\"w\":-3.5e38"),
];

/// Every event of the corpus, by its file's name.
fn seeds() -> BTreeMap<String, String> {
    let whole: BTreeMap<_, _> = one_of_each_type()
        .into_iter()
        .map(|event| (event.change.kind.name().to_owned(), serde_json::to_string(&event).unwrap()))
        .collect();
    let zone_left = &whole["zone_left"];
    let mut seeds = whole.clone();
    seeds.insert("broken_cut_off".to_owned(), zone_left[..zone_left.len() / 2].to_owned());
    for (name, right, wrong) in BREAKS {
        assert!(zone_left.contains(right), "{right} is not in {zone_left}");
        seeds.insert(format!("broken_{name}"), zone_left.replacen(right, wrong, 1));
    }
    // Nothing of it is needed, and all of it is fine with a later version.
    seeds.insert("fields_of_a_later_version".to_owned(), zone_left.replacen('{', r#"{"colour":{"r":[1e9,null]},"#, 1));
    seeds
}

#[test]
fn the_corpus_has_what_is_written_now_and_each_way_to_break_it() {
    let path_of = |name: &String| corpus().join(format!("{name}.json"));
    let seeds = seeds();
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        for (name, text) in &seeds {
            fs::write(path_of(name), text).unwrap();
        }
    }
    for (name, text) in seeds {
        let path = path_of(&name);
        let kept = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(kept, text, "{name}.json; UPDATE_CORPUS=1 writes it");
        let is_read = serde_json::from_str::<Event>(&text);
        assert_eq!(is_read.is_err(), name.starts_with("broken_"), "{name}: {is_read:?}");
        if EventKind::NAMES.contains(&name.as_str()) {
            assert_eq!(serde_json::to_string(&is_read.unwrap()).unwrap(), text, "{name} is read as another event");
        }
    }
}

#[test]
fn what_is_read_of_the_corpus_is_written_as_the_schema_has_it() {
    let schema: serde_json::Value = serde_json::from_str(EVENT_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut types = BTreeSet::new();
    for entry in fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(mut event) = serde_json::from_slice::<Event>(&fs::read(&path).unwrap()) else { continue };
        // The schema is that of the topic: there each event says when it was handed to the broker.
        event.change.time.published.get_or_insert(event.change.time.inferred);
        let written = serde_json::to_value(&event).unwrap();
        let problems: Vec<String> = validator.iter_errors(&written).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{}: {problems:?}\n{written:#}", path.display());
        types.insert(event.change.kind.name());
    }
    assert_eq!(types, BTreeSet::from(EventKind::NAMES), "a type is not in the corpus");
}
