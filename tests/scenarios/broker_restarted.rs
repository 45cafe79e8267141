//! The broker is killed and comes back without its memory: no session, no retained message. Whoever subscribes then finds
//! every retained topic as it was, and no event is lost. (The subscriber of this test keeps the link closed until it is
//! back itself: what it misses would not be the daemon's fault.)

use std::collections::BTreeMap;

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others,
    broker::Broker,
    cameras,
    daemon::Daemon,
    ledger::Ledger,
    link::{Fault, Link},
    listener::Listener,
    pipeline, wait_until,
};

const RETAINED: [&str; 5] = ["available", "status", "street/status", "street/count/car", "street/zone/road/car"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_forgot_everything_is_told_again() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let mut broker = Broker::start();
    let mut link = Link::to(broker.port, Fault::None).await;
    let mut ledger = Ledger::open("broker_restarted");
    let cameras = format!(
        "cameras:\n  street: {{url: \"{}\", zones: {{road: {{polygon: [[0, 0.3], [1, 0.3], [1, 1], [0, 1]]}}}}}}\n",
        server.url(0).expect("an address")
    );
    let mut listener = Listener::start(&broker).await;
    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), &cameras));
    let mut arrived = Vec::new();
    for _ in 0..2 {
        wait_until("events arrive", || listener.event_count() >= 4).await;
        wait_until("every retained topic is there", || RETAINED.iter().all(|topic| !listener.on(topic).is_empty()))
            .await;
        link.close().await;
        ledger.inject();
        daemon.wait_for_broker("down", Some("network")).await;
        arrived.extend(listener.all());
        broker.kill();
        broker.restart();
        listener = Listener::start(&broker).await;
        link.open().await;
    }
    wait_until("events arrive again", || listener.event_count() >= 4).await;
    let first: BTreeMap<_, _> = listener.all().into_iter().rev().map(|message| (message.topic, message.at)).collect();
    let first_event = first["test/box/street/events"];
    for topic in RETAINED {
        let at = first.get(&format!("test/box/{topic}")).unwrap_or_else(|| panic!("{topic} was not published again"));
        assert!(*at <= first_event, "{topic} came after the first event");
    }
    ledger.close_after(arrived, &mut daemon, &listener).await;
}
