//! OpenVINO on this machine's CPU, through either library: the CPU's answers, told as what it is; and its library taken away,
//! broken, and put back.

use std::path::PathBuf;

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others,
    broker::Broker,
    cameras,
    daemon::{Daemon, Launch},
    has_openvino,
    listener::Listener,
    project, run, sightline, stderr, stdout, wait_until,
};

fn file(mqtt: &str, providers: &str, on_unavailable: &str, cameras: &str) -> String {
    format!(
        "version: 1\nname: yard\nmodel: {{name: ssd-mobilenet-v1-sim}}\n\
         inference: {{providers: {providers}, on_unavailable: {on_unavailable}}}\ndefaults: {{fps: 10}}\n{mqtt}{cameras}"
    )
}

fn library() -> PathBuf {
    let folder = project().join(".runtime/openvino/lib");
    let entries = std::fs::read_dir(folder).expect("the library's folder").flatten().map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("libopenvino_c.so"))
    };
    entries.into_iter().find(is_it).expect("libopenvino_c.so")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_everything_and_is_told_as_what_runs() {
    if !has_openvino("openvino") {
        return;
    }
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("front", cameras::scene(SceneKind::Street))]);
    for providers in ["[openvino]", "[{name: openvino, runtime: onnxruntime}]"] {
        let broker = Broker::start();
        let listener = Listener::start(&broker).await;
        let mut daemon = Daemon::start(&file(&broker.yaml(), providers, "fail", &cameras::yaml(&server, &["front"])));
        let event = listener.wait_for_event("front", "object_started", "person").await;
        assert_eq!((&event["provider"], &event["execution"]["share"]), (&"openvino".into(), &1.0.into()), "{event}");
        let execution = listener.on("status").last().expect("a status").json()["pipelines"][0]["execution"].clone();
        assert_eq!(execution["provider"], "openvino:CPU");
        assert!(execution["device"].as_str().expect("a device").contains("CPU"), "{execution}");
        let agreement = &execution["agreement"];
        assert!(
            agreement["pictures"].as_u64() >= Some(4) && agreement["detections"].as_u64() >= Some(4),
            "{agreement}"
        );
        assert!(agreement["largest_score_difference"].as_f64().expect("a number") < 0.06, "{agreement}");
        assert_eq!(daemon.get("/readyz").await.body.trim(), "ready");
        let labels = [("model", "ssd-mobilenet-v1-sim"), ("provider", "openvino")];
        assert_eq!(daemon.metric("sightline_provider_node_share", &labels).await, 1.0);
        daemon.terminate().await;
    }
}

#[test]
fn its_detections_are_the_references() {
    if !has_openvino("openvino") {
        return;
    }
    for provider in ["openvino", "onnxruntime-openvino"] {
        let output = run(&["models", "verify", "ssd-mobilenet-v1-sim", "--provider", provider]);
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).starts_with("ok"), "{}", stdout(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taken_away_it_is_passed_over_and_put_back_it_is_used_at_a_reload() {
    if !has_openvino("openvino") {
        return;
    }
    let server = cameras::serve(vec![("front", cameras::scene(SceneKind::Street))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("libopenvino_c.so");
    let environment = vec![("SIGHTLINE_OPENVINO".to_owned(), place.display().to_string())];
    let text = file(&broker.yaml(), "[openvino, cpu]", "fallback", &cameras::yaml(&server, &["front"]));
    let mut daemon = Daemon::launch_in(folder, &text, Launch { environment, ..Launch::default() });
    listener.wait_for_state("front", "streaming").await;
    let readiness = daemon.get("/readyz").await.body;
    assert!(readiness.contains("openvino:CPU was wished") && readiness.contains("libopenvino_c.so"), "{readiness}");

    // A reload tries it again; where that fails for another reason, that one is told.
    std::fs::write(&place, "not a library").expect("written");
    daemon.signal("-HUP");
    daemon.wait_for_log("those wished before it still do not run").await;
    daemon.wait_for_log(" reloaded ").await;
    let readiness = daemon.get("/readyz").await.body;
    assert!(readiness.contains("it is no shared library"), "{readiness}");

    std::fs::remove_file(&place).expect("removed");
    std::os::unix::fs::symlink(library(), &place).expect("a link");
    daemon.signal("-HUP");
    daemon.wait_for_log("models=[\"ssd-mobilenet-v1-sim\"]").await;
    assert_eq!(daemon.get("/readyz").await.body.trim(), "ready", "{}", daemon.log());
    wait_until("the node's status and an event say openvino", || {
        let status = listener.on("status").last().expect("a status").json();
        let has_event = listener.events("front").iter().any(|event| event["provider"] == "openvino");
        status["pipelines"][0]["provider"] == "openvino" && has_event
    })
    .await;
    assert_eq!(
        daemon.metric("sightline_camera_connects_total", &[("camera", "front")]).await,
        1.0,
        "the stream went on"
    );
    daemon.terminate().await;
}

#[test]
fn broken_libraries_are_exit_code_69_with_the_file_and_the_remedy() {
    if !has_openvino("openvino") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = folder.path().join("p.yaml");
    std::fs::write(&pipeline, file("", "[openvino]", "fail", "cameras: {a: {url: \"test://ball\"}}\n"))
        .expect("a file");
    let broken = folder.path().join("libopenvino_c.so");
    let whole = std::fs::read(library()).expect("the library");
    for bytes in [b"not a library".as_slice(), &whole[..whole.len() / 2], b""] {
        std::fs::write(&broken, bytes).expect("written");
        let mut command = sightline();
        command.args(["run", "--http", "off", "--state-dir"]).arg(folder.path().join("state")).arg(&pipeline);
        let output = crate::support::output(command.env("SIGHTLINE_OPENVINO", &broken));
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(69), "{} bytes: {text}", bytes.len());
        let file = broken.to_str().expect("UTF-8");
        assert!(text.contains(file) && text.contains("setup-openvino"), "{} bytes: {text}", bytes.len());
    }
}
