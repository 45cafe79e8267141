//! The broker answers pings, takes every event and acknowledges none: the connection is given up, what was sent goes out
//! again, and once acknowledgements come nothing is lost and nothing out of order.

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
async fn what_is_not_acknowledged_stays() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let link = Link::to(broker.port, Fault::None).await;
    let mut ledger = Ledger::open("broker_never_acknowledges");
    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), &cameras::yaml(&server, &["street"])));
    wait_until("events arrive", || listener.event_count() >= 2).await;

    link.set(Fault::SwallowAcknowledgements);
    ledger.inject();
    daemon.wait_for_broker("down", Some("timeout")).await;
    let broker_report = daemon.broker().await;
    assert!(broker_report["outbox"]["waiting"].as_u64() > Some(0), "{broker_report:#}");
    link.set(Fault::None);
    daemon.wait_for_broker("connected", None).await;
    let before = listener.event_count();
    wait_until("further events arrive", || listener.event_count() >= before + 2).await;

    let figures = ledger.close(&mut daemon, &listener).await;
    assert!(figures.duplicated > 0, "what the broker had taken without a word came again: {figures:?}");
}
