//! Model files. A [`Network`](sightline_core::network::Network) and its weights become an ONNX file ([`write()`]), an
//! ONNX file is described without running it ([`inspect()`]), and the quantised SSD of TensorFlow Lite becomes ONNX files
//! ([`tflite::import`]).
//!
//! Everything goes from bytes to bytes: files belong to the caller. Only this crate names `prost`.

mod error;
mod faster;
mod graph;
mod inspect;
mod proto;
mod tensor;
pub mod tflite;
mod weights;
mod write;

pub use self::{
    error::OnnxError,
    faster::faster,
    inspect::{Dimension, Facts, TensorFacts, WeightType, inspect},
    weights::{LayerWeights, Weights},
    write::write,
};
