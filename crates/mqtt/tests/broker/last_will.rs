//! What the broker says when we go without a word.

use std::sync::Arc;

use sightline_mqtt::{Publisher, memory::MemoryOutbox};
use tokio::runtime::Runtime;

use crate::support::{
    broker::{Access, Broker},
    material::AVAILABLE,
    next_on, quick, start, subscribe, until_connected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_when_the_task_is_killed_and_online_again() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[AVAILABLE]).await;

    let doomed = Runtime::new().unwrap();
    let outbox = Arc::new(MemoryOutbox::default());
    let first = Publisher::start(&broker.plan(), outbox, Arc::default(), quick(), doomed.handle()).unwrap();
    until_connected(&first).await;
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"online");
    doomed.shutdown_background();
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"offline");

    let second = start(&broker.plan(), quick());
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"online");
    drop(second);
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"offline", "the last handle was dropped");
    let mut latecomer = subscribe(&broker.plan(), &[AVAILABLE]).await;
    let kept = next_on(&mut latecomer, AVAILABLE).await;
    assert_eq!((&kept.payload[..], kept.retained), (&b"offline"[..], true));
}
