//! Retained topics after the broker has lost its memory.

use sightline_core::{event::CameraState, ports::EventSink};

use crate::support::{
    PATIENCE,
    broker::{Access, Broker, plan},
    json,
    link::Link,
    material::{AVAILABLE, COUNT, EVENTS, camera_status, count, event, node_status},
    next, next_on, quick, start, subscribe, until_connected, within,
};
use sightline_mqtt::ConnectionState;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_true_again_before_any_event_and_only_the_newest_value_goes_out() {
    let mut broker = Broker::start(Access::Anonymous);
    let mut gate = Link::closed(broker.port);
    gate.open().await;
    let publisher = start(&plan(gate.port), quick());
    publisher.retain(node_status());
    publisher.retain(camera_status(CameraState::Connecting, 0.0));
    publisher.retain(count(1));
    let mut subscription = subscribe(&broker.plan(), &["sightline/#"]).await;
    assert_eq!(&next_on(&mut subscription, COUNT).await.payload[..], b"1");
    until_connected(&publisher).await;

    broker.kill();
    gate.close().await;
    let mut subscribed = subscription.connection_state();
    within("the subscriber to notice", subscribed.wait_for(|s| *s != ConnectionState::Connected)).await.unwrap();
    let mut state = publisher.connection_state();
    within("the publisher to notice", state.wait_for(|s| *s != ConnectionState::Connected)).await.unwrap();
    while subscription.try_next().is_some() {}
    for present in 2..=9 {
        publisher.retain(count(present));
        publisher.offer(event(u64::from(present)));
    }
    publisher.retain(camera_status(CameraState::Streaming, 5.0));

    broker.restart();
    subscription.granted(PATIENCE).await.unwrap();
    gate.open().await;
    let mut topics = Vec::new();
    for _ in 0..5 {
        let message = next(&mut subscription).await;
        match message.topic.as_str() {
            AVAILABLE => assert_eq!(&message.payload[..], b"online"),
            COUNT => assert_eq!(&message.payload[..], b"9"),
            "sightline/box-7/front-door/status" => assert_eq!(json(&message)["state"], "streaming"),
            _ => {}
        }
        topics.push(message.topic);
    }
    assert_eq!(topics[0], AVAILABLE);
    assert_eq!(topics[4], EVENTS);
    topics[1..4].sort();
    assert_eq!(topics[1..4], [COUNT, "sightline/box-7/front-door/status", "sightline/box-7/status"]);
}
