//! The broker is away at the start, comes, is cut off in the middle, and comes back: no event is lost, each has one
//! id, and first arrivals keep their order. (A killed broker that has lost its session is the mqtt crate's own test.)

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others, broker::Broker, cameras, daemon::Daemon, ledger::Ledger, link::Link, listener::Listener, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_for_the_broker() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut link = Link::closed(broker.port);
    let mut ledger = Ledger::open("broker_away");
    ledger.inject();
    let yaml = format!(
        "version: 1\nname: away\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: 10}}\n{}{}",
        broker.yaml_at(link.port),
        cameras::yaml(&server, &["street"])
    );
    let mut daemon = Daemon::start(&yaml);
    daemon.wait_for_log("streaming").await;
    let name = format!("127.0.0.1:{}", link.port);
    assert!(daemon.log().contains(&name), "the log says which broker is away: {}", daemon.log());

    link.open().await;
    wait_until("events arrive", || listener.events("street").len() >= 2).await;
    for _ in 0..2 {
        link.close().await;
        ledger.inject();
        wait_until("the broker tells of the loss", || {
            listener.on("available").last().is_some_and(|message| &*message.payload == b"offline")
        })
        .await;
        link.open().await;
        let before = listener.events("street").len();
        wait_until("events arrive again", || listener.events("street").len() >= before + 3).await;
    }
    let figures = ledger.close(&mut daemon, &listener).await;
    assert!(figures.replayed > 0 && figures.replayed < figures.delivered, "only what was delayed says so: {figures:?}");
}
