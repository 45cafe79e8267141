//! One session of one model on one execution provider.

use std::{path::Path, time::Instant};

use ort::{
    session::{
        HasSelectedOutputs, OutputSelector, RunOptions, Session,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::TensorRef,
};
use sightline_core::{
    model::{InputSpec, ModelSpec},
    plan::{OnUnavailable, Provider},
    ports::{Backend, BackendError},
    tensor::{ElementType, InputData, InputView, OutputView},
};

use crate::{
    error::InferError,
    graph::{self, Port},
    library,
    outputs::OutputBuffers,
    provider::{self, one_line},
    weights,
};

/// How a session is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Execution providers in order of preference. The CPU is one like the others: it runs only when it is named.
    pub providers: Vec<Provider>,
    /// What to do when the first one does not run.
    pub on_unavailable: OnUnavailable,
    /// Threads for one run on the CPU; at least 1.
    pub intra_threads: usize,
    /// Whether those threads wait for work by spinning. Several spinning sessions on few cores tripled the latency.
    pub spinning: bool,
}

impl Default for SessionSettings {
    /// One thread on the CPU that does not spin.
    fn default() -> Self {
        Self {
            providers: vec![Provider::Cpu],
            on_unavailable: OnUnavailable::Fallback,
            intra_threads: 1,
            spinning: false,
        }
    }
}

/// What became of opening a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// The execution provider that runs.
    pub provider: Provider,
    /// Those preferred to it that do not, with the reason.
    pub passed_over: Vec<(Provider, String)>,
    /// The only batch size that the graph takes; any size when absent.
    pub fixed_batch: Option<usize>,
}

/// A model on ONNX Runtime. One per worker thread.
pub struct OrtBackend {
    session: Session,
    /// Asks for the head's outputs in the head's order; made once.
    run_options: RunOptions<HasSelectedOutputs>,
    input: InputSpec,
    outputs: OutputBuffers,
}

impl OrtBackend {
    /// Loads ONNX Runtime if need be, reads and checks the weights, makes a session on the first provider that really
    /// runs, and runs it once.
    ///
    /// # Errors
    /// When the library, the weights or the provider is not there, or the graph is not what `spec` says: each error
    /// names the thing, the place and what differs.
    pub fn open(spec: &ModelSpec, settings: &SessionSettings) -> Result<(Self, SessionReport), InferError> {
        let (path, bytes) = weights::read(spec)?;
        library::load(None)?;

        let mut passed_over = Vec::new();
        for provider in &settings.providers {
            match Self::open_on(provider, spec, path, &bytes, settings) {
                Ok((backend, fixed_batch)) => {
                    return Ok((backend, SessionReport { provider: provider.clone(), passed_over, fixed_batch }));
                }
                Err(Refusal::Model(error)) => return Err(error),
                Err(Refusal::Provider(reason)) => passed_over.push((provider.clone(), reason)),
            }
            if settings.on_unavailable == OnUnavailable::Fail {
                break;
            }
        }
        let passed_over = passed_over.into_iter().map(|(provider, reason)| (provider.name(), reason)).collect();
        Err(InferError::ProviderUnavailable { passed_over })
    }

    fn open_on(
        provider: &Provider,
        spec: &ModelSpec,
        path: &Path,
        bytes: &[u8],
        settings: &SessionSettings,
    ) -> Result<(Self, Option<usize>), Refusal> {
        let started = Instant::now();
        let builder = session_builder(settings)?;
        let mut builder = provider::register(builder, provider).map_err(Refusal::Provider)?;
        let session = builder.commit_from_memory(bytes).map_err(|error| refused(provider, spec, path, &error))?;

        let mismatch = |differences: Vec<String>| {
            let (model, path) = (spec.name.clone(), path.to_path_buf());
            Refusal::Model(InferError::Mismatch { model, path, differences })
        };
        let inputs: Vec<Port> = session.inputs().iter().map(Port::from).collect();
        let outputs: Vec<Port> = session.outputs().iter().map(Port::from).collect();
        let differences = graph::differences(spec, &inputs, &outputs);
        if !differences.is_empty() {
            return Err(mismatch(differences));
        }

        let selected = spec.head.output_names().into_iter().fold(OutputSelector::no_default(), OutputSelector::with);
        let run_options = RunOptions::new().map_err(runtime("create run options"))?.with_outputs(selected);
        let fixed_batch = graph::fixed_batch(&inputs);
        let mut backend = Self { session, run_options, input: spec.input.clone(), outputs: OutputBuffers::default() };
        let shapes =
            backend.warm_up(fixed_batch.unwrap_or(1)).map_err(|error| refused(provider, spec, path, &error))?;
        let differences = graph::run_differences(spec, &shapes);
        if !differences.is_empty() {
            return Err(mismatch(differences));
        }
        tracing::debug!(
            model = spec.name,
            provider = provider.name(),
            millis = started.elapsed().as_millis(),
            "opened a session"
        );
        Ok((backend, fixed_batch))
    }

    /// One run on a black batch: a provider that registers may still fail to run, and shapes that the graph leaves
    /// open are known only then. Returns the outputs' shapes.
    fn warm_up(&mut self, batch: usize) -> ort::Result<Vec<Vec<usize>>> {
        let shape = self.input.shape(batch);
        let samples = batch * self.input.samples_per_image();
        let mut shapes = Vec::new();
        let mut read = |outputs: &[OutputView<'_>]| {
            shapes = outputs.iter().map(|output| output.shape.to_vec()).collect();
        };
        match self.input.element {
            ElementType::U8 => {
                let black = vec![0; samples];
                self.run_session(InputView { shape, data: InputData::U8(&black) }, &mut read)?;
            }
            ElementType::F32 => {
                let black = vec![0.0; samples];
                self.run_session(InputView { shape, data: InputData::F32(&black) }, &mut read)?;
            }
        }
        Ok(shapes)
    }

    fn run_session(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> ort::Result<()> {
        // Views, no copies: the session reads the batch where it lies.
        let outputs = match input.data {
            InputData::U8(samples) => {
                let tensor = TensorRef::from_array_view((input.shape, samples))?;
                self.session.run_with_options(ort::inputs![tensor], &self.run_options)?
            }
            InputData::F32(samples) => {
                let tensor = TensorRef::from_array_view((input.shape, samples))?;
                self.session.run_with_options(ort::inputs![tensor], &self.run_options)?
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
    fn run(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), BackendError> {
        let expected = self.input.shape(input.shape[0]);
        if input.shape != expected {
            let message = format!("the batch has shape {:?}, the model takes {expected:?}", input.shape);
            return Err(BackendError { message });
        }
        self.run_session(input, read)
            .map_err(|error| BackendError { message: format!("onnx runtime failed: {}", one_line(error.message())) })
    }
}

/// Why one provider did not open a session.
enum Refusal {
    /// It is the model's or the runtime's fault: no other provider would do better.
    Model(InferError),
    /// The next provider may be tried.
    Provider(String),
}

/// A refusal of a session by ONNX Runtime. On the CPU it is the model's fault; an accelerator may lack an operator,
/// memory or a driver that another provider has no need of.
fn refused(provider: &Provider, spec: &ModelSpec, path: &Path, error: &ort::Error) -> Refusal {
    let reason = one_line(error.message());
    if *provider != Provider::Cpu {
        return Refusal::Provider(reason);
    }
    let (model, path) = (spec.name.clone(), path.to_path_buf());
    Refusal::Model(InferError::Session { model, path, provider: provider.name(), reason })
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

fn session_builder(settings: &SessionSettings) -> Result<SessionBuilder, Refusal> {
    let environment = library::environment().map_err(Refusal::Model)?;
    let configured = |builder: SessionBuilder| -> ort::Result<SessionBuilder> {
        let builder = builder
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(settings.intra_threads.max(1))?
            .with_inter_threads(1)?
            .with_intra_op_spinning(settings.spinning)?
            .with_inter_op_spinning(settings.spinning)?;
        if int8_may_saturate() { Ok(builder.with_config_entry(EXACT_INT8, "1")?) } else { Ok(builder) }
    };
    Session::builder(environment).and_then(configured).map_err(runtime("create a session"))
}

fn runtime(what: &'static str) -> impl Fn(ort::Error) -> Refusal {
    move |error| Refusal::Model(InferError::Runtime { what, reason: one_line(error.message()) })
}
