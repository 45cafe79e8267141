//! The database of events is destroyed between two runs: it is set aside for whoever wants to look, that is told, and the
//! daemon goes on with a new one.

use std::{
    fs::OpenOptions,
    io::{Seek, SeekFrom, Write},
};

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others, broker::Broker, cameras, daemon::Daemon, link::Link, listener::Listener, pipeline, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_set_aside_and_a_new_one_begun() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut link = Link::closed(broker.port);
    let mut daemon = Daemon::start(&pipeline(&broker.yaml_at(link.port), &cameras::yaml(&server, &["street"])));
    daemon.wait_for_waiting_events(2).await;
    daemon.terminate().await;
    let database = daemon.state().join("events.sqlite3");
    let mut file = OpenOptions::new().write(true).open(&database).expect("the database");
    file.seek(SeekFrom::Start(0)).expect("its beginning");
    file.write_all(&[0xA5; 8192]).expect("garbage");
    drop(file);

    link.open().await;
    daemon.start_again();
    wait_until("new events arrive", || listener.event_count() >= 2).await;
    let aside: Vec<String> = std::fs::read_dir(daemon.state())
        .expect("its folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("events.sqlite3.damaged-"))
        .collect();
    assert!(!aside.is_empty(), "the damaged one is kept");
    assert!(daemon.log().contains(&aside[0]), "{aside:?} is told: {}", daemon.log());
    let history = daemon.get("/api/v1/events?limit=1").await;
    assert_eq!(history.json()["events"].as_array().map(Vec::len), Some(1), "{history:?}");
    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
}
