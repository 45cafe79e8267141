//! Sessions of OpenVINO through its own C library.

use sightline_core::provider::OpenVinoOptions;

use crate::job::{Job, Opened, Refusal};

/// Compiles the model for the options' device, once per batch size of `sizes`.
pub(crate) fn open(_options: &OpenVinoOptions, _sizes: &[usize], _job: Job<'_>) -> Result<Opened, Refusal> {
    Err(Refusal::Provider("not yet".into()))
}
