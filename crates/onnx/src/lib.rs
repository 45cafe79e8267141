//! Model files. A [`Network`](sightline_core::network::Network) and its weights become an ONNX file ([`write`]).
//!
//! Everything goes from bytes to bytes: files belong to the caller. Only this crate names `prost`.

mod error;
mod graph;
mod proto;
mod tensor;
mod weights;
mod write;

pub use self::{
    error::OnnxError,
    weights::{LayerWeights, Weights},
    write::write,
};
