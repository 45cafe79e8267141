//! The broker is away for a minute while four cameras run: nothing is lost, the order is kept, what was delayed says so,
//! and inference goes on as before.

use std::time::{Duration, Instant};

use sightline_sim::scene::SceneKind;

use crate::support::{
    alone,
    broker::Broker,
    cameras,
    daemon::Daemon,
    ledger::Ledger,
    link::{Fault, Link},
    listener::Listener,
    pipeline, wait_until,
};

const IDS: [&str; 4] = ["street", "office", "crossing", "parking"];
const AWAY: Duration = Duration::from_secs(60);
/// How long frames are counted before; while the broker is away they are counted as long.
const WATCH: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_without_a_broker_loses_nothing() {
    let turn = alone().await;
    let server = cameras::serve(IDS.into_iter().zip(SceneKind::ALL.map(cameras::scene)).collect());
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut link = Link::to(broker.port, Fault::None).await;
    let mut ledger = Ledger::open("broker_away_under_load");
    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), &cameras::yaml(&server, &IDS)));
    for id in IDS {
        listener.wait_for_state(id, "streaming").await;
    }
    let frames_in = async |span: Duration| {
        let (from, before) = (Instant::now(), daemon.metric("sightline_frames_inferred_total", &[]).await);
        tokio::time::sleep_until((from + span).into()).await;
        daemon.metric("sightline_frames_inferred_total", &[]).await - before
    };
    let with_broker = frames_in(WATCH).await;

    let away_from = Instant::now();
    link.close().await;
    ledger.inject();
    daemon.wait_for_broker("down", Some("network")).await;
    let without_broker = frames_in(WATCH).await;
    assert!(
        without_broker >= 0.95 * with_broker,
        "{with_broker} frames in {WATCH:?} with the broker, {without_broker} without"
    );
    // Frames are compared; for the rest of the minute others may run as well.
    let _turn = turn.downgrade();
    tokio::time::sleep_until((away_from + AWAY).into()).await;
    let waiting = daemon.metric("sightline_outbox_events", &[]).await;
    let oldest = daemon.metric("sightline_outbox_oldest_age_seconds", &[]).await;
    eprintln!("{waiting} events wait, the oldest for {oldest} s");
    assert!(waiting >= 50.0, "{waiting} events in {AWAY:?} are no load");
    assert!(oldest > 0.8 * AWAY.as_secs_f64() && oldest < 2.0 * AWAY.as_secs_f64(), "{oldest}");
    let arrived = listener.event_count();

    link.open().await;
    wait_until("what has waited arrives", || listener.event_count() >= arrived + waiting as usize).await;
    daemon.wait_for_broker("connected", None).await;
    let figures = ledger.close(&mut daemon, &listener).await;
    assert!(figures.replayed >= waiting as usize, "what was delayed says so: {figures:?}");
    assert!(figures.replayed < figures.delivered, "what was not delayed does not: {figures:?}");
}
