//! More events than the outbox holds.

use std::sync::Arc;

use sightline_core::ports::{EventSink, Offered};
use sightline_mqtt::memory::MemoryOutbox;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::Link,
    material::{EVENTS, event},
    quick, sequence_numbers, start_with, subscribe, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_are_forced_out_and_counted() {
    let broker = Broker::start(Access::Anonymous);
    let mut gate = Link::closed(broker.port);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start_with(&plan(gate.port), Arc::new(MemoryOutbox::new(50, usize::MAX)), quick());
    for seq in 0..200 {
        let expected = if seq < 50 { Offered::Accepted } else { Offered::AcceptedDisplacingOldest };
        assert_eq!(publisher.offer(event(seq)), expected);
    }
    let figures = publisher.event_figures();
    assert_eq!((figures.displaced(), figures.waiting), (150, 50));
    gate.open().await;
    let arrivals = first_arrivals(&mut subscription, 50).await;
    assert_eq!(sequence_numbers(&arrivals), (150..200).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 50).await;
    assert_balanced(&publisher);
}
