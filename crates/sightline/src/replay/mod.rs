//! `sightline replay`: a recording through a camera's whole pipeline, under a virtual clock.
//!
//! The code is the daemon's own, from preprocessing to events; only the clock, the threads and the broker are missing.
//! Every frame is inferred, in order, and nothing asks what time it really is, so the output is the same each time.

mod draw;
mod output;
mod timeline;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use sightline_config::Environment;
use sightline_core::{
    event::{EndReason, ModelIdentity, Origin, Ulid},
    frame::{CaptureClock, FrameInfo, FrameTimes},
    motion::MotionGate,
    plan::{CameraPlan, PipelinePlan},
    time::WallTime,
};
use sightline_media::{FileError, VideoReader};
use sightline_pipeline::{
    detector::Detector,
    observation::{Observation, SeenFrame},
    rate::RateLimit,
    stamp::EventLog,
};

use self::{draw::Drawing, output::Output, timeline::TimelineFile};
use crate::{
    cli::ReplayArgs,
    configuration,
    failure::{Failure, Kind, OrFail, Outcome},
    library,
};

/// What `${hostname}`, and a node that is not named, is in a replay: the real one would differ from machine to machine.
const NODE: &str = "replay";
/// The distance of frames in a file that does not say when they are due.
const UNTIMED_STEP: Duration = Duration::from_millis(40);

/// Replays one recording.
pub fn execute(args: &ReplayArgs) -> Outcome {
    refuse_overwriting(args)?;
    let (pipeline, camera) = plan(args)?;
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let video = VideoReader::open(&args.video, None).map_err(|error| unreadable(&error))?;
    let sessions = library::open(&pipeline.model, &pipeline.inference, library::Sessions::exactly(1), None)?;
    library::tell(&pipeline.model, &sessions.execution);
    let backend = sessions.backends.into_iter().next().context("no session was opened").or_fail(Kind::Internal)?;
    let origin = Arc::new(Origin {
        node: pipeline.mqtt.node.clone(),
        pipeline: pipeline.name.clone(),
        camera: camera.spec.id.to_string(),
        model: ModelIdentity { name: pipeline.model.name.clone(), sha256: pipeline.model.sha256.clone() },
        provider: sessions.execution.provider.name().to_string(),
        execution: Some(sessions.execution.summary()),
    });
    let timeline = args.timeline.as_deref().map(|path| TimelineFile::create(path, args.start)).transpose();
    let output = Arc::new(Output::new(timeline.or_fail(Kind::Usage)?));
    // Two replays number their events alike, so that they can be compared.
    let events = Arc::new(EventLog::new(output.clone(), Ulid::new(args.start, 0)));
    let threshold = pipeline.detection.score_threshold;
    let observation = Observation::new(&camera, &pipeline.model.labels, threshold, origin, events, false);
    let settings = observation.decoding(pipeline.detection);
    let mut replay = Replay {
        detector: Detector::new(pipeline.model.clone(), backend, sessions.batch_sizes),
        settings,
        observation,
        clock: VirtualClock::new(args.start),
        rate: args.fps.map(RateLimit::new),
        gate: MotionGate::of(&camera),
        drawing: args.draw.as_deref().map(|path| Drawing::new(path, &camera)),
        output,
    };
    let outcome = replay.run(video);
    if outcome.as_ref().is_err_and(Failure::is_closed_pipe) { Ok(()) } else { outcome }
}

/// A file's error tells its cause itself.
fn unreadable(error: &FileError) -> Failure {
    Failure::new(Kind::Usage, anyhow!(error.to_string()))
}

/// Nothing that is read may be written, and each output has a file of its own.
fn refuse_overwriting(args: &ReplayArgs) -> Outcome {
    let outputs = [("--timeline", &args.timeline), ("--draw", &args.draw)];
    let outputs = outputs.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?)));
    let mut taken = vec![("VIDEO", real(&args.video)), ("--pipeline", real(&args.pipeline))];
    for (option, path) in outputs {
        let written = real(path);
        if let Some((other, _)) = taken.iter().find(|(_, known)| *known == written) {
            let message = format!("{option} {} is the file of {other}: name another", path.display());
            return Err(Failure::new(Kind::Usage, anyhow!(message)));
        }
        taken.push((option, written));
    }
    Ok(())
}

/// A path without detours, also of a file that is not there yet.
fn real(path: &Path) -> PathBuf {
    let resolved = path.canonicalize().or_else(|_| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().map(|folder| folder.join(path.file_name().unwrap_or_default()))
    });
    // What has no folder cannot be written, and that is told when it is tried.
    resolved.unwrap_or_else(|_| path.to_owned())
}

/// The pipeline, and of its cameras the wished one.
#[expect(clippy::print_stderr, reason = "problems are for the person at the keyboard, in the form compilers use")]
fn plan(args: &ReplayArgs) -> Result<(PipelinePlan, CameraPlan), Failure> {
    let environment = Environment { hostname: Some(NODE.to_owned()), ..Environment::from_process() };
    let plan = configuration::load(std::slice::from_ref(&args.pipeline), &environment).map_err(|problems| {
        eprintln!("{problems}");
        Failure::said(Kind::Config)
    })?;
    let wished = |camera: &CameraPlan| args.camera.as_deref().is_none_or(|id| id == &*camera.spec.id);
    let cameras: Vec<(&PipelinePlan, &CameraPlan)> = plan
        .pipelines
        .iter()
        .flat_map(|pipeline| pipeline.cameras.iter().map(move |camera| (pipeline, camera)))
        .collect();
    let mut found = cameras.iter().filter(|(_, camera)| wished(camera));
    let (first, second) = (found.next(), found.next());
    if let (Some((pipeline, camera)), None) = (first, second) {
        return Ok(((*pipeline).clone(), (*camera).clone()));
    }
    let ids: Vec<_> = cameras.iter().map(|(_, camera)| &*camera.spec.id).collect();
    let message = match &args.camera {
        Some(id) => format!("{} has no camera `{id}`; it has {}", args.pipeline.display(), ids.join(", ")),
        None => {
            format!("{} has {} cameras: name one with --camera: {}", args.pipeline.display(), ids.len(), ids.join(", "))
        }
    };
    Err(Failure::new(Kind::Usage, anyhow!(message)))
}

struct Replay {
    detector: Detector,
    settings: sightline_core::model::DetectionSettings,
    observation: Observation,
    clock: VirtualClock,
    rate: Option<RateLimit>,
    gate: Option<MotionGate>,
    drawing: Option<Drawing>,
    output: Arc<Output>,
}

impl Replay {
    fn run(&mut self, video: VideoReader) -> Outcome {
        let progress = progress_bar();
        self.observation.publish_counts();
        let mut frames = 0;
        for frame in video {
            let frame = frame.map_err(|error| unreadable(&error))?;
            let times = self.clock.at(frame.pts);
            if self.rate.as_mut().is_some_and(|rate| !rate.admit(times.decoded_at)) {
                continue;
            }
            let followed = self.observation.observer().followed();
            let is_passed_over = |gate: &mut MotionGate| !gate.admit(frame.buffer.view(), times.decoded_at, followed);
            if self.gate.as_mut().is_some_and(is_passed_over) {
                continue;
            }
            frames += 1;
            progress.set_position(frames);
            self.detector.load(&[frame.buffer.view()]).or_fail(Kind::Internal)?;
            let detections = self.detector.run(&[self.settings]).or_fail(Kind::Internal)?.pop().unwrap_or_default();
            let info = FrameInfo { width: frame.width, height: frame.height, seq: frame.index };
            let seen = SeenFrame { info, times, inferred: times.capture, detections: &detections };
            self.output.set_now(times.capture);
            self.observation.see(seen, &mut |_| ());
            self.output.check().or_fail(Kind::Usage)?;
            if let Some(drawing) = &mut self.drawing {
                drawing
                    .frame(frame.buffer.view(), self.observation.observer(), self.clock.elapsed())
                    .or_fail(Kind::Usage)?;
            }
        }
        // As when a file that the daemon plays has ended.
        self.observation.end_all(EndReason::CameraLost);
        if let Some(drawing) = self.drawing.take() {
            drawing.finish().or_fail(Kind::Usage)?;
        }
        progress.finish_and_clear();
        self.output.finish(frames, self.clock.elapsed()).or_fail(Kind::Usage)
    }
}

/// Counts frames, on a terminal only.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos} frames, {per_sec}, {elapsed}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// Time as the recording has it: frames are taken, decoded and inferred when they are due, in no time.
struct VirtualClock {
    start: WallTime,
    /// Where the recording begins among the moments that only distances are taken of.
    origin: Instant,
    last: Option<Duration>,
}

impl VirtualClock {
    fn new(start: WallTime) -> Self {
        Self { start, origin: Instant::now(), last: None }
    }

    fn at(&mut self, pts: Duration) -> FrameTimes {
        // Some files have no times, or the same for all frames.
        let due = self.last.map_or(pts, |last| if pts > last { pts } else { last + UNTIMED_STEP });
        self.last = Some(due);
        let capture = self.start.minus_micros(-i64::try_from(due.as_micros()).unwrap_or_default());
        let at = self.origin + due;
        FrameTimes { capture, clock: CaptureClock::Receive, decoded: capture, decoded_at: at, arrived_at: at }
    }

    fn elapsed(&self) -> Duration {
        self.last.unwrap_or_default()
    }
}

/// Whether `path` names a file that could be written: told before an hour of video has gone by.
fn create(path: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))
}
