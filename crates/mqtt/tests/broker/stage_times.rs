//! How long deliveries take is recorded.

use std::sync::Arc;

use sightline_core::{
    histogram::{Stage, StageTimes},
    ports::EventSink,
};
use sightline_mqtt::{Publisher, memory::MemoryOutbox};
use tokio::runtime::Handle;

use crate::support::{
    broker::{Access, Broker},
    material::event,
    quick, until, until_connected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_is_in_both_histograms() {
    let broker = Broker::start(Access::Anonymous);
    let stages = Arc::new(StageTimes::default());
    let outbox = Arc::new(MemoryOutbox::default());
    let publisher = Publisher::start(&broker.plan(), outbox, stages.clone(), quick(), &Handle::current()).unwrap();
    until_connected(&publisher).await;
    for seq in 0..250 {
        publisher.offer(event(seq));
    }
    until("all acknowledgements", || publisher.event_figures().acknowledged == 250).await;
    until("the last to be recorded", || stages.snapshot(Stage::CaptureToAcknowledged).count() == 250).await;
    assert_eq!(stages.snapshot(Stage::Delivery).count(), 250);
}
