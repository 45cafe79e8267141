//! Sessions of ONNX Runtime on its execution providers.

mod gpu;
pub mod library;
mod outputs;
mod placement;
mod provider;
mod session;

use ort::value::{Outlet, TensorElementType, ValueType};
use sightline_core::{
    execution::{BatchSizes, Placement},
    ports::Backend,
    provider::Provider,
};

use crate::{
    graph::{Element, Port},
    job::{Job, Opened, Refusal},
    nodes,
};
use library::Flavour;
use placement::Profile;
use session::OrtBackend;

/// Opens what `provider` needs for `job`: several sessions on a CPU, which do not wait for each other, and one on an
/// accelerator, which large batches make fast. Each has run every batch size.
///
/// # Errors
/// When the provider, the library or the model does not do.
pub(crate) fn open(provider: &Provider, job: Job<'_>) -> Result<Opened, Refusal> {
    if let Provider::TensorRt(_) | Provider::Cuda(_) = provider {
        gpu::check_driver().map_err(Refusal::Provider)?;
    }
    let library = library::load_for(Flavour::of(provider))?;
    let sizes = provider.batch_sizes(job.max_batch);
    let Provider::Cpu(options) = provider else {
        let profile = Profile::begin().map_err(Refusal::Provider)?;
        let (mut backend, batch_sizes) = OrtBackend::open(provider, job, &sizes, Some(&profile))?;
        let profiled = backend.end_profiling().map_err(|error| Refusal::Provider(error.to_string()))?;
        let placement = profile.placement(&profiled, job.weights).map_err(Refusal::Provider)?;
        let backends: Vec<Box<dyn Backend>> = vec![Box::new(backend)];
        let device = provider::device_name(provider);
        return Ok(Opened { backends, batch_sizes, library: library.name(), device, placement });
    };
    let mut backends: Vec<Box<dyn Backend>> = Vec::new();
    let mut batch_sizes = BatchSizes::Any;
    for _ in 0..options.workers.unwrap_or(job.sessions).max(1) {
        let (backend, sizes) = OrtBackend::open(provider, job, &sizes, None)?;
        backends.push(Box::new(backend));
        batch_sizes = sizes;
    }
    let placement = Placement::all(nodes::nodes(job.weights));
    Ok(Opened { backends, batch_sizes, library: library.name(), device: "CPU".into(), placement })
}

impl From<&Outlet> for Port {
    fn from(outlet: &Outlet) -> Self {
        let (element, shape) = match outlet.dtype() {
            ValueType::Tensor { ty, shape, .. } => (Some(Element::from(*ty)), shape.to_vec()),
            _ => (None, Vec::new()),
        };
        Self { name: outlet.name().to_owned(), element, shape }
    }
}

impl From<TensorElementType> for Element {
    fn from(element: TensorElementType) -> Self {
        match element {
            TensorElementType::Uint8 => Self::U8,
            TensorElementType::Float32 => Self::F32,
            TensorElementType::Int32 => Self::I32,
            TensorElementType::Int64 => Self::I64,
            other => Self::Other(other.to_string()),
        }
    }
}
