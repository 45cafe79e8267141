//! What can be wrong with an ONNX file, or with the weights that are to go into one.

/// Why an ONNX file cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The bytes are no protobuf message, or end too early.
    #[error("this is no ONNX file, or it is damaged or cut off: {0}; fetch or write it again")]
    NotOnnx(String),
    /// A protobuf message, but not one of a model.
    #[error("this is no ONNX model: {0}")]
    NotAModel(&'static str),
    /// A tensor's values do not fit its shape or type.
    #[error("tensor {tensor}: {problem}")]
    Tensor {
        /// The initialiser's name.
        tensor: String,
        /// What is wrong with it, and what it should be.
        problem: String,
    },
    /// Weights that do not belong to the network.
    #[error("the weights do not fit network {network}: {}", problems.join("; "))]
    Weights {
        /// The network's name.
        network: String,
        /// Every layer's problem.
        problems: Vec<String>,
    },
    /// A network that cannot be written.
    #[error("network {network} cannot be written: {problem}")]
    Network {
        /// The network's name.
        network: String,
        /// What is wrong with it.
        problem: String,
    },
}
