//! `sightline bench`: images per second of each execution provider, model and batch size, with what really ran.
//!
//! Each provider runs in a process of its own, as a process loads one ONNX Runtime. All have their turn in every round, so
//! that a machine which is slower for a while is so for all of them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use sightline_core::{
    model::ModelSpec,
    plan::{InferencePlan, OnUnavailable},
    ports::Backend,
    provider::{CpuOptions, OpenVinoPrecision, Provider, TensorRtPrecision},
    tensor::{InputBuffer, InputView},
};
use sightline_infer::OpenedModel;

use crate::{
    calibration, child,
    cli::{BenchArgs, OutputFormat, Precision, ProviderName},
    failure::{Failure, Kind, OrFail, Outcome},
    library, models, references,
};

/// What is tried when no provider is named, besides those that need a device which few machines have.
const PROVIDERS: [&str; 5] = ["cpu", "openvino", "onnxruntime-openvino", "cuda", "tensorrt"];
/// A model is compiled for TensorRT in minutes.
const ROUND_DEADLINE: Duration = Duration::from_secs(1800);

/// One figure.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Row {
    provider: String,
    device: String,
    library: String,
    model: String,
    batch: usize,
    /// Sessions that ran side by side.
    sessions: usize,
    images_per_second: f64,
    /// Of one batch, while all sessions run.
    latency_ms_p50: f64,
    latency_ms_p95: f64,
    /// Share of the graph's nodes that ran on the provider.
    node_share: f64,
    /// Largest difference of a score from the CPU's on the reference pictures; absent for the CPU itself.
    score_difference: Option<f32>,
    /// Length of the difference of the raw outputs, in parts of the CPU's.
    relative_error: Option<f32>,
    /// Until the sessions were open, run with every batch size and compared.
    open_seconds: f64,
}

/// A model that a provider does not run.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct NotRun {
    provider: String,
    model: String,
    reason: String,
}

/// What was measured.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Figures {
    rows: Vec<Row>,
    not_run: Vec<NotRun>,
}

/// Measures.
pub fn execute(args: &BenchArgs) -> Outcome {
    let models = if args.model.is_empty() { models::all_with_weights() } else { args.model.clone() };
    let figures = if args.one_round { one_round(args, &models)? } else { all_rounds(args, &models)? };
    let text = match args.format {
        OutputFormat::Json => serde_json::to_string_pretty(&figures).or_fail(Kind::Internal)?,
        OutputFormat::Text => table(&figures) + &calibration::told(&models, args.state_dir.as_deref()),
    };
    // A reader that closes the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    let nothing_ran = figures.rows.is_empty() && !args.one_round;
    if nothing_ran { Err(Failure::said(Kind::Unavailable)) } else { Ok(()) }
}

/// Every provider in every round, each in a process of its own; medians.
fn all_rounds(args: &BenchArgs, models: &[String]) -> Result<Figures, Failure> {
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
    Ok(figures)
}

fn arguments(args: &BenchArgs, provider: &str, models: &[String]) -> Vec<String> {
    let batches = args.batch.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut arguments: Vec<String> =
        ["bench", "--one-round", "--format", "json", "--provider", provider, "--batch", &batches]
            .map(str::to_owned)
            .into();
    arguments.push(format!("--seconds={}", args.seconds));
    arguments.extend(models.iter().map(|model| format!("--model={model}")));
    arguments.extend(args.sessions.map(|sessions| format!("--sessions={sessions}")));
    arguments.extend(args.state_dir.as_ref().map(|folder| format!("--state-dir={}", folder.display())));
    let precision = args.precision.map(|precision| match precision {
        Precision::Fp32 => "fp32",
        Precision::Fp16 => "fp16",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    });
    arguments.extend(precision.map(|precision| format!("--precision={precision}")));
    arguments
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
fn one_round(args: &BenchArgs, models: &[String]) -> Result<Figures, Failure> {
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
        calibrate: None,
        on_unavailable: OnUnavailable::Fail,
        max_batch: args.batch.iter().copied().max().unwrap_or(1),
        max_wait: Duration::ZERO,
    };
    let opened =
        library::open(model, &plan, library::Sessions::exactly(sessions), args.state_dir.as_deref().map(Path::new))?;
    Ok((opened, begun.elapsed().as_secs_f64()))
}

/// The provider with the batch sizes that are measured, and the precision that is wished.
fn with_options(mut provider: Provider, args: &BenchArgs, sessions: usize) -> Result<Provider, Failure> {
    let mut sizes = args.batch.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let refused = |name: &str| {
        let precision = args.precision;
        Failure::new(Kind::Usage, anyhow::anyhow!("{name} has no precision {precision:?}"))
    };
    match (&mut provider, args.precision) {
        (Provider::TensorRt(options), precision) => {
            options.batch_sizes = sizes;
            options.precision = match precision {
                None => options.precision,
                Some(Precision::Fp32) => TensorRtPrecision::Fp32,
                Some(Precision::Fp16) => TensorRtPrecision::Fp16,
                Some(Precision::Int8) => TensorRtPrecision::Int8,
                Some(Precision::Bf16) => return Err(refused("tensorrt")),
            };
        }
        (Provider::OpenVino(options), precision) => {
            options.batch_sizes = sizes;
            options.streams = Some(sessions);
            options.precision = match precision {
                None => None,
                Some(Precision::Fp32) => Some(OpenVinoPrecision::Fp32),
                Some(Precision::Fp16) => Some(OpenVinoPrecision::Fp16),
                Some(Precision::Bf16) => Some(OpenVinoPrecision::Bf16),
                Some(Precision::Int8) => return Err(refused("openvino")),
            };
        }
        (Provider::Cuda(options), _) => options.batch_sizes = sizes,
        (Provider::Cpu(CpuOptions { workers, .. }), _) => *workers = Some(sessions),
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
    let pictures = references::of(model);
    for &batch in args.batch.iter().filter(|batch| opened.batch_sizes.takes(**batch)) {
        let mut input = InputBuffer::new(model.input.element);
        pictures.iter().cycle().take(batch).for_each(|picture| input.append(&picture.input));
        let shape = model.input.shape(batch);
        let begun = Instant::now();
        let until = begun + Duration::from_secs_f64(args.seconds.clamp(0.01, 3600.0));
        let input = Arc::new(input);
        let run = |backend: &mut Box<dyn Backend>| -> Result<Vec<f64>, String> {
            let mut latencies = Vec::new();
            while Instant::now() < until || latencies.is_empty() {
                let started = Instant::now();
                let view = InputView { shape, data: input.data() };
                backend.run(view, &mut |_| ()).map_err(|error| error.message)?;
                latencies.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            Ok(latencies)
        };
        let measured: Result<Vec<Vec<f64>>, String> = std::thread::scope(|scope| {
            let threads: Vec<_> = opened.backends.iter_mut().map(|backend| scope.spawn(|| run(backend))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("it panicked".into()))).collect()
        });
        let elapsed = begun.elapsed().as_secs_f64();
        let mut latencies = measured?.concat();
        latencies.sort_by(f64::total_cmp);
        let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default();
        let execution = &opened.execution;
        rows.push(Row {
            provider: ProviderName(execution.provider.clone()).to_string(),
            device: execution.device.clone(),
            library: execution.library.clone(),
            model: model.name.clone(),
            batch,
            sessions: opened.backends.len(),
            images_per_second: (latencies.len() * batch) as f64 / elapsed,
            latency_ms_p50: at(0.5),
            latency_ms_p95: at(0.95),
            node_share: execution.placement.share(),
            score_difference: execution.agreement.map(|agreement| agreement.largest_score_difference),
            relative_error: execution.agreement.and_then(|agreement| agreement.relative_error),
            open_seconds,
        });
    }
    Ok(())
}

/// The figures as Markdown, which reads well on a terminal too.
fn table(figures: &Figures) -> String {
    let mut text = String::from(
        "| provider | library | model | batch | sessions | images/s | ms p50 | ms p95 | nodes | score diff. | error | opened in s |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let or_dash = |figure: Option<f32>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.4}"));
    for row in &figures.rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.1} | {:.2} | {:.2} | {:.1} % | {} | {} | {:.1} |",
            row.provider,
            row.library,
            row.model,
            row.batch,
            row.sessions,
            row.images_per_second,
            row.latency_ms_p50,
            row.latency_ms_p95,
            row.node_share * 100.0,
            or_dash(row.score_difference),
            or_dash(row.relative_error),
            row.open_seconds,
        );
    }
    for NotRun { provider, model, reason } in &figures.not_run {
        let _ = writeln!(text, "\nnot run: {model} on {provider}: {reason}");
    }
    text
}

fn progress(what: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Nobody is harmed when it is not seen.
        let _ = writeln!(stderr, "bench: {what}");
    }
}
