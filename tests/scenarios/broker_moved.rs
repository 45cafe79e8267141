//! The broker is hung and another one takes its place: the configuration gets the new address, is reloaded, and everything
//! that had waited arrives there, in order, before what comes after. Who looks at the new one finds every retained topic.

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others, broker::Broker, cameras, daemon::Daemon, ledger::Ledger, listener::Listener, pipeline, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_the_old_one_arrives_at_the_new_one() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let (old, new) = (Broker::start(), Broker::start());
    let at_old = Listener::start(&old).await;
    let mut ledger = Ledger::open("broker_moved");
    let cameras = cameras::yaml(&server, &["street"]);
    let mut daemon = Daemon::start(&pipeline(&old.yaml(), &cameras));
    wait_until("events arrive at the old one", || at_old.event_count() >= 2).await;
    old.freeze();
    ledger.inject();
    daemon.wait_for_waiting_events(3).await;

    let at_new = Listener::start(&new).await;
    daemon.rewrite(&pipeline(&new.yaml(), &cameras));
    let report = daemon.ask("POST", "/api/v1/reload").await;
    assert_eq!(report.status, 200, "{report:?}");
    assert_eq!(report.json()["unchanged"], serde_json::json!(["street"]), "no camera notices: {report:?}");
    daemon.wait_for_broker("connected", None).await;
    wait_until("events arrive at the new one", || at_new.event_count() >= 5).await;
    for topic in ["available", "status", "street/status", "street/count/car"] {
        wait_until(topic, || at_new.on(topic).last().is_some_and(|message| !message.payload.is_empty())).await;
    }
    // It goes on: what it had taken before it hung arrives, and then that nobody is there any more.
    old.thaw();
    wait_until("the old one says that the daemon has gone", || {
        at_old.on("available").last().is_some_and(|message| &*message.payload == b"offline")
    })
    .await;
    let figures = ledger.close_after(at_old.all(), &mut daemon, &at_new).await;
    assert!(figures.replayed >= 3, "{figures:?}");
}
