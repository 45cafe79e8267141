//! Models in memory: one engine per distinct pair of model and inference settings.

use std::sync::Arc;

use sightline_core::{
    histogram::StageTimes,
    plan::{PipelinePlan, Provider},
};
use sightline_pipeline::engine::{Engine, EngineParts};

use crate::{
    failure::{Failure, Kind, OrFail},
    library::{self, Sessions},
};

/// A running engine, and why it is not what was wished.
#[derive(Clone)]
pub struct RunningEngine {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Providers that were wished before the one in use, with the reason why each does not run.
    pub passed_over: Arc<[(Provider, String)]>,
}

impl RunningEngine {
    fn serves(&self, pipeline: &PipelinePlan) -> bool {
        self.engine.inference == pipeline.inference && *self.engine.model == *pipeline.model
    }
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

/// Opens what `pipelines` need and `running` has not got; nothing that runs is touched, but for further sessions where more
/// cameras share one model than before. Takes seconds, on an accelerator minutes: called on a thread that may wait.
///
/// # Errors
/// When a model or its provider is not available.
pub fn open(
    pipelines: &[PipelinePlan],
    running: &[RunningEngine],
    stages: &Arc<StageTimes>,
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
        let engine = match running.iter().find(|engine| engine.serves(pipeline)) {
            Some(engine) => {
                add_sessions(engine, pipeline, cameras)?;
                engine.clone()
            }
            None => {
                engines.loaded.push(pipeline.model.name.clone());
                start(pipeline, cameras, stages)?
            }
        };
        engines.of_pipeline.push(engines.all.len());
        engines.all.push(engine);
    }
    Ok(engines)
}

fn start(pipeline: &PipelinePlan, cameras: usize, stages: &Arc<StageTimes>) -> Result<RunningEngine, Failure> {
    let Sessions { backends, provider, passed_over, fixed_batch } =
        library::open_for_cameras(&pipeline.model, &pipeline.inference, cameras)?;
    let parts = EngineParts {
        model: pipeline.model.clone(),
        inference: pipeline.inference.clone(),
        provider,
        backends,
        fixed_batch,
        stages: stages.clone(),
    };
    let engine = Engine::start(parts, &pipeline.name).or_fail(Kind::Internal)?;
    Ok(RunningEngine { engine, passed_over: passed_over.into() })
}

/// On a CPU each further camera gets a session, up to the cores.
fn add_sessions(running: &RunningEngine, pipeline: &PipelinePlan, cameras: usize) -> Result<(), Failure> {
    let engine = &running.engine;
    if engine.provider != Provider::Cpu {
        return Ok(());
    }
    let missing = library::cpu_sessions(cameras).saturating_sub(engine.sessions());
    let backends = library::open_cpu_sessions(&pipeline.model, missing)?;
    engine.add_workers(backends, &pipeline.name).or_fail(Kind::Internal)
}
