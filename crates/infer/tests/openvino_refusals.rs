//! What OpenVINO's own library is not asked to do, or does not do, and how that is said.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failing unwrap here is the failing test")]

mod openvino_support;

use openvino_support::{has_libraries, on, our_model, refusal};
use sightline_core::provider::{OpenVinoOptions, OpenVinoPrecision, Provider};
use sightline_infer::{InferError, openvino_library};

/// A passage of what is said, on one line.
#[track_caller]
fn assert_says(said: &str, passages: &[&str]) {
    println!("{said}");
    for passage in passages {
        assert!(said.contains(passage), "\"{passage}\" is not in: {said}");
    }
    assert!(!said.contains('\n'));
}

#[test]
fn the_neural_compute_stick_needs_an_older_library() {
    if !has_libraries() {
        return;
    }
    let library = openvino_library::load().unwrap();
    let (name, path) = (library.name(), library.path.display().to_string());
    for device in ["MYRIAD", "HETERO:MYRIAD,CPU"] {
        let said = refusal(&our_model(), &on(device));
        assert_says(
            &said,
            &[&name, &path, "has no MYRIAD plugin", "2022.3 LTS", "SIGHTLINE_OPENVINO", "docs/guide/ncs2.md"],
        );
    }
}

#[test]
fn a_device_that_is_not_there_is_told_with_those_that_are() {
    if !has_libraries() {
        return;
    }
    let devices = openvino_library::devices().unwrap();
    let cpu = devices.iter().find(|device| device.name == "CPU").unwrap();
    assert!(!cpu.full_name.is_empty());
    for device in ["TPU", "GPU.7", "MULTI:GPU.7,CPU", "cpu"] {
        let missing = device.trim_start_matches("MULTI:").trim_end_matches(",CPU");
        let said = refusal(&our_model(), &on(device));
        assert_says(&said, &[&format!("has no device {missing} here"), "there are: ", "CPU"]);
    }
    assert_says(&refusal(&our_model(), &on("C\0PU")), &["NUL"]);
}

#[test]
fn an_option_that_the_device_does_not_take_is_named() {
    if !has_libraries() {
        return;
    }
    // More than the library's own numbers hold.
    let options = OpenVinoOptions { streams: Some(usize::MAX), ..on("CPU") };
    assert_says(
        &refusal(&our_model(), &options),
        &["CPU does not take the option streams (NUM_STREAMS=18446744073709551615)"],
    );
    let options = OpenVinoOptions { threads: Some(usize::MAX), ..on("CPU") };
    assert_says(&refusal(&our_model(), &options), &["option threads (INFERENCE_NUM_THREADS="]);
}

#[test]
fn a_precision_that_the_device_does_not_have_is_not_passed_over() {
    if !has_libraries() {
        return;
    }
    // Which CPU has which is its own matter: it computes in what was said, or that is refused.
    for (precision, name) in
        [(OpenVinoPrecision::Fp32, "f32"), (OpenVinoPrecision::Bf16, "bf16"), (OpenVinoPrecision::Fp16, "f16")]
    {
        let options = OpenVinoOptions { precision: Some(precision), ..on("CPU") };
        match openvino_support::try_open(&our_model(), Provider::OpenVino(options), 1) {
            Ok(_) => println!("computes in {name}"),
            Err(error) => {
                assert_ne!(precision, OpenVinoPrecision::Fp32, "every CPU has it: {error}");
                assert_says(
                    &error.to_string(),
                    &["CPU computes in ", &format!("where the option precision says {name}")],
                );
            }
        }
    }
}

#[test]
fn a_graph_that_differs_from_its_specification_is_told_and_the_next_provider_has_its_say() {
    if !has_libraries() {
        return;
    }
    let mut wide = our_model();
    wide.input.width = 320;
    let mut renamed = our_model();
    if let sightline_core::model::Head::RawSsd { boxes, .. } = &mut renamed.head {
        *boxes = "locations".into();
    }
    for (spec, expected) in [(wide, "320 width"), (renamed, "no output \"locations\", only")] {
        assert_says(&openvino_support::refusal(&spec, &on("CPU")), &["it takes the model for another one", expected]);
        let Err(by_cpu) = openvino_support::try_open(&spec, Provider::cpu(), 1) else { panic!("the model was taken") };
        assert!(matches!(by_cpu, InferError::Mismatch { .. }), "{by_cpu}");
    }
}
