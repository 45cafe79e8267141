//! Parts of a network in int8 that libraries run slower than a CPU can, as operators of our own for their graphs.
//!
//! `onnx::faster` puts them into a graph, `infer` registers them with ONNX Runtime, and both know them by the names here.

pub mod convolution;
pub mod joined_output;

/// Whose operators they are.
pub const DOMAIN: &str = "sightline";
/// Of the domain.
pub const VERSION: i64 = 1;
