//! `providers: auto`: the first start measures and says so, the next one knows; and it can be forbidden.

use std::collections::BTreeSet;

use serde_json::Value;
use sightline_core::event::NODE_STATUS_SCHEMA;

use crate::support::{
    alone,
    daemon::{Daemon, Launch},
    pipeline,
};

const CAMERA: &str = "cameras: {front: {url: \"test://ball\"}}\n";
const MEASURING: &str = "calibrating: measuring";
/// Nobody listens there.
const NO_BROKER: &str = "mqtt: {url: \"mqtt://127.0.0.1:9\"}\n";

fn start(calibration: &str) -> Daemon {
    let environment = vec![("SIGHTLINE_CALIBRATION".to_owned(), calibration.to_owned())];
    Daemon::launch(&pipeline(NO_BROKER, CAMERA), Launch { environment, ..Launch::default() })
}

async fn execution(daemon: &Daemon) -> Value {
    let node = daemon.get("/api/v1/status").await.json()["nodes"][0].clone();
    let schema: Value = serde_json::from_str(NODE_STATUS_SCHEMA).expect("JSON");
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .expect("a schema")
        .iter_errors(&node)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    node["pipelines"][0]["execution"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_measures_and_the_next_one_knows() {
    let _turn = alone().await;
    let mut daemon = start("on");
    let first = execution(&daemon).await;
    assert!(daemon.log().contains(MEASURING), "{}", daemon.log());
    let calibration = &first["calibration"];
    let chosen = &calibration["chosen"];
    assert_eq!(first["provider"], chosen["provider"], "{first}");
    assert!(first["passed_over"].as_array().is_some_and(Vec::is_empty), "{first}");
    let candidates = calibration["candidates"].as_array().expect("candidates");
    assert!(candidates.contains(chosen), "{calibration}");
    let speed = |candidate: &Value| candidate["images_per_second"].as_f64().expect("a figure");
    assert!(candidates.iter().all(|it| speed(it) > 0.0 && speed(it) * 0.97 <= speed(chosen)), "{calibration}");
    // Each layout of the CPU, and a larger batch on one of them.
    let of_cpu = candidates.iter().filter(|it| it["provider"] == "cpu");
    let of_cpu: BTreeSet<String> = of_cpu.map(|it| format!("{}x{}", it["sessions"], it["threads"])).collect();
    let cores = std::thread::available_parallelism().expect("a number").get();
    assert!(of_cpu.contains(&format!("1x{cores}")) && of_cpu.contains(&format!("{}x1", cores.min(8))), "{calibration}");
    assert!(candidates.iter().any(|it| it["batch"] == 2), "{calibration}");
    daemon.terminate().await;

    daemon.start_again();
    let second = execution(&daemon).await;
    assert_eq!(&second["calibration"], calibration, "what is kept holds");
    let log = daemon.log();
    assert!(!log.contains(MEASURING) && log.contains("calibrated ") && log.contains("kept in "), "{log}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forbidden_it_is_the_cpu() {
    let mut daemon = start("off");
    let execution = execution(&daemon).await;
    assert_eq!((&execution["provider"], &execution["calibration"]), (&"cpu".into(), &Value::Null), "{execution}");
    let log = daemon.log();
    assert!(!log.contains("calibrating") && !log.contains("calibrated"), "{log}");
    assert!(!daemon.state().join("calibration").exists());
    daemon.terminate().await;
}
