//! More events than the outbox holds.

use sightline_core::ports::{EventSink, Offered};
use sightline_mqtt::MqttSettings;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    gate::Gate,
    material::{EVENTS, event},
    quick, sequence_numbers, start, subscribe, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_are_forced_out_and_counted() {
    let broker = Broker::start(Access::Anonymous);
    let mut gate = Gate::new(broker.port);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&plan(gate.port), MqttSettings { outbox_events: 50, ..quick() });
    for seq in 0..200 {
        let expected = if seq < 50 { Offered::Accepted } else { Offered::AcceptedDisplacingOldest };
        assert_eq!(publisher.offer(event(seq)), expected);
    }
    let counters = publisher.counters();
    assert_eq!((counters.events_displaced, counters.events_waiting), (150, 50));
    gate.open().await;
    let arrivals = first_arrivals(&mut subscription, 50).await;
    assert_eq!(sequence_numbers(&arrivals), (150..200).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.counters().events_acknowledged == 50).await;
    assert_balanced(&publisher);
}
