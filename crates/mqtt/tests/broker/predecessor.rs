//! The machine lost its power and is up again before the broker has noticed: the last will of the connection before
//! comes after our `online`.

use std::time::Duration;

use sightline_mqtt::MqttSettings;

use crate::support::{
    broker::{Access, Broker},
    material::AVAILABLE,
    next_on, quick,
    raw::connect_as,
    start, subscribe, until_connected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn online_is_made_true_again() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[AVAILABLE]).await;
    let _predecessor = connect_as(broker.port, "predecessor", AVAILABLE);
    let publisher = start(&broker.plan(), MqttSettings { keep_alive: Duration::from_secs(1), ..quick() });
    until_connected(&publisher).await;
    while &next_on(&mut subscription, AVAILABLE).await.payload[..] != b"offline" {}
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"online");
}
