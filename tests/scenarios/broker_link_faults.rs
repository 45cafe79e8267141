//! Everything that a network does to a connection, one after the other: each is seen in `/api/v1/status`, `/readyz` and
//! `/metrics` with its code, each ends by itself, and no event is lost.

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
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut link = Link::closed(broker.port);
    let mut ledger = Ledger::open("broker_link_faults");
    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), &cameras::yaml(&server, &["street"])));

    // Away at the start.
    ledger.inject();
    daemon.wait_for_broker("down", Some("network")).await;
    let not_ready = daemon.get("/readyz").await;
    assert_eq!(not_ready.status, 503);
    assert!(not_ready.body.contains(&format!("127.0.0.1:{}", link.port)), "{}", not_ready.body);
    assert!((daemon.metric("sightline_broker_connected", &[]).await).abs() < 0.5);
    assert!(daemon.metric("sightline_broker_failures_total", &[("code", "network")]).await >= 1.0);
    link.open().await;
    goes_on(&daemon, &listener).await;

    // Cut off in the middle, and away for a moment.
    link.close().await;
    ledger.inject();
    daemon.wait_for_broker("down", Some("network")).await;

    // There again, but mute: it takes the connection and never answers.
    link.set(Fault::Stalled);
    link.open().await;
    ledger.inject();
    daemon.wait_for_broker("down", Some("timeout")).await;
    assert!(daemon.metric("sightline_broker_failures_total", &[("code", "timeout")]).await >= 1.0);
    link.set(Fault::None);
    goes_on(&daemon, &listener).await;

    // A reset in the middle of a packet, on each connection anew.
    link.set(Fault::ResetAfter(3000));
    ledger.inject();
    let reconnects = daemon.metric("sightline_broker_reconnects_total", &[]).await;
    daemon.wait_for_metric("sightline_broker_reconnects_total", &[], reconnects + 2.0).await;
    link.set(Fault::None);
    goes_on(&daemon, &listener).await;

    // Far away, and then slow: late, but nobody calls that a fault.
    for fault in [Fault::Late(Duration::from_millis(300)), Fault::Slow(4000)] {
        link.set(fault);
        ledger.inject();
        goes_on(&daemon, &listener).await;
    }
    link.set(Fault::None);

    // Silent in the middle of a connection; only the ping tells.
    link.set(Fault::Stalled);
    ledger.inject();
    daemon.wait_for_broker("down", Some("timeout")).await;
    link.set(Fault::None);
    goes_on(&daemon, &listener).await;

    ledger.close(&mut daemon, &listener).await;
}

/// Waits until the broker is connected and events come that had not come before.
async fn goes_on(daemon: &Daemon, listener: &Listener) {
    daemon.wait_for_broker("connected", None).await;
    assert_eq!(daemon.get("/readyz").await.status, 200);
    let before = listener.event_count();
    wait_until("further events arrive", || listener.event_count() >= before + 2).await;
}
