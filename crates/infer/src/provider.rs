//! Execution providers, each registered so that its failing is an error and not a silent CPU run.

use ort::{ep, session::builder::SessionBuilder};
use sightline_core::plan::Provider;

/// Registers one provider with a session to be.
///
/// # Errors
/// ONNX Runtime's reason, on one line.
pub(crate) fn register(builder: SessionBuilder, provider: &Provider) -> Result<SessionBuilder, String> {
    let dispatch = match provider {
        Provider::TensorRt => ep::TensorRT::default().build(),
        Provider::Cuda => ep::CUDA::default().build(),
        Provider::OpenVino { device } => {
            // A device name with a NUL in it would panic inside `ort`.
            if device.contains('\0') {
                return Err("the device's name holds a NUL character".into());
            }
            ep::OpenVINO::default().with_device_type(device).build()
        }
        Provider::Cpu => ep::CPU::default().with_arena_allocator(true).build(),
    };
    builder.with_execution_providers([dispatch.error_on_failure()]).map_err(|error| one_line(&error.to_string()))
}

/// ONNX Runtime's messages go over several lines, with source locations; a log line or a status has one.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
