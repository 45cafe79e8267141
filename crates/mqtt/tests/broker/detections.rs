//! Per-frame messages beside events.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sightline_core::{
    plan::MqttPlan,
    ports::{EventSink, Offered},
};

use crate::support::{
    assert_balanced,
    broker::{Access, Broker},
    first_arrivals,
    material::{EVENTS, detections, event},
    quick, sequence_numbers, start, subscribe, until, until_connected, until_state,
};
use sightline_mqtt::ConnectionState;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_them_does_not_starve_events() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;

    let is_over = Arc::new(AtomicBool::new(false));
    let flood = std::thread::spawn({
        let (publisher, is_over) = (publisher.clone(), is_over.clone());
        move || {
            let mut seq = 0;
            while !is_over.load(Ordering::Relaxed) {
                publisher.offer_detections(detections(seq, 100));
                seq += 1;
            }
        }
    });
    until("the queue to be full", || publisher.counters().detections.displaced > 1000).await;
    for seq in 0..500 {
        publisher.offer(event(seq));
    }
    let arrivals = first_arrivals(&mut subscription, 500).await;
    let is_flood_on = !flood.is_finished();
    is_over.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    assert!(is_flood_on);
    assert_eq!(sequence_numbers(&arrivals), (0..500).collect::<Vec<_>>());
    assert!(publisher.counters().detections.sent > 0);
    until("the rest to be written", || publisher.counters().detections.waiting == 0).await;
    assert_balanced(&publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_refused_and_counted_while_there_is_no_connection_or_no_wish() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    let publisher = start(&broker.plan(), quick());
    assert_eq!(publisher.offer_detections(detections(0, 1)), Offered::Refused);
    broker.restart();
    until_connected(&publisher).await;
    assert_eq!(publisher.offer_detections(detections(1, 1)), Offered::Accepted);
    until("it to be written", || publisher.counters().detections.sent == 1).await;
    broker.kill();
    until_state(&publisher, |state| *state != ConnectionState::Connected).await;
    assert_eq!(publisher.offer_detections(detections(2, 1)), Offered::Refused);
    assert_eq!(publisher.counters().detections.refused, 2);
    assert_balanced(&publisher);

    broker.restart();
    let unwished = start(&MqttPlan { detections: false, ..broker.plan() }, quick());
    until_connected(&unwished).await;
    assert_eq!(unwished.offer_detections(detections(3, 1)), Offered::Refused);
}
