//! `/api/v1/events`: the history page by page, each event as it was stored.

use sightline_core::{
    outbox::{EventQuery, HistoryError, RecordedEvent},
    time::WallTime,
};

use crate::support::Endpoint;

/// Not as serde_json would write it: what is stored is handed on byte by byte.
fn payload(key: u64) -> String {
    format!(r#"{{ "schema":"sightline.event/1",  "seq":{key}, "score":0.50, "label":"caf\u00e9" }}"#)
}

fn with_history(keys: std::ops::RangeInclusive<u64>) -> Endpoint {
    let endpoint = Endpoint::open();
    let recorded = |key| RecordedEvent { key, is_delivered: key % 2 == 0, payload: payload(key) };
    endpoint.daemon.script().history = Ok(keys.rev().map(recorded).collect());
    endpoint
}

#[test]
fn events_are_handed_on_as_they_are_stored() {
    let endpoint = with_history(7..=8);
    let answer = endpoint.get("/api/v1/events");
    let expected = format!(
        r#"{{"events":[{{"key":8,"delivered":true,"event":{}}},{{"key":7,"delivered":false,"event":{}}}],"next":null}}"#,
        payload(8),
        payload(7)
    );
    assert_eq!((answer.status, answer.body.as_str()), (200, expected.as_str()));
    assert_eq!(answer.json()["events"][0]["event"]["label"], "café");
}

#[test]
fn an_empty_history_is_an_empty_page() {
    assert_eq!(Endpoint::open().get("/api/v1/events").body, r#"{"events":[],"next":null}"#);
}

#[test]
fn following_next_shows_every_event_once() {
    for count in [1, 9, 10, 11, 20, 35] {
        let endpoint = with_history(1..=count);
        let (mut seen, mut path) = (Vec::new(), "/api/v1/events?limit=10".to_string());
        loop {
            let page = endpoint.get(&path).json();
            let events = page["events"].as_array().unwrap();
            assert!((1..=10).contains(&events.len()), "{path}: {page}");
            seen.extend(events.iter().map(|event| event["key"].as_u64().unwrap()));
            match page["next"].as_u64() {
                Some(next) => path = format!("/api/v1/events?limit=10&before={next}"),
                None => break,
            }
        }
        assert_eq!(seen, (1..=count).rev().collect::<Vec<_>>());
    }
}

#[test]
fn the_query_reaches_the_history() {
    let endpoint = Endpoint::open();
    let path = "/api/v1/events?from=2023-11-14T22:13:20Z&until=2023-11-14T22%3A13%3A21.500Z&camera=door&label=traffic+light\
                &type=line_crossed&limit=5&before=99";
    assert_eq!(endpoint.get(path).status, 200);
    let expected = EventQuery {
        from: Some(WallTime::from_micros(1_700_000_000_000_000)),
        until: Some(WallTime::from_micros(1_700_000_001_500_000)),
        camera: Some("door".into()),
        label: Some("traffic light".into()),
        kind: Some("line_crossed".into()),
        before: Some(99),
        limit: 6, // one more than is shown tells whether there is a next page
    };
    assert_eq!(endpoint.daemon.script().queries, [expected]);
}

#[test]
fn a_bad_query_is_told_what_would_be_right() {
    let endpoint = Endpoint::open();
    for (query, parts) in [
        ("since=now", ["\"since\"", "from, until, camera, label, type, limit, before"]),
        ("from=now", ["`from=now`", "2026-11-23T20:15:03.120Z"]),
        ("until=2026-11-23", ["`until=2026-11-23`", "2026-11-23T20:15:03.120Z"]),
        ("limit=1001", ["`limit=1001`", "1 to 1000"]),
        ("before=-1", ["`before=-1`", "from 1"]),
        ("type=object", ["`type=object`", "object_started"]),
        ("camera=", ["`camera=`", "leave the parameter out"]),
        ("label=a&label=b", ["`label`", "twice"]),
        ("from=2026-11-23T20:15:03Z&until=2026-11-23T20:15:03Z", ["`until`", "later than `from`"]),
    ] {
        let answer = endpoint.get(&format!("/api/v1/events?{query}"));
        let error = answer.error();
        assert_eq!(answer.status, 400, "{query}: {error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{query}: {error}");
    }
    assert!(endpoint.daemon.script().queries.is_empty());
}

#[test]
fn a_history_that_cannot_be_read_is_told() {
    let endpoint = Endpoint::open();
    let message = "/var/lib/sightline/events.db: disk I/O error";
    endpoint.daemon.script().history = Err(HistoryError { message: message.into() });
    let answer = endpoint.get("/api/v1/events");
    assert_eq!((answer.status, answer.error().as_str()), (503, message));

    endpoint.daemon.script().history = Ok(vec![RecordedEvent { key: 5, is_delivered: true, payload: "{\"cut".into() }]);
    let answer = endpoint.get("/api/v1/events");
    assert_eq!(answer.status, 503);
    assert!(answer.error().starts_with("event 5 of the history is damaged"), "{answer:?}");
}
