//! `kill -9` at fifty random moments, some of them while it starts: whatever was offered to the broker arrives, in order,
//! and under the id that it had before.

use std::time::Duration;

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

/// Two daemons beside each other, each with a broker and a state directory of its own, in half the time of one.
const DAEMONS: [&str; 2] = ["killed", "killed_beside"];
/// Of each.
const KILLS: usize = 25;
/// From the start of a process to its end at most. Models are loaded and cameras stream after a third of it.
const LONGEST_LIFE: Duration = Duration::from_millis(3500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_offered_is_lost() {
    let _turn = alone().await;
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let ids = ["street", "office", "crossing"];
    let scenes = [SceneKind::Street, SceneKind::Office, SceneKind::Crossing].map(cameras::scene);
    let server = cameras::serve(ids.into_iter().zip(scenes).collect());
    let cameras = cameras::yaml(&server, &ids);
    let [one, other] = DAEMONS.map(|name| dies_again_and_again(name, &cameras, random.fork()));
    tokio::join!(one, other);
}

async fn dies_again_and_again(name: &'static str, cameras: &str, mut random: fastrand::Rng) {
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    // What is under way when the process dies has left it and is not acknowledged yet.
    let link = Link::to(broker.port, Fault::Late(Duration::from_millis(20))).await;
    let mut ledger = Ledger::open(name);

    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), cameras));
    for _ in 0..KILLS {
        tokio::time::sleep(LONGEST_LIFE.mul_f64(random.f64())).await;
        daemon.kill();
        ledger.inject();
        daemon.start_again();
    }
    daemon.running().await;
    let before = listener.event_count();
    wait_until("the last process goes on", || listener.event_count() >= before + 10).await;
    let figures = ledger.close(&mut daemon, &listener).await;
    assert!(daemon.recorded().iter().all(|event| event.is_delivered), "the daemon knows that all has arrived");
    assert!(figures.duplicated < figures.delivered / 2, "what was acknowledged does not come again: {figures:?}");
}
