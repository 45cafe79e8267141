//! The machine lost its power and is up again before the broker has noticed: the last will of the connection before
//! comes after our `online`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use sightline_mqtt::MqttSettings;

use crate::support::{
    broker::{Access, Broker},
    material::AVAILABLE,
    next_on, quick, start, subscribe, until_connected,
};

/// CONNECT (MQTT 3.1.1, 3.1) with a keep-alive of 1 s and the last will that a daemon leaves, then silence.
fn half_open(port: u16) -> TcpStream {
    fn string(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&length[..], text.as_bytes()].concat()
    }
    let flags = 0b0010_1110; // will retained, will QoS 1, will, clean session
    let body = [string("MQTT"), vec![4, flags, 0, 1], string("predecessor"), string(AVAILABLE), string("offline")];
    let body = body.concat();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(&[&[0x10, u8::try_from(body.len()).unwrap()], &body[..]].concat()).unwrap();
    let mut answer = [0; 4];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0]);
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn online_is_made_true_again() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[AVAILABLE]).await;
    let _predecessor = half_open(broker.port);
    let publisher = start(&broker.plan(), MqttSettings { keep_alive: Duration::from_secs(1), ..quick() });
    until_connected(&publisher).await;
    while &next_on(&mut subscription, AVAILABLE).await.payload[..] != b"offline" {}
    assert_eq!(&next_on(&mut subscription, AVAILABLE).await.payload[..], b"online");
}
