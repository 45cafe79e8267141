//! A [`ModelSpec`] to the text of its `model.yaml`, for models that the program makes or imports itself.

use std::fmt::Write as _;

use sightline_core::{
    model::{Anchor, ColorOrder, Head, ModelSpec, ResizeMode, ScoreFunction, TensorLayout},
    tensor::ElementType,
};

/// The text of a manifest that reads back as `spec`. Default boxes of an SSD are named as the file `anchors_file`
/// beside it; [`anchors_to_bytes`] is what that file holds.
#[must_use]
pub fn manifest_to_yaml(spec: &ModelSpec, anchors_file: &str) -> String {
    let mut text = String::from("# The keys are explained in docs/reference/model.md.\nversion: 1\n");
    let input = &spec.input;
    let mut line = |content: String| {
        text.push_str(&content);
        text.push('\n');
    };
    line(format!("name: {}", quoted(&spec.name)));
    line(format!("license: {}", quoted(&spec.license)));
    line(format!("source: {}", quoted(spec.source.trim())));
    line(format!("weights:\n  file: {}\n  sha256: {}", quoted(&spec.weights_file_name), spec.sha256));
    line("input:".into());
    if let Some(name) = &input.name {
        line(format!("  name: {}", quoted(name)));
    }
    line(format!("  layout: {}", if input.layout == TensorLayout::Nchw { "nchw" } else { "nhwc" }));
    line(format!("  type: {}", if input.element == ElementType::U8 { "uint8" } else { "float32" }));
    line(format!("  color: {}", if input.color_order == ColorOrder::Rgb { "rgb" } else { "bgr" }));
    line(format!("  width: {}\n  height: {}", input.width, input.height));
    line(format!("  resize: {}", if input.resize == ResizeMode::Stretch { "stretch" } else { "letterbox" }));
    if input.element == ElementType::F32 {
        line(format!("  mean: {:?}\n  scale: {:?}", input.mean, input.scale));
    }
    line(head(&spec.head, spec.labels.len(), anchors_file));
    let labels: Vec<String> = (0..spec.labels.len())
        .map(|id| u16::try_from(id).ok().and_then(|id| spec.labels.name(id)).map_or_else(|| quoted("???"), quoted))
        .collect();
    line(format!("labels: [{}]", labels.join(", ")));
    let defaults = &spec.defaults;
    line(format!(
        "defaults:\n  score_threshold: {}\n  iou_threshold: {}\n  max_detections: {}\n  class_agnostic: {}",
        defaults.score_threshold, defaults.iou_threshold, defaults.max_detections, defaults.class_agnostic
    ));
    text
}

/// The content of an anchors file: 32-bit little-endian floats, cy, cx, h, w per box.
#[must_use]
pub fn anchors_to_bytes(anchors: &[Anchor]) -> Vec<u8> {
    let values = anchors.iter().flat_map(|a| [a.center_y, a.center_x, a.height, a.width]);
    values.flat_map(f32::to_le_bytes).collect()
}

fn head(head: &Head, classes: usize, anchors_file: &str) -> String {
    let mut text = String::from("head:\n");
    let outputs = |names: &[(&str, &String)]| {
        let named: Vec<String> = names.iter().map(|(key, name)| format!("{key}: {}", quoted(name))).collect();
        format!("  outputs: {{{}}}", named.join(", "))
    };
    match head {
        Head::RawSsd { boxes, classes: logits, anchors, box_coder, score, background_class } => {
            let score = match score {
                ScoreFunction::Sigmoid => "sigmoid",
                ScoreFunction::Softmax => "softmax",
                ScoreFunction::Identity => "identity",
            };
            let coder = [box_coder.y, box_coder.x, box_coder.height, box_coder.width];
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "  type: ssd\n{}\n  classes: {classes}\n  anchors: {{file: {}, count: {}}}\n  box_coder: {coder:?}\n  score: {score}",
                outputs(&[("boxes", boxes), ("classes", logits)]),
                quoted(anchors_file),
                anchors.len(),
            );
            if let Some(background) = background_class {
                let _ = write!(text, "\n  background_class: {background}");
            }
        }
        Head::InGraphNms { boxes, classes, scores, count } => {
            let names = [("boxes", boxes), ("classes", classes), ("scores", scores), ("count", count)];
            text.push_str("  type: in_graph_nms\n");
            text.push_str(&outputs(&names));
        }
        Head::DetectionOutput { output } => {
            text.push_str("  type: detection_output\n");
            text.push_str(&outputs(&[("detections", output)]));
        }
        Head::Classifier { scores } => {
            text.push_str("  type: classifier\n");
            text.push_str(&outputs(&[("scores", scores)]));
            let _ = write!(text, "\n  classes: {classes}");
        }
    }
    text
}

/// As a YAML scalar on one line: plain where that is safe, else between double quotes, which take JSON's escapes.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '/'))
        && !text.ends_with(' ')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
