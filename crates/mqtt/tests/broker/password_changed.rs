//! The login is refused after a while, and accepted again.

use sightline_core::ports::EventSink;
use sightline_mqtt::MqttErrorCode;

use crate::support::{
    PATIENCE, assert_balanced,
    broker::{Access, Broker, PASSWORD},
    first_arrivals,
    link::Link,
    material::{EVENTS, event},
    quick, sequence_numbers, start, subscribe, until, until_connected, until_failed,
};
use sightline_core::plan::MqttPlan;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_for_the_right_password_and_nobody_is_told_it() {
    let mut broker = Broker::start(Access::Password);
    let mut gate = Link::closed(broker.port);
    gate.open().await;
    let plan_of_gate = MqttPlan { port: gate.port, ..broker.plan_with_login(PASSWORD) };
    let publisher = start(&plan_of_gate, quick());
    until_connected(&publisher).await;
    publisher.offer(event(0));
    until("an acknowledgement", || publisher.event_figures().acknowledged == 1).await;

    broker.set_password("another");
    broker.kill();
    broker.restart();
    let words = until_failed(&publisher, "refused", MqttErrorCode::Auth).await;
    assert!(!words.contains(PASSWORD), "{words}");
    for seq in 1..50 {
        publisher.offer(event(seq));
    }
    until("several refusals", || publisher.counters().failures.of(MqttErrorCode::Auth) >= 3).await;

    gate.close().await;
    broker.set_password(PASSWORD);
    broker.kill();
    broker.restart();
    let mut subscription = subscribe(&broker.plan_with_login(PASSWORD), &[EVENTS]).await;
    subscription.granted(PATIENCE).await.unwrap();
    gate.open().await;
    let arrivals = first_arrivals(&mut subscription, 49).await;
    assert_eq!(sequence_numbers(&arrivals), (1..50).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 50).await;
    assert_balanced(&publisher);
}
