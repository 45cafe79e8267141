//! Model files. A [`Network`](sightline_core::network::Network) and its weights become an ONNX file ([`write`]), and an
//! ONNX file is described without running it ([`inspect`]).
//!
//! Everything goes from bytes to bytes: files belong to the caller. Only this crate names `prost`.

mod error;
mod graph;
mod inspect;
mod proto;
mod tensor;
mod weights;
mod write;

pub use self::{
    error::OnnxError,
    inspect::{Dimension, Facts, TensorFacts, WeightType, inspect},
    weights::{LayerWeights, Weights},
    write::write,
};
