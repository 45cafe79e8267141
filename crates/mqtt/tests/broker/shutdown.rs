//! The end, and what it leaves.

use std::time::{Duration, Instant};

use sightline_core::ports::{EventSink, Offered};
use sightline_mqtt::{ConnectionState, ShutdownReport};

use crate::support::{
    PATIENCE, assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::Link,
    material::{AVAILABLE, COUNT, EVENTS, count, event},
    next, next_on, quick, sequence_numbers, start, subscribe, until, until_connected,
};

const CLEAN: ShutdownReport = ShutdownReport { events_left: 0, disconnected_cleanly: true };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_sent_then_offline_and_goodbye() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &["sightline/#"]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"online");
    for seq in 0..1000 {
        publisher.offer(event(seq));
    }
    publisher.retain(count(0));
    let (report, second_report) = tokio::join!(publisher.shutdown(PATIENCE), publisher.shutdown(PATIENCE));
    assert_eq!((report, second_report), (CLEAN, CLEAN));
    assert_eq!(*publisher.connection_state().borrow(), ConnectionState::Stopped);
    assert_eq!(publisher.offer(event(1000)), Offered::Refused);
    assert_balanced(&publisher);

    let mut sequence = Vec::new();
    loop {
        let message = next(&mut subscription).await;
        match message.topic.as_str() {
            EVENTS => sequence.push(crate::support::seen(&message).seq),
            COUNT => assert_eq!(&message.payload[..], b"0"),
            AVAILABLE => {
                assert_eq!(&message.payload[..], b"offline");
                break;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(sequence, (0..1000).collect::<Vec<_>>());
    // mosquitto logs a client that went without DISCONNECT as "closed its connection".
    until("the broker to log the goodbye", || {
        let log = broker.log();
        let goodbye = log.lines().rfind(|line| line.contains("sightline-box-7-") && !line.contains("subscriber"));
        goodbye.is_some_and(|line| line.ends_with("disconnected."))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_the_deadline_holds_and_what_is_left_is_counted() {
    let broker = Broker::prepared(Access::Anonymous, None);
    let publisher = start(&broker.plan(), quick());
    for seq in 0..3 {
        publisher.offer(event(seq));
    }
    let began = Instant::now();
    let report = publisher.shutdown(Duration::from_millis(300)).await;
    assert_eq!(report, ShutdownReport { events_left: 3, disconnected_cleanly: false });
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_and_without_events_it_ends_at_once() {
    let broker = Broker::prepared(Access::Anonymous, None);
    let publisher = start(&broker.plan(), quick());
    publisher.first_attempt().await;
    let began = Instant::now();
    let report = publisher.shutdown(Duration::from_secs(60)).await;
    assert_eq!(report, ShutdownReport { events_left: 0, disconnected_cleanly: false });
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_comes_back_within_the_deadline_gets_the_rest() {
    let broker = Broker::start(Access::Anonymous);
    let mut gate = Link::closed(broker.port);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&plan(gate.port), quick());
    publisher.first_attempt().await;
    for seq in 0..10 {
        publisher.offer(event(seq));
    }
    let (report, ()) = tokio::join!(publisher.shutdown(PATIENCE), gate.open());
    assert_eq!(report, CLEAN);
    let arrivals = first_arrivals(&mut subscription, 10).await;
    assert_eq!(sequence_numbers(&arrivals), (0..10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_is_not_waited_for() {
    let broker = Broker::start(Access::Password);
    let publisher = start(&broker.plan_with_login("wrong"), quick());
    publisher.first_attempt().await;
    publisher.offer(event(0));
    let began = Instant::now();
    let report = publisher.shutdown(Duration::from_secs(60)).await;
    assert_eq!(report, ShutdownReport { events_left: 1, disconnected_cleanly: false });
    assert!(began.elapsed() < PATIENCE);
}
