//! Stand-ins for cameras, networks and brokers, so that the pipeline is tested without any of them.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, FrameDetections, Retained},
    frame::{CaptureClock, Frame, FrameInfo, FrameTimes, FrameView, OwnedPixels, PictureSize},
    geometry::BoxInFrame,
    plan::{CameraSpec, Retention},
    ports::{
        Archive, Backend, BackendError, ClipError, ClipFacts, ClipRecord, ClipRequest, EventSink, FrameSource,
        FrameUse, NotRecorded, Offered, PictureEncoder, PictureError, Recording, RunningSource, SnapshotFile,
        SourceCallbacks, SourceError, SourceEvent, StopOutcome, StreamInfo,
    },
    tensor::{InputView, OutputView},
    time::WallTime,
};

use crate::clock::wall_now;

/// A small grey frame that was decoded at `now`.
#[must_use]
pub fn frame_at(now: Instant) -> Frame {
    let wall = wall_now();
    let times =
        FrameTimes { capture: wall, clock: CaptureClock::Receive, decoded: wall, decoded_at: now, arrived_at: now };
    let pixels = OwnedPixels {
        format: sightline_core::frame::PixelFormat::Rgb,
        width: 4,
        height: 4,
        colorimetry: sightline_core::frame::Colorimetry {
            matrix: sightline_core::frame::ColorMatrix::Bt601,
            range: sightline_core::frame::ColorRange::Full,
        },
        planes: vec![(vec![128; 48], 12)],
    };
    Frame { info: FrameInfo { width: 4, height: 4, seq: 0 }, times, buffer: Box::new(pixels) }
}

/// What a fake camera does in one of its lives.
#[derive(Clone, Debug)]
pub enum Script {
    /// Sends frames at that interval until stopped.
    Stream(Duration),
    /// Sends that many frames at that interval, then ends like a file.
    Frames(u32, Duration),
    /// Sends that many frames at that interval, then breaks.
    BreakAfter(u32, Duration, SourceError),
    /// Connects and sends nothing.
    Silent,
    /// Sends frames at that interval, and hangs when it is to stop.
    HangsAtStop(Duration),
    /// Cannot even be tried.
    Refuse(SourceError),
}

/// Fake cameras: each id has its lives, one after the other; the last one is repeated.
#[derive(Default)]
pub struct FakeSource {
    lives: Mutex<std::collections::BTreeMap<String, Vec<Script>>>,
    /// The ids of cameras that were opened, in that order.
    pub opened: Arc<Mutex<Vec<String>>>,
    /// The size that was enough for the last frame.
    pub wanted: Arc<Mutex<Option<PictureSize>>>,
}

impl FakeSource {
    /// Gives a camera its lives.
    pub fn script(&self, camera: &str, mut lives: Vec<Script>) {
        lives.reverse();
        self.lives.lock().insert(camera.to_string(), lives);
    }
}

impl FrameSource for FakeSource {
    fn start(&self, camera: &CameraSpec, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        self.opened.lock().push(camera.id.to_string());
        let script = {
            let mut all = self.lives.lock();
            match all.get_mut(&*camera.id) {
                Some(lives) if lives.len() > 1 => lives.pop(),
                Some(lives) => lives.last().cloned(),
                None => None,
            }
        };
        let script = script.unwrap_or(Script::Silent);
        if let Script::Refuse(error) = script {
            return Err(error);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (stop, script, wanted) = (stop.clone(), script.clone(), self.wanted.clone());
            move || play(&script, &callbacks, &wanted, &stop)
        });
        Ok(Box::new(FakeRunning { stop, thread, hangs: matches!(script, Script::HangsAtStop(_)) }))
    }
}

struct FakeRunning {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    hangs: bool,
}

impl RunningSource for FakeRunning {
    fn stop(self: Box<Self>, deadline: Duration) -> StopOutcome {
        self.stop.store(true, Ordering::Relaxed);
        if self.hangs {
            std::thread::sleep(deadline);
            return StopOutcome::Overdue;
        }
        if self.thread.join().is_ok() { StopOutcome::Stopped } else { StopOutcome::Overdue }
    }
}

fn play(script: &Script, callbacks: &SourceCallbacks, wanted: &Mutex<Option<PictureSize>>, stop: &AtomicBool) {
    let (count, interval) = match script {
        Script::Stream(interval) | Script::HangsAtStop(interval) => (u32::MAX, *interval),
        Script::Frames(count, interval) | Script::BreakAfter(count, interval, _) => (*count, *interval),
        Script::Silent | Script::Refuse(_) => (0, Duration::ZERO),
    };
    if count > 0 {
        let stream = StreamInfo { codec: "FAKE".into(), decoder: "fake".into(), width: 4, height: 4 };
        (callbacks.on_event)(SourceEvent::Streaming(stream));
    }
    for _ in 0..count {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        *wanted.lock() = (callbacks.wanted_size)();
        let now = Instant::now();
        let for_what = (callbacks.use_of_frame)(now);
        if for_what != FrameUse::Nothing {
            (callbacks.on_frame)(frame_at(now), for_what);
        }
        std::thread::sleep(interval);
    }
    match script {
        Script::Frames(..) => (callbacks.on_event)(SourceEvent::Ended),
        Script::BreakAfter(.., error) => (callbacks.on_event)(SourceEvent::Failed(error.clone())),
        Script::Stream(_) | Script::HangsAtStop(_) | Script::Silent | Script::Refuse(_) => {}
    }
}

/// A network that sees one object of class 1 in the middle of every frame, in the form of an in-graph-NMS head.
#[derive(Debug, Default)]
pub struct FakeBackend {
    /// How long a run takes.
    pub delay: Duration,
    /// How much longer it takes for each frame.
    pub delay_per_frame: Duration,
    /// Every n-th run fails; 0: none.
    pub fail_every: u32,
    /// Every n-th run panics; 0: none.
    pub panic_every: u32,
    /// How many runs there were.
    pub runs: u32,
}

impl FakeBackend {
    /// A network that takes `delay` for each batch.
    #[must_use]
    pub fn taking(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }
}

impl Backend for FakeBackend {
    fn run(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), BackendError> {
        self.runs += 1;
        std::thread::sleep(self.delay + self.delay_per_frame * u32::try_from(input.shape[0]).unwrap_or(1));
        let is_nth = |n: u32| n > 0 && self.runs.is_multiple_of(n);
        assert!(!is_nth(self.panic_every), "the fake backend was told to panic");
        if is_nth(self.fail_every) {
            return Err(BackendError { message: "told to fail".into() });
        }
        let n = input.shape[0];
        let boxes: Vec<f32> = [0.25, 0.25, 0.75, 0.75].repeat(n);
        let (ones, scores) = (vec![1.0; n], vec![0.9; n]);
        read(&[
            OutputView { shape: &[n, 1, 4], data: &boxes },
            OutputView { shape: &[n, 1], data: &ones },
            OutputView { shape: &[n, 1], data: &scores },
            OutputView { shape: &[n], data: &ones },
        ]);
        Ok(())
    }
}

/// Keeps everything it is offered.
#[derive(Debug, Default)]
pub struct CollectingSink {
    /// Events, in order.
    pub events: Mutex<Vec<Event>>,
    /// Per-frame messages, in order.
    pub detections: Mutex<Vec<FrameDetections>>,
    /// Retained values, in order.
    pub retained: Mutex<Vec<Retained>>,
    /// Cameras that were renounced, each with the number of values that were retained before.
    pub renounced: Mutex<Vec<(String, usize)>>,
}

impl EventSink for CollectingSink {
    fn offer(&self, event: Event) -> Offered {
        self.events.lock().push(event);
        Offered::Accepted
    }

    fn offer_detections(&self, detections: FrameDetections) -> Offered {
        self.detections.lock().push(detections);
        Offered::Accepted
    }

    fn retain(&self, value: Retained) {
        self.retained.lock().push(value);
    }

    fn renounce(&self, camera: &str) {
        let retained = self.retained.lock().len();
        self.renounced.lock().push((camera.to_string(), retained));
    }
}

/// Makes "pictures" that tell what they are of: `4x4 whole 85` or `4x4 0.25,0.25,0.50,0.50 85`.
#[derive(Debug, Default)]
pub struct FakeEncoder {
    /// Every n-th picture panics; 0: none.
    pub panic_every: u32,
    /// How many were asked for.
    pub asked: AtomicU32,
    /// Held by a test, it holds up encoding.
    pub gate: Mutex<()>,
}

impl PictureEncoder for FakeEncoder {
    fn jpeg(&self, frame: FrameView<'_>, area: Option<BoxInFrame>, quality: u8) -> Result<Vec<u8>, PictureError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let _open = self.gate.lock();
        assert!(self.panic_every == 0 || !asked.is_multiple_of(self.panic_every), "told to panic");
        let area = area.map_or("whole".to_string(), |area| {
            format!("{:.2},{:.2},{:.2},{:.2}", area.x, area.y, area.width, area.height)
        });
        Ok(format!("{}x{} {area} {quality}", frame.width, frame.height).into_bytes())
    }
}

/// A snapshot that a [`FakeArchive`] was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSnapshot {
    /// The camera.
    pub camera: String,
    /// The object's class.
    pub label: String,
    /// The object's track.
    pub track: u64,
    /// The file's content.
    pub jpeg: Vec<u8>,
}

/// An archive that only remembers.
#[derive(Debug, Default)]
pub struct FakeArchive {
    /// Snapshots, in order.
    pub snapshots: Mutex<Vec<KeptSnapshot>>,
    /// Camera, file, and the tracks of the events of each clip.
    pub clips: Mutex<Vec<(String, PathBuf, Vec<u64>)>>,
    /// Held by a test, it is a disk that takes nothing.
    pub gate: Mutex<()>,
}

impl Archive for FakeArchive {
    fn keep_snapshot(&self, snapshot: &SnapshotFile<'_>, _files: Retention, _now: WallTime) {
        let _open = self.gate.lock();
        let SnapshotFile { camera, label, track, jpeg, .. } = *snapshot;
        let kept = KeptSnapshot { camera: camera.into(), label: label.into(), track, jpeg: jpeg.into() };
        self.snapshots.lock().push(kept);
    }

    fn clip_path(&self, event: &Event) -> PathBuf {
        format!("{}-{}.mp4", event.origin.camera, event.seq).into()
    }

    fn clip_finished(&self, clip: &ClipRecord<'_>, _files: Retention, _now: WallTime) {
        let tracks = clip.events.iter().map(|event| event.track).collect();
        self.clips.lock().push((clip.camera.to_string(), clip.path.to_owned(), tracks));
    }
}

/// A source that records nothing but what it was asked for.
#[derive(Default)]
pub struct FakeRecorder {
    /// Recordings that it began, in order.
    pub begun: Mutex<Vec<Arc<FakeRecording>>>,
    /// Why it records nothing.
    pub refuses: Mutex<Option<NotRecorded>>,
}

/// One recording of a [`FakeRecorder`].
pub struct FakeRecording {
    /// Where it begins.
    pub from: Instant,
    /// Where it ends.
    pub until: Mutex<Instant>,
    on_done: Mutex<Option<OnDone>>,
}

type OnDone = Box<dyn FnOnce(Result<ClipFacts, ClipError>) + Send>;

impl FakeRecording {
    /// It has reached its end.
    pub fn end(&self, result: Result<ClipFacts, ClipError>) {
        let on_done = self.on_done.lock().take();
        if let Some(on_done) = on_done {
            on_done(result);
        }
    }
}

struct FakeHandle(Arc<FakeRecording>);

impl Recording for FakeHandle {
    fn extend(&self, until: Instant) -> bool {
        let is_open = self.0.on_done.lock().is_some();
        if is_open {
            let mut known = self.0.until.lock();
            *known = until.max(*known);
        }
        is_open
    }
}

impl RunningSource for FakeRecorder {
    fn record(&self, clip: ClipRequest) -> Result<Box<dyn Recording>, NotRecorded> {
        if let Some(reason) = self.refuses.lock().clone() {
            return Err(reason);
        }
        let ClipRequest { from, until, on_done, .. } = clip;
        let recording = FakeRecording { from, until: Mutex::new(until), on_done: Mutex::new(Some(on_done)) };
        let recording = Arc::new(recording);
        self.begun.lock().push(Arc::clone(&recording));
        Ok(Box::new(FakeHandle(recording)))
    }

    fn stop(self: Box<Self>, _deadline: Duration) -> StopOutcome {
        StopOutcome::Stopped
    }
}
