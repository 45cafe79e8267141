//! A provider whose sessions fail while they run is opened anew once, then the next one takes its place; where none may, the
//! daemon ends.
//!
//! The model is one whose run fails on ONNX Runtime's CPU kernels for bright pictures, which OpenVINO does not mind.

#[path = "../../crates/infer/tests/support/onnx.rs"]
#[allow(dead_code, reason = "other models are for other tests")]
mod onnx;

use std::path::Path;

use crate::support::{broker::Broker, daemon::Daemon, has_openvino, listener::Listener};
use onnx::Output;

/// A white ball on black.
const CAMERA: &str = "cameras: {front: {url: \"test://ball\"}}\n";

fn write_model(folder: &Path) {
    let outputs = [
        Output::floats("boxes", &[1, 1, 4], &[0.25, 0.25, 0.75, 0.75]),
        Output::floats("classes", &[1, 1], &[1.0]),
        Output::floats("scores", &[1, 1], &[0.9]),
        Output::floats("count", &[1], &[1.0]),
    ];
    let bytes = onnx::model_of_dark_pictures(32, 32, &outputs);
    std::fs::write(folder.join("model.onnx"), bytes).expect("written");
    let hash = sightline_config::models::sha256_of_file(&folder.join("model.onnx")).expect("a hash");
    let manifest = format!(
        "version: 1\nname: darkness\nlicense: Apache-2.0\nsource: this test\n\
         weights: {{file: model.onnx, sha256: {hash}}}\n\
         input: {{layout: nhwc, type: uint8, color: rgb, width: 32, height: 32}}\n\
         head: {{type: in_graph_nms, outputs: {{boxes: boxes, classes: classes, scores: scores, count: count}}}}\n\
         labels: [\"???\", person]\ndefaults: {{score_threshold: 0.5}}\n"
    );
    std::fs::write(folder.join("model.yaml"), manifest).expect("written");
    // What providers are compared on is dark.
    std::fs::create_dir(folder.join("reference")).expect("a folder");
    image::RgbImage::from_pixel(32, 32, image::Rgb([60, 90, 120]))
        .save(folder.join("reference/dark.png"))
        .expect("saved");
}

fn file(mqtt: &str, inference: &str) -> String {
    format!("version: 1\nname: yard\nmodel: {{path: model.yaml}}\ninference: {inference}\n{mqtt}{CAMERA}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_opened_anew_once_and_then_stepped_down() {
    if !has_openvino("provider_fails_while_it_runs") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    write_model(folder.path());
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let wish = "{providers: [cpu, openvino]}";
    let mut daemon = Daemon::launch_in(folder, &file(&broker.yaml(), wish), crate::support::daemon::Launch::default());
    daemon.wait_for_log("a provider fails while it runs; opening it anew").await;
    daemon.wait_for_log("opened in its place ").await;
    daemon.wait_for_log("a provider fails again after it was opened anew; stepping down").await;
    let event = listener.wait_for_event("front", "object_started", "person").await;
    assert_eq!(
        (&event["provider"], &event["execution"]["passed_over"]),
        (&"openvino".into(), &serde_json::json!(["cpu"]))
    );
    let status = listener.on("status").last().expect("a status").json();
    let pipeline = &status["pipelines"][0];
    assert_eq!(pipeline["provider"], "openvino");
    let reason = pipeline["execution"]["passed_over"][0]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("it failed while it ran: "), "{reason}");
    assert_eq!(listener.on("status")[0].json()["pipelines"][0]["provider"], "cpu", "the status changed");
    assert!(daemon.get("/readyz").await.body.contains("cpu was wished: it failed while it ran"));
    // Frames go through now.
    daemon.wait_for_metric("sightline_frames_inferred_total", &[("camera", "front")], 10.0).await;
    assert_eq!(
        daemon.metric("sightline_camera_connects_total", &[("camera", "front")]).await,
        1.0,
        "the stream went on"
    );
    let log = daemon.log();
    assert_eq!(log.matches("opening it anew").count(), 1, "{log}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_other_may_the_daemon_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    write_model(folder.path());
    let broker = Broker::start();
    let wish = "{providers: [cpu], on_unavailable: fail}";
    let mut daemon = Daemon::launch_in(folder, &file(&broker.yaml(), wish), crate::support::daemon::Launch::default());
    assert_eq!(daemon.ended().await.code(), Some(69));
    let log = daemon.log();
    for part in ["opening it anew", "darkness: cpu fails while it runs", "it was opened anew, and fails again"] {
        assert!(log.contains(part), "{part} in {log}");
    }
}
