//! From the pictures themselves, through our own resizer: the reference was resized by OpenCV.
#![allow(clippy::print_stdout, reason = "the figures are what a reader of the test log wants")]

mod support;

use support::{Input, Network, golden, pairs, raw_model, shared};

/// The share of reference boxes of score 0.4 and more that are found at IoU 0.75 and more.
fn rate(file: &str, input: Input, int8: bool) -> Option<f64> {
    let shared = shared()?;
    let mut network = Network::open(&raw_model(&shared, file, input));
    let (mut wanted, mut found) = (0, 0);
    for golden in golden(&shared) {
        let references = if int8 { &golden.tflite_nms } else { &golden.float_nms };
        let sure: Vec<_> = references.iter().copied().filter(|reference| reference.score >= 0.4).collect();
        let pairs = pairs(&sure, &network.detect(&golden.image));
        let hits = pairs.iter().filter(|(_, _, iou)| *iou >= 0.75).count();
        if hits < sure.len() {
            println!("{}: {hits} of {}", golden.name, sure.len());
        }
        wanted += sure.len();
        found += hits;
    }
    assert!(wanted > 30);
    let rate = f64::from(found as u32) / f64::from(wanted as u32);
    println!("{file}: {found} of {wanted} reference boxes found, {:.1} %", 100.0 * rate);
    Some(rate)
}

#[test]
fn fp32_finds_what_the_float_reference_has() {
    let Some(rate) = rate("ssd_mobilenet_v1_coco.onnx", Input::Normalised, false) else { return };
    assert!(rate >= 0.97, "{rate}");
}

#[test]
fn int8_finds_what_the_interpreter_has() {
    let Some(rate) = rate("ssd_mobilenet_v1_coco_int8_u8in_sym.onnx", Input::Bytes, true) else { return };
    assert!(rate >= 0.93, "{rate}");
}
