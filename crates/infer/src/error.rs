//! What can go wrong before frames flow. A session that fails later is a
//! [`BackendError`](sightline_core::ports::BackendError).

use std::path::PathBuf;

use sightline_core::{execution::PassedOver, recovery::Recovery};

/// Why a model cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum InferError {
    /// No ONNX Runtime anywhere.
    #[error(
        "onnx runtime (libonnxruntime.so) was not found; looked at {}, and asked the system's loader ({loader}); run \
         `make setup`, or set ORT_DYLIB_PATH to the library",
        listed(searched)
    )]
    LibraryMissing {
        /// Files and folders looked at, in order.
        searched: Vec<PathBuf>,
        /// What the system's loader said.
        loader: String,
    },
    /// A library that was asked for or found is none that works.
    #[error(
        "onnx runtime at {} ({origin}) cannot be used: {reason}; run `make setup`, or set ORT_DYLIB_PATH to a library \
         of version 1.17 or later",
        path.display()
    )]
    LibraryUnusable {
        /// The file.
        path: PathBuf,
        /// Why this file: `ORT_DYLIB_PATH`, …
        origin: &'static str,
        /// What the loader or ONNX Runtime said.
        reason: String,
    },
    /// The model's specification names no file. Where it was looked for is the caller's to say.
    #[error("weights {file_name} of model {model} were not found")]
    WeightsMissing {
        /// The model.
        model: String,
        /// The file's name.
        file_name: String,
    },
    /// The file cannot be read.
    #[error("weights {} of model {model} cannot be read: {source}", path.display())]
    WeightsUnreadable {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is another one than the model's specification says.
    #[error(
        "weights {} of model {model} have SHA-256 {found}, its model.yaml says {expected}: the file is damaged or \
         another one; fetch it anew",
        path.display()
    )]
    WeightsHash {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// By the specification.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// ONNX Runtime does not take the file.
    #[error("onnx runtime refuses {} of model {model} on {provider}: {reason}", path.display())]
    Session {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// The execution provider.
        provider: &'static str,
        /// What ONNX Runtime said.
        reason: String,
    },
    /// The graph is not what the specification says.
    #[error("{} is not what the model.yaml of {model} says: {}", path.display(), differences.join("; "))]
    Mismatch {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// What differs, each with what was expected and what was found.
        differences: Vec<String>,
    },
    /// The first wished execution provider does not run and `on_unavailable` is `fail`, or none of them runs.
    #[error("no wished execution provider runs: {}", reasons(passed_over))]
    ProviderUnavailable {
        /// Each provider tried, with its reason.
        passed_over: Vec<PassedOver>,
    },
    /// ONNX Runtime itself failed.
    #[error("onnx runtime failed to {what}: {reason}")]
    Runtime {
        /// What it was to do.
        what: &'static str,
        /// What it said.
        reason: String,
    },
}

impl InferError {
    /// How to handle it: without its model a pipeline cannot work, and no retry makes a file or library right.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        Recovery::GiveUpProcess
    }
}

fn listed(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "no folder".into();
    }
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn reasons(passed_over: &[PassedOver]) -> String {
    if passed_over.is_empty() {
        return "none was named".into();
    }
    let one = |PassedOver { provider, reason }: &PassedOver| format!("{provider} ({reason})");
    passed_over.iter().map(one).collect::<Vec<_>>().join(", ")
}
