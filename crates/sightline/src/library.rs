//! ONNX Runtime: loading the library, opening sessions, and what to say when that fails.

use std::num::NonZeroUsize;

use anyhow::anyhow;
use sightline_core::{
    model::ModelSpec,
    plan::{InferencePlan, OnUnavailable, Provider},
    ports::Backend,
};
use sightline_infer::{InferError, OrtBackend, SessionReport, SessionSettings, library};
use tracing::{debug, info, warn};

use crate::{
    failure::{Failure, Kind},
    models,
};

/// More sessions than that gain nothing: the memory bus is the limit, and each holds its own working memory.
const MOST_CPU_SESSIONS: usize = 8;

/// Sessions of one model, and the provider they really run on.
pub struct Sessions {
    /// One per worker.
    pub backends: Vec<Box<dyn Backend>>,
    /// The provider really in use.
    pub provider: Provider,
    /// Providers that were wished before it, with the reason why each does not run.
    pub passed_over: Vec<(Provider, String)>,
    /// The only batch size that the graph takes; any size when absent.
    pub fixed_batch: Option<usize>,
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Opens the sessions that `cameras` cameras of one model need.
///
/// On a CPU that is several sessions of one thread each: they do not wait for each other, and small batches keep the
/// latency low. On an accelerator it is one: the batch is what makes it fast.
///
/// # Errors
/// When the library, the weights or a provider that must be there is not, or the model is not what its manifest says.
pub fn open_for_cameras(model: &ModelSpec, plan: &InferencePlan, cameras: usize) -> Result<Sessions, Failure> {
    models::require_weights(model)?;
    load_library()?;
    let options = SessionSettings {
        providers: plan.providers.clone(),
        on_unavailable: plan.on_unavailable,
        ..SessionSettings::default()
    };
    let (first, report) = OrtBackend::open(model, &options).map_err(into_failure)?;
    tell(model, &report);
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(first)];
    if report.provider == Provider::Cpu {
        backends.extend(open_cpu_sessions(model, cpu_sessions(cameras).saturating_sub(1))?);
    }
    Ok(sessions(backends, report))
}

/// How many sessions serve `cameras` cameras on a CPU.
pub fn cpu_sessions(cameras: usize) -> usize {
    cores().min(cameras).clamp(1, MOST_CPU_SESSIONS)
}

/// Opens further sessions of one thread each on the CPU.
///
/// # Errors
/// As [`open_for_cameras`].
pub fn open_cpu_sessions(model: &ModelSpec, count: usize) -> Result<Vec<Box<dyn Backend>>, Failure> {
    let options = SessionSettings { providers: vec![Provider::Cpu], ..SessionSettings::default() };
    let open = |_| -> Result<Box<dyn Backend>, Failure> {
        let (backend, _) = OrtBackend::open(model, &options).map_err(into_failure)?;
        Ok(Box::new(backend))
    };
    (0..count).map(open).collect()
}

fn sessions(backends: Vec<Box<dyn Backend>>, report: SessionReport) -> Sessions {
    let SessionReport { provider, passed_over, fixed_batch } = report;
    Sessions { backends, provider, passed_over, fixed_batch }
}

/// Opens one CPU session that uses all cores: for one input at a time.
///
/// # Errors
/// As [`open_for_cameras`].
pub fn open_on_all_cores(model: &ModelSpec) -> Result<Sessions, Failure> {
    models::require_weights(model)?;
    load_library()?;
    let options =
        SessionSettings { on_unavailable: OnUnavailable::Fail, intra_threads: cores(), ..SessionSettings::default() };
    let (backend, report) = OrtBackend::open(model, &options).map_err(into_failure)?;
    Ok(sessions(vec![Box::new(backend)], report))
}

/// Opens one session on `provider`, or fails.
///
/// # Errors
/// As [`open_for_cameras`]; also when that provider does not run.
pub fn open_on(model: &ModelSpec, provider: Provider) -> Result<Sessions, Failure> {
    models::require_weights(model)?;
    load_library()?;
    let options = SessionSettings {
        providers: vec![provider],
        on_unavailable: OnUnavailable::Fail,
        ..SessionSettings::default()
    };
    let (backend, report) = OrtBackend::open(model, &options).map_err(into_failure)?;
    Ok(sessions(vec![Box::new(backend)], report))
}

/// Loads ONNX Runtime and says, for the curious, which one.
fn load_library() -> Result<(), Failure> {
    let library = library::load(None).map_err(into_failure)?;
    debug!(?library, "ONNX Runtime");
    Ok(())
}

fn into_failure(error: InferError) -> Failure {
    let kind = match &error {
        InferError::LibraryMissing { .. }
        | InferError::LibraryUnusable { .. }
        | InferError::ProviderUnavailable { .. }
        | InferError::Runtime { .. } => Kind::Unavailable,
        InferError::WeightsMissing { .. }
        | InferError::WeightsUnreadable { .. }
        | InferError::WeightsHash { .. }
        | InferError::Session { .. }
        | InferError::Mismatch { .. } => Kind::Config,
    };
    Failure::new(kind, anyhow!(error))
}

/// Once per model: a provider that was wished and is not used is never passed over in silence.
fn tell(model: &ModelSpec, report: &SessionReport) {
    for (provider, reason) in &report.passed_over {
        warn!(model = model.name, provider = provider.name(), reason, "provider not available, passed over");
    }
    info!(model = model.name, provider = report.provider.name(), "model loaded");
}
