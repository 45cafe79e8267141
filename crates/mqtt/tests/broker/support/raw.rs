//! A client of its own: what the broker keeps, and with which QoS.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, QoS, SubscribeFilter};

use super::{broker::free_port, within};

/// Retained after everything else, so that its arrival says that everything else has arrived: mosquitto sends what is
/// retained filter by filter.
const LAST: &str = "zz/last";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub payload: Vec<u8>,
    /// With which it was published, as it is subscribed to with QoS 1 at least.
    pub qos: QoS,
}

fn connect(port: u16) -> (AsyncClient, EventLoop) {
    // The port is drawn for its being unique in this process.
    let mut options = MqttOptions::new(format!("raw-{}", free_port()), "127.0.0.1", port);
    options.set_max_packet_size(64 << 20, 64 << 20);
    AsyncClient::new(options, 16)
}

/// Makes the broker keep `payload` on `topic`, as somebody who is not a publisher.
pub async fn plant(port: u16, topic: &str, payload: &[u8]) {
    let (client, mut event_loop) = connect(port);
    client.try_publish(topic, QoS::AtLeastOnce, true, payload).unwrap();
    within("a PUBACK", async {
        while !matches!(event_loop.poll().await.unwrap(), Event::Incoming(Incoming::PubAck(_))) {}
    })
    .await;
}

/// Everything that the broker keeps below `sightline/`.
pub async fn kept(port: u16) -> BTreeMap<String, Kept> {
    plant(port, LAST, b"1").await;
    let (client, mut event_loop) = connect(port);
    let filters = ["sightline/#", LAST].map(|filter| SubscribeFilter::new(filter.into(), QoS::AtLeastOnce));
    client.try_subscribe_many(filters).unwrap();
    let mut kept = BTreeMap::new();
    within("everything retained", async {
        loop {
            let Event::Incoming(Incoming::Publish(message)) = event_loop.poll().await.unwrap() else { continue };
            if message.topic == LAST {
                return;
            }
            if message.retain {
                kept.insert(message.topic, Kept { payload: message.payload.to_vec(), qos: message.qos });
            }
        }
    })
    .await;
    kept
}

/// Waits until the broker keeps exactly these topics below `sightline/`; what is kept then.
pub async fn until_kept(port: u16, topics: &[&str]) -> BTreeMap<String, Kept> {
    let deadline = std::time::Instant::now() + super::PATIENCE;
    let mut wished = topics.to_vec();
    wished.sort_unstable();
    loop {
        let kept = kept(port).await;
        if kept.keys().eq(wished.iter()) {
            return kept;
        }
        let are: Vec<_> = kept.keys().collect();
        assert!(std::time::Instant::now() < deadline, "kept are {are:#?}, not {wished:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// CONNECT (MQTT 3.1.1, 3.1) with a keep-alive of 1 s and the last will that a daemon leaves, on `will`; then silence.
pub fn connect_as(port: u16, client_id: &str, will: &str) -> TcpStream {
    fn string(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&length[..], text.as_bytes()].concat()
    }
    let flags = 0b0010_1110; // will retained, will QoS 1, will, clean session
    let body = [string("MQTT"), vec![4, flags, 0, 1], string(client_id), string(will), string("offline")];
    let body = body.concat();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(&[&[0x10, u8::try_from(body.len()).unwrap()], &body[..]].concat()).unwrap();
    let mut answer = [0; 4];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0]);
    connection
}
