//! OpenVINO's own library on a CPU gives ONNX Runtime's outputs: every batch size, filled up batches, and several workers at
//! the same time.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod openvino_support;

use openvino_support::{
    has_libraries, on, our_model, references, relative_error, run, shared_models, try_open, try_open_keeping,
};
use sightline_core::{
    execution::BatchSizes,
    model::ModelSpec,
    provider::{OpenVinoOptions, Provider},
    tensor::{ElementType, InputBuffer, InputView},
};
use sightline_infer::Reference;

const MAX_BATCH: usize = 8;

/// 32-bit floats differ in their order of summation (measured: 1.4e-7). Int8 sums are exact, but what lies between two int8
/// layers is rounded at other places (measured: 7e-3; computed in bf16 it would be 1.3e-2).
fn tolerance(spec: &ModelSpec) -> f64 {
    if spec.input.element == ElementType::F32 { 1e-5 } else { 0.03 }
}

#[test]
fn every_batch_size_gives_the_outputs_of_onnx_runtime() {
    if !has_libraries() {
        return;
    }
    for spec in [our_model()].into_iter().chain(shared_models()) {
        let pictures = references(&spec);
        let mut reference = try_open(&spec, Provider::cpu(), 1).unwrap();
        let one = |picture| run(&mut *reference.backends[0], &spec, &[picture], 1).remove(0);
        let expected: Vec<Vec<Vec<f32>>> = pictures.iter().map(one).collect();

        let opened = try_open(&spec, Provider::OpenVino(on("CPU")), MAX_BATCH).unwrap();
        assert_eq!(opened.batch_sizes, BatchSizes::Only(vec![1, 2, 4, 8]));
        assert_eq!(opened.backends.len(), 2, "one for each session that is wished");
        let execution = opened.execution;
        assert!(execution.device.starts_with("CPU ("), "{}", execution.device);
        assert!(execution.library.starts_with("OpenVINO 20"), "{}", execution.library);
        assert!(execution.placement.share() == 1.0 && execution.placement.nodes > 50, "{}", execution.placement);
        assert!(execution.agreement.is_some_and(|agreement| agreement.pictures == pictures.len()));

        let mut largest: f64 = 0.0;
        for mut backend in opened.backends {
            // 3 and 5 are filled up.
            for frames in [8, 5, 4, 3, 2, 1] {
                let chosen: Vec<&Reference> = pictures.iter().cycle().skip(frames).take(frames).collect();
                let found = run(&mut *backend, &spec, &chosen, opened.batch_sizes.fitting(frames));
                for (index, outputs) in found.iter().enumerate() {
                    largest = largest.max(relative_error(outputs, &expected[(frames + index) % pictures.len()]));
                }
            }
        }
        println!("{}: relative error {largest:.2e}, {}", spec.name, execution.device);
        assert!(largest < tolerance(&spec), "{}: {largest}", spec.name);
    }
}

#[test]
fn workers_side_by_side_give_what_they_give_alone() {
    if !has_libraries() {
        return;
    }
    let spec = &our_model();
    let pictures = &references(spec);
    let options = OpenVinoOptions { streams: Some(3), ..on("CPU") };
    let opened = try_open(spec, Provider::OpenVino(options), 2).unwrap();
    assert_eq!(opened.backends.len(), 3);
    std::thread::scope(|scope| {
        for (worker, mut backend) in opened.backends.into_iter().enumerate() {
            scope.spawn(move || {
                let chosen = [&pictures[worker], &pictures[worker + 1]];
                let alone = run(&mut *backend, spec, &chosen, 2);
                for _ in 0..20 {
                    assert_eq!(run(&mut *backend, spec, &chosen, 2), alone);
                    assert!(relative_error(&run(&mut *backend, spec, &chosen[..1], 1)[0], &alone[0]) < 1e-3);
                }
            });
        }
    });
}

#[test]
fn a_batch_that_does_not_fit_is_an_error_and_the_worker_goes_on() {
    if !has_libraries() {
        return;
    }
    let spec = our_model();
    let mut opened = try_open(&spec, Provider::OpenVino(on("CPU")), 2).unwrap();
    let backend = &mut opened.backends[0];
    let picture = &references(&spec)[0];
    let alone = run(&mut **backend, &spec, &[picture], 1);
    let mut floats = InputBuffer::new(ElementType::F32);
    floats.resize(spec.input.samples_per_image());
    let one = picture.input.data();
    let wrong = [
        (InputView { shape: [1, 3, 300, 300], data: one }, "has shape [1, 3, 300, 300]"),
        (InputView { shape: [3, 300, 300, 3], data: one }, "compiled for 1, 2"),
        (InputView { shape: [2, 300, 300, 3], data: one }, "has 270000 samples, the model takes 540000"),
        (InputView { shape: [1, 300, 300, 3], data: floats.data() }, "samples"),
    ];
    for (view, expected) in wrong {
        let error = backend.run(view, &mut |_| panic!("read was called")).unwrap_err();
        assert!(error.message.contains(expected) && !error.message.contains('\n'), "{error}");
        assert_eq!(run(&mut **backend, &spec, &[picture], 1), alone);
    }
}

#[test]
fn compiled_models_are_kept_and_used_again() {
    if !has_libraries() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let kept = || {
        let per_model: Vec<_> = std::fs::read_dir(folder.path().join("openvino")).unwrap().flatten().collect();
        assert_eq!(per_model.len(), 1);
        let mut files: Vec<_> =
            std::fs::read_dir(per_model[0].path()).unwrap().flatten().map(|file| file.file_name()).collect();
        files.sort();
        files
    };
    let spec = our_model();
    let open = || {
        let cache = Some(folder.path());
        try_open_keeping(&spec, Provider::OpenVino(on("CPU")), 2, cache).unwrap();
    };
    open();
    let first = kept();
    assert_eq!(first.len(), 2, "one for each batch size: {first:?}");
    open();
    assert_eq!(kept(), first);

    let nothing = tempfile::tempdir().unwrap();
    let options = OpenVinoOptions { cache: false, ..on("CPU") };
    try_open_keeping(&spec, Provider::OpenVino(options), 1, Some(nothing.path())).unwrap();
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 0);
}
