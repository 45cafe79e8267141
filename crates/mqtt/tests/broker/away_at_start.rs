//! The broker is not there when we start.

use sightline_core::ports::{EventSink, Offered};
use sightline_mqtt::{ConnectionState, MqttError};

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::Link,
    material::{EVENTS, event},
    quick, start, subscribe, until, until_connected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_offered_meanwhile_arrive_in_order_and_say_that_they_waited() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    let mut gate = Link::closed(broker.port);
    let publisher = start(&plan(gate.port), quick());
    let state = publisher.first_attempt().await;
    assert!(matches!(&state, ConnectionState::Down { reason: MqttError::Unreachable { .. } }), "{state:?}");
    assert!(state.to_string().contains("refused"), "{state}");

    for seq in 0..500 {
        assert_eq!(publisher.offer(event(seq)), Offered::Accepted);
    }
    broker.restart();
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    gate.open().await;
    until_connected(&publisher).await;
    publisher.offer(event(500));

    let arrivals = first_arrivals(&mut subscription, 501).await;
    for (seq, event) in (0..).zip(&arrivals) {
        assert_eq!((event.seq, event.replayed), (seq, seq < 500));
    }
    until("all acknowledgements", || publisher.event_figures().acknowledged == 501).await;
    assert_balanced(&publisher);
}
