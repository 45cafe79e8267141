//! A model that is made in a moment.

use std::path::Path;

use sightline_core::model::{Anchor, BoxCoder, Head, Labels, ModelSpec, ScoreFunction};

use super::{
    Input, REFERENCE, input_spec,
    onnx::{self, Output, Type},
    sha256,
};

/// Two anchors, three classes: the first anchor sees class 1.
pub fn raw_outputs() -> [Output; 2] {
    [
        Output::floats("boxes", &[1, 2, 4], &[0.0; 8]),
        Output::floats("classes", &[1, 2, 3], &[5.0, 2.0, -9.0, 5.0, -9.0, -9.0]),
    ]
}

/// A model of 8×4 pixels that is what its specification says.
pub fn raw_model(folder: &Path) -> ModelSpec {
    let anchor = Anchor { center_y: 0.5, center_x: 0.5, height: 0.5, width: 0.5 };
    let bytes = onnx::model(Type::Uint8, &[-1, 4, 8, 3], &raw_outputs());
    let mut input = input_spec(Input::Bytes);
    (input.width, input.height) = (8, 4);
    let mut spec = ModelSpec {
        name: "tiny".into(),
        weights: None,
        weights_file_name: "tiny.onnx".into(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: "Apache-2.0".into(),
        source: String::new(),
        input,
        head: Head::RawSsd {
            boxes: "boxes".into(),
            classes: "classes".into(),
            anchors: vec![anchor; 2],
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score: ScoreFunction::Sigmoid,
            background_class: Some(0),
        },
        labels: Labels::new(vec![None, Some("person".into()), Some("car".into())]),
        defaults: REFERENCE,
    };
    write(&mut spec, folder, &bytes);
    spec
}

/// Gives it those bytes as its weights.
pub fn write(spec: &mut ModelSpec, folder: &Path, bytes: &[u8]) {
    let path = folder.join("tiny.onnx");
    std::fs::write(&path, bytes).unwrap();
    spec.sha256 = sha256(bytes);
    spec.weights = Some(path);
}
