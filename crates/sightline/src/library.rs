//! Opening sessions: how many, with which reference pictures, and what to say when that fails.

use std::{num::NonZeroUsize, path::Path};

use anyhow::anyhow;
use sightline_core::{
    execution::{Execution, PassedOver},
    model::{ModelSpec, TensorLayout},
    operators::convolution::Convolution,
    plan::{InferencePlan, OnUnavailable, Provider},
    ports::Backend,
    provider::CpuOptions,
    simd::Level,
};
use sightline_infer::{Faster, InferError, OpenedModel, Wish};
use tracing::{info, warn};

use crate::{
    failure::{Failure, Kind},
    models, references,
};

/// More sessions than that gain nothing: the memory bus is the limit, and each holds its own working memory.
const MOST_CPU_SESSIONS: usize = 8;
/// The folder of compiled models in the state directory.
const COMPILED: &str = "compiled";

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// How many sessions serve `cameras` cameras on a CPU: they do not wait for each other, and small batches keep the latency
/// low.
pub fn sessions_for(cameras: usize) -> usize {
    most_sessions(cores()).min(cameras.max(1))
}

/// The most sessions that gain something on a CPU of so many cores.
pub fn most_sessions(cores: usize) -> usize {
    cores.clamp(1, MOST_CPU_SESSIONS)
}

/// Opens `count` further sessions on the CPU.
///
/// # Errors
/// As [`open`].
pub fn open_cpu_sessions(
    model: &ModelSpec,
    plan: &InferencePlan,
    options: &CpuOptions,
    count: usize,
) -> Result<Vec<Box<dyn Backend>>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let options = CpuOptions { workers: Some(count), ..options.clone() };
    let plan = InferencePlan { providers: vec![Provider::Cpu(options)], ..plan.clone() };
    Ok(open(model, &plan, Sessions::exactly(count), None)?.backends)
}

/// Opens one CPU session that uses all cores: for one input at a time.
///
/// # Errors
/// As [`open`].
pub fn open_on_all_cores(model: &ModelSpec) -> Result<OpenedModel, Failure> {
    open_on(model, Provider::Cpu(CpuOptions { threads: cores(), workers: Some(1), arena: true }))
}

/// Opens sessions for one input at a time on `provider`, or fails.
///
/// # Errors
/// As [`open`]; also when that provider does not run.
pub fn open_on(model: &ModelSpec, provider: Provider) -> Result<OpenedModel, Failure> {
    open(model, &one_by_one(provider), Sessions::exactly(1), None)
}

/// One input at a time, on that provider and no other.
fn one_by_one(provider: Provider) -> InferencePlan {
    InferencePlan {
        providers: vec![provider],
        calibrate: false,
        on_unavailable: OnUnavailable::Fail,
        max_batch: Some(1),
        max_wait: std::time::Duration::ZERO,
        latency_target: None,
    }
}

/// How many sessions run side by side on a CPU.
#[derive(Clone, Copy, Debug)]
pub struct Sessions {
    /// At first.
    pub now: usize,
    /// At most, as cameras are added.
    pub most: usize,
}

impl Sessions {
    /// So many for good.
    pub const fn exactly(count: usize) -> Self {
        Self { now: count, most: count }
    }

    /// For so many cameras, of which there may come to be more.
    pub fn for_cameras(cameras: usize) -> Self {
        Self { now: sessions_for(cameras), most: sessions_for(usize::MAX) }
    }
}

/// Opens sessions as `plan` says, `sessions` of them on a CPU. Models that are compiled for a device are kept in `state_dir`,
/// if there is one.
///
/// # Errors
/// When the library, the weights or a provider that must be there is not, or the model is not what its manifest says.
pub fn open(
    model: &ModelSpec,
    plan: &InferencePlan,
    sessions: Sessions,
    state_dir: Option<&Path>,
) -> Result<OpenedModel, Failure> {
    open_in_form(model, plan, sessions, state_dir, &faster)
}

/// The same with the model's own graph: in no other form, and without operators of ours.
///
/// # Errors
/// As [`open`].
pub fn open_plain(model: &ModelSpec, plan: &InferencePlan, sessions: Sessions) -> Result<OpenedModel, Failure> {
    open_in_form(model, plan, sessions, None, &|_| None)
}

/// Whether these sessions run `model` in another form than [`open_plain`] would.
pub fn is_in_other_form(model: &ModelSpec, opened: &OpenedModel) -> bool {
    let taken = opened.backends.first().and_then(|backend| backend.input());
    taken.is_some_and(|input| input.layout != model.input.layout)
}

fn open_in_form(
    model: &ModelSpec,
    plan: &InferencePlan,
    sessions: Sessions,
    state_dir: Option<&Path>,
    faster: &dyn Fn(&[u8]) -> Option<Faster>,
) -> Result<OpenedModel, Failure> {
    models::require_weights(model)?;
    let cache = state_dir.map(|folder| folder.join(COMPILED));
    let wish = Wish {
        providers: &plan.providers,
        on_unavailable: plan.on_unavailable,
        max_batch: plan.max_batch,
        sessions: sessions.now,
        most_sessions: sessions.most,
        cache: cache.as_deref(),
        faster,
        references: &|| references::of(model),
    };
    sightline_infer::open(model, &wish).map_err(into_failure)
}

/// A model in the form that runs fastest on an x86 CPU, with operators of ours where the CPU has the instructions for them.
fn faster(model: &[u8]) -> Option<Faster> {
    if cfg!(target_arch = "x86_64") { faster_with(model, Convolution::is_fast(Level::best())) } else { None }
}

fn faster_with(model: &[u8], own_operators: bool) -> Option<Faster> {
    let weights = sightline_onnx::faster(model, own_operators)?;
    Some(Faster { weights, layout: TensorLayout::NhwcPadded })
}

/// The model with pictures as these sessions of it take them.
pub fn as_taken(model: &ModelSpec, backends: &[Box<dyn Backend>]) -> ModelSpec {
    let input = backends.first().and_then(|backend| backend.input()).unwrap_or(&model.input);
    ModelSpec { input: input.clone(), ..model.clone() }
}

/// The providers that did not run, each with its reason, where that is why a model could not be opened.
pub fn passed_over(failure: &Failure) -> Option<&[PassedOver]> {
    match failure.cause.as_ref()?.downcast_ref::<InferError>()? {
        InferError::ProviderUnavailable { passed_over } => Some(passed_over),
        _ => None,
    }
}

/// Why a model does not run on the one provider that was wished, in words.
pub fn reason(failure: Failure) -> String {
    if let Some([only]) = passed_over(&failure) {
        return only.reason.clone();
    }
    failure.cause.map_or_else(String::new, |cause| format!("{cause:#}"))
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
pub fn tell(model: &ModelSpec, execution: &Execution) {
    for passed_over in &execution.passed_over {
        let (provider, reason) = (passed_over.provider.to_string(), &passed_over.reason);
        warn!(model = model.name, provider, reason, "provider not available, passed over");
    }
    let Execution { provider, library, device, placement, agreement, .. } = execution;
    if agreement.is_some_and(|agreement| !agreement.is_conclusive()) {
        let provider = provider.name();
        warn!(
            model = model.name,
            provider,
            "its answers could not be compared with the CPU's: nothing is seen in the pictures; keep some in the folder \
             `reference` of the model"
        );
    }
    let score_difference = agreement.map(|agreement| agreement.largest_score_difference);
    info!(
        model = model.name,
        provider = provider.name(),
        device,
        library,
        placement = %placement,
        score_difference,
        "model loaded"
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use sightline_core::{
        operators::{convolution, joined_output},
        tensor::{InputData, InputView, OutputView},
    };

    use super::*;

    /// `batch` pictures, as `model` takes them.
    fn noise(model: &ModelSpec, batch: usize, seed: u64) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(seed);
        let padding = model.input.layout.channels() - 3;
        let pixels = batch * model.input.width * model.input.height;
        let pixel = |_| (0..3).map(|_| random.u8(..)).chain(std::iter::repeat_n(0, padding)).collect::<Vec<u8>>();
        (0..pixels).flat_map(pixel).collect()
    }

    /// All outputs of a batch.
    fn answer(backend: &mut dyn Backend, model: &ModelSpec, batch: usize, pictures: &[u8]) -> Vec<Vec<f32>> {
        let mut answers = Vec::new();
        let input = InputView { shape: model.input.shape(batch), data: InputData::U8(pictures) };
        let mut read = |outputs: &[OutputView<'_>]| answers = outputs.iter().map(|it| it.data.to_vec()).collect();
        backend.run(input, &mut read).unwrap();
        answers
    }

    /// What a session of its own gives for three pictures of noise.
    fn answers(model: &ModelSpec, faster: &dyn Fn(&[u8]) -> Option<Faster>) -> Vec<Vec<f32>> {
        let wish = Wish { max_batch: Some(3), faster, ..Wish::on_cpu() };
        let mut opened = sightline_infer::open(model, &wish).unwrap();
        let model = as_taken(model, &opened.backends);
        answer(&mut *opened.backends[0], &model, 3, &noise(&model, 3, 3))
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_faster_form_gives_the_same_answers_bit_for_bit() {
        let mut compared = Vec::new();
        for name in models::all_with_weights() {
            let model = models::load(&name).unwrap();
            let weights = std::fs::read(model.weights.as_ref().unwrap()).unwrap();
            if faster(&weights).is_none() {
                // A network of floats, which has no other form.
                assert!(!name.ends_with("-int8"), "{name} is as it was");
                continue;
            }
            let plain = answers(&model, &|_| None);
            assert!(!plain.is_empty() && plain[0].iter().any(|value| *value != 0.0), "{name}");
            for own_operators in [false, true] {
                let fast = answers(&model, &|model| faster_with(model, own_operators));
                assert!(plain == fast, "{name}: other answers, own operators: {own_operators}");
            }
            let facts = sightline_onnx::inspect(&faster_with(&weights, true).unwrap().weights).unwrap();
            // A first layer and thirteen depthwise ones, boxes and classes.
            let own = [convolution::node::NAME, joined_output::NAME].map(|operator| facts.operators[operator]);
            assert_eq!(own, [14, 2], "{name}");
            compared.push(name);
        }
        // Its weights are in the repository: without it nothing may have been compared at all.
        assert!(compared.iter().any(|name| name == models::OWN), "{compared:?}");
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_model_can_be_opened_as_it_comes() {
        let model = models::load(models::OWN).unwrap();
        let plan = one_by_one(Provider::Cpu(CpuOptions { threads: 1, workers: Some(1), arena: true }));
        assert!(is_in_other_form(&model, &open(&model, &plan, Sessions::exactly(1), None).unwrap()));
        assert!(!is_in_other_form(&model, &open_plain(&model, &plan, Sessions::exactly(1)).unwrap()));
    }

    #[test]
    fn batches_that_run_side_by_side_give_what_each_gives_alone() {
        const BACKENDS: usize = 4;
        let model = models::load(models::OWN).unwrap();
        // One session runs them all, or, with threads of their own, one each.
        for threads in [1, 2] {
            let providers = [Provider::Cpu(CpuOptions { threads, workers: Some(BACKENDS), arena: true })];
            let faster = |model: &[u8]| faster_with(model, true);
            let wish = Wish { providers: &providers, max_batch: Some(BACKENDS), faster: &faster, ..Wish::on_cpu() };
            let mut opened = sightline_infer::open(&model, &wish).unwrap();
            assert_eq!(opened.backends.len(), BACKENDS);
            let model = &as_taken(&model, &opened.backends);
            // Batches of unlike sizes, for memory to be mistaken for another one's.
            let batches = (1..=BACKENDS).map(|batch| (batch, noise(model, batch, batch as u64)));
            let batches: Vec<_> = batches
                .map(|(batch, pictures)| {
                    let alone = answer(&mut *opened.backends[0], model, batch, &pictures);
                    (batch, pictures, alone)
                })
                .collect();
            let together = &Barrier::new(BACKENDS);
            std::thread::scope(|scope| {
                for (mut backend, (batch, pictures, alone)) in opened.backends.into_iter().zip(&batches) {
                    scope.spawn(move || {
                        together.wait();
                        for _ in 0..30 {
                            assert!(
                                answer(&mut *backend, model, *batch, pictures) == *alone,
                                "{threads} threads, batch {batch}"
                            );
                        }
                    });
                }
            });
        }
    }

    #[test]
    fn a_form_that_does_not_run_does_not_keep_the_model_from_running() {
        let model = models::load(models::OWN).unwrap();
        let broken = |_: &[u8]| Some(Faster { weights: b"broken".to_vec(), layout: TensorLayout::NhwcPadded });
        assert!(answers(&model, &broken) == answers(&model, &|_| None));
    }

    #[test]
    fn what_is_no_such_model_is_left_as_it_is() {
        for bytes in [&b""[..], b"no model", &[0xFF; 100]] {
            assert!(faster(bytes).is_none());
        }
    }
}
