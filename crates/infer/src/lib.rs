//! [`Backend`](sightline_core::ports::Backend) over ONNX Runtime sessions and their execution providers.
//!
//! The one crate that names `ort`. ONNX Runtime's library is not linked but found and loaded when it is first needed
//! ([`library`]); a model is opened only when it is what its `model.yaml` says ([`OrtBackend::open`]); an execution
//! provider that does not run is reported, never passed over in silence ([`SessionReport`]).

mod backend;
mod error;
mod graph;
pub mod library;
mod outputs;
mod provider;
mod weights;

pub use backend::{OrtBackend, SessionReport, SessionSettings};
pub use error::InferError;
