//! One number of cameras, watched for a while by the daemon's parts: in a process of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use sightline_core::{event::CameraState, histogram::Stage};
use sightline_media::GstSource;

use super::{
    cpu::{MachineTime, ProcessTime},
    provider_of, serve,
    stages::millis,
    wiring::{self, Done, Wired, Wish},
};
use crate::{
    cli::{BenchArgs, CamerasWish},
    failure::{Failure, Kind, OrFail},
    library::{self, Sessions},
};

/// Cameras are kept up with while no more frames than this share are lost …
pub const MOST_LOST: f64 = 0.01;
/// … and 95 of 100 results are no older than so many frame intervals.
pub const OLDEST_INTERVALS: f64 = 2.0;
/// A machine is full when its cores are idle for less than this share.
const FULL: f64 = 0.95;
/// How long cameras may take to stream: they are opened one after the other.
const OPENING: Duration = Duration::from_secs(15);
const OPENING_EACH: Duration = Duration::from_millis(300);
/// Until decoders have found their key frame and sessions their pace.
const SETTLING: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(20);

/// How a number of cameras went.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Tried {
    pub cameras: usize,
    /// Of them, how many streamed.
    pub streaming: usize,
    /// How long they were watched.
    pub seconds: f64,
    /// Frames that the cameras sent, that were decoded, and that went through the network.
    pub sent: u64,
    pub decoded: u64,
    pub inferred: u64,
    /// Share of the frames sent that were dropped, or did not arrive in time.
    pub lost: f64,
    /// From a camera's capture of a frame to its result, milliseconds.
    pub age_ms_p50: f64,
    pub age_ms_p95: f64,
    /// Where that time goes, in the mean: to the decoder's output, waiting for a session, in a batch.
    pub decoded_ms: f64,
    pub queue_ms: f64,
    pub batch_ms: f64,
    /// Cores that were busy: with watching, with the simulated cameras, with everything.
    pub cores_pipeline: f64,
    pub cores_cameras: f64,
    pub cores_busy: f64,
    /// Cores that there are.
    pub cores: usize,
    pub events: u64,
    /// Whether they were kept up with.
    pub holds: bool,
    /// What was not kept, and why; empty where they were.
    pub limited_by: String,
}

impl Tried {
    /// Cores that were busy with something else.
    pub fn cores_others(&self) -> f64 {
        (self.cores_busy - self.cores_pipeline - self.cores_cameras).max(0.0)
    }
}

/// Watches.
///
/// # Errors
/// When the provider does not run.
pub fn execute(args: &BenchArgs) -> Result<Tried, Failure> {
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let nothing = || Failure::new(Kind::Usage, anyhow!("a child wants --cameras, --model and --server"));
    let Some(CamerasWish::Number(cameras)) = args.cameras else { return Err(nothing()) };
    let (model, server) = (args.model.first().ok_or_else(nothing)?, args.server.ok_or_else(nothing)?);
    let url = |index| format!("rtsp://127.0.0.1:{}/{}", args.port, serve::path(index));
    let urls: Vec<String> = (0..cameras).map(url).collect();
    let plan = wiring::plan(args, model, provider_of(args).0, &urls)?;
    let sessions = args.sessions.map_or_else(|| Sessions::for_cameras(cameras), Sessions::exactly);
    // Twice their rate: none is left out for coming early.
    let wish = Wish { fps: args.rate as f32 * 2.0, detections: true, source: Arc::new(GstSource), sessions };
    let wired = Wired::start(plan, &wish, args.state_dir.as_deref())?;

    let until = Instant::now() + OPENING + OPENING_EACH * u32::try_from(cameras).unwrap_or(u32::MAX);
    while streaming(&wired) < cameras && Instant::now() < until {
        std::thread::sleep(POLL);
    }
    std::thread::sleep(SETTLING.min(Duration::from_secs_f64(args.window)));
    let before = Moment::now(&wired, server);
    wired.sink.watch_ages();
    std::thread::sleep(Duration::from_secs_f64(args.window));
    let after = Moment::now(&wired, server);
    let ages = wired.sink.take_ages();
    let streaming = streaming(&wired);
    wired.stop();
    Ok(judged(cameras, streaming, args.rate, &ages, &before, &after))
}

/// Cameras whose frames come out of the network.
fn streaming(wired: &Wired) -> usize {
    let roster = wired.runtime.roster();
    let cameras = roster.read();
    let streams = |state| matches!(state, CameraState::Streaming | CameraState::Frozen | CameraState::Dark);
    cameras.iter().filter(|camera| streams(camera.current_status().state) && camera.balance().inferred > 0).count()
}

/// Everything that is counted, at one moment.
struct Moment {
    at: Instant,
    done: Done,
    pipeline: ProcessTime,
    cameras: ProcessTime,
    machine: MachineTime,
}

impl Moment {
    fn now(wired: &Wired, server: u32) -> Self {
        Self {
            at: Instant::now(),
            done: wired.done(),
            pipeline: ProcessTime::of_this(),
            cameras: ProcessTime::of(server),
            machine: MachineTime::now(),
        }
    }
}

fn judged(cameras: usize, streaming: usize, rate: f64, ages: &[Duration], before: &Moment, after: &Moment) -> Tried {
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let (frames, earlier) = (&after.done.frames, &before.done.frames);
    let (decoded, inferred) = (frames.decoded - earlier.decoded, frames.inferred - earlier.inferred);
    let dropped = frames.dropped() - earlier.dropped();
    let sent = (cameras as f64 * rate * seconds) as u64;
    // Of each camera one frame may have come just before the window, or just after it.
    let missing = sent.saturating_sub(decoded + cameras as u64);
    let lost = (dropped + missing) as f64 / sent.max(1) as f64;
    let age = |share: f64| ages.get((ages.len() as f64 * share) as usize).copied().map_or(0.0, millis);
    let mean = |stage| after.done.millis_since(&before.done, stage) / inferred.max(1) as f64;
    let cores = library::cores();
    let busy_with = |span: Duration| span.as_secs_f64() / seconds;
    let mut tried = Tried {
        cameras,
        streaming,
        seconds,
        sent,
        decoded,
        inferred,
        lost,
        age_ms_p50: age(0.5),
        age_ms_p95: age(0.95),
        decoded_ms: mean(Stage::CaptureToDecoded),
        queue_ms: mean(Stage::Queue),
        batch_ms: mean(Stage::Preprocess) + mean(Stage::Inference) + mean(Stage::Postprocess),
        cores_pipeline: busy_with(after.pipeline.since(before.pipeline)),
        cores_cameras: busy_with(after.cameras.since(before.cameras)),
        cores_busy: after.machine.busy_since(before.machine) * cores as f64,
        cores,
        events: after.done.events - before.done.events,
        holds: false,
        limited_by: String::new(),
    };
    tried.limited_by = limit(&tried, 1000.0 / rate);
    tried.holds = tried.limited_by.is_empty();
    tried
}

/// What was not kept, and what there was too little of; empty where everything was kept.
fn limit(tried: &Tried, interval_ms: f64) -> String {
    let mut broken = Vec::new();
    if tried.streaming < tried.cameras {
        broken.push(format!("only {} of {} cameras streamed", tried.streaming, tried.cameras));
    }
    if tried.lost > MOST_LOST {
        broken.push(format!("{:.1} % of the frames were lost", tried.lost * 100.0));
    }
    let oldest = OLDEST_INTERVALS * interval_ms;
    if tried.age_ms_p95 > oldest {
        broken.push(format!("results were {:.0} ms old at p95, and {oldest:.0} ms are allowed", tried.age_ms_p95));
    }
    if broken.is_empty() {
        return String::new();
    }
    let Tried { cores, cores_busy, cores_pipeline, cores_cameras, .. } = tried;
    let others = tried.cores_others();
    let cause = if *cores_busy >= FULL * *cores as f64 {
        format!(
            "the CPU was full: {cores_pipeline:.2} of {cores} cores for the pipeline, {cores_cameras:.2} for the simulated \
             cameras, {others:.2} for everything else"
        )
    } else if tried.queue_ms > tried.decoded_ms {
        format!("frames waited {:.0} ms for a session while cores were idle", tried.queue_ms)
    } else {
        format!("receiving and decoding took {:.0} ms while cores were idle", tried.decoded_ms)
    };
    format!("{}; {cause}", broken.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried() -> Tried {
        Tried {
            cameras: 8,
            streaming: 8,
            seconds: 5.0,
            sent: 600,
            decoded: 600,
            inferred: 600,
            lost: 0.0,
            age_ms_p50: 10.0,
            age_ms_p95: 20.0,
            decoded_ms: 4.0,
            queue_ms: 1.0,
            batch_ms: 4.0,
            cores_pipeline: 1.0,
            cores_cameras: 0.2,
            cores_busy: 1.3,
            cores: 2,
            events: 3,
            holds: false,
            limited_by: String::new(),
        }
    }

    #[test]
    fn what_is_within_the_limits_holds() {
        assert_eq!(limit(&tried(), 66.7), "");
        assert_eq!(limit(&Tried { lost: 0.0099, age_ms_p95: 133.0, ..tried() }, 66.7), "");
    }

    #[test]
    fn each_limit_is_named_with_what_there_was_too_little_of() {
        let full = Tried { lost: 0.05, cores_pipeline: 1.7, cores_busy: 1.99, ..tried() };
        let words = limit(&full, 66.7);
        assert!(words.starts_with("5.0 % of the frames were lost; the CPU was full: 1.70 of 2 cores"), "{words}");
        let waiting = Tried { age_ms_p95: 150.0, queue_ms: 90.0, ..tried() };
        let words = limit(&waiting, 66.7);
        assert!(words.contains("150 ms old at p95, and 133 ms are allowed; frames waited 90 ms"), "{words}");
        let away = Tried { streaming: 5, decoded_ms: 30.0, ..tried() };
        let words = limit(&away, 66.7);
        assert!(words.starts_with("only 5 of 8 cameras streamed; receiving and decoding took 30 ms"), "{words}");
    }
}
