//! Pictures: retained at QoS 0, and never in the way of anything else.

use rumqttc::QoS;
use sightline_core::{event::CameraState, ports::EventSink};
use sightline_mqtt::{ConnectionState, MqttSettings};

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::Link,
    material::{AVAILABLE, COUNT, EVENTS, camera_status, count, event, jpeg, line, snapshot, zone},
    next, quick,
    raw::until_kept,
    start, subscribe, until, until_connected, until_state,
};

const MEBIBYTE: usize = 1 << 20;
const PERSON: &str = "sightline/box-7/front-door/snapshot/person";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zones_lines_and_pictures_are_kept_as_the_contract_says() {
    let broker = Broker::start(Access::Anonymous);
    let publisher = start(&broker.plan(), quick());
    publisher.retain(zone("drive way", 2));
    publisher.retain(line("gate", 3, 1));
    publisher.retain(snapshot("person", MEBIBYTE));
    let (zone, line) = ("sightline/box-7/front-door/zone/drive way/person", "sightline/box-7/front-door/line/gate");
    let kept = until_kept(broker.port, &[AVAILABLE, zone, line, PERSON]).await;
    assert_eq!((kept[zone].payload.as_slice(), kept[zone].qos), (&b"2"[..], QoS::AtLeastOnce));
    assert_eq!((kept[line].payload.as_slice(), kept[line].qos), (&br#"{"in":3,"out":1}"#[..], QoS::AtLeastOnce));
    assert_eq!(kept[PERSON].qos, QoS::AtMostOnce);
    assert!(kept[PERSON].payload == *jpeg(MEBIBYTE), "the picture has changed on its way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_connack_they_come_behind_everything_else() {
    let broker = Broker::start(Access::Anonymous);
    let mut gate = Link::closed(broker.port);
    let mut subscription = subscribe(&broker.plan(), &["sightline/#"]).await;
    let publisher = start(&plan(gate.port), quick());
    for label in 0..10 {
        publisher.retain(snapshot(&label.to_string(), MEBIBYTE));
    }
    for seq in 0..300 {
        publisher.offer(event(seq));
    }
    publisher.retain(count(1));
    publisher.retain(camera_status(CameraState::Streaming, 5.0));
    gate.open().await;
    let mut topics = Vec::new();
    while topics.len() < 313 {
        topics.push(next(&mut subscription).await.topic);
    }
    let is_picture = |topic: &String| topic.contains("/snapshot/");
    assert!(!topics[..303].iter().any(is_picture) && topics[303..].iter().all(is_picture), "{topics:#?}");
    assert_balanced(&publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_waits_for_one_picture_at_most() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &["sightline/#"]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;
    broker.freeze();
    for label in 0..10 {
        publisher.retain(snapshot(&label.to_string(), MEBIBYTE));
    }
    for seq in 0..50 {
        publisher.offer(event(seq));
    }
    publisher.retain(count(1));
    broker.thaw();
    let (mut events, mut pictures, mut before_last_event) = (0, 0, 0);
    while pictures < 10 {
        match next(&mut subscription).await.topic.as_str() {
            EVENTS => {
                events += 1;
                before_last_event = pictures;
            }
            AVAILABLE | COUNT => {}
            _ => pictures += 1,
        }
    }
    assert_eq!(events, 50);
    assert!(before_last_event <= 1, "{before_last_event} pictures came before the last event");
    until("all acknowledgements", || publisher.event_figures().acknowledged == 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_hangs_up_on_is_given_up_and_the_rest_goes_on() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    broker.configure("max_packet_size 100000");
    broker.restart();
    let mut subscription = subscribe(&broker.plan(), &[EVENTS, PERSON]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;
    publisher.retain(snapshot("too large", 200_000));
    publisher.retain(snapshot("person", 50_000));
    assert_eq!(next(&mut subscription).await.payload.len(), 50_000);
    until("the picture to be given up", || publisher.counters().snapshots_refused == 1).await;
    until_state(&publisher, |state| *state == ConnectionState::Connected).await;
    let before = publisher.counters().reconnects;
    assert_eq!(before, 2, "tried twice");
    let mut events = subscribe(&broker.plan(), &[EVENTS]).await;
    for seq in 0..200 {
        publisher.offer(event(seq));
    }
    first_arrivals(&mut events, 200).await;
    until("all acknowledgements", || publisher.event_figures().acknowledged == 200).await;
    assert_eq!(publisher.counters().reconnects, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_too_large_for_us_is_not_sent_and_breaks_nothing() {
    let broker = Broker::start(Access::Anonymous);
    let publisher = start(&broker.plan(), MqttSettings { snapshot_bytes: 1000, ..quick() });
    publisher.retain(snapshot("person", 1000));
    until_kept(broker.port, &[AVAILABLE, PERSON]).await;
    publisher.retain(snapshot("person", 1001));
    publisher.retain(count(1));
    let kept = until_kept(broker.port, &[AVAILABLE, PERSON, COUNT]).await;
    assert_eq!(kept[PERSON].payload.len(), 1000, "the one before stays");
    let counters = publisher.counters();
    assert_eq!((counters.snapshots_refused, counters.reconnects), (1, 0));
}
