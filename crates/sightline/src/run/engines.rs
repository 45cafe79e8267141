//! Models in memory: one engine per distinct pair of model and inference settings. What does not run as wished is opened
//! anew at a reload, and what fails while it runs at once.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{
    calibration::Calibration,
    execution::PassedOver,
    histogram::StageTimes,
    plan::{InferencePlan, OnUnavailable, PipelinePlan, Provider},
};
use sightline_infer::OpenedModel;
use sightline_pipeline::engine::{Engine, EngineParts};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::{
    calibration,
    failure::{Failure, Kind, OrFail},
    library::{self, Sessions},
};

/// A provider that was opened anew after it had failed, and has run for so long since, is given another such try.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// A provider that fails again and that no other can stand in for is opened anew so long after the last time.
pub const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A running engine.
#[derive(Clone)]
pub struct RunningEngine {
    /// The engine. Its inference plan is what is in force.
    pub engine: Arc<Engine>,
    /// What the pipeline's file wishes, of which a calibration may have decided something.
    wished: InferencePlan,
    /// When its provider was opened anew because it had failed.
    rebuilt: Option<Instant>,
}

impl RunningEngine {
    fn serves(&self, pipeline: &PipelinePlan) -> bool {
        self.wished == pipeline.inference && *self.engine.model == *pipeline.model
    }

    /// As it was decided when it was opened.
    fn decided(&self) -> Decided {
        let calibration = self.engine.execution().calibration.clone();
        Decided { inference: self.engine.inference.clone(), calibration }
    }

    /// Whether the first provider that was wished runs.
    pub fn is_as_wished(&self) -> bool {
        self.engine.execution().passed_over.is_empty()
    }
}

/// How inference runs, and what was measured to decide it.
struct Decided {
    inference: InferencePlan,
    calibration: Option<Box<Calibration>>,
}

/// The engines that a plan needs.
pub struct Engines {
    /// Each once.
    pub all: Vec<RunningEngine>,
    /// For each pipeline the index of its own.
    pub of_pipeline: Vec<usize>,
    /// Names of the models that were loaded for it.
    pub loaded: Vec<String>,
}

/// Why engines are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A start or a reload: providers that were passed over are tried again.
    Wished,
    /// Sessions failed while they ran: only those are replaced.
    Failed,
}

/// What every engine needs.
#[derive(Clone)]
pub struct EngineSurroundings {
    /// Where it is counted how long each stage takes.
    pub stages: Arc<StageTimes>,
    /// Is woken when an engine's sessions fail.
    pub trouble: Arc<Notify>,
    /// Where compiled models are kept.
    pub state_dir: PathBuf,
}

/// Opens what `pipelines` need and `running` has not got; nothing that runs is touched, but for further sessions where more
/// cameras share one model than before. Takes seconds, on an accelerator minutes: called on a thread that may wait.
///
/// # Errors
/// When a model or its provider is not available.
pub fn open(
    pipelines: &[PipelinePlan],
    running: &[RunningEngine],
    surroundings: &EngineSurroundings,
    occasion: Occasion,
) -> Result<Engines, Failure> {
    let mut engines = Engines { all: Vec::new(), of_pipeline: Vec::new(), loaded: Vec::new() };
    for pipeline in pipelines {
        let known = engines.all.iter().position(|engine| engine.serves(pipeline));
        if let Some(index) = known {
            engines.of_pipeline.push(index);
            continue;
        }
        let sharing = pipelines.iter().filter(|it| it.model == pipeline.model && it.inference == pipeline.inference);
        let cameras = sharing.map(|pipeline| pipeline.cameras.len()).sum();
        let opening = Opening { pipeline, cameras, surroundings };
        let known = running.iter().find(|engine| engine.serves(pipeline));
        let engine = match known {
            Some(engine) => {
                let engine_in_force = match (engine.engine.failure(), occasion) {
                    (Some(reason), _) => opening.replace_or_keep(engine, reason)?,
                    (None, Occasion::Wished) => opening.better(engine),
                    (None, Occasion::Failed) => None,
                };
                match engine_in_force {
                    Some(other) => {
                        engines.loaded.push(pipeline.model.name.clone());
                        other
                    }
                    None => {
                        opening.add_sessions(engine)?;
                        engine.clone()
                    }
                }
            }
            None => {
                engines.loaded.push(pipeline.model.name.clone());
                opening.decide_and_start()?
            }
        };
        engines.of_pipeline.push(engines.all.len());
        engines.all.push(engine);
    }
    Ok(engines)
}

/// One engine to be opened.
#[derive(Clone, Copy)]
struct Opening<'a> {
    pipeline: &'a PipelinePlan,
    /// All that share it.
    cameras: usize,
    surroundings: &'a EngineSurroundings,
}

impl Opening<'_> {
    /// Opens what the file wishes, or what a calibration decides.
    fn decide_and_start(&self) -> Result<RunningEngine, Failure> {
        let (inference, calibration) = calibration::decide(self.pipeline, &self.surroundings.state_dir);
        let providers = inference.providers.clone();
        self.start(&Decided { inference, calibration: calibration.map(Box::new) }, &providers, Vec::new())
    }

    /// Opens the first of `providers` that runs, after `passed_over`; everything else as it was decided.
    fn start(
        &self,
        decided: &Decided,
        providers: &[Provider],
        passed_over: Vec<PassedOver>,
    ) -> Result<RunningEngine, Failure> {
        let plan = InferencePlan { providers: providers.to_vec(), ..decided.inference.clone() };
        let (model, surroundings) = (&self.pipeline.model, self.surroundings);
        let sessions = Sessions::for_cameras(self.cameras);
        let mut opened = library::open(model, &plan, sessions, Some(&surroundings.state_dir))?;
        opened.execution.passed_over.splice(0..0, passed_over);
        opened.execution.calibration.clone_from(&decided.calibration);
        library::tell(model, &opened.execution);
        let OpenedModel { backends, batch_sizes, execution } = opened;
        let parts = EngineParts {
            model: model.clone(),
            inference: decided.inference.clone(),
            execution,
            backends,
            batch_sizes,
            stages: surroundings.stages.clone(),
            trouble: surroundings.trouble.clone(),
        };
        let engine = Engine::start(parts, &self.pipeline.name).or_fail(Kind::Internal)?;
        Ok(RunningEngine { engine, wished: self.pipeline.inference.clone(), rebuilt: None })
    }

    /// An engine on one of the providers that were passed over, if one runs by now.
    fn better(&self, running: &RunningEngine) -> Option<RunningEngine> {
        if running.is_as_wished() {
            return None;
        }
        let execution = running.engine.execution();
        let wished: Vec<Provider> = execution.passed_over.iter().map(|it| it.provider.clone()).collect();
        match self.start(&running.decided(), &wished, Vec::new()) {
            Ok(better) => Some(better),
            Err(failure) => {
                if let Some(passed_over) = library::passed_over(&failure) {
                    running.engine.pass_over_again(passed_over.to_vec());
                }
                let (model, provider) = (&self.pipeline.model.name, execution.provider.to_string());
                let reason = library::reason(failure);
                warn!(model, provider, reason, "it stays on this provider: those wished before it still do not run");
                None
            }
        }
    }

    /// An engine in place of one whose sessions fail; nothing while that cannot be had and the failed one has to stay, to be
    /// replaced later. Others are not held up by it.
    ///
    /// # Errors
    /// When it cannot be replaced by what may replace it, and `on_unavailable` is `fail`.
    fn replace_or_keep(&self, failed: &RunningEngine, reason: &str) -> Result<Option<RunningEngine>, Failure> {
        let outcome = self.replace(failed, reason);
        let Err(failure) = outcome else { return outcome };
        let (model, provider) = (&self.pipeline.model.name, failed.engine.execution().provider.to_string());
        let why = library::reason(failure);
        if self.pipeline.inference.on_unavailable == OnUnavailable::Fail {
            let message =
                format!("{model}: {provider} fails while it runs ({reason}) and cannot be opened anew ({why})");
            return Err(Failure::new(Kind::Unavailable, anyhow::anyhow!(message)));
        }
        error!(
            model,
            provider,
            reason = why,
            "a provider that fails cannot be replaced; it is tried again in a minute"
        );
        Ok(None)
    }

    /// The same provider opened anew, once; then the next one that runs, or where none does the same one again, a minute later.
    fn replace(&self, failed: &RunningEngine, reason: &str) -> Result<Option<RunningEngine>, Failure> {
        let (execution, decided) = (failed.engine.execution(), failed.decided());
        let wished = &decided.inference.providers;
        let (model, provider) = (&self.pipeline.model.name, execution.provider.to_string());
        let at = wished.iter().position(|it| *it == execution.provider).unwrap_or(0);
        let since_rebuilt = failed.rebuilt.map(|rebuilt| rebuilt.elapsed()).filter(|since| *since < FORGIVEN_AFTER);
        if let Some(since) = since_rebuilt {
            if self.pipeline.inference.on_unavailable == OnUnavailable::Fail {
                return Err(Failure::new(Kind::Unavailable, anyhow::anyhow!("it was opened anew, and fails again")));
            }
            error!(model, provider, reason, "a provider fails again after it was opened anew; stepping down");
            let mut passed_over = execution.passed_over.clone();
            let why = format!("it failed while it ran: {reason}");
            passed_over.push(PassedOver { provider: execution.provider.clone(), reason: why });
            match self.start(&decided, wished.get(at + 1..).unwrap_or_default(), passed_over) {
                Ok(other) => return Ok(Some(other)),
                Err(failure) if since < AGAIN_AFTER => return Err(failure),
                Err(_) => {}
            }
        }
        warn!(model, provider, reason, "a provider fails while it runs; opening it anew");
        let mut replaced = self.start(&decided, wished.get(at..).unwrap_or_default(), execution.passed_over.clone())?;
        let now_on = replaced.engine.execution().provider.clone();
        replaced.rebuilt = (now_on == execution.provider).then(Instant::now);
        info!(model, provider = %now_on, "opened in its place");
        Ok(Some(replaced))
    }

    /// On a CPU each further camera gets a session, up to the cores.
    fn add_sessions(&self, running: &RunningEngine) -> Result<(), Failure> {
        let engine = &running.engine;
        let execution = engine.execution();
        let Provider::Cpu(options) = &execution.provider else { return Ok(()) };
        if options.workers.is_some() {
            return Ok(());
        }
        let missing = library::sessions_for(self.cameras).saturating_sub(engine.sessions());
        let backends = library::open_cpu_sessions(&self.pipeline.model, &engine.inference, options, missing)?;
        engine.add_workers(backends, &self.pipeline.name).or_fail(Kind::Internal)
    }
}
