//! Stand-ins for cameras, networks and brokers, so that the pipeline is tested without any of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, FrameDetections, Retained},
    frame::{CaptureClock, Frame, FrameInfo, FrameTimes, OwnedPixels},
    plan::CameraSpec,
    ports::{
        Backend, BackendError, EventSink, FrameSource, Offered, RunningSource, SourceCallbacks, SourceError,
        SourceEvent, StopOutcome, StreamInfo,
    },
    tensor::{InputView, OutputView},
};

use crate::clock::wall_now;

/// A small grey frame that was decoded at `now`.
#[must_use]
pub fn frame_at(now: Instant) -> Frame {
    let wall = wall_now();
    let times = FrameTimes { capture: wall, clock: CaptureClock::Receive, decoded: wall, decoded_at: now };
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
            let (stop, script) = (stop.clone(), script.clone());
            move || play(&script, &callbacks, &stop)
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

fn play(script: &Script, callbacks: &SourceCallbacks, stop: &AtomicBool) {
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
        (callbacks.on_frame)(frame_at(Instant::now()));
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
        std::thread::sleep(self.delay);
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
}
