//! Cameras that play a video as fast as their frames are taken: every frame is inferred, and inference never waits for one.
//!
//! A frame's buffer tells when the worker has brought it into its tensor. Only then the next one is put, so that none takes
//! another's place; the decoder meanwhile works ahead by the two frames that the reader allows.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use sightline_core::{
    frame::{CaptureClock, Frame, FrameBuffer, FrameInfo, FrameTimes, FrameView},
    plan::CameraSpec,
    ports::{
        FrameSource, FrameUse, RunningSource, SourceCallbacks, SourceError, SourceErrorCode, SourceEvent, StopOutcome,
        StreamInfo,
    },
};
use sightline_media::{FileError, VideoFrame, VideoReader};
use sightline_pipeline::clock::wall_now;

/// Cameras that all play this video, each for itself.
pub struct FlatOut {
    /// The video.
    pub video: PathBuf,
}

/// The frames of a video over and over.
pub struct Endless {
    video: PathBuf,
    reader: VideoReader,
}

/// Whether a camera's frame waits for a worker.
#[derive(Default)]
struct Waiting {
    waits: Mutex<bool>,
    taken: Condvar,
}

/// A frame's pixels; dropped when a worker has read them.
struct Told {
    pixels: Box<dyn FrameBuffer>,
    waiting: Arc<Waiting>,
}

struct Playing {
    stopping: Arc<AtomicBool>,
    waiting: Arc<Waiting>,
    thread: JoinHandle<()>,
}

impl Endless {
    /// Opens the video, to be decoded on one thread.
    ///
    /// # Errors
    /// When it is not there.
    pub fn open(video: &Path) -> Result<Self, FileError> {
        Ok(Self { video: video.to_owned(), reader: VideoReader::open_on_one_thread(video)? })
    }

    /// The next frame.
    ///
    /// # Errors
    /// When there is none.
    pub fn next(&mut self) -> Result<VideoFrame, FileError> {
        loop {
            match self.reader.next() {
                Some(frame) => return frame,
                // A file without a single frame is an error, so this ends.
                None => self.reader = VideoReader::open_on_one_thread(&self.video)?,
            }
        }
    }
}

impl Waiting {
    fn set(&self, waits: bool) {
        *self.waits.lock() = waits;
        self.taken.notify_all();
    }

    fn until_taken(&self) {
        let mut waits = self.waits.lock();
        while *waits {
            self.taken.wait(&mut waits);
        }
    }
}

impl FrameBuffer for Told {
    fn view(&self) -> FrameView<'_> {
        self.pixels.view()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.waiting.set(false);
    }
}

impl FrameSource for FlatOut {
    fn start(&self, camera: &CameraSpec, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        let failed = |message: String| SourceError { code: SourceErrorCode::Other, message };
        let video = Endless::open(&self.video).map_err(|error| failed(error.to_string()))?;
        let (stopping, waiting) = (Arc::new(AtomicBool::new(false)), Arc::new(Waiting::default()));
        let thread = std::thread::Builder::new().name(format!("play-{}", camera.id)).spawn({
            let (stopping, waiting) = (stopping.clone(), waiting.clone());
            move || play(video, &callbacks, &stopping, &waiting)
        });
        let thread = thread.map_err(|error| failed(error.to_string()))?;
        Ok(Box::new(Playing { stopping, waiting, thread }))
    }
}

fn play(mut video: Endless, callbacks: &SourceCallbacks, stopping: &AtomicBool, waiting: &Arc<Waiting>) {
    let mut is_known = false;
    while !stopping.load(Ordering::Relaxed) {
        let VideoFrame { width, height, buffer, .. } = match video.next() {
            Ok(frame) => frame,
            Err(error) => {
                let error = SourceError { code: SourceErrorCode::Other, message: error.to_string() };
                return (callbacks.on_event)(SourceEvent::Failed(error));
            }
        };
        if !std::mem::replace(&mut is_known, true) {
            let stream = StreamInfo { codec: String::new(), decoder: String::new(), width, height };
            (callbacks.on_event)(SourceEvent::Streaming(stream));
        }
        waiting.until_taken();
        waiting.set(true);
        let now = wall_now();
        let decoded_at = Instant::now();
        let for_what = (callbacks.use_of_frame)(decoded_at);
        if for_what != FrameUse::Inference {
            waiting.set(false);
            continue;
        }
        let times =
            FrameTimes { capture: now, clock: CaptureClock::Receive, decoded: now, decoded_at, arrived_at: decoded_at };
        let buffer = Box::new(Told { pixels: buffer, waiting: waiting.clone() });
        (callbacks.on_frame)(Frame { info: FrameInfo { width, height, seq: 0 }, times, buffer }, for_what);
    }
}

impl RunningSource for Playing {
    fn stop(self: Box<Self>, _deadline: Duration) -> StopOutcome {
        self.stopping.store(true, Ordering::Relaxed);
        // It may wait for a worker that takes no frame any more; the frame that it then puts is the last.
        self.waiting.set(false);
        // A panic there has been told by the panic hook.
        let _ = self.thread.join();
        StopOutcome::Stopped
    }
}
