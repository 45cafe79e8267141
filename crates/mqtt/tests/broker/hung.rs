//! The broker stops answering, but its machine goes on acknowledging TCP.

use std::time::Duration;

use sightline_core::ports::EventSink;
use sightline_mqtt::{ConnectionState, MqttError, MqttErrorCode, MqttSettings};

use crate::support::{
    assert_balanced,
    broker::{Access, Broker},
    first_arrivals,
    material::{AVAILABLE, EVENTS, event},
    next_on, quick, sequence_numbers, start, subscribe, until, until_connected, until_state,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_is_noticed_and_gets_everything_when_it_wakes() {
    let second = Duration::from_secs(1);
    let settings = MqttSettings { keep_alive: second, connect_timeout: second, ..quick() };
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&broker.plan(), settings);
    until_connected(&publisher).await;
    publisher.offer(event(0));
    until("the first event to arrive", || publisher.event_figures().acknowledged == 1).await;

    broker.freeze();
    for seq in 1..300 {
        publisher.offer(event(seq));
    }
    let state = until_state(&publisher, |state| *state != ConnectionState::Connected).await;
    assert!(matches!(&state, ConnectionState::Down { reason: MqttError::Silent { .. } }), "{state:?}");
    until_state(&publisher, |state| matches!(state, ConnectionState::Down { reason: MqttError::NoAnswer { .. } }))
        .await;
    assert!(publisher.counters().failures.of(MqttErrorCode::Timeout) >= 2);
    broker.thaw();

    let arrivals = first_arrivals(&mut subscription, 300).await;
    assert_eq!(sequence_numbers(&arrivals), (0..300).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 300).await;
    assert_balanced(&publisher);

    // Attempts given up while it was frozen were answered in its wakening, each with a last will of its own: what
    // stays must be the truth.
    until_connected(&publisher).await;
    let mut latecomer = subscribe(&broker.plan(), &[AVAILABLE]).await;
    assert_eq!(&next_on(&mut latecomer, AVAILABLE).await.payload[..], b"online");
}
