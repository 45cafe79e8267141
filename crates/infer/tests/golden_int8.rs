//! The int8 networks on the reference's own inputs against the TFLite interpreter's boxes.
//!
//! The asymmetric file has the interpreter's own weights, and ONNX Runtime's kernels compute the same integers: every
//! box is the reference's. The symmetric one was quantised anew and stays within the differences that
//! `models/README.md` states.
#![allow(clippy::print_stdout, reason = "the figures are what a reader of the test log wants")]

mod support;

use std::path::Path;

use support::{Input, Network, edge_difference, golden, median, pairs, raw_model, shared};

struct Agreement {
    references: usize,
    found: usize,
    /// References of score 0.4 and more, and how many of them were found at IoU ≥ 0.5.
    sure: usize,
    sure_found: usize,
    scores: Vec<f32>,
    edges: Vec<f32>,
}

fn agreement(shared: &Path, file: &str) -> Agreement {
    let mut network = Network::open(&raw_model(shared, file, Input::Bytes));
    let mut all = Agreement { references: 0, found: 0, sure: 0, sure_found: 0, scores: Vec::new(), edges: Vec::new() };
    for golden in golden(shared) {
        let found = network.detect(&golden.input);
        all.references += golden.tflite_nms.len();
        all.sure += golden.tflite_nms.iter().filter(|reference| reference.score >= 0.4).count();
        for (reference, found, iou) in pairs(&golden.tflite_nms, &found) {
            if iou < 0.5 {
                continue;
            }
            all.found += 1;
            all.sure_found += usize::from(reference.score >= 0.4);
            all.scores.push((reference.score - found.score).abs());
            all.edges.push(edge_difference(&reference.bbox, &found.bbox));
        }
    }
    let worst = |values: &[f32]| values.iter().copied().fold(0.0, f32::max);
    println!(
        "{file}: {}/{} references found, {}/{} of score 0.4 and more; score difference median {:.4}, worst {:.4}; \
         edge difference median {:.4}, worst {:.4}",
        all.found,
        all.references,
        all.sure_found,
        all.sure,
        median(all.scores.clone()),
        worst(&all.scores),
        median(all.edges.clone()),
        worst(&all.edges),
    );
    all
}

#[test]
fn asymmetric_weights_give_the_interpreters_boxes() {
    let Some(shared) = shared() else { return };
    let agreement = agreement(&shared, "ssd_mobilenet_v1_coco_int8_u8in.onnx");
    assert!(agreement.references > 100);
    assert_eq!(agreement.found, agreement.references);
    assert!(agreement.scores.iter().all(|&difference| difference <= 1e-3));
    assert!(agreement.edges.iter().all(|&difference| difference <= 1e-3));
}

#[test]
fn symmetric_weights_stay_within_the_stated_differences() {
    let Some(shared) = shared() else { return };
    let agreement = agreement(&shared, "ssd_mobilenet_v1_coco_int8_u8in_sym.onnx");
    assert!(agreement.sure > 30);
    assert_eq!(agreement.sure_found, agreement.sure);
    assert!(median(agreement.scores.clone()) <= 0.02);
    assert!(agreement.scores.iter().all(|&difference| difference <= 0.19));
}
