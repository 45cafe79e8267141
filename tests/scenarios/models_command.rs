//! `sightline models build`, `list`, `inspect` and `verify`: every architecture runs, and a model that drifts is told.

use std::path::Path;

use serde_json::Value;
use sightline_config::{
    Environment,
    models::{ModelReference, find_model, sha256_of_file},
};
use sightline_core::execution::BatchSizes;
use sightline_infer::Wish;

use crate::support::{project, run, stderr, stdout};

const OWN: &str = "ssd-mobilenet-v1-sim";

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Each architecture is written, described with the figures of its source, opened by ONNX Runtime with the shapes that
/// its manifest promises, and run once.
#[test]
fn every_architecture_is_built_and_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, arguments, parameters, multiply_adds) in [
        // Batch normalisation is folded in, so there is one bias per channel: 4 231 976 less 10 944 scales.
        ("mobilenet-v1", &["--width", "1"][..], 4_221_032, 568_740_352u64),
        ("ssd-mobilenet-v1", &["--width", "0.25", "--size", "160"], 0, 0),
        ("ssd300-mobilenet-v1", &["--width", "0.25"], 0, 0),
        ("ssd300-vgg16", &[], 26_285_486, 0),
    ] {
        let out = folder.path().join(name);
        let output = run(&[&["models", "build", name, "--out", text(&out)], arguments].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stdout(&output).trim(), text(&out.join("model.yaml")));

        let facts = json(&["models", "inspect", text(&out), "--format", "json"]);
        for (key, expected) in [("parameters", parameters), ("multiply_adds", multiply_adds)] {
            let found = facts["weights"][key].as_u64().expect("a number");
            assert!(if expected == 0 { found > 0 } else { found == expected }, "{name}: {found} {key}");
        }
        let spec = find_model(&ModelReference::Path(out.clone()), &Environment::empty()).expect("a manifest");
        // Opening a session runs one picture and holds its outputs against the manifest.
        let opened = sightline_infer::open(&spec, &Wish::on_cpu()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.batch_sizes, BatchSizes::Any, "{name}");
    }
}

#[test]
fn weights_are_carried_to_another_size_and_other_classes_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let labels = folder.path().join("labels.txt");
    std::fs::write(&labels, "???\ncat\ndog\n").expect("written");
    let build = |out: &str, more: &[&str]| {
        let out = folder.path().join(out);
        let base =
            ["models", "build", "ssd-mobilenet-v1", "--width", "0.25", "--classes", text(&labels), "--out", text(&out)];
        run(&[&base[..], more].concat())
    };
    assert!(build("small", &["--size", "128", "--seed", "7"]).status.success());
    let small = folder.path().join("small/model.onnx");
    let large = build("large", &["--size", "160", "--weights", text(&small)]);
    assert!(large.status.success(), "{}", stderr(&large));
    let manifest = std::fs::read_to_string(folder.path().join("large/model.yaml")).expect("a manifest");
    assert!(manifest.contains("labels: [\"???\", cat, dog]") && manifest.contains("width: 160"), "{manifest}");

    std::fs::write(&labels, "???\ncat\n").expect("written");
    let other = build("other", &["--size", "128", "--weights", text(&small)]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("predictor_0_classes"), "{}", stderr(&other));

    std::fs::write(&labels, "cat\ndog\n").expect("written");
    let no_background = build("none", &[]);
    assert_eq!(no_background.status.code(), Some(2));
    assert!(stderr(&no_background).contains("labels.txt: its first line must be"), "{}", stderr(&no_background));

    let again = build("small", &[]);
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn our_own_model_is_listed_described_and_verified() {
    let list = json(&["models", "list", "--format", "json"]);
    let own = list.as_array().expect("a list").iter().find(|entry| entry["name"] == OWN).expect("our own model");
    assert!(own["weights"].is_string() && own["labels"] == 5, "{own}");

    let facts = json(&["models", "inspect", OWN, "--format", "json"]);
    assert_eq!(facts["model"]["labels"], serde_json::json!(["person", "bicycle", "car", "bus", "dog"]));
    assert_eq!(facts["weights"]["sha256"], facts["model"]["sha256"]);
    assert!(facts["weights"]["multiply_adds"].as_u64() > Some(1_000_000), "{facts}");

    let verdicts = json(&["models", "verify", OWN, "--format", "json"]);
    assert_eq!((&verdicts[0]["ok"], &verdicts[0]["provider"]), (&Value::Bool(true), &Value::from("cpu")));
    assert!(verdicts[0]["pictures"].as_u64() >= Some(4) && verdicts[0]["detections"].as_u64() >= Some(4), "{verdicts}");
}

/// Other weights under a right hash are what a broken build of ONNX Runtime looks like: it runs, and answers wrongly.
#[test]
fn a_model_that_drifts_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join(OWN);
    copy(&project().join("models").join(OWN), &model);
    let good = run(&["models", "verify", text(&model)]);
    assert!(good.status.success(), "{}", stdout(&good));

    let labels = folder.path().join("labels.txt");
    std::fs::write(&labels, "???\nperson\nbicycle\ncar\nbus\ndog\n").expect("written");
    let untrained = folder.path().join("untrained");
    let arguments = ["models", "build", "ssd-mobilenet-v1", "--width", "0.25"];
    assert!(run(&[&arguments[..], &["--classes", text(&labels), "--out", text(&untrained)]].concat()).status.success());
    let manifest = model.join("model.yaml");
    let spec = find_model(&ModelReference::Path(model.clone()), &Environment::empty()).expect("a manifest");
    std::fs::copy(untrained.join("model.onnx"), model.join(&spec.weights_file_name)).expect("a copy");
    let changed = std::fs::read_to_string(&manifest)
        .expect("the manifest")
        .replace(&spec.sha256, &sha256_of_file(&untrained.join("model.onnx")).expect("a hash"));
    std::fs::write(&manifest, changed).expect("written");
    let drifted = run(&["models", "verify", text(&model)]);
    assert_eq!(drifted.status.code(), Some(78), "{}{}", stdout(&drifted), stderr(&drifted));
    // An untrained network answers 0.5 everywhere: what was expected is found, if at all, at another score.
    let told = stdout(&drifted);
    assert!(told.contains("DRIFTS") && told.contains(" of score 0.") && told.lines().count() > 4, "{told}");
}

#[test]
fn a_provider_that_does_not_run_is_exit_code_69() {
    let output = run(&["models", "verify", OWN, "--provider", "tensorrt"]);
    assert_eq!(output.status.code(), Some(69), "{}{}", stdout(&output), stderr(&output));
    let output = run(&["models", "verify", OWN, "--provider", "abacus"]);
    assert_eq!(output.status.code(), Some(2));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).expect("a copy") }
    }
}
