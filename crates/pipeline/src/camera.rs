//! One camera's task: opens the source, watches it, turns detections into events, opens it again when it breaks.
//!
//! `run` loops and is the one place that retries; `run_once` is one life of the source.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use sightline_core::{
    event::{CameraState, CameraStatus, EndReason, FrameBalance},
    frame::{Frame, FrameBuffer},
    histogram::{Stage, StageTimes},
    objects::BestShot,
    plan::{CameraSpec, SnapshotPlan},
    ports::{
        FrameSource, FrameUse, RunningSource, SourceCallbacks, SourceError, SourceErrorCode, SourceEvent, StopOutcome,
    },
    recovery::Recovery,
    time::WallTime,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinError,
    time::MissedTickBehavior,
};
use tracing::{info, warn};

use crate::{
    backoff::Backoff,
    inbox::Inbox,
    observation::SeenFrame,
    opening::Opening,
    snapshots::{SnapshotJob, SnapshotTaker},
    status::{SourceTallies, StatusBoard},
    work::{Earlier, Work},
    worker::{InferredFrame, Picture},
};

/// How long a source may take to stop before it is left to itself.
const TEARDOWN_DEADLINE: Duration = Duration::from_secs(2);
/// How long a source must have worked for its next failure to count as a first one.
const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// How long a stopped camera waits for its frames that are in a batch. With [`TEARDOWN_DEADLINE`] it stays within the
/// time that a stop of the daemon allows.
const DRAIN_DEADLINE: Duration = Duration::from_millis(600);
/// How often it looks meanwhile.
const DRAIN_POLL: Duration = Duration::from_millis(20);
/// How long opening a source may take: a hanging device driver must not leave its camera connecting for ever.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// How often a camera looks after itself: stalls, its fps.
const TICK: Duration = Duration::from_millis(500);

/// Why a camera's task is to end; nothing while it is to go on.
pub type Stop = watch::Receiver<Option<EndReason>>;

/// Everything one camera's task works with. It outlives the task, so that a panic loses no object.
pub struct Camera {
    /// How its source is opened.
    pub spec: CameraSpec,
    /// Opens its source.
    pub source: Arc<dyn FrameSource>,
    /// What is done with its frames. Read for each frame, which is free while nobody writes; written by a reload, which so
    /// waits for the frame that is being observed, and leaves no object behind.
    pub work: Arc<RwLock<Work>>,
    /// Takes its pictures, where its plan wishes them.
    pub snapshots: Arc<SnapshotTaker>,
    /// Its status.
    pub status: StatusBoard,
    /// Number of its next frame; goes on over reconnects.
    pub next_frame_seq: Arc<AtomicU64>,
    /// Where it is counted how long each stage takes.
    pub stages: Arc<StageTimes>,
    /// Whether its source is being opened right now, which may hang.
    pub is_opening: Arc<AtomicBool>,
}

/// How one life of the source ended.
enum Ending {
    /// It is to end.
    Stopped,
    /// A file came to its end.
    Finished,
    /// It broke.
    Broken { error: SourceError, worked_for: Duration },
}

impl Camera {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &Arc<str> {
        &self.spec.id
    }

    /// What became of its frames.
    #[must_use]
    pub fn balance(&self) -> FrameBalance {
        self.work.read().balance()
    }

    /// Its status, as on its topic.
    #[must_use]
    pub fn current_status(&self) -> CameraStatus {
        self.status.current(self)
    }

    /// How often its stream was opened, and broke.
    #[must_use]
    pub fn tallies(&self) -> SourceTallies {
        self.status.tallies()
    }

    /// Puts other work in place of what is done with its frames. Its objects end, its stream goes on. `begin` gets the
    /// work that has ended.
    pub fn replace_work(&self, begin: impl FnOnce(&Earlier<'_>) -> Work) {
        let mut work = self.work.write();
        let counts = work.end(EndReason::Reload);
        *work = begin(&Earlier { work: &work, counts });
        drop(work);
        self.status.publish(self);
    }

    /// Runs the camera until `stop` says why it is to end, opening its source again whenever it breaks.
    pub async fn run(&self, results: &mut mpsc::Receiver<InferredFrame>, stop: &mut Stop) {
        let mut backoff = Backoff::default();
        loop {
            let ending = self.run_once(results, stop).await;
            self.empty_slot();
            self.drain(results).await;
            match ending {
                Ending::Stopped => return,
                Ending::Finished => {
                    self.end_objects(EndReason::CameraLost);
                    info!(camera = %self.id(), "the file has ended");
                    self.status.set(
                        self,
                        CameraState::Disabled,
                        Some(SourceErrorCode::Ended),
                        Some("the file has ended".into()),
                    );
                    self.rest(results, stop, None).await;
                    return;
                }
                Ending::Broken { error, worked_for } => {
                    self.status.count_failure(error.code);
                    self.end_objects(EndReason::CameraLost);
                    if worked_for > SETTLED_AFTER {
                        backoff.reset();
                    }
                    if error.recovery() == Recovery::GiveUpCamera || error.recovery() == Recovery::GiveUpProcess {
                        warn!(camera = %self.id(), code = error.code.as_str(), "given up: {error}");
                        self.status.set(self, CameraState::Failed, Some(error.code), Some(error.message));
                        self.rest(results, stop, None).await;
                        return;
                    }
                    let wait = backoff.next(error.recovery(), fastrand::f64());
                    self.log_failure(&error, wait);
                    self.status.set(self, CameraState::Backoff, Some(error.code), Some(error.message));
                    self.rest(results, stop, Some(wait)).await;
                }
            }
        }
    }

    /// Ends all objects that are present, for `reason`.
    pub fn end_objects(&self, reason: EndReason) {
        self.work.read().end_objects(reason);
    }

    fn empty_slot(&self) {
        let work = self.work.read();
        work.pipeline.engine.batcher.empty(work.key);
    }

    /// When its last frame came.
    fn last_frame(&self) -> Option<Instant> {
        let work = self.work.read();
        work.pipeline.engine.batcher.last_put(work.key)
    }

    async fn run_once(&self, results: &mut mpsc::Receiver<InferredFrame>, stop: &mut Stop) -> Ending {
        if stop.borrow().is_some() {
            return Ending::Stopped;
        }
        self.status.set(self, CameraState::Connecting, None, None);
        self.status.count_open();
        {
            let work = self.work.read();
            work.picture_watch.lock().reset();
            work.attention.reset();
        }
        let inbox = Arc::new(Inbox::default());
        let running = match self.open(self.callbacks(&inbox)).await {
            Ok(running) => running,
            Err(error) => return Ending::Broken { error, worked_for: Duration::ZERO },
        };
        let ending = self.watch(&*running, &inbox, results, stop, Instant::now()).await;
        if let Some(clips) = &self.work.read().clips {
            clips.source_ended();
        }
        self.stop(running).await;
        ending
    }

    /// Opening can touch the disk and load plugins: not on a thread that other cameras' tasks need. One that hangs keeps its
    /// thread; there is never a second one of this camera.
    async fn open(&self, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        let (source, spec) = (self.source.clone(), self.spec.clone());
        let Some(mark) = Opening::begin(&self.is_opening) else {
            let message = format!("{}: an earlier attempt to open it still hangs", self.spec.source);
            return Err(SourceError { code: SourceErrorCode::Timeout, message });
        };
        let opening = tokio::task::spawn_blocking(move || {
            let _mark = mark;
            source.start(&spec, callbacks)
        });
        let Ok(opened) = tokio::time::timeout(OPEN_DEADLINE, opening).await else {
            let message = format!("{}: opening it takes more than {OPEN_DEADLINE:?}", self.spec.source);
            return Err(SourceError { code: SourceErrorCode::Timeout, message });
        };
        match opened.map_err(JoinError::try_into_panic) {
            Ok(opened) => opened,
            // The supervisor restarts this camera's task, as after any panic.
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => {
                let message = "the daemon is stopping".to_string();
                Err(SourceError { code: SourceErrorCode::Other, message })
            }
        }
    }

    fn callbacks(&self, inbox: &Arc<Inbox>) -> SourceCallbacks {
        let (next_seq, unused_seq) = (self.next_frame_seq.clone(), self.next_frame_seq.clone());
        let stages = self.stages.clone();
        let [work, using, sizing, decoding, skipping] = [(); 5].map(|()| self.work.clone());
        let (inbox, frames_inbox) = (inbox.clone(), inbox.clone());
        SourceCallbacks {
            use_of_frame: Box::new(move |decoded_at| {
                let for_what = using.read().use_of_frame(decoded_at);
                if for_what == FrameUse::Nothing {
                    // It has a number all the same.
                    unused_seq.fetch_add(1, Ordering::Relaxed);
                }
                for_what
            }),
            on_frame: Box::new(move |mut frame: Frame, for_what| {
                frame.info.seq = next_seq.fetch_add(1, Ordering::Relaxed);
                stages.record(Stage::CaptureToDecoded, frame.times.decoded.saturating_since(frame.times.capture));
                if let Some(shown) = work.read().put(frame, for_what) {
                    frames_inbox.put_picture(shown);
                }
            }),
            on_event: Box::new(move |event| inbox.put(event)),
            wanted_size: Box::new(move || sizing.read().wanted_size()),
            wanted_decoding: Box::new(move || decoding.read().attention.wanted_decoding()),
            on_skipped: Box::new(move |why, pictures| skipping.read().skipped(why, pictures, Instant::now())),
        }
    }

    /// Serves the source until it ends.
    async fn watch(
        &self,
        running: &dyn RunningSource,
        inbox: &Inbox,
        results: &mut mpsc::Receiver<InferredFrame>,
        stop: &mut Stop,
        opened_at: Instant,
    ) -> Ending {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut first_frame = None;
        // Only frames count as working: a camera that connects and sends nothing has not worked at all.
        let broken = |error, first_frame: Option<Instant>| {
            let worked_for = match (first_frame, self.last_frame()) {
                (Some(first), Some(last)) => last.saturating_duration_since(first),
                _ => Duration::ZERO,
            };
            Ending::Broken { error, worked_for }
        };
        loop {
            tokio::select! {
                () = wait_for_stop(stop) => return Ending::Stopped,
                () = inbox.arrived.notified() => {
                    let (streaming, end) = inbox.take();
                    if let Some(SourceEvent::Streaming(stream)) = streaming {
                        self.status.stream_known(self, stream);
                    }
                    let shown = inbox.picture();
                    self.status.picture_shows(self, shown);
                    match end {
                        Some(SourceEvent::Failed(error)) => {
                            // A camera that was there and falls silent has stalled, whoever notices it first.
                            if error.code == SourceErrorCode::Timeout && first_frame.is_some() {
                                self.stalled(&error.message);
                            }
                            return broken(error, first_frame);
                        }
                        Some(_) => return Ending::Finished,
                        None => {}
                    }
                }
                Some(result) = results.recv() => self.on_detections(result, Some(running)),
                _ = tick.tick() => {
                    let now = Instant::now();
                    self.status.refresh(self);
                    let last_frame = self.last_frame().filter(|at| *at > opened_at);
                    first_frame = first_frame.or(last_frame);
                    let silent_for = now.saturating_duration_since(last_frame.unwrap_or(opened_at));
                    if silent_for > self.spec.stall_timeout {
                        let message = format!("no frame for {:.0} s", silent_for.as_secs_f32());
                        self.stalled(&message);
                        return broken(SourceError { code: SourceErrorCode::Timeout, message }, first_frame);
                    }
                }
            }
        }
    }

    fn stalled(&self, message: &str) {
        self.status.set(self, CameraState::Stalled, Some(SourceErrorCode::Timeout), Some(message.to_owned()));
    }

    /// What follows from one frame: messages, recordings and pictures. `source`: what is recorded, while it runs.
    fn on_detections(&self, result: InferredFrame, source: Option<&dyn RunningSource>) {
        let begun = Instant::now();
        let work = self.work.read();
        if !work.wants(&result.in_flight) {
            return;
        }
        let InferredFrame { info, times, inferred, detections, picture, in_flight } = result;
        let seen = SeenFrame { info, times, inferred, detections: &detections };
        let mut observation = work.observation.lock();
        observation.see(seen, &mut |event| {
            if let (Some(clips), Some(source)) = (&work.clips, source) {
                clips.on_event(event, times.decoded_at, source);
            }
        });
        if let (Some(plan), Some(Picture(buffer))) = (&work.plan.snapshots, picture)
            && !observation.best_shots().is_empty()
        {
            self.take_snapshots(&work, plan, observation.best_shots(), &Arc::from(buffer), times.capture);
        }
        work.attention.follow(observation.observer().followed());
        drop(observation);
        self.stages.record(Stage::Observation, begun.elapsed());
        drop(work);
        self.status.count_inferred();
        // From now on the camera's next frame may be taken into a batch.
        drop(in_flight);
    }

    fn take_snapshots(
        &self,
        work: &Work,
        plan: &SnapshotPlan,
        shots: &[BestShot],
        picture: &Arc<dyn FrameBuffer>,
        capture: WallTime,
    ) {
        for BestShot { track, label, bbox } in shots {
            self.snapshots.take(SnapshotJob {
                camera: self.id().clone(),
                label: label.clone(),
                track: *track,
                bbox: *bbox,
                capture,
                plan: plan.clone(),
                picture: picture.clone(),
                events: work.pipeline.events.clone(),
                is_in_force: work.is_in_force.clone(),
            });
        }
    }

    /// Lets frames that are in a batch come back, so that every frame is accounted for before the next life.
    async fn drain(&self, results: &mut mpsc::Receiver<InferredFrame>) {
        let until = Instant::now() + DRAIN_DEADLINE;
        while self.balance().waiting > 0 && Instant::now() < until {
            // A failed batch brings no result and settles by itself: hence the short waits.
            if let Ok(Some(result)) = tokio::time::timeout(DRAIN_POLL, results.recv()).await {
                self.on_detections(result, None);
            }
        }
    }

    /// Waits for the next life, or for the end when there is none. A frame that inference brings only now is settled; left
    /// where it is, it would look like inference that stands still.
    async fn rest(&self, results: &mut mpsc::Receiver<InferredFrame>, stop: &mut Stop, wait: Option<Duration>) {
        let over = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = wait_for_stop(stop) => return,
                () = &mut over => return,
                Some(late) = results.recv() => drop(late),
            }
        }
    }

    async fn stop(&self, running: Box<dyn RunningSource>) {
        // Stopping blocks up to its deadline: not on a thread that other cameras' tasks need.
        let outcome = tokio::task::spawn_blocking(move || running.stop(TEARDOWN_DEADLINE)).await;
        if !matches!(outcome, Ok(StopOutcome::Stopped)) {
            warn!(camera = %self.id(), "the source did not stop in time; it is left to end by itself");
        }
    }

    /// Once per change of state: a camera that is away for a week fails thousands of times.
    fn log_failure(&self, error: &SourceError, wait: Duration) {
        if self.status.is_news(error.code) {
            let seconds = (wait.as_secs_f64() * 10.0).round() / 10.0;
            warn!(camera = %self.id(), code = error.code.as_str(), retry_in_secs = seconds, "not streaming: {error}");
        }
    }
}

async fn wait_for_stop(stop: &mut Stop) {
    // An error means that the sender is gone, and with it everybody who could want this camera.
    let _ = stop.wait_for(Option::is_some).await;
}
