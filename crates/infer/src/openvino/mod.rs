//! Sessions of OpenVINO through its own C library.

mod device;
mod guard;
pub mod library;
mod network;
mod outputs;
mod session;
mod settings;
mod version;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use sightline_core::{execution::Placement, ports::Backend, provider::OpenVinoOptions};

use crate::{
    job::{Job, Opened, Refusal},
    nodes,
};
use device::Wished;
use network::Network;
use session::OpenVinoBackend;

/// Compiles the model for the options' device, once per batch size of `sizes`, and makes as many workers as the device has
/// streams. Each has run every batch size.
///
/// # Errors
/// When the library, the device or the model does not do.
pub(crate) fn open(options: &OpenVinoOptions, sizes: &[usize], job: Job<'_>) -> Result<Opened, Refusal> {
    let started = Instant::now();
    let wished = Wished::parse(&options.device).map_err(Refusal::Provider)?;
    let library = library::load().map_err(Refusal::Provider)?;
    let mut core = library::core().map_err(Refusal::Provider)?;
    device::check(&core, library, &wished).map_err(Refusal::Provider)?;
    let streams = settings::streams(options, &wished, job.most_sessions);
    let cache = settings::cache_folder(options, library, &wished, job).map_err(Refusal::Provider)?;
    settings::apply(&mut core, options, &wished, streams, cache.as_deref()).map_err(Refusal::Provider)?;

    let mut network = Network::compile(&mut core, &library.version, &wished, sizes, job)?;
    wished.check_execution(&network.executing).map_err(Refusal::Provider)?;
    if let Some((_, first)) = network.compiled.first() {
        settings::check_precision(options, &wished, first).map_err(Refusal::Provider)?;
    }
    let compiled_millis = started.elapsed().as_millis();
    let core = Arc::new(Mutex::new(core));
    let mut backends: Vec<Box<dyn Backend>> = Vec::new();
    for _ in 0..streams {
        let core = Arc::clone(&core);
        backends.push(Box::new(OpenVinoBackend::open(core, &library.version, &mut network, job)?));
    }
    tracing::debug!(
        model = job.spec.name,
        device = options.device,
        compiled_millis,
        millis = started.elapsed().as_millis(),
        "opened with openvino"
    );
    let executing = if network.executing.is_empty() { vec![options.device.clone()] } else { network.executing };
    Ok(Opened {
        backends,
        batch_sizes: network.batch_sizes,
        library: library.name(),
        device: device::described(&core.lock().unwrap_or_else(PoisonError::into_inner), &executing),
        // OpenVINO compiles a whole graph or refuses it, and among the wished devices alone. Which of them takes which node
        // its C library does not tell.
        placement: Placement::all(nodes::nodes(job.weights)),
    })
}
