//! SIGTERM while the broker is away: the daemon ends in time, its events wait on disk, and the next process delivers them
//! as what they are: late.

use std::time::Duration;

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others, broker::Broker, cameras, daemon::Daemon, ledger::Ledger, link::Link, listener::Listener, pipeline,
    wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_process_delivers() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut link = Link::closed(broker.port);
    let mut ledger = Ledger::open("terminated_while_away");
    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), &cameras::yaml(&server, &["street"])));
    ledger.inject();
    daemon.wait_for_waiting_events(3).await;
    let (status, took) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "SIGTERM to exit took {took:?}");
    let left: Vec<_> = daemon.recorded();
    assert!(left.iter().all(|event| !event.is_delivered));
    assert!(
        daemon.log().contains("events wait on disk for the next start"),
        "it says what it has left: {}",
        daemon.log()
    );

    link.open().await;
    daemon.start_again();
    wait_until("all of them arrive", || listener.event_count() > left.len()).await;
    assert!(daemon.metric("sightline_events_inherited_total", &[]).await >= left.len() as f64);
    let figures = ledger.close(&mut daemon, &listener).await;
    assert!(figures.replayed >= left.len(), "{figures:?}");
    let late = listener.events("street").iter().take(left.len()).all(|event| event["replayed"] == true);
    assert!(late, "what waited for the next process says so");
}
