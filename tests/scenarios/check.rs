//! `sightline check`: what is right, and with `--probe` what really answers.

use serde_json::Value;

use crate::support::{
    broker::{Broker, free_port},
    canary::CANARY,
    project, run, stdout,
};

fn check(yaml: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.yaml");
    std::fs::write(&path, yaml).expect("a file");
    let mut all = vec!["check"];
    all.extend(arguments);
    all.push(path.to_str().expect("UTF-8"));
    let output = run(&all);
    (output.status.code(), stdout(&output))
}

#[test]
fn the_examples_are_right() {
    for example in ["quickstart.yaml", "test-pattern.yaml", "simulated.yaml", "zones-and-lines.yaml"] {
        let path = project().join("pipelines").join(example);
        let output = run(&["check", path.to_str().expect("UTF-8")]);
        assert_eq!(output.status.code(), Some(0), "{example}: {}", stdout(&output));
    }
}

#[tokio::test]
async fn a_probe_tries_everything_and_says_what_fails() {
    let broker = Broker::start();
    let nobody = free_port();
    let yaml = format!(
        "version: 1\nname: p\nmodel: {{name: ssd-mobilenet-v1-sim}}\n{}cameras:\n  pattern: {{url: \"test://ball\"}}\n  \
         nobody: {{url: \"rtsp://u:{CANARY}@127.0.0.1:{nobody}/x\"}}\n",
        broker.yaml()
    );
    let (code, text) =
        tokio::task::spawn_blocking(move || check(&yaml, &["--probe", "--format", "json"])).await.expect("no panic");
    assert_eq!(code, Some(69), "{text}");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["ok"], false);
    let probes = report["probes"].as_array().expect("a list");
    let ok_of = |what: &str| {
        let probe = probes.iter().find(|probe| probe["what"].as_str().is_some_and(|name| name.starts_with(what)));
        probe.unwrap_or_else(|| panic!("{what} in {text}"))["ok"].clone()
    };
    assert_eq!(ok_of("model ssd-mobilenet-v1-sim"), true);
    assert_eq!(ok_of("broker"), true);
    assert_eq!(ok_of("camera pattern"), true);
    assert_eq!(ok_of("camera nobody"), false);
}

#[test]
fn problems_as_json_have_file_line_and_path() {
    let yaml =
        "version: 1\nname: p\nmodel: {name: ssd-mobilenet-v1-sim}\ncameras:\n  a: {url: \"test://ball\", fps: 0}\n";
    let (code, text) = check(yaml, &["--format", "json"]);
    assert_eq!(code, Some(78));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let problem = &report["problems"][0];
    assert_eq!((&problem["line"], &problem["path"]), (&Value::from(5), &Value::from("cameras.a.fps")), "{text}");
}

#[test]
fn a_scene_that_does_not_exist_is_told_with_its_camera() {
    let yaml = "version: 1\nname: p\nmodel: {name: ssd-mobilenet-v1-sim}\ncameras:\n  lobby: {url: sim://ofice}\n";
    let (code, text) = check(yaml, &[]);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("lobby") && text.contains("ofice") && text.contains("office"), "{text}");
}
