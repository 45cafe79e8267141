//! A frame's way, stage by stage and whole, in rounds; each round is a process of its own.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sightline_core::{histogram::Stage, objects::ObjectObserver, plan::PipelinePlan};

use super::{
    NotRun,
    cpu::ProcessTime,
    flat_out::FlatOut,
    median, progress, provider_of,
    sessions::how_to_run,
    stages::{self, Passage, Subject, Throughput, millis},
    video,
    wiring::{self, Done, Wired, Wish},
};
use crate::{
    child,
    cli::BenchArgs,
    failure::{Failure, Kind, OrFail},
    library::{self, Sessions},
};

/// Compiling for an accelerator takes minutes.
const ROUND_DEADLINE: Duration = Duration::from_secs(1800);
/// How long the first frames may take.
const WARM_UP: Duration = Duration::from_secs(60);
/// Each source has got so many frames through before the pipeline is measured.
const WARM_FRAMES: u64 = 10;
const POLL: Duration = Duration::from_millis(5);
/// More than any camera or decoder gives.
const NO_LIMIT: f32 = 100_000.0;

/// One round, or the medians of several.
#[derive(Debug, Deserialize, Serialize)]
pub struct Round {
    pub model: String,
    pub provider: String,
    pub device: String,
    pub library: String,
    /// Of the video's pictures, in pixels.
    pub width: u32,
    pub height: u32,
    /// Batches that run side by side.
    pub sessions: usize,
    /// Files that are decoded side by side in the pipeline.
    pub sources: usize,
    /// Frames in a batch of the pipeline, in the mean …
    pub batch_mean: f64,
    /// … and in each batch of the sessions and detectors that it is compared with.
    pub batch: usize,
    /// Each stage by itself.
    pub stages: Stages,
    /// How long a frame is in each stage of the whole pipeline, milliseconds.
    pub in_pipeline: InPipeline,
    /// The network alone, …
    pub session: Throughput,
    /// … and with preprocessing and postprocessing.
    pub detector: Throughput,
    /// Decoding and network beside each other, frame by frame, with nothing between them, …
    pub bare: Throughput,
    /// … and everything from file to event, flat out.
    pub pipeline: Throughput,
    /// What the pipeline got done while it was measured.
    pub inferred: u64,
    pub dropped: u64,
    pub events: u64,
    /// CPU time of decoding and network, each by itself, in parts of the whole pipeline's: 1 means that the rest is free.
    pub overhead_ratio: f64,
    /// The same of decoding and network beside each other, where they share the caches as they do in the pipeline.
    pub bare_ratio: f64,
    /// The same of all four stages, each by itself.
    pub stages_ratio: f64,
    /// The network alone as its file has it, where the session runs it in another form and with operators of ours.
    pub plain_session: Option<Throughput>,
    /// CPU time of decoding and that, each by itself, in parts of the whole pipeline's. More than 1 where our form and operators save
    /// more than everything else costs.
    pub plain_ratio: Option<f64>,
}

/// What a frame costs in each stage by itself.
#[derive(Debug, Deserialize, Serialize)]
pub struct Stages {
    pub decode: Passage,
    pub preprocess: Passage,
    pub inference: Passage,
    pub postprocess: Passage,
}

/// What a frame takes in each stage of the whole pipeline, milliseconds; of a batch its share.
#[derive(Debug, Deserialize, Serialize)]
pub struct InPipeline {
    pub queue_ms: f64,
    pub preprocess_ms: f64,
    pub inference_ms: f64,
    pub postprocess_ms: f64,
    pub observation_ms: f64,
}

/// All rounds; medians, or why there are none.
///
/// # Errors
/// When there is no video to measure with.
pub fn all_rounds(args: &BenchArgs, model: &str) -> Result<Result<Value, NotRun>, Failure> {
    let folder = tempfile::tempdir().or_fail(Kind::Internal)?;
    progress("pipeline: preparing the video");
    let video = video::file(args, folder.path())?;
    let provider = provider_of(args).to_string();
    let mut arguments = vec!["bench".to_owned(), "--in-child=pipeline".into()];
    arguments.extend([format!("--provider={provider}"), format!("--model={model}")]);
    arguments.extend([format!("--video={}", video.display()), format!("--seconds={}", args.seconds)]);
    arguments.extend(how_to_run(args));
    if args.state_dir.is_none() {
        // So that what is compiled for an accelerator is compiled once.
        arguments.push(format!("--state-dir={}", folder.path().display()));
    }
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        progress(&format!("pipeline: round {} of {}: {model} on {provider}", round + 1, args.rounds));
        match child::run::<Value>(&arguments, ROUND_DEADLINE) {
            Ok(measured) => rounds.push(measured),
            Err(reason) => return Ok(Err(NotRun { provider, model: model.to_owned(), reason })),
        }
    }
    Ok(Ok(median::of(&rounds)))
}

/// One round, in this process.
///
/// # Errors
/// When the provider does not run, or the video cannot be read.
pub fn one_round(args: &BenchArgs) -> Result<Round, Failure> {
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let nothing = || Failure::new(Kind::Usage, anyhow!("a child wants --model and --video"));
    let (model, video) = (args.model.first().ok_or_else(nothing)?, args.video.as_ref().ok_or_else(nothing)?);
    let (seconds, provider) = (Duration::from_secs_f64(args.seconds), provider_of(args));
    let sessions = args.sessions.unwrap_or_else(|| library::sessions_for(usize::MAX));
    let sources = (2 * sessions).max(library::cores());
    let plan = wiring::plan(args, model, provider.0, &vec!["test://ball".to_owned(); sources])?;

    let ran = whole(&plan, video, sessions, seconds, args.state_dir.as_ref())?;
    let mut opened =
        library::open(&plan.model, &plan.inference, Sessions::exactly(sessions), args.state_dir.as_deref())?;
    let sessions = opened.backends.len();
    let batch_mean = ran.frames() / ran.batches();
    let batch = opened.batch_sizes.fitting((batch_mean.round() as usize).max(1));
    let camera = plan.cameras.first().context("no camera").or_fail(Kind::Internal)?;
    let threshold = plan.detection.score_threshold;
    let least_score = ObjectObserver::new(camera, &plan.model.labels, threshold).least_score();
    let settings = sightline_core::model::DetectionSettings { score_threshold: least_score, ..plan.detection };
    let model = Arc::new(library::as_taken(&plan.model, &opened.backends));
    let pictures = stages::pictures(video)?;
    let subject = Subject::new(&model, settings, &pictures, seconds);
    let (width, height) = subject.size();
    let execution = opened.execution.clone();

    let (inference, session) = subject.session(&mut opened, batch)?;
    let bare = subject.bare(video, sources, &mut opened, batch)?;
    let decode = stages::decode(video, sources, seconds)?;
    let preprocess = subject.preprocess(sessions)?;
    let postprocess = subject.postprocess(&mut opened)?;
    let is_in_other_form = library::is_in_other_form(&plan.model, &opened);
    let detector = subject.detector(opened, batch)?;
    let plain_session = if is_in_other_form {
        let mut plain = library::open_plain(&plan.model, &plan.inference, Sessions::exactly(sessions))?;
        let model = Arc::new(plan.model.clone());
        Some(Subject::new(&model, settings, &pictures, seconds).session(&mut plain, batch)?.1)
    } else {
        None
    };
    let pipeline = ran.throughput();
    let alone = decode.cpu_ms + session.cpu_ms;
    Ok(Round {
        model: plan.model.name.clone(),
        provider: provider_of(args).to_string(),
        device: execution.device,
        library: execution.library,
        width,
        height,
        sessions,
        sources,
        batch_mean,
        batch,
        in_pipeline: ran.in_pipeline(),
        session,
        detector,
        bare,
        pipeline,
        inferred: ran.after.frames.inferred - ran.before.frames.inferred,
        dropped: ran.after.frames.dropped() - ran.before.frames.dropped(),
        events: ran.after.events - ran.before.events,
        overhead_ratio: alone / pipeline.cpu_ms,
        bare_ratio: bare.cpu_ms / pipeline.cpu_ms,
        stages_ratio: (alone + preprocess.cpu_ms + postprocess.cpu_ms) / pipeline.cpu_ms,
        plain_session,
        plain_ratio: plain_session.map(|plain| (decode.cpu_ms + plain.cpu_ms) / pipeline.cpu_ms),
        stages: Stages { decode, preprocess, inference, postprocess },
    })
}

/// A stretch of the whole pipeline.
struct Ran {
    before: Done,
    after: Done,
    elapsed: Duration,
    cpu: Duration,
}

impl Ran {
    fn frames(&self) -> f64 {
        (self.after.frames.inferred - self.before.frames.inferred).max(1) as f64
    }

    fn batches(&self) -> f64 {
        (self.after.batches - self.before.batches).max(1) as f64
    }

    fn throughput(&self) -> Throughput {
        let frames = self.frames();
        Throughput { frames_per_second: frames / self.elapsed.as_secs_f64(), cpu_ms: millis(self.cpu) / frames }
    }

    fn in_pipeline(&self) -> InPipeline {
        let of = |stage| self.after.millis_since(&self.before, stage) / self.frames();
        InPipeline {
            queue_ms: of(Stage::Queue),
            preprocess_ms: of(Stage::Preprocess),
            inference_ms: of(Stage::Inference),
            postprocess_ms: of(Stage::Postprocess),
            observation_ms: of(Stage::Observation),
        }
    }
}

/// The whole pipeline from files, as fast as it goes.
fn whole(
    plan: &PipelinePlan,
    video: &std::path::Path,
    sessions: usize,
    seconds: Duration,
    state_dir: Option<&PathBuf>,
) -> Result<Ran, Failure> {
    let source = Arc::new(FlatOut { video: video.to_owned() });
    let wish = Wish { fps: NO_LIMIT, detections: false, source, sessions: Sessions::exactly(sessions) };
    let wired = Wired::start(plan.clone(), &wish, state_dir.map(PathBuf::as_path))?;
    let until = Instant::now() + WARM_UP;
    while !wired.runtime.balances().iter().all(|(_, camera)| camera.inferred >= WARM_FRAMES) {
        if Instant::now() > until {
            wired.stop();
            return Err(Failure::new(Kind::Unavailable, anyhow!("the pipeline gives no results")));
        }
        std::thread::sleep(POLL);
    }
    let (begun, before, cpu_before) = (Instant::now(), wired.done(), ProcessTime::of_this());
    std::thread::sleep(seconds);
    let (elapsed, after, cpu_after) = (begun.elapsed(), wired.done(), ProcessTime::of_this());
    wired.stop();
    Ok(Ran { before, after, elapsed, cpu: cpu_after.since(cpu_before) })
}
