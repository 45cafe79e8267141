//! Everything that a network does to a connection: each fault is seen in `/api/v1/status`, `/readyz` and `/metrics` with its
//! code, each ends by itself, and no event is lost. Three daemons have them beside each other, as most of it is waiting.

use std::time::Duration;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_seen_and_ends_by_itself() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let cameras = cameras::yaml(&server, &["street"]);
    tokio::join!(away_cut_off_and_mute(&cameras), reset_late_and_slow(&cameras), silent_in_the_middle(&cameras));
}

/// A daemon, and what is between it and its broker.
struct Connection {
    daemon: Daemon,
    link: Link,
    listener: Listener,
    ledger: Ledger,
    _broker: Broker,
}

impl Connection {
    /// The broker cannot be reached yet.
    async fn closed(name: &'static str, cameras: &str) -> Self {
        let broker = Broker::start();
        let listener = Listener::start(&broker).await;
        let link = Link::closed(broker.port);
        let daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), cameras));
        Self { daemon, link, listener, ledger: Ledger::open(name), _broker: broker }
    }

    async fn open(name: &'static str, cameras: &str) -> Self {
        let mut connection = Self::closed(name, cameras).await;
        connection.link.open().await;
        connection.goes_on().await;
        connection
    }

    fn set(&mut self, fault: Fault) {
        self.link.set(fault);
        self.ledger.inject();
    }

    /// Waits until the broker is connected and events come that had not come before.
    async fn goes_on(&self) {
        self.daemon.wait_for_broker("connected", None).await;
        assert_eq!(self.daemon.get("/readyz").await.status, 200);
        let before = self.listener.event_count();
        wait_until("further events arrive", || self.listener.event_count() >= before + 2).await;
    }

    /// The fault is over, and all is well again by itself.
    async fn recovers(&self) {
        self.link.set(Fault::None);
        self.goes_on().await;
    }

    async fn close(mut self) {
        self.ledger.close(&mut self.daemon, &self.listener).await;
    }
}

async fn away_cut_off_and_mute(cameras: &str) {
    // Away at the start.
    let mut connection = Connection::closed("broker_link_away", cameras).await;
    connection.ledger.inject();
    let daemon = &connection.daemon;
    daemon.wait_for_broker("down", Some("network")).await;
    let not_ready = daemon.get("/readyz").await;
    assert_eq!(not_ready.status, 503);
    assert!(not_ready.body.contains(&format!("127.0.0.1:{}", connection.link.port)), "{}", not_ready.body);
    assert!((daemon.metric("sightline_broker_connected", &[]).await).abs() < 0.5);
    assert!(daemon.metric("sightline_broker_failures_total", &[("code", "network")]).await >= 1.0);
    connection.link.open().await;
    connection.goes_on().await;

    // Cut off in the middle, and away for a moment.
    connection.link.close().await;
    connection.ledger.inject();
    connection.daemon.wait_for_broker("down", Some("network")).await;

    // There again, but mute: it takes the connection and never answers.
    connection.set(Fault::Stalled);
    connection.link.open().await;
    connection.daemon.wait_for_broker("down", Some("timeout")).await;
    assert!(connection.daemon.metric("sightline_broker_failures_total", &[("code", "timeout")]).await >= 1.0);
    connection.recovers().await;
    connection.close().await;
}

async fn reset_late_and_slow(cameras: &str) {
    let mut connection = Connection::open("broker_link_slow", cameras).await;
    // A reset in the middle of a packet, on each connection anew.
    let reconnects = connection.daemon.metric("sightline_broker_reconnects_total", &[]).await;
    connection.set(Fault::ResetAfter(3000));
    connection.daemon.wait_for_metric("sightline_broker_reconnects_total", &[], reconnects + 2.0).await;
    connection.recovers().await;

    // Far away, and then slow: late, but nobody calls that a fault.
    for fault in [Fault::Late(Duration::from_millis(300)), Fault::Slow(4000)] {
        connection.set(fault);
        connection.goes_on().await;
    }
    connection.link.set(Fault::None);
    connection.close().await;
}

/// Only the ping tells.
async fn silent_in_the_middle(cameras: &str) {
    let mut connection = Connection::open("broker_link_silent", cameras).await;
    connection.set(Fault::Stalled);
    connection.daemon.wait_for_broker("down", Some("timeout")).await;
    connection.recovers().await;
    connection.close().await;
}
