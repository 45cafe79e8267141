//! [`Backend`](sightline_core::ports::Backend) over ONNX Runtime, its execution providers, and OpenVINO.
//!
//! The one crate that names `ort` and `openvino`. Neither library is linked but found and loaded when it is first needed
//! ([`library`]); a model is opened only when it is what its `model.yaml` says, and on an execution provider only when that
//! really runs it ([`open`]): nothing is passed over in silence.

mod agreement;
mod elf;
mod error;
mod graph;
mod job;
mod nodes;
mod onnxruntime;
mod opening;
mod openvino;
mod search;
mod weights;

pub use agreement::Reference;
pub use error::InferError;
pub use onnxruntime::library;
pub use opening::{Faster, OpenedModel, Wish, open};
pub use openvino::library as openvino_library;
