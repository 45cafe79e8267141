//! Every topic carries what the contract says, and every JSON payload holds against the core's schemas.

use jsonschema::Validator;
use sightline_core::{
    event::{CAMERA_STATUS_SCHEMA, CameraState, DETECTIONS_SCHEMA, EVENT_SCHEMA, NODE_STATUS_SCHEMA},
    ports::{EventSink, Offered},
};
use sightline_mqtt::Received;

use crate::support::{
    broker::{Access, Broker},
    json,
    material::{AVAILABLE, COUNT, EVENTS, camera_status, count, detections, event, node_status},
    next_on, quick, start, subscribe, until, until_connected,
};

fn assert_valid(schema: &str, message: &Received) {
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let validator: Validator = jsonschema::validator_for(&schema).unwrap();
    let payload = json(message);
    let problems: Vec<String> = validator.iter_errors(&payload).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{}: {problems:?}\n{payload:#}", message.topic);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_and_payloads_are_those_of_the_contract() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &["sightline/#"]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;

    assert_eq!(publisher.offer(event(1)), Offered::Accepted);
    assert_eq!(publisher.offer_detections(detections(7, 100)), Offered::Accepted);
    publisher.retain(node_status());
    publisher.retain(camera_status(CameraState::Streaming, 4.9));
    publisher.retain(count(3));

    let available = next_on(&mut subscription, AVAILABLE).await;
    assert_eq!(&available.payload[..], b"online");
    let mut awaited = vec![
        (EVENTS, Some(EVENT_SCHEMA)),
        ("sightline/box-7/front-door/detections", Some(DETECTIONS_SCHEMA)),
        ("sightline/box-7/status", Some(NODE_STATUS_SCHEMA)),
        ("sightline/box-7/front-door/status", Some(CAMERA_STATUS_SCHEMA)),
        (COUNT, None),
    ];
    while !awaited.is_empty() {
        let message = crate::support::next(&mut subscription).await;
        let Some(index) = awaited.iter().position(|(topic, _)| *topic == message.topic) else {
            panic!("{} was not published, or twice", message.topic);
        };
        match awaited.swap_remove(index).1 {
            Some(schema) => assert_valid(schema, &message),
            None => assert_eq!(&message.payload[..], b"3"),
        }
        if message.topic == EVENTS {
            let event = json(&message);
            assert_eq!(event["replayed"], false);
            assert!(event["time"]["published"].as_str().unwrap() >= "2026", "{}", event["time"]);
        }
    }

    until("the broker to have everything", || publisher.event_figures().acknowledged == 1).await;
    let mut latecomer = subscribe(&broker.plan(), &["sightline/#"]).await;
    let mut retained = Vec::new();
    for _ in 0..4 {
        let message = crate::support::next(&mut latecomer).await;
        assert!(message.retained, "{}", message.topic);
        retained.push(message.topic);
    }
    retained.sort();
    let wished =
        [AVAILABLE, COUNT, "sightline/box-7/front-door/status", "sightline/box-7/status"].map(ToOwned::to_owned);
    assert_eq!(retained, wished, "events and detections are not retained");
    crate::support::assert_balanced(&publisher);
}
