//! Missing, corrupt and wrongly described models: refused at the start, saying what differs and what to do.

use std::path::{Path, PathBuf};

use crate::support::{output, project, run, sightline, stderr};

/// A copy of our own model's folder that can be spoiled.
fn copy_of_model() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("ssd-mobilenet-v1-sim");
    std::fs::create_dir(&model).expect("a folder");
    for entry in std::fs::read_dir(project().join("models/ssd-mobilenet-v1-sim")).expect("the model") {
        let file = entry.expect("an entry").path();
        if file.is_dir() {
            continue; // reference pictures
        }
        std::fs::copy(&file, model.join(file.file_name().expect("a name"))).expect("a copy");
    }
    (folder, model)
}

/// Runs the daemon on a model folder; exit code and stderr.
fn run_with(manifest: &Path) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = folder.path().join("p.yaml");
    let text = format!(
        "version: 1\nname: p\nmodel: {{path: \"{}\"}}\ncameras: {{a: {{url: \"test://ball\"}}}}\n",
        manifest.display()
    );
    std::fs::write(&pipeline, text).expect("a file");
    let output = run(&["run", "--http", "off", pipeline.to_str().expect("UTF-8")]);
    (output.status.code(), stderr(&output))
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("the file");
    assert!(text.contains(from), "{from} in {}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).expect("the file is written");
}

#[test]
fn missing_weights_say_where_was_looked_and_how_to_get_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = project().join("models/ssd-mobilenet-v1-coco/model.yaml");
    let output = output(
        sightline()
            .args(["detect", "--model"])
            .arg(&manifest)
            .arg("x.jpg")
            .env("SIGHTLINE_MODELS", folder.path())
            .env("XDG_DATA_HOME", folder.path().join("data")),
    );
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
    let text = stderr(&output);
    for part in ["ssd_mobilenet_v1_coco.onnx", folder.path().to_str().expect("UTF-8"), "SIGHTLINE_MODELS"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_model_that_is_not_there_names_the_nearest() {
    let output = run(&["detect", "--model", "ssd-mobilenet-v1-smi", "x.jpg"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("ssd-mobilenet-v1-sim"), "{}", stderr(&output));
}

#[test]
fn a_cut_off_file_is_refused_by_its_hash() {
    let (_folder, model) = copy_of_model();
    let weights = model.join("model_int8.onnx");
    let bytes = std::fs::read(&weights).expect("the weights");
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).expect("written");
    let (code, text) = run_with(&model.join("model.yaml"));
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("model_int8.onnx") && text.to_lowercase().contains("sha-256"), "{text}");
}

#[test]
fn a_file_that_is_no_network_is_refused() {
    let (_folder, model) = copy_of_model();
    std::fs::write(model.join("model_int8.onnx"), b"not a network").expect("written");
    let hash = sightline_config::models::sha256_of_file(&model.join("model_int8.onnx")).expect("a hash");
    let manifest = model.join("model.yaml");
    let text = std::fs::read_to_string(&manifest).expect("the manifest");
    let right = text.split("sha256:").nth(1).expect("a hash").trim_start().get(..64).expect("64 digits").to_string();
    edit(&manifest, &right, &hash);
    let (code, text) = run_with(&manifest);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("model_int8.onnx"), "{text}");
}

#[test]
fn a_label_map_of_another_length_is_refused() {
    let (_folder, model) = copy_of_model();
    let manifest = model.join("model.yaml");
    edit(&manifest, "labels: [", "labels: [ghost, ");
    let (code, text) = run_with(&manifest);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("label") && text.contains("class"), "{text}");
}

#[test]
fn an_input_of_another_size_is_refused() {
    let (_folder, model) = copy_of_model();
    let manifest = model.join("model.yaml");
    edit(&manifest, "width: 300", "width: 320");
    let (code, text) = run_with(&manifest);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("300") && text.contains("320"), "{text}");
}

#[test]
fn a_library_that_cannot_be_loaded_is_exit_code_69() {
    let picture = project().join("README.md");
    let output = output(
        sightline()
            .args(["detect", "--model", "ssd-mobilenet-v1-sim"])
            .arg(picture)
            .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so"),
    );
    assert_eq!(output.status.code(), Some(69), "{}", stderr(&output));
    assert!(stderr(&output).contains("/nowhere/libonnxruntime.so"), "{}", stderr(&output));
}
