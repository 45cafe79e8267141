//! The broker accepts connections and messages, answers pings, and acknowledges nothing.

use std::time::Duration;

use sightline_core::ports::EventSink;
use sightline_mqtt::{MqttErrorCode, MqttSettings};

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::{Fault, Link},
    material::{EVENTS, event},
    quick, sequence_numbers, start, subscribe, until, until_failed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_is_made_anew_until_acknowledgements_come() {
    let second = Duration::from_secs(1);
    let settings = MqttSettings { keep_alive: second, acknowledge_timeout: second, ..quick() };
    let broker = Broker::start(Access::Anonymous);
    let link = Link::to(broker.port, Fault::SwallowAcknowledgements).await;
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&plan(link.port), settings);
    for seq in 0..300 {
        publisher.offer(event(seq));
    }
    let words = until_failed(&publisher, "down", MqttErrorCode::Timeout).await;
    assert!(words.contains("unacknowledged"), "{words}");
    link.set(Fault::None);
    let arrivals = first_arrivals(&mut subscription, 300).await;
    assert_eq!(sequence_numbers(&arrivals), (0..300).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 300).await;
    assert!(publisher.counters().events_republished > 0);
    assert_balanced(&publisher);
}
