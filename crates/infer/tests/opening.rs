//! Opening a model: what is refused, and how it is said. The models are tiny ones made here.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use sightline_core::{
    execution::{BatchSizes, PassedOver},
    model::{Head, Labels, ModelSpec},
    provider::{CudaOptions, OnUnavailable, OpenVinoOptions, OpenVinoRuntime, Provider, TensorRtOptions},
    recovery::Recovery,
    tensor::{InputData, InputView},
};
use sightline_infer::InferError;
use support::{
    Input, REFERENCE, has_runtime, input_spec,
    onnx::{self, Output, Type},
    open_on, open_on_cpu, sha256,
    tiny::{raw_model, raw_outputs, write},
};

fn refused(spec: &ModelSpec) -> InferError {
    let Err(error) = open_on_cpu(spec) else { panic!("the model was taken") };
    assert_eq!(error.recovery(), Recovery::GiveUpProcess);
    let message = error.to_string();
    assert!(!message.contains('\n') && message.contains("tiny"), "{message}");
    error
}

#[test]
fn a_model_that_fits_runs_and_shows_its_outputs_in_the_heads_order() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open_on_cpu(&raw_model(folder.path())).unwrap();
    assert_eq!((&opened.execution.provider, opened.batch_sizes), (&Provider::cpu(), BatchSizes::Any));
    assert!(opened.execution.placement.nodes > 0 && opened.execution.placement.share() == 1.0);
    let backend = &mut opened.backends[0];

    let mut calls = 0;
    let image = [0u8; 96];
    let input = InputView { shape: [1, 4, 8, 3], data: InputData::U8(&image) };
    backend
        .run(input, &mut |outputs| {
            calls += 1;
            assert_eq!(outputs.len(), 2);
            assert_eq!(outputs[0].shape, [1, 2, 4]);
            assert_eq!(outputs[1].shape, [1, 2, 3]);
            assert_eq!(outputs[1].data, [5.0, 2.0, -9.0, 5.0, -9.0, -9.0]);
        })
        .unwrap();
    assert_eq!(calls, 1);
}

#[test]
fn a_batch_that_does_not_fit_is_an_error_and_the_session_goes_on() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open_on_cpu(&raw_model(folder.path())).unwrap();
    let backend = &mut opened.backends[0];
    let (bytes, floats) = ([0u8; 96], [0f32; 96]);
    for wrong in [
        InputView { shape: [1, 8, 4, 3], data: InputData::U8(&bytes) },
        InputView { shape: [2, 4, 8, 3], data: InputData::U8(&bytes) },
        InputView { shape: [1, 4, 8, 3], data: InputData::F32(&floats) },
    ] {
        let error = backend.run(wrong, &mut |_| panic!("read was called")).unwrap_err();
        assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error}");
    }
    let right = InputView { shape: [1, 4, 8, 3], data: InputData::U8(&bytes) };
    backend.run(right, &mut |_| ()).unwrap();
}

#[test]
fn missing_weights_are_named() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut spec = raw_model(folder.path());
    spec.weights = None;
    assert!(matches!(refused(&spec), InferError::WeightsMissing { .. }));

    spec.weights = Some(folder.path().join("gone/tiny.onnx"));
    let error = refused(&spec);
    assert!(matches!(error, InferError::WeightsUnreadable { .. }));
    assert!(error.to_string().contains("gone/tiny.onnx"), "{error}");
}

#[test]
fn weights_of_another_hash_are_refused() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut spec = raw_model(folder.path());
    let found = spec.sha256.clone();
    spec.sha256 = sha256(b"another file");
    let message = refused(&spec).to_string();
    assert!(message.contains(&found) && message.contains(&spec.sha256), "{message}");

    spec.sha256 = found.to_uppercase();
    open_on_cpu(&spec).unwrap();
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut spec = raw_model(folder.path());
    let whole = std::fs::read(spec.weights.as_ref().unwrap()).unwrap();
    for bytes in [&whole[..whole.len() / 2], &whole[..whole.len() - 1], b"", b"<html>not found</html>"] {
        write(&mut spec, folder.path(), bytes);
        let error = refused(&spec);
        assert!(matches!(error, InferError::Session { .. } | InferError::Mismatch { .. }), "{error}");
    }
}

#[test]
fn a_graph_that_differs_from_its_specification_is_refused() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    type Change = fn(&mut ModelSpec);
    let changes: [(&str, Change); 5] = [
        ("[1, 2, 3], expected [N, 2 anchors, 91 labels]", |spec| spec.labels = Labels::new(vec![None; 91])),
        ("expected [N, 300 height, 300 width, 3 channels]", |spec| spec.input = input_spec(Input::Bytes)),
        ("is of type u8, expected f32", |spec| spec.input.element = sightline_core::tensor::ElementType::F32),
        ("expected \"input\"", |spec| spec.input.name = Some("input".into())),
        ("no output \"detections\"", |spec| spec.head = Head::DetectionOutput { output: "detections".into() }),
    ];
    for (expected, change) in changes {
        let mut spec = raw_model(folder.path());
        change(&mut spec);
        let error = refused(&spec);
        assert!(matches!(error, InferError::Mismatch { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{expected} is not in: {error}");
    }
}

#[test]
fn a_fixed_batch_is_reported() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut spec = raw_model(folder.path());
    write(&mut spec, folder.path(), &onnx::model(Type::Uint8, &[3, 4, 8, 3], &raw_outputs()));
    assert_eq!(open_on_cpu(&spec).unwrap().batch_sizes, BatchSizes::Only(vec![3]));
}

#[test]
fn integer_outputs_are_read_as_numbers() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut spec = raw_model(folder.path());
    spec.head = Head::InGraphNms {
        boxes: "boxes".into(),
        classes: "classes".into(),
        scores: "scores".into(),
        count: "count".into(),
    };
    // In another order than the head's, as exporters do.
    let outputs = [
        Output::integers("count", &[1], &[1]),
        Output::integers("classes", &[1, 2], &[2, 1]),
        Output::floats("scores", &[1, 2], &[0.75, 0.5]),
        Output::floats("boxes", &[1, 2, 4], &[0.0, 0.25, 0.5, 1.0, 0.0, 0.0, 1.0, 1.0]),
    ];
    write(&mut spec, folder.path(), &onnx::model(Type::Uint8, &[-1, 4, 8, 3], &outputs));
    let mut opened = open_on_cpu(&spec).unwrap();
    let backend = &mut opened.backends[0];
    let image = [0u8; 96];
    let mut postprocessor = sightline_core::detector::Postprocessor::new(&spec, REFERENCE);
    let placement = sightline_core::preprocess::Placement::whole(8, 4);
    let mut detections = Vec::new();
    for _ in 0..2 {
        backend
            .run(InputView { shape: [1, 4, 8, 3], data: InputData::U8(&image) }, &mut |outputs| {
                postprocessor.detections(outputs, 0, &placement, &mut detections).unwrap();
            })
            .unwrap();
        assert_eq!(detections.len(), 1);
        assert_eq!((detections[0].class_id, detections[0].score), (2, 0.75));
        assert_eq!(detections[0].bbox.x, 0.25);
    }
}

#[test]
fn providers_that_do_not_run_are_reported_with_their_reason() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spec = raw_model(folder.path());
    let (tensorrt, cuda) = (TensorRtOptions::default(), CudaOptions::default());
    let openvino = OpenVinoOptions { runtime: OpenVinoRuntime::OnnxRuntime, ..OpenVinoOptions::default() };
    let providers = [Provider::TensorRt(tensorrt), Provider::Cuda(cuda), Provider::OpenVino(openvino), Provider::cpu()];
    let opened = open_on(&spec, &providers, OnUnavailable::Fallback).unwrap();
    println!("{:?}", opened.execution);
    // With the plain library it is the CPU; a GPU library and a GPU stop earlier.
    let passed_over = &opened.execution.passed_over;
    let tried: Vec<Provider> = passed_over.iter().map(|passed_over| passed_over.provider.clone()).collect();
    assert_eq!(tried, providers[..tried.len()]);
    assert_eq!(opened.execution.provider, providers[tried.len()]);
    for PassedOver { provider, reason } in passed_over {
        assert!(reason.len() > 10 && !reason.contains('\n'), "{provider:?}: {reason}");
    }

    match open_on(&spec, &providers, OnUnavailable::Fail) {
        Ok(opened) => assert_eq!(opened.execution.provider, providers[0]),
        Err(error) => {
            assert!(matches!(&error, InferError::ProviderUnavailable { passed_over } if passed_over.len() == 1));
            assert!(error.to_string().contains("tensorrt ("), "{error}");
        }
    }

    let Err(error) = open_on(&spec, &[], OnUnavailable::Fallback) else { panic!("opened on nothing") };
    assert!(matches!(error, InferError::ProviderUnavailable { .. }), "{error}");
}
