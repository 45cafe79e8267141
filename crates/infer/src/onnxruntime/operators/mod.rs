//! Operators of ours, which are in a model's faster form.

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
