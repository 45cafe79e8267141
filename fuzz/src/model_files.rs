//! Model files, which may come from anywhere: TensorFlow Lite's and ONNX.

use sightline_onnx::{inspect, tflite::import};

/// Any bytes as a TensorFlow Lite file are refused, or imported into ONNX files that can be read.
pub fn tflite(bytes: &[u8]) {
    let Ok(imported) = import(bytes) else { return };
    for file in [imported.float32(), imported.int8(), imported.int8_symmetric()] {
        if let Err(error) = inspect(&file) {
            panic!("what the import wrote cannot be read: {error}");
        }
    }
}

/// Any bytes as an ONNX file are refused or described.
pub fn onnx(bytes: &[u8]) {
    if let Ok(facts) = inspect(bytes) {
        // What is shown to the user has an end as well.
        assert!(format!("{facts:?}").len() <= 1000 * (bytes.len() + 100), "facts far larger than the file");
    }
}
