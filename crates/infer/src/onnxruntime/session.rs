//! One session of one model on one execution provider.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use ort::{
    session::{
        Session,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::TensorRef,
};
use sightline_core::{
    execution::BatchSizes,
    model::InputSpec,
    ports::{Backend, BackendError},
    provider::Provider,
    tensor::{InputData, InputView, OutputView},
};

use super::{library, operators, outputs::OutputBuffers, placement::Profile, provider, shared::SharedSession};
use crate::{
    error::InferError,
    graph::{self, Port},
    job::{self, Job, Refusal, one_line},
};

/// With which batches a session is run before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warmth {
    /// All that it will see.
    Every,
    /// The smallest alone, where another session like it has run all.
    One,
}

/// A model on ONNX Runtime, for one worker thread.
pub(super) struct OrtBackend {
    session: Arc<SharedSession>,
    input: InputSpec,
    outputs: OutputBuffers,
}

impl OrtBackend {
    /// Makes a session on `provider` for batches of `sizes`, or of any size when that is empty and the graph leaves the batch
    /// open, and runs it. A provider that registers may still fail to run, and shapes that
    /// the graph leaves open are known only then.
    ///
    /// # Errors
    /// When the provider does not do, or the graph is not what it should be.
    pub(super) fn open(
        provider: &Provider,
        job: Job<'_>,
        sizes: &[usize],
        warmth: Warmth,
        profile: Option<&Profile>,
    ) -> Result<(Self, BatchSizes), Refusal> {
        let started = Instant::now();
        let spec = job.spec;
        let mut builder = session_builder(provider, profile)?;
        // TensorRT is told the input's shapes by its name, which a specification may leave to the graph.
        let input_name = match provider {
            Provider::TensorRt(_) => Some(input_name(job)?),
            _ => None,
        };
        builder =
            provider::register(builder, provider, job, sizes, input_name.as_deref()).map_err(Refusal::Provider)?;
        let refused = |error: ort::Error| refused(provider, job, &error);
        let session = commit(provider, builder, job.weights).map_err(refused)?;
        let inputs: Vec<Port> = session.inputs().iter().map(Port::from).collect();
        let outputs: Vec<Port> = session.outputs().iter().map(Port::from).collect();
        let differences = graph::differences(spec, &inputs, &outputs);
        if !differences.is_empty() {
            return Err(job.mismatch(differences));
        }

        let session = SharedSession::new(session, &spec.head.output_names()).map_err(runtime("run a session"))?;
        let batch_sizes = match (graph::fixed_batch(&inputs), sizes) {
            (Some(batch), _) => BatchSizes::Only(vec![batch]),
            (None, []) => BatchSizes::Any,
            (None, sizes) => BatchSizes::Only(sizes.to_vec()),
        };
        let mut backend =
            Self { session: Arc::new(session), input: spec.input.clone(), outputs: OutputBuffers::default() };
        // The largest first: its memory does for the others.
        let runs = match warmth {
            Warmth::Every => batch_sizes.run_with(job.max_batch),
            Warmth::One => vec![batch_sizes.fitting(1)],
        };
        for batch in runs.into_iter().rev() {
            let shapes =
                job::warm_up(&spec.input, batch, |input, read| backend.run_session(input, read)).map_err(refused)?;
            let differences = graph::run_differences(spec, &shapes);
            if !differences.is_empty() {
                return Err(job.mismatch(differences));
            }
        }
        tracing::debug!(
            model = spec.name,
            provider = provider.name(),
            millis = started.elapsed().as_millis(),
            "opened a session"
        );
        Ok((backend, batch_sizes))
    }

    /// Another one that runs the same session, at the same time: for a session whose runs are on the calling thread alone.
    pub(super) fn beside(&self) -> Self {
        Self { session: self.session.clone(), input: self.input.clone(), outputs: OutputBuffers::default() }
    }

    /// Ends the profile that the session was opened with; the file that it is in. Runs cost no more than others after it.
    ///
    /// # Errors
    /// When ONNX Runtime cannot write it, or others run the session too.
    pub(super) fn end_profiling(&mut self) -> ort::Result<String> {
        let session = Arc::get_mut(&mut self.session).ok_or_else(|| ort::Error::new("it is run by others"))?;
        session.session_mut().end_profiling()
    }

    fn run_session(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> ort::Result<()> {
        // Views, no copies: the session reads the batch where it lies.
        let outputs = match input.data {
            InputData::U8(samples) => {
                let tensor = TensorRef::from_array_view((input.shape, samples))?;
                self.session.run(&tensor)?
            }
            InputData::F32(samples) => {
                let tensor = TensorRef::from_array_view((input.shape, samples))?;
                self.session.run(&tensor)?
            }
        };
        self.outputs.show(&outputs, read)
    }
}

impl std::fmt::Debug for OrtBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrtBackend").field("input", &self.input).finish_non_exhaustive()
    }
}

impl Backend for OrtBackend {
    fn input(&self) -> Option<&InputSpec> {
        Some(&self.input)
    }

    fn run(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), BackendError> {
        let expected = self.input.shape(input.shape[0]);
        if input.shape != expected {
            let message = format!("the batch has shape {:?}, the model takes {expected:?}", input.shape);
            return Err(BackendError { message });
        }
        self.run_session(input, read).map_err(|error| BackendError {
            message: format!("onnx runtime failed: {}", provider::words(error.message())),
        })
    }
}

/// Makes the session.
fn commit(provider: &Provider, mut builder: SessionBuilder, weights: &[u8]) -> ort::Result<Session> {
    // The first session with operators of ours tells ONNX Runtime of them, once in a process. Another one that does it at the
    // same moment is refused.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let is_cpu = matches!(provider, Provider::Cpu(_));
    let _turn = is_cpu.then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
    builder.commit_from_memory(weights)
}

/// A refusal of a session by ONNX Runtime. On the CPU it is the model's fault; an accelerator may lack an operator,
/// memory or a driver that another provider has no need of.
fn refused(provider: &Provider, job: Job<'_>, error: &ort::Error) -> Refusal {
    let reason = provider::words(error.message());
    if !matches!(provider, Provider::Cpu(_)) {
        return Refusal::Provider(reason);
    }
    let (model, path) = (job.spec.name.clone(), job.path.to_path_buf());
    Refusal::Model(InferError::Session { model, path, provider: provider.name(), reason })
}

/// The name of the graph's input: by the specification, or else by the graph, read without any provider.
fn input_name(job: Job<'_>) -> Result<String, Refusal> {
    if let Some(name) = &job.spec.input.name {
        return Ok(name.clone());
    }
    let provider = Provider::cpu();
    let builder = session_builder(&provider, None)?
        .with_optimization_level(GraphOptimizationLevel::Disable)
        .map_err(|error| Refusal::Provider(one_line(&error.to_string())))?;
    let session = commit(&provider, builder, job.weights).map_err(|error| refused(&provider, job, &error))?;
    Ok(session.inputs().first().map(|input| input.name().to_owned()).unwrap_or_default())
}

/// `session.x64quantprecision` of ONNX Runtime's onnxruntime_session_options_config_keys.h: int8 weights become uint8, for
/// which there are exact instructions on every CPU. 2.6 times slower on a CPU that has no need of it (measured).
const EXACT_INT8: &str = "session.x64quantprecision";

/// Without VNNI, x86 CPUs add products of int8 weights and uint8 activations in 16 bits, which overflow. Exact sums are
/// the same on all CPUs.
fn int8_may_saturate() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !is_x86_feature_detected!("avx512vnni") && !is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

fn session_builder(provider: &Provider, profile: Option<&Profile>) -> Result<SessionBuilder, Refusal> {
    let environment = library::environment().map_err(Refusal::Model)?;
    let threads = if let Provider::Cpu(options) = provider { options.threads } else { 1 };
    let configured = |builder: SessionBuilder| -> ort::Result<SessionBuilder> {
        // Threads that wait by spinning tripled the latency of several sessions on few cores.
        let mut builder = builder
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads.max(1))?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            // One block for all of a run's tensors: it made SSD MobileNetV1 3 % slower, as less of it stays in the caches.
            .with_memory_pattern(!matches!(provider, Provider::Cpu(_)))?;
        if let Provider::Cpu(_) = provider {
            builder = builder.with_operators(operators::domain()?)?;
        }
        if let Some(profile) = profile {
            builder = builder.with_profiling(profile.prefix())?;
        }
        if int8_may_saturate() { Ok(builder.with_config_entry(EXACT_INT8, "1")?) } else { Ok(builder) }
    };
    Session::builder(environment).and_then(configured).map_err(runtime("create a session"))
}

fn runtime(what: &'static str) -> impl Fn(ort::Error) -> Refusal {
    move |error| Refusal::Model(InferError::Runtime { what, reason: one_line(error.message()) })
}
