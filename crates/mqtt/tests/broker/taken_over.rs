//! Somebody else comes with our client id: the broker ends our session for his (MQTT 3.1.1, 3.1.4).

use std::net::TcpStream;

use sightline_core::ports::EventSink;
use sightline_mqtt::MqttErrorCode;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker},
    first_arrivals,
    material::{EVENTS, event},
    quick,
    raw::connect_as,
    sequence_numbers, start, subscribe, until, until_connected,
};

/// The id in mosquitto's `New client connected from 127.0.0.1:… as sightline-box-7-0123abcd (…)`.
fn client_id(log: &str) -> Option<String> {
    let words = log.lines().filter(|line| line.contains("New client connected")).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("sightline-box-7-")).find(|word| !word.contains("subscriber")).map(Into::into)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_come_back_and_lose_nothing() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&broker.plan(), quick());
    until_connected(&publisher).await;
    until("the broker to log us", || client_id(&broker.log()).is_some()).await;
    let id = client_id(&broker.log()).unwrap();
    for round in 1..=3_u64 {
        for seq in 0..50 {
            publisher.offer(event((round - 1) * 50 + seq));
        }
        let usurper: TcpStream = connect_as(broker.port, &id, "usurped");
        until("us to be thrown out", || publisher.counters().failures.of(MqttErrorCode::Network) >= round).await;
        until_connected(&publisher).await;
        drop(usurper);
    }
    let arrivals = first_arrivals(&mut subscription, 150).await;
    assert_eq!(sequence_numbers(&arrivals), (0..150).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 150).await;
    assert_balanced(&publisher);
}
