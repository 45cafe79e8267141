//! Events that are still on their way to the disk.

use std::sync::Arc;

use sightline_core::ports::{EventSink, Offered};
use sightline_mqtt::ShutdownReport;

use crate::support::{
    PATIENCE, assert_balanced,
    broker::{Access, Broker},
    first_arrivals,
    material::{AVAILABLE, EVENTS, event},
    next_on, quick, sequence_numbers,
    slow_disk::SlowDisk,
    start_with, subscribe, until_connected, until_state,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_for_them() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let disk = Arc::new(SlowDisk::default());
    let publisher = start_with(&broker.plan(), disk.clone(), quick());
    until_connected(&publisher).await;
    for seq in 0..10 {
        assert_eq!(publisher.offer(event(seq)), Offered::Accepted);
    }
    let ending = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.shutdown(PATIENCE).await }
    });
    // A second connection's answer comes long after the session has looked for the last time.
    let mut latecomer = subscribe(&broker.plan(), &[AVAILABLE]).await;
    assert_eq!(&next_on(&mut latecomer, AVAILABLE).await.payload[..], b"online");
    assert!(!ending.is_finished());
    disk.write();
    assert_eq!(ending.await.unwrap(), ShutdownReport { events_left: 0, disconnected_cleanly: true });
    let arrivals = first_arrivals(&mut subscription, 10).await;
    assert_eq!(sequence_numbers(&arrivals), (0..10).collect::<Vec<_>>());
    assert!(arrivals.iter().all(|event| !event.replayed));
    assert_balanced(&publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_offered_after_the_end_waits_for_the_next_process() {
    let broker = Broker::start(Access::Anonymous);
    let disk = Arc::new(SlowDisk::default());
    let publisher = start_with(&broker.plan(), disk.clone(), quick());
    until_connected(&publisher).await;
    assert_eq!(publisher.shutdown(PATIENCE).await.events_left, 0);
    until_state(&publisher, |state| state.code() == "stopped").await;
    assert_eq!(publisher.offer(event(0)), Offered::Accepted);
    disk.write();
    assert_eq!((publisher.event_figures().waiting, publisher.event_figures().refused), (1, 0));

    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let next = start_with(&broker.plan(), disk, quick());
    let arrivals = first_arrivals(&mut subscription, 1).await;
    assert!(arrivals[0].replayed);
    assert_eq!(next.shutdown(PATIENCE).await.events_left, 0);
}
