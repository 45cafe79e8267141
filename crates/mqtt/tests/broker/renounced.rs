//! A reload: a camera that is gone leaves nothing retained, and an edited one shows no gap.

use sightline_core::{event::CameraState, ports::EventSink};
use sightline_mqtt::PublisherHandle;

use crate::support::{
    broker::{Access, Broker, plan},
    link::Link,
    material::{AVAILABLE, COUNT, camera_status, count, line, snapshot, zone},
    next, quick,
    raw::{kept, until_kept},
    start, subscribe, until, until_connected, until_state,
};

const STATUS: &str = "sightline/box-7/front-door/status";
const ZONE: &str = "sightline/box-7/front-door/zone/drive/person";
const LINE: &str = "sightline/box-7/front-door/line/gate";
const PICTURE: &str = "sightline/box-7/front-door/snapshot/person";
const ALL: [&str; 6] = [AVAILABLE, STATUS, COUNT, ZONE, LINE, PICTURE];

/// Everything that a camera retains.
fn retain_all(publisher: &PublisherHandle) {
    publisher.retain(camera_status(CameraState::Streaming, 5.0));
    publisher.retain(count(1));
    publisher.retain(zone("drive", 1));
    publisher.retain(line("gate", 2, 1));
    publisher.retain(snapshot("person", 1000));
    publisher.declared();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_camera_keeps_what_it_still_has_without_a_gap() {
    let broker = Broker::start(Access::Anonymous);
    let publisher = start(&broker.plan(), quick());
    retain_all(&publisher);
    until_kept(broker.port, &ALL).await;
    let mut subscription = subscribe(&broker.plan(), &["sightline/#"]).await;

    publisher.renounce("front-door");
    publisher.retain(camera_status(CameraState::Streaming, 5.0));
    publisher.retain(zone("drive", 0));
    publisher.own_snapshot("front-door", "person");
    publisher.declared();
    until_kept(broker.port, &[AVAILABLE, STATUS, ZONE, PICTURE]).await;
    assert_eq!(publisher.counters().retained_cleared, 2);

    publisher.retain(count(7)); // The last message, so that all before it were seen.
    let mut changed = Vec::new();
    loop {
        let message = next(&mut subscription).await;
        if message.retained || message.topic == AVAILABLE {
            continue;
        }
        changed.push((message.topic.clone(), String::from_utf8(message.payload.to_vec()).unwrap()));
        if message.topic == COUNT && !message.payload.is_empty() {
            break;
        }
    }
    changed.sort();
    let wished = [(COUNT, ""), (COUNT, "7"), (LINE, ""), (ZONE, "0")];
    assert_eq!(changed, wished.map(|(topic, payload)| (topic.to_owned(), payload.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_went_while_the_broker_was_away_is_cleared_when_it_is_back() {
    let broker = Broker::start(Access::Anonymous);
    let mut gate = Link::closed(broker.port);
    gate.open().await;
    let publisher = start(&plan(gate.port), quick());
    retain_all(&publisher);
    until_kept(broker.port, &ALL).await;
    gate.close().await;
    until_state(&publisher, |state| state.code() == "down").await;

    publisher.renounce("front-door");
    publisher.declared();
    assert_eq!(kept(broker.port).await.len(), ALL.len());
    gate.open().await;
    until_connected(&publisher).await;
    until_kept(broker.port, &[AVAILABLE]).await;
    until("all acknowledgements", || publisher.counters().retained_cleared == 5).await;
}
