//! Events that an earlier process has left in the outbox.

use std::sync::Arc;

use sightline_core::{outbox::Outbox, ports::EventSink};
use sightline_mqtt::memory::MemoryOutbox;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker},
    first_arrivals,
    material::{EVENTS, event},
    quick, start_with, subscribe, until, until_connected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_come_first_and_say_that_they_waited() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let outbox = Arc::new(MemoryOutbox::default());
    for seq in 0..300 {
        outbox.push(event(seq));
    }
    let publisher = start_with(&broker.plan(), outbox, quick());
    until_connected(&publisher).await;
    for seq in 300..310 {
        publisher.offer(event(seq));
    }
    for (seq, event) in (0..).zip(first_arrivals(&mut subscription, 310).await) {
        assert_eq!((event.seq, event.replayed), (seq, seq < 300));
    }
    until("all acknowledgements", || publisher.event_figures().acknowledged == 310).await;
    assert_eq!(publisher.counters().events_republished, 0);
    assert_balanced(&publisher);
}
