//! Any question to the history has the answer that a plain search through all events gives.

use proptest::prelude::*;
use sightline_core::{
    event::{EndReason, EventKind, LineDirection},
    outbox::{EventQuery, History},
    time::WallTime,
};
use sightline_store::EventStore;

use crate::support::{START, event_of, next, open, outbox, until};

const CAMERAS: [&str; 3] = ["front-door", "yard", "garage"];
const LABELS: [&str; 3] = ["person", "car", "o'clock"];
const EVENTS: u64 = 400;

/// What is known of an event without the store.
#[derive(Clone, Debug)]
struct Plain {
    key: u64,
    captured: WallTime,
    camera: String,
    label: String,
    kind: &'static str,
    is_delivered: bool,
    payload: String,
}

fn kinds() -> [EventKind; 4] {
    [
        EventKind::ObjectStarted,
        EventKind::ObjectEnded { reason: EndReason::Left },
        EventKind::ZoneEntered { zone: "driveway".into() },
        EventKind::LineCrossed { line: "gate".into(), direction: LineDirection::In },
    ]
}

/// Fills the store with events in a fixed disorder of time, and delivers the first half.
fn filled(store: &EventStore) -> Vec<Plain> {
    let outbox = outbox(store);
    for index in 0..EVENTS {
        // 37 and 400 have no common divisor: each second once, in disorder.
        let (camera, label) = (CAMERAS[index as usize % 3], LABELS[index as usize / 3 % 3]);
        outbox.push(event_of(index * 37 % EVENTS, camera, label, kinds()[index as usize / 9 % 4].clone()));
    }
    let plain = |index: u64| {
        let (key, event) = next(&*outbox);
        if index < EVENTS / 2 {
            outbox.acknowledge(key);
        }
        Plain {
            key,
            captured: event.change.time.capture,
            camera: event.origin.camera.clone(),
            label: event.change.label.to_string(),
            kind: event.change.kind.name(),
            is_delivered: index < EVENTS / 2,
            payload: serde_json::to_string(&event).unwrap(),
        }
    };
    let all: Vec<Plain> = (0..EVENTS).map(plain).collect();
    let everything = EventQuery { limit: 1000, ..EventQuery::default() };
    let delivered = || store.events(&everything).unwrap().iter().filter(|event| event.is_delivered).count();
    until("half of them to be history", || delivered() as u64 == EVENTS / 2);
    all
}

fn any_query() -> impl Strategy<Value = EventQuery> {
    let moment =
        || prop::option::of((-10i64..410).prop_map(|second| WallTime::from_micros((START + second) * 1_000_000)));
    let one_of = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).chain(["none' OR 1=1".into()]).collect();
        prop::option::of(prop::sample::select(texts))
    };
    let names: Vec<&str> = kinds().iter().map(EventKind::name).collect();
    (moment(), moment(), one_of(&CAMERAS), one_of(&LABELS), one_of(&names), prop::option::of(0usize..400), 0usize..50)
        .prop_map(|(from, until, camera, label, kind, before, limit)| EventQuery {
            from,
            until,
            camera,
            label,
            kind,
            before: before.map(|index| index as u64),
            limit,
        })
}

fn oracle<'a>(all: &'a [Plain], query: &EventQuery) -> Vec<&'a Plain> {
    let is_wished = |plain: &&Plain| {
        query.from.is_none_or(|from| plain.captured >= from)
            && query.until.is_none_or(|until| plain.captured < until)
            && query.camera.as_ref().is_none_or(|camera| *camera == plain.camera)
            && query.label.as_ref().is_none_or(|label| *label == plain.label)
            && query.kind.as_ref().is_none_or(|kind| *kind == plain.kind)
            && query.before.is_none_or(|before| plain.key < before)
    };
    all.iter().rev().filter(is_wished).take(query.limit.max(1)).collect()
}

#[test]
fn every_question_has_its_answer() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let all = filled(&store);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(mut query in any_query())| {
        query.before = query.before.map(|index| all[index as usize].key);
        let answer = store.events(&query).unwrap();
        let expected = oracle(&all, &query);
        prop_assert_eq!(answer.len(), expected.len());
        for (event, plain) in answer.iter().zip(expected) {
            let is_same = event.key == plain.key && event.is_delivered == plain.is_delivered;
            prop_assert!(is_same && event.payload == plain.payload, "{event:?} is not {plain:?}");
        }
    });
}

#[test]
fn page_by_page_everything_comes_once() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let all = filled(&store);
    let (mut query, mut keys) = (EventQuery { limit: 33, ..EventQuery::default() }, Vec::new());
    loop {
        let page = store.events(&query).unwrap();
        let Some(last) = page.last() else { break };
        query.before = Some(last.key);
        keys.extend(page.iter().map(|event| event.key));
    }
    assert_eq!(keys, all.iter().rev().map(|plain| plain.key).collect::<Vec<_>>());
}
