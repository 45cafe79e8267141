//! A model on the first wished provider that really runs it.

use std::path::Path;

use sightline_core::{
    execution::{Agreement, BatchSizes, Execution, PassedOver, Placement},
    model::{InputSpec, ModelSpec, TensorLayout},
    ports::Backend,
    provider::{CpuOptions, OnUnavailable, OpenVinoRuntime, Provider},
};

use crate::{
    agreement::{self, CpuAnswers, Reference},
    error::InferError,
    job::{Job, Opened, Refusal},
    nodes, onnxruntime, openvino, weights,
};

/// A provider that runs fewer of a graph's nodes than that does not run the model: the CPU does.
const LEAST_SHARE: f64 = 0.5;

/// What is wished of a model's sessions.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// Execution providers in order of preference. The CPU is one like the others: it runs only when it is named.
    pub providers: &'a [Provider],
    /// What to do when the first one does not run.
    pub on_unavailable: OnUnavailable,
    /// At most so many images are run at a time, at least 1; absent: what suits the provider.
    pub max_batch: Option<usize>,
    /// How many batches are to run at the same time on a CPU, where the provider's options do not say.
    pub sessions: usize,
    /// How many there may come to be: OpenVINO is told at once, as streams cannot be added to a compiled model.
    pub most_sessions: usize,
    /// Where compiled models may be kept. Without it they are compiled anew every time.
    pub cache: Option<&'a Path>,
    /// A model's bytes in a form that ONNX Runtime's own kernels run faster, with the same answers; `None` where there is none.
    pub faster: &'a dyn Fn(&[u8]) -> Option<Faster>,
    /// Pictures on which a provider is compared with the CPU; asked for when there is something to compare.
    pub references: &'a dyn Fn() -> Vec<Reference>,
}

/// A model in another form.
pub struct Faster {
    /// ONNX.
    pub weights: Vec<u8>,
    /// How its pictures lie.
    pub layout: TensorLayout,
}

impl Wish<'_> {
    /// One session of one thread on the CPU, for one image at a time.
    #[must_use]
    pub const fn on_cpu() -> Self {
        const CPU: &[Provider] = &[Provider::Cpu(CpuOptions { threads: 1, workers: Some(1), arena: true })];
        let on_unavailable = OnUnavailable::Fail;
        Self {
            providers: CPU,
            on_unavailable,
            max_batch: Some(1),
            sessions: 1,
            most_sessions: 1,
            cache: None,
            faster: &|_| None,
            references: &Vec::new,
        }
    }
}

/// Sessions of a model, ready to run.
pub struct OpenedModel {
    /// One per worker.
    pub backends: Vec<Box<dyn Backend>>,
    /// What they take.
    pub batch_sizes: BatchSizes,
    /// What runs them.
    pub execution: Execution,
}

/// Reads and checks the weights, and opens sessions on the first provider that really runs the model: every batch size has
/// been run, the graph's nodes were seen to run there, and the answers were the CPU's.
///
/// Takes seconds; an accelerator that compiles the model for the first time takes minutes.
///
/// # Errors
/// When the library, the weights or the provider is not there, or the graph is not what `spec` says: each error names the
/// thing, the place and what differs.
pub fn open(spec: &ModelSpec, wish: &Wish<'_>) -> Result<OpenedModel, InferError> {
    let (path, bytes) = weights::read(spec)?;
    let Wish { max_batch, sessions, most_sessions, cache, .. } = *wish;
    let job = Job { spec, path, weights: &bytes, max_batch: 1, sessions, most_sessions, cache };
    let mut answers = CpuAnswers::new(job, wish.references);
    let mut passed_over = Vec::new();
    for provider in wish.providers {
        let job = Job { max_batch: provider.max_batch(max_batch), ..job };
        match open_on(provider, job, wish, &mut answers).map_err(|refusal| as_others(refusal, provider)) {
            Ok((opened, agreement)) => {
                let Opened { backends, batch_sizes, library, device, placement } = opened;
                let provider = provider.clone();
                let execution =
                    Execution { provider, library, device, placement, agreement, passed_over, calibration: None };
                return Ok(OpenedModel { backends, batch_sizes, execution });
            }
            Err(Refusal::Model(error)) => return Err(error),
            Err(Refusal::Provider(mut reason)) => {
                reason.push_str(remedy(&reason));
                passed_over.push(PassedOver { provider: provider.clone(), reason });
            }
        }
        if wish.on_unavailable == OnUnavailable::Fail {
            break;
        }
    }
    Err(InferError::ProviderUnavailable { passed_over })
}

fn open_on(
    provider: &Provider,
    job: Job<'_>,
    wish: &Wish<'_>,
    answers: &mut CpuAnswers<'_>,
) -> Result<(Opened, Option<Agreement>), Refusal> {
    if let Provider::Cpu(_) = provider {
        return Ok((open_on_cpu(provider, job, wish)?, None));
    }
    let mut opened = match provider {
        Provider::OpenVino(options) if options.runtime == OpenVinoRuntime::OpenVino => {
            openvino::open(options, &provider.batch_sizes(job.max_batch), job)?
        }
        _ => onnxruntime::open(provider, job)?,
    };
    check_placement(opened.placement)?;
    let agreement = agreement::check(job.spec, answers, &mut opened, job.max_batch)?;
    Ok((opened, Some(agreement)))
}

fn open_on_cpu(provider: &Provider, job: Job<'_>, wish: &Wish<'_>) -> Result<Opened, Refusal> {
    let Some(Faster { weights, layout }) = (wish.faster)(job.weights) else {
        return onnxruntime::open(provider, job);
    };
    let spec = ModelSpec { input: InputSpec { layout, ..job.spec.input.clone() }, ..job.spec.clone() };
    match onnxruntime::open(provider, Job { spec: &spec, weights: &weights, ..job }) {
        Ok(mut opened) => {
            // Nodes are those of the model that was asked for.
            opened.placement = Placement::all(nodes::nodes(job.weights));
            Ok(opened)
        }
        // Whatever is wrong with that form must not keep the model from running as it is.
        Err(refusal) => {
            let opened = onnxruntime::open(provider, job)?;
            let reason = match refusal {
                Refusal::Model(error) => error.to_string(),
                Refusal::Provider(reason) => reason,
            };
            tracing::warn!(model = job.spec.name, reason, "its faster form does not run, so it runs as it is");
            Ok(opened)
        }
    }
}

/// What a provider makes of a graph is its own affair: the next one may make of it what the specification says.
fn as_others(refusal: Refusal, provider: &Provider) -> Refusal {
    match refusal {
        Refusal::Model(InferError::Mismatch { differences, .. }) if !matches!(provider, Provider::Cpu(_)) => {
            Refusal::Provider(format!("it takes the model for another one: {}", differences.join("; ")))
        }
        other => other,
    }
}

/// What helps where it is not the provider that refuses but the system.
fn remedy(reason: &str) -> &'static str {
    // What Xbyak says, with which OpenVINO compiles for the CPU.
    if reason.contains("can't protect") {
        return "; the system forbids memory that is written and then executed: under systemd set MemoryDenyWriteExecute=no \
                (docs/systemd.md)";
    }
    ""
}

/// The well-known failure: a session that calls itself the accelerator's, and the CPU does the work.
fn check_placement(placement: Placement) -> Result<(), Refusal> {
    if placement.share() >= LEAST_SHARE {
        return Ok(());
    }
    Err(Refusal::Provider(format!("it takes only {placement} of this model, the CPU would run the others")))
}
