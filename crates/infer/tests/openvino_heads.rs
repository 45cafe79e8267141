//! OpenVINO's own library with graphs that are otherwise than ours: suppression in the graph, a fixed batch, integer outputs.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

#[allow(dead_code, reason = "made for other tests as well")]
#[path = "support/onnx.rs"]
mod onnx;
mod openvino_support;

use std::path::Path;

use onnx::{Output, Type};
use openvino_support::{has_libraries, on, our_model, sha256, try_open};
use sightline_core::{
    execution::BatchSizes,
    model::{Head, ModelSpec},
    ports::Backend,
    provider::Provider,
    tensor::{InputData, InputView},
};

/// A model of 8×4 pixels whose two detections are always the same, with its suppression in the graph.
fn with_suppression(folder: &Path, batch: i64) -> ModelSpec {
    // In another order than the head's, as exporters do.
    let outputs = [
        Output::integers("count", &[1], &[2]),
        Output::integers("classes", &[1, 2], &[2, 1]),
        Output::floats("scores", &[1, 2], &[0.75, 0.5]),
        Output::floats("boxes", &[1, 2, 4], &[0.0, 0.25, 0.5, 1.0, 0.0, 0.0, 1.0, 1.0]),
    ];
    let bytes = onnx::model(Type::Uint8, &[batch, 4, 8, 3], &outputs);
    let path = folder.join("tiny.onnx");
    std::fs::write(&path, &bytes).unwrap();
    let mut spec = our_model();
    spec.name = "tiny".into();
    spec.sha256 = sha256(&bytes);
    spec.weights = Some(path);
    (spec.input.width, spec.input.height) = (8, 4);
    spec.head = Head::InGraphNms {
        boxes: "boxes".into(),
        classes: "classes".into(),
        scores: "scores".into(),
        count: "count".into(),
    };
    spec
}

fn outputs(backend: &mut dyn Backend, batch: usize) -> Vec<(Vec<usize>, Vec<f32>)> {
    let image = vec![0; batch * 96];
    let mut found = Vec::new();
    let view = InputView { shape: [batch, 4, 8, 3], data: InputData::U8(&image) };
    backend
        .run(view, &mut |outputs| {
            found = outputs.iter().map(|output| (output.shape.to_vec(), output.data.to_vec())).collect();
        })
        .unwrap();
    found
}

#[test]
fn integer_outputs_are_numbers_and_come_in_the_heads_order() {
    if !has_libraries() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spec = with_suppression(folder.path(), -1);
    let mut opened = try_open(&spec, Provider::OpenVino(on("CPU")), 1).unwrap();
    for _ in 0..2 {
        let expected = [
            (vec![1, 2, 4], vec![0.0, 0.25, 0.5, 1.0, 0.0, 0.0, 1.0, 1.0]),
            (vec![1, 2], vec![2.0, 1.0]),
            (vec![1, 2], vec![0.75, 0.5]),
            (vec![1], vec![2.0]),
        ];
        assert_eq!(outputs(&mut *opened.backends[0], 1), expected);
    }
}

#[test]
fn a_fixed_batch_is_the_only_one() {
    if !has_libraries() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spec = with_suppression(folder.path(), 1);
    let mut opened = try_open(&spec, Provider::OpenVino(on("CPU")), 8).unwrap();
    assert_eq!(opened.batch_sizes, BatchSizes::Only(vec![1]));
    assert_eq!(outputs(&mut *opened.backends[0], 1).len(), 4);
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    if !has_libraries() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for bytes in [&b"<html>not found</html>"[..], b""] {
        let mut spec = our_model();
        let path = folder.path().join("page.onnx");
        std::fs::write(&path, bytes).unwrap();
        spec.sha256 = sha256(bytes);
        spec.weights = Some(path);
        let said = openvino_support::refusal(&spec, &on("CPU"));
        assert!(said.starts_with("openvino cannot read the model: ") && !said.contains('\n'), "{said}");
    }
}

#[test]
fn devices_over_others_run_on_the_devices_that_they_name() {
    if !has_libraries() {
        return;
    }
    for device in ["AUTO", "AUTO:CPU", "MULTI:CPU", "HETERO:CPU"] {
        let opened = try_open(&our_model(), Provider::OpenVino(on(device)), 2).unwrap();
        assert!(opened.execution.device.starts_with("CPU ("), "{device} runs on {}", opened.execution.device);
        // In bf16, which a CPU that has it takes unless it is told, it would be 1.2e-2.
        let error = opened.execution.agreement.unwrap().relative_error.unwrap();
        assert!(error < 0.01, "{device}: {error}");
        assert_eq!(opened.backends.len(), 1);
    }
}
