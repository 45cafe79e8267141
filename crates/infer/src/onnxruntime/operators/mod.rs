//! Operators of ours, which are in a model's faster form.

mod convolution;
mod joined_output;

use ort::operator::{ComputeContext, Kernel, OperatorDomain};
use sightline_core::operators;

/// All of them.
pub(super) fn domain() -> ort::Result<OperatorDomain> {
    OperatorDomain::new(operators::DOMAIN)?.add(convolution::Convolution3x3)?.add(joined_output::JoinedOutput)
}

/// Computes outputs from inputs, for several threads at the same time: they run one session ([`super::shared`]).
trait SharedKernel: Send + Sync {
    fn compute(&self, context: &ComputeContext) -> ort::Result<()>;
}

/// A [`SharedKernel`] as `ort` wants it: that one gives `&mut self` to each thread, so nothing here may make use of it.
struct Shared<K>(K);

impl<K: SharedKernel> Kernel for Shared<K> {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        self.0.compute(context)
    }
}

fn refused(operator: &str, why: &str) -> ort::Error {
    ort::Error::new(format!("{operator}: {why}"))
}
