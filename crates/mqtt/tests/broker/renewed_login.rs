//! A reload with another login.

use std::time::Duration;

use sightline_core::ports::EventSink;
use sightline_mqtt::{ConnectionState, MqttErrorCode, MqttSettings};

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, PASSWORD},
    first_arrivals,
    material::{AVAILABLE, EVENTS, event},
    next_on, quick, sequence_numbers, start, subscribe, until, until_connected, until_failed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_one_is_tried_at_once_after_refusals() {
    let minutes = Duration::from_mins(10);
    let settings = MqttSettings { slow_backoff: (minutes, minutes), ..quick() };
    let broker = Broker::start(Access::Password);
    let publisher = start(&broker.plan_with_login("wrong"), settings);
    publisher.offer(event(0));
    until_failed(&publisher, "refused", MqttErrorCode::Auth).await;
    publisher.renew(&broker.plan_with_login(PASSWORD)).unwrap();
    until_connected(&publisher).await;
    until("the acknowledgement", || publisher.event_figures().acknowledged == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_comes_while_connected_loses_nothing_and_shows_no_offline() {
    let broker = Broker::start(Access::Anonymous);
    let mut availability = subscribe(&broker.plan(), &[AVAILABLE]).await;
    let mut events = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;
    assert_eq!(&next_on(&mut availability, AVAILABLE).await.payload[..], b"online");
    for renewal in 1..=3_u64 {
        for seq in 0..200 {
            publisher.offer(event((renewal - 1) * 200 + seq));
        }
        publisher.renew(&broker.plan_with_login("whatever")).unwrap();
        until("another connection", || publisher.counters().reconnects == renewal).await;
        assert_eq!(&next_on(&mut availability, AVAILABLE).await.payload[..], b"online");
    }
    let arrivals = first_arrivals(&mut events, 600).await;
    assert_eq!(sequence_numbers(&arrivals), (0..600).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 600).await;
    assert_eq!(*publisher.connection_state().borrow(), ConnectionState::Connected);
    let failures: u64 = publisher.counters().failures.iter().map(|(_, count)| count).sum();
    assert_eq!(failures, 0);
    assert_balanced(&publisher);
}
