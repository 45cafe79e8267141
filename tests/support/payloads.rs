//! Holds every message against the contract.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::Value;
use sightline_core::event::{CAMERA_STATUS_SCHEMA, DETECTIONS_SCHEMA, EVENT_SCHEMA, NODE_STATUS_SCHEMA};

use super::listener::Message;

fn validator(schema: &str) -> Validator {
    let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("a schema is a schema")
}

/// An event is what its schema allows.
pub fn assert_valid_event(event: &Value) {
    let errors: Vec<String> = validator(EVENT_SCHEMA).iter_errors(event).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{event:#}");
}

/// Every message has a topic of the contract and a payload that its schema allows; events are numbered without gaps,
/// have unique ids, and every end has its start.
pub fn assert_all_valid(messages: &[Message]) {
    let (event, detections) = (validator(EVENT_SCHEMA), validator(DETECTIONS_SCHEMA));
    let (camera, node) = (validator(CAMERA_STATUS_SCHEMA), validator(NODE_STATUS_SCHEMA));
    let check = |schema: &Validator, message: &Message| {
        let value = message.json();
        let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}\n{value:#}", message.topic);
    };
    for message in messages {
        let rest = message.topic.strip_prefix("test/box/").expect("the node's topics only");
        match rest.split('/').collect::<Vec<_>>()[..] {
            ["available"] => assert!(matches!(&*message.payload, b"online" | b"offline"), "{:?}", message.payload),
            ["status"] => check(&node, message),
            [_, "status"] => check(&camera, message),
            [_, "events"] => check(&event, message),
            [_, "detections"] => check(&detections, message),
            [_, "count", _] | [_, "zone", _, _] => {
                let text = String::from_utf8_lossy(&message.payload);
                text.parse::<u32>().unwrap_or_else(|_| panic!("{} is {text:?} and no number", message.topic));
            }
            [_, "line", _] => {
                let crossings = message.json();
                let keys: Vec<_> = crossings.as_object().expect("an object").keys().collect();
                assert_eq!(keys, ["in", "out"], "{}", message.topic);
                assert!(crossings["in"].is_u64() && crossings["out"].is_u64(), "{crossings}");
            }
            [_, "snapshot", _] => assert!(message.payload.starts_with(&[0xFF, 0xD8, 0xFF]), "a JPEG file"),
            _ => panic!("{} is no topic of the contract", message.topic),
        }
    }
    assert_events_are_sound(messages);
}

fn assert_events_are_sound(messages: &[Message]) {
    let events: Vec<Value> = messages.iter().filter(|m| m.topic.ends_with("/events")).map(Message::json).collect();
    let ids: BTreeSet<String> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), events.len(), "two events have one id");
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    let expected: Vec<u64> = (0..events.len() as u64).collect();
    assert_eq!(numbers, expected, "events are numbered in order and without gaps");
    let mut open: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for event in &events {
        let object = (event["camera"].to_string(), event["track"].as_u64());
        let zone = event["zone"].to_string();
        let zones = open.get_mut(&object);
        match (event["type"].as_str(), zones) {
            (Some("object_started"), None) => {
                open.insert(object, BTreeSet::new());
            }
            (Some("object_ended"), Some(zones)) => {
                assert!(zones.is_empty(), "gone, and inside {zones:?}: {event}");
                open.remove(&object);
            }
            (Some("zone_entered"), Some(zones)) => assert!(zones.insert(zone), "entered twice: {event}"),
            (Some("zone_left"), Some(zones)) => assert!(zones.remove(&zone), "left without entering: {event}"),
            (Some("zone_loitering"), Some(zones)) => assert!(zones.contains(&zone), "loiters elsewhere: {event}"),
            (Some("object_updated" | "line_crossed"), Some(_)) => {}
            (_, zones) => panic!("with {zones:?}: {event}"),
        }
    }
}
