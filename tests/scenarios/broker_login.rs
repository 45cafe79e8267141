//! A wrong password, and one that is changed while the daemon runs: told as what it is, mended by a new password file and
//! a reload, without a restart and without a lost event.

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others,
    broker::{Broker, PASSWORD, yaml},
    cameras,
    daemon::{Daemon, Launch},
    ledger::Ledger,
    link::{Fault, Link},
    listener::Listener,
    pipeline, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_takes_effect_at_a_reload() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let mut broker = Broker::start();
    let mut listener = Listener::start(&broker).await;
    let mut ledger = Ledger::open("broker_login");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("password"), format!("{PASSWORD}-mistyped\n")).expect("a password");
    let mut link = Link::to(broker.port, Fault::None).await;
    let mqtt = yaml(link.port, "${file:password}");
    let mut daemon =
        Daemon::launch_in(folder, &pipeline(&mqtt, &cameras::yaml(&server, &["street"])), Launch::default());

    daemon.wait_for_broker("refused", Some("auth")).await;
    ledger.inject();
    assert_eq!(daemon.get("/readyz").await.status, 503);
    assert!(daemon.metric("sightline_broker_failures_total", &[("code", "auth")]).await >= 1.0);
    daemon.wait_for_waiting_events(1).await;
    std::fs::write(daemon.path("password"), format!("{PASSWORD}\n")).expect("a password");
    daemon.signal("-HUP");
    daemon.wait_for_broker("connected", None).await;
    wait_until("events arrive", || listener.event_count() >= 2).await;

    // It is changed at the broker while all runs.
    link.close().await;
    daemon.wait_for_broker("down", Some("network")).await;
    let arrived = listener.all();
    let other = format!("{PASSWORD}-of-tomorrow");
    broker.kill();
    broker.set_password(&other);
    ledger.inject();
    broker.restart();
    listener = Listener::start_as(&broker.plan_with_password(&other)).await;
    link.open().await;
    daemon.wait_for_broker("refused", Some("auth")).await;
    std::fs::write(daemon.path("password"), &other).expect("a password");
    assert_eq!(daemon.ask("POST", "/api/v1/reload").await.status, 200);
    daemon.wait_for_broker("connected", None).await;
    wait_until("events arrive again", || listener.event_count() >= 2).await;

    ledger.close_after(arrived, &mut daemon, &listener).await;
}
