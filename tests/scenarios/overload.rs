//! More frames than the network can do: whose go first, what becomes of the others, and who is told.

use crate::support::{
    alone, broker::Broker, daemon::Daemon, listener::Listener, log::assert_calm, sightline, stderr, wait_until,
};

/// Of fifteen frames a second each, where one thread does far fewer with a network of full size.
const OTHERS: usize = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_network_can_do_is_told_and_shared_by_priority() {
    let _turn = alone().await;
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    let out = model.to_str().expect("UTF-8");
    let built = sightline().args(["models", "build", "ssd-mobilenet-v1", "--out", out]).output().expect("it runs");
    assert!(built.status.success(), "{}", stderr(&built));
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let others: String =
        (0..OTHERS).map(|index| format!("  other-{index}: {{url: \"test://ball\", priority: low}}\n")).collect();
    // Its weights are random, so that what it sees is nothing to be told.
    let yaml = format!(
        "version: 1\nname: yard\nmodel: {{path: \"{out}/model.yaml\", score_threshold: 1}}\n\
         inference: {{providers: [{{name: cpu, threads: 1, workers: 1}}]}}\n{}defaults: {{fps: 15}}\n\
         cameras:\n  gate: {{url: \"test://ball\", priority: high}}\n{others}",
        broker.yaml()
    );
    let mut daemon = Daemon::start(&yaml);

    let told = || listener.on("status").last().map(|status| status.json()["pipelines"][0]["load"].clone());
    wait_until("the node's status says that it is too much", || {
        told().is_some_and(|load| load["state"] == "overloaded" && load["inferred_share"].as_f64() < Some(0.95))
    })
    .await;
    let load = daemon.get("/api/v1/status").await.json()["nodes"][0]["pipelines"][0]["load"].clone();
    assert_eq!((&load["state"], &load["fps_factor"]), (&"overloaded".into(), &1.0.into()), "{load:#}");
    assert_eq!(load["since"], told().expect("a status")["since"]);
    daemon.wait_for_metric("sightline_overloaded", &[("pipeline", "yard")], 1.0).await;

    let cameras = daemon.get("/api/v1/cameras").await.json()["cameras"].as_array().expect("cameras").clone();
    let mut inferred = Vec::new();
    for camera in &cameras {
        let frames = camera["frames"].as_object().expect("frames");
        let dropped: u64 =
            frames.iter().filter(|(key, _)| key.starts_with("dropped")).filter_map(|it| it.1.as_u64()).sum();
        let of = |key: &str| frames[key].as_u64().expect("a number");
        assert_eq!(of("decoded"), of("inferred") + dropped + of("waiting"), "{camera:#}");
        inferred.push(of("inferred"));
    }
    assert!(inferred[1..].iter().all(|count| (1..inferred[0]).contains(count)), "the first goes first: {inferred:?}");
    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    let log = daemon.log();
    assert_calm(&log);
    assert_eq!(log.matches("more frames are wished than the network can do").count(), 1, "{log}");
}
