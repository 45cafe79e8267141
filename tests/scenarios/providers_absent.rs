//! Execution providers that are not on this machine: passed over loudly, or the end.

use serde_json::Value;

use crate::support::{broker::Broker, cameras, daemon::Daemon, listener::Listener, run, stderr, wait_until};
use sightline_sim::scene::SceneKind;

/// What no machine has that tests run on without anybody's knowing: with a GPU these scenarios would have nothing to say.
const ABSENT: [&str; 2] = ["tensorrt", "cuda"];

fn file(mqtt: &str, inference: &str, cameras: &str) -> String {
    format!(
        "version: 1\nname: yard\nmodel: {{name: ssd-mobilenet-v1-sim}}\ninference: {inference}\ndefaults: {{fps: 10}}\n\
         {mqtt}{cameras}"
    )
}

fn names(passed_over: &Value) -> Vec<&str> {
    passed_over.as_array().expect("a list").iter().filter_map(|it| it["provider"].as_str().or(it.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fallback_is_told_everywhere() {
    if std::path::Path::new("/proc/driver/nvidia").exists() {
        crate::support::skipped("providers_absent", "this machine has a GPU");
        return;
    }
    let server = cameras::serve(vec![("front", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let wish = "{providers: [tensorrt, cuda, cpu]}";
    let mut daemon = Daemon::start(&file(&broker.yaml(), wish, &cameras::yaml(&server, &["front"])));
    let address = daemon.running().await;

    // The log, once each.
    let log = daemon.log();
    for provider in ABSENT {
        let told = format!("provider=\"{provider}\"");
        let lines: Vec<&str> =
            log.lines().filter(|line| line.contains("passed over") && line.contains(&told)).collect();
        assert_eq!(lines.len(), 1, "{provider} in {log}");
        assert!(lines[0].contains("WARN") && lines[0].contains("libcuda.so.1"), "{}", lines[0]);
    }
    // The node's retained status.
    wait_until("the node's status", || !listener.on("status").is_empty()).await;
    let status = listener.on("status").last().expect("a status").json();
    let pipeline = &status["pipelines"][0];
    assert_eq!(pipeline["provider"], "cpu");
    let execution = &pipeline["execution"];
    assert_eq!(names(&execution["passed_over"]), ABSENT);
    assert!(execution["passed_over"][0]["reason"].as_str().expect("a reason").contains("libcuda.so.1"), "{execution}");
    assert_eq!(execution["placement"]["on_provider"], execution["placement"]["nodes"]);
    // Readiness, metrics, the API's status.
    let readiness = daemon.get("/readyz").await;
    for provider in ABSENT {
        let part = format!("ssd-mobilenet-v1-sim runs on cpu; {provider} was wished: NVIDIA's driver");
        assert!(readiness.body.contains(&part), "{part} in {}", readiness.body);
    }
    let labels = [("model", "ssd-mobilenet-v1-sim"), ("provider", "cpu")];
    assert_eq!(daemon.metric("sightline_provider_as_wished", &labels).await, 0.0);
    assert_eq!(daemon.metric("sightline_provider_node_share", &labels).await, 1.0);
    let api = daemon.get("/api/v1/status").await.json();
    assert_eq!(api["nodes"][0]["pipelines"][0]["execution"], *execution, "at {address}");
    // Every event.
    let event = listener.wait_for_event("front", "object_started", "person").await;
    assert_eq!(event["provider"], "cpu");
    assert_eq!(event["execution"]["share"], 1.0);
    assert_eq!(names(&event["execution"]["passed_over"]), ABSENT);

    // A reload tries them again, and says that they still do not run; the camera's stream goes on.
    daemon.signal("-HUP");
    daemon.wait_for_log("those wished before it still do not run").await;
    daemon.wait_for_log(" reloaded ").await;
    assert_eq!(daemon.metric("sightline_camera_connects_total", &[("camera", "front")]).await, 1.0);
    daemon.terminate().await;
}

#[test]
fn with_fail_the_end_has_exit_code_69_and_says_why_and_what_helps() {
    if std::path::Path::new("/proc/driver/nvidia").exists() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = folder.path().join("p.yaml");
    let camera = "cameras: {a: {url: \"test://ball\"}}\n";
    for (provider, remedy) in [("cuda", "install it"), ("{name: openvino, device: NPU}", "NPU")] {
        let wish = format!("{{providers: [{provider}, cpu], on_unavailable: fail}}");
        std::fs::write(&pipeline, file("", &wish, camera)).expect("a file");
        let path = pipeline.to_str().expect("UTF-8");
        let output = run(&["run", "--http", "off", "--state-dir", folder.path().to_str().expect("UTF-8"), path]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(69), "{text}");
        assert!(text.contains("no wished execution provider runs") && text.contains(remedy), "{provider}: {text}");
    }
}

#[test]
fn the_doctor_says_what_runs_and_fails_where_a_named_one_does_not() {
    let output = run(&["doctor", "--provider", "cpu"]);
    assert!(output.status.success(), "{}", stderr(&output));
    if !std::path::Path::new("/proc/driver/nvidia").exists() {
        let output = run(&["doctor", "--provider", "cpu,cuda", "--format", "json"]);
        assert_eq!(output.status.code(), Some(69), "{}", stderr(&output));
        let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&findings[0]["state"], &findings[1]["state"]), (&"ok".into(), &"failed".into()));
        assert!(findings[1]["message"].as_str().expect("a reason").contains("libcuda.so.1"), "{findings}");
    }
    // Everything: what is not on this machine is no failure.
    let output = run(&["doctor"]);
    let text = crate::support::stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    for part in
        ["decoders for H264: ", "ok     cpu: runs ssd-mobilenet-v1-sim on CPU, 274 of 274 nodes", "broker ", "clock"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}
