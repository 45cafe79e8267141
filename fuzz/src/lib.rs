//! What comes from outside, and what must hold whatever it is. Each target takes any bytes and panics when something
//! does not hold; the engine (`fuzz/run.sh`) looks for such bytes, and `tests/replay.rs` replays those of `corpus/`.

mod event_json;
mod input;
mod manifest;
mod model_files;
mod pipeline;
mod problems;
mod scratch;
mod tensors;

pub use self::{
    event_json::event_json,
    manifest::model_yaml,
    model_files::{onnx, tflite},
    pipeline::pipeline_yaml,
    tensors::tensor_decode,
};

/// A target: any bytes in, a panic if something does not hold for them.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its file in `fuzz_targets/` and of its folder in `corpus/`.
pub const TARGETS: [(&str, Target); 6] = [
    ("pipeline_yaml", pipeline_yaml),
    ("model_yaml", model_yaml),
    ("event_json", event_json),
    ("tensor_decode", tensor_decode),
    ("tflite", tflite),
    ("onnx", onnx),
];
