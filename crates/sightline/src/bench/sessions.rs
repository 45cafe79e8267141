//! The network alone: images per second of each execution provider, model and batch size, with what really ran.
//!
//! Each provider runs in a process of its own, as a process loads one ONNX Runtime. All have their turn in every round, so
//! that a machine which is slower for a while is so for all of them.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use sightline_core::{
    model::ModelSpec,
    plan::{InferencePlan, OnUnavailable},
    provider::{CpuOptions, OpenVinoPrecision, Provider, TensorRtPrecision},
};
use sightline_infer::OpenedModel;

use super::{NotRun, progress};
use crate::{
    child,
    cli::{BenchArgs, Precision, ProviderName},
    failure::{Failure, Kind, OrFail},
    library, models, references, throughput,
};

/// What is tried when no provider is named, besides those that need a device which few machines have.
const PROVIDERS: [&str; 5] = ["cpu", "openvino", "onnxruntime-openvino", "cuda", "tensorrt"];
/// A model is compiled for TensorRT in minutes.
const ROUND_DEADLINE: Duration = Duration::from_secs(1800);

/// One figure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    pub provider: String,
    pub device: String,
    pub library: String,
    pub model: String,
    pub batch: usize,
    /// Sessions that ran side by side.
    pub sessions: usize,
    pub images_per_second: f64,
    /// Of one batch, while all sessions run.
    pub latency_ms_p50: f64,
    pub latency_ms_p95: f64,
    /// Share of the graph's nodes that ran on the provider.
    pub node_share: f64,
    /// Largest difference of a score from the CPU's on the reference pictures; absent for the CPU itself.
    pub score_difference: Option<f32>,
    /// Length of the difference of the raw outputs, in parts of the CPU's.
    pub relative_error: Option<f32>,
    /// Until the sessions were open, run with every batch size and compared.
    pub open_seconds: f64,
}

/// What was measured.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Figures {
    pub rows: Vec<Row>,
    pub not_run: Vec<NotRun>,
}

/// Every provider in every round, each in a process of its own; medians.
pub fn all_rounds(args: &BenchArgs, models: &[String]) -> Figures {
    let providers = match args.provider.as_slice() {
        [] => PROVIDERS.map(str::to_owned).into(),
        named => named.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let mut rows: BTreeMap<(usize, String, usize), Vec<Row>> = BTreeMap::new();
    let mut figures = Figures::default();
    for round in 0..args.rounds {
        for (index, provider) in providers.iter().enumerate() {
            progress(&format!("round {} of {}: {provider}", round + 1, args.rounds));
            let measured = match child::run::<Figures>(&arguments(args, provider, models), ROUND_DEADLINE) {
                Ok(measured) => measured,
                Err(reason) => {
                    let not_run = |model: &String| NotRun {
                        provider: provider.clone(),
                        model: model.clone(),
                        reason: reason.clone(),
                    };
                    Figures { rows: Vec::new(), not_run: models.iter().map(not_run).collect() }
                }
            };
            for row in measured.rows {
                rows.entry((index, row.model.clone(), row.batch)).or_default().push(row);
            }
            if round == 0 {
                figures.not_run.extend(measured.not_run);
            }
        }
    }
    figures.rows = rows.into_values().filter_map(median_row).collect();
    figures
}

fn arguments(args: &BenchArgs, provider: &str, models: &[String]) -> Vec<String> {
    let batches = args.batch.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut arguments: Vec<String> =
        ["bench", "--in-child=sessions", "--provider", provider, "--batch", &batches].map(str::to_owned).into();
    arguments.push(format!("--seconds={}", args.seconds));
    arguments.extend(models.iter().map(|model| format!("--model={model}")));
    arguments.extend(how_to_run(args));
    arguments
}

/// The options of a child that say how its sessions are opened.
pub fn how_to_run(args: &BenchArgs) -> Vec<String> {
    let sessions = args.sessions.map(|sessions| format!("--sessions={sessions}"));
    let state_dir = args.state_dir.as_ref().map(|folder| format!("--state-dir={}", folder.display()));
    let precision = args.precision.map(|precision| format!("--precision={}", precision.name()));
    sessions.into_iter().chain(state_dir).chain(precision).collect()
}

fn median_row(rows: Vec<Row>) -> Option<Row> {
    let median_of = |figure: fn(&Row) -> f64| {
        let mut figures: Vec<f64> = rows.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    let (images_per_second, open_seconds) = (median_of(|row| row.images_per_second), median_of(|row| row.open_seconds));
    let (latency_ms_p50, latency_ms_p95) = (median_of(|row| row.latency_ms_p50), median_of(|row| row.latency_ms_p95));
    let row = rows.into_iter().next()?;
    Some(Row { images_per_second, open_seconds, latency_ms_p50, latency_ms_p95, ..row })
}

/// All models on one provider, in this process.
pub fn one_round(args: &BenchArgs, models: &[String]) -> Result<Figures, Failure> {
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let mut figures = Figures::default();
    for ProviderName(provider) in &args.provider {
        for name in models {
            let model = models::load(name)?;
            let outcome = match open(&model, provider, args) {
                Ok((opened, open_seconds)) => measure(&model, opened, open_seconds, args, &mut figures.rows),
                Err(failure) => Err(library::reason(failure)),
            };
            if let Err(reason) = outcome {
                let (provider, model) = (ProviderName(provider.clone()).to_string(), model.name.clone());
                figures.not_run.push(NotRun { provider, model, reason });
            }
        }
    }
    Ok(figures)
}

fn open(model: &ModelSpec, provider: &Provider, args: &BenchArgs) -> Result<(OpenedModel, f64), Failure> {
    let begun = Instant::now();
    let sessions = args.sessions.unwrap_or_else(library::cores);
    let plan = InferencePlan {
        providers: vec![with_options(provider.clone(), args, sessions)?],
        calibrate: false,
        on_unavailable: OnUnavailable::Fail,
        max_batch: args.batch.iter().copied().max(),
        max_wait: Duration::ZERO,
        latency_target: None,
    };
    let opened =
        library::open(model, &plan, library::Sessions::exactly(sessions), args.state_dir.as_deref().map(Path::new))?;
    Ok((opened, begun.elapsed().as_secs_f64()))
}

/// The provider with the batch sizes that are measured, and the precision that is wished.
fn with_options(provider: Provider, args: &BenchArgs, sessions: usize) -> Result<Provider, Failure> {
    let mut sizes = args.batch.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let mut provider = with_precision(provider, args.precision)?;
    match &mut provider {
        Provider::TensorRt(options) => options.batch_sizes = sizes,
        Provider::OpenVino(options) => {
            options.batch_sizes = sizes;
            options.streams = Some(sessions);
        }
        Provider::Cuda(options) => options.batch_sizes = sizes,
        Provider::Cpu(CpuOptions { workers, .. }) => *workers = Some(sessions),
    }
    Ok(provider)
}

/// The provider computing in what is wished.
///
/// # Errors
/// When it cannot.
pub fn with_precision(mut provider: Provider, precision: Option<Precision>) -> Result<Provider, Failure> {
    let Some(precision) = precision else { return Ok(provider) };
    let refused = |name: &str| {
        let message = format!("{name} has no precision {}", precision.name());
        Failure::new(Kind::Usage, anyhow::anyhow!(message))
    };
    match &mut provider {
        Provider::TensorRt(options) => {
            options.precision = match precision {
                Precision::Fp32 => TensorRtPrecision::Fp32,
                Precision::Fp16 => TensorRtPrecision::Fp16,
                Precision::Int8 => TensorRtPrecision::Int8,
                Precision::Bf16 => return Err(refused("tensorrt")),
            };
        }
        Provider::OpenVino(options) => {
            options.precision = match precision {
                Precision::Fp32 => Some(OpenVinoPrecision::Fp32),
                Precision::Fp16 => Some(OpenVinoPrecision::Fp16),
                Precision::Bf16 => Some(OpenVinoPrecision::Bf16),
                Precision::Int8 => return Err(refused("openvino")),
            };
        }
        Provider::Cuda(_) | Provider::Cpu(_) => {}
    }
    Ok(provider)
}

/// Runs every batch size that the graph takes for a while on all sessions at once.
///
/// # Errors
/// Why a batch failed.
fn measure(
    model: &ModelSpec,
    mut opened: OpenedModel,
    open_seconds: f64,
    args: &BenchArgs,
    rows: &mut Vec<Row>,
) -> Result<(), String> {
    let model = &library::as_taken(model, &opened.backends);
    let pictures = references::of(model);
    for &batch in args.batch.iter().filter(|batch| opened.batch_sizes.takes(**batch)) {
        let seconds = Duration::from_secs_f64(args.seconds.clamp(0.01, 3600.0));
        let measured = throughput::measure(model, &pictures, &mut opened.backends, batch, seconds)?;
        let execution = &opened.execution;
        rows.push(Row {
            provider: ProviderName(execution.provider.clone()).to_string(),
            device: execution.device.clone(),
            library: execution.library.clone(),
            model: model.name.clone(),
            batch,
            sessions: opened.backends.len(),
            images_per_second: measured.images_per_second,
            latency_ms_p50: measured.latency_ms(0.5),
            latency_ms_p95: measured.latency_ms(0.95),
            node_share: execution.placement.share(),
            score_difference: execution.agreement.map(|agreement| agreement.largest_score_difference),
            relative_error: execution.agreement.and_then(|agreement| agreement.relative_error),
            open_seconds,
        });
    }
    Ok(())
}
