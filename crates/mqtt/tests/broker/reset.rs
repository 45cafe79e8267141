//! Connections are reset in the middle of a message, again and again.

use sightline_core::ports::EventSink;
use sightline_mqtt::MqttErrorCode;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::{Fault, Link},
    material::{EVENTS, event},
    quick, sequence_numbers, start, subscribe, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_get_through_piece_by_piece_and_none_is_lost() {
    let broker = Broker::start(Access::Anonymous);
    // An event is some 700 bytes.
    let link = Link::to(broker.port, Fault::ResetAfter(30_123)).await;
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&plan(link.port), quick());
    for seq in 0..100 {
        publisher.offer(event(seq));
    }
    until("a few resets", || publisher.counters().failures.of(MqttErrorCode::Network) >= 3).await;
    link.set(Fault::None);
    let arrivals = first_arrivals(&mut subscription, 100).await;
    assert_eq!(sequence_numbers(&arrivals), (0..100).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 100).await;
    assert!(publisher.counters().reconnects >= 2);
    assert_balanced(&publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_before_the_answer_is_a_failure_of_the_network() {
    let broker = Broker::start(Access::Anonymous);
    let link = Link::to(broker.port, Fault::ResetAfter(5)).await;
    let publisher = start(&plan(link.port), quick());
    let state = publisher.first_attempt().await;
    assert_eq!((state.code(), state.reason().unwrap().code()), ("down", MqttErrorCode::Network), "{state}");
    link.set(Fault::None);
    crate::support::until_connected(&publisher).await;
}
