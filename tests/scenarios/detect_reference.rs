//! `sightline detect` over real pictures finds what the reference finds, with our own resizer in the way.

use std::path::Path;

use serde_json::Value;

use crate::support::{run, shared, stderr, stdout};

struct Reference {
    label: String,
    /// left, top, right, bottom
    edges: [f64; 4],
}

/// The reference boxes of a picture with a score of at least 0.4.
fn references(golden: &Path, name: &str, which: &str) -> Vec<Reference> {
    let text = std::fs::read_to_string(golden.join(format!("{name}.json"))).expect("a reference");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let boxes = value[which].as_array().expect("a list");
    boxes
        .iter()
        .filter(|found| found["score"].as_f64() >= Some(0.4))
        .map(|found| {
            let side = |index: usize| found["box"][index].as_f64().expect("a number").clamp(0.0, 1.0);
            let label = found["label"].as_str().expect("a label").to_string();
            Reference { label, edges: [side(1), side(0), side(3), side(2)] }
        })
        .collect()
}

fn iou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let overlap = |low: usize, high: usize| (a[high].min(b[high]) - a[low].max(b[low])).max(0.0);
    let intersection = overlap(0, 2) * overlap(1, 3);
    let area = |e: [f64; 4]| (e[2] - e[0]) * (e[3] - e[1]);
    intersection / (area(a) + area(b) - intersection)
}

/// Share of the reference boxes that the model finds at IoU ≥ 0.75 under the same label.
fn found_rate(shared: &Path, model: &str, which: &str) -> f64 {
    let images = shared.join("images");
    let output = run(&["detect", "--model", model, "--score", "0.2", images.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (mut wanted, mut found) = (0, 0);
    for line in stdout(&output).lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let name = Path::new(line["source"].as_str().expect("a path")).file_stem().expect("a name");
        let detections = line["detections"].as_array().expect("a list");
        for reference in references(&shared.join("golden"), name.to_str().expect("UTF-8"), which) {
            wanted += 1;
            let hit = detections.iter().any(|detection| {
                let number = |key: &str| detection["box"][key].as_f64().expect("a number");
                let edges = [number("x"), number("y"), number("x") + number("w"), number("y") + number("h")];
                detection["label"] == reference.label && iou(edges, reference.edges) >= 0.75
            });
            found += usize::from(hit);
        }
    }
    assert!(wanted > 50, "only {wanted} reference boxes");
    // Past libtest's capture, which hides what a passing test prints.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("{model}: {found} of {wanted} reference boxes found\n"),
    );
    f64::from(u32::try_from(found).expect("few")) / f64::from(wanted)
}

#[test]
fn the_reference_boxes_are_found_in_fp32_and_int8() {
    let Some(shared) = shared("detect_reference") else { return };
    let fp32 = found_rate(&shared, "ssd-mobilenet-v1-coco", "float_nms");
    let int8 = found_rate(&shared, "ssd-mobilenet-v1-coco-int8", "tflite_nms");
    assert!(fp32 >= 0.97, "fp32 finds {fp32:.3}");
    assert!(int8 >= 0.93, "int8 finds {int8:.3}");
}
