//! Sessions of ONNX Runtime on its execution providers.

mod gpu;
pub mod library;
mod operators;
mod outputs;
mod placement;
mod provider;
mod session;
mod shared;

use ort::value::{Outlet, TensorElementType, ValueType};
use sightline_core::{execution::Placement, ports::Backend, provider::Provider};

use crate::{
    graph::{Element, Port},
    job::{Job, Opened, Refusal},
    nodes,
};
use library::Flavour;
use placement::Profile;
use session::{OrtBackend, Warmth};

/// Opens what `provider` needs for `job`: on a CPU several backends that do not wait for each other, all of one session where its
/// runs have one thread each; on an accelerator one, which large batches make fast. Every batch size has been run.
///
/// # Errors
/// When the provider, the library or the model does not do.
pub(crate) fn open(provider: &Provider, job: Job<'_>) -> Result<Opened, Refusal> {
    if let Provider::TensorRt(_) | Provider::Cuda(_) = provider {
        gpu::check_driver().map_err(Refusal::Provider)?;
    }
    let library = library::load_for(Flavour::of(provider))?;
    let sizes = provider.batch_sizes(job.max_batch);
    // Where nodes run is looked at once: the sessions are alike.
    let is_cpu = matches!(provider, Provider::Cpu(_));
    let profile = if is_cpu { None } else { Some(Profile::begin().map_err(Refusal::Provider)?) };
    let open = || OrtBackend::open(provider, job, &sizes, Warmth::Every, profile.as_ref());
    let (mut first, batch_sizes) = match open() {
        // TensorRT refuses an engine of another of its versions, or one that was cut off, and does not build it anew.
        Err(Refusal::Provider(reason)) if reason.contains("deserialize") => {
            provider::clear_cache(provider, job);
            open()?
        }
        opened => opened?,
    };
    let placement = match profile {
        None => Placement::all(nodes::nodes(job.weights)),
        Some(profile) => {
            let profiled = first.end_profiling().map_err(|error| Refusal::Provider(error.to_string()))?;
            profile.placement(&profiled, job.weights).map_err(Refusal::Provider)?
        }
    };
    let mut backends: Vec<Box<dyn Backend>> = Vec::new();
    for _ in 1..sessions(provider, job) {
        // With threads of its own a session would share those as well.
        let has_threads = matches!(provider, Provider::Cpu(options) if options.threads > 1);
        let further =
            if has_threads { OrtBackend::open(provider, job, &sizes, Warmth::One, None)?.0 } else { first.beside() };
        backends.push(Box::new(further));
    }
    backends.push(Box::new(first));
    let (library, device) = (library.name(), provider::device_name(provider));
    Ok(Opened { backends, batch_sizes, library, device, placement })
}

/// How many sessions run side by side. OpenVINO pins the threads of each session to the first cores, so that several share
/// one core: two sessions of one thread were as fast as one (measured with 1.24).
fn sessions(provider: &Provider, job: Job<'_>) -> usize {
    match provider {
        Provider::Cpu(options) => options.workers.unwrap_or(job.sessions).max(1),
        Provider::OpenVino(_) | Provider::TensorRt(_) | Provider::Cuda(_) => 1,
    }
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
