//! Operators of ours, which are in a model's faster form.
//!
//! Runs of one session at the same time call a kernel's `compute` at the same time ([`super::shared`]), whatever `&mut self` says:
//! a kernel only reads what it was made with.

mod convolution;
mod joined_output;

use ort::operator::OperatorDomain;
use sightline_core::operators;

/// All of them.
pub(super) fn domain() -> ort::Result<OperatorDomain> {
    OperatorDomain::new(operators::DOMAIN)?.add(convolution::Convolution3x3)?.add(joined_output::JoinedOutput)
}

fn refused(operator: &str, why: &str) -> ort::Error {
    ort::Error::new(format!("{operator}: {why}"))
}
