//! A camera's status, kept and published when it changes.

use std::{
    collections::BTreeMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sightline_core::{
    event::{CameraState, CameraStatus, Retained},
    picture_watch::PictureState,
    ports::{SourceErrorCode, StreamInfo},
    time::WallTime,
};
use tracing::{info, warn};

use crate::{camera::Camera, clock::wall_now, work::Work};

/// How often a status is published although nothing but its figures changed.
const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// What is known of a camera's state.
pub struct StatusBoard {
    inner: Mutex<Inner>,
}

struct Inner {
    state: CameraState,
    code: Option<SourceErrorCode>,
    message: Option<String>,
    since: WallTime,
    stream: Option<StreamInfo>,
    /// The error that was last logged; none while streaming.
    logged: Option<SourceErrorCode>,
    inferred: u64,
    measured_at: Instant,
    fps: f64,
    tallies: SourceTallies,
}

/// How a camera's stream has fared since the daemon's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTallies {
    /// Attempts to open it.
    pub opened: u64,
    /// How often it broke or could not be opened, by code.
    pub failures: BTreeMap<&'static str, u64>,
}

impl Default for StatusBoard {
    fn default() -> Self {
        let inner = Inner {
            state: CameraState::Connecting,
            code: None,
            message: None,
            since: wall_now(),
            stream: None,
            logged: None,
            inferred: 0,
            measured_at: Instant::now(),
            fps: 0.0,
            tallies: SourceTallies::default(),
        };
        Self { inner: Mutex::new(inner) }
    }
}

impl StatusBoard {
    /// That of a camera that is opened anew, as another one: what was counted goes on.
    pub fn counting_on_from(earlier: &Self) -> Self {
        let board = Self::default();
        board.inner.lock().tallies = earlier.tallies();
        board
    }

    /// Sets the state and publishes it.
    pub fn set(&self, camera: &Camera, state: CameraState, code: Option<SourceErrorCode>, message: Option<String>) {
        let mut inner = self.inner.lock();
        if inner.state != state {
            inner.since = wall_now();
        }
        if !sends(state) {
            inner.fps = 0.0;
        }
        inner.state = state;
        inner.code = code;
        inner.message = message;
        publish(camera, &inner);
    }

    /// Publishes what is known, where nobody has heard of it yet.
    pub fn publish(&self, camera: &Camera) {
        publish(camera, &self.inner.lock());
    }

    /// What is known.
    pub fn current(&self, camera: &Camera) -> CameraStatus {
        // In the order of `publish`: a reload that waits to write `work` would else hold up both.
        let inner = self.inner.lock();
        status(&camera.work.read(), &inner)
    }

    /// The stream's format is known, or changed: the camera is streaming.
    pub fn stream_known(&self, camera: &Camera, stream: StreamInfo) {
        let mut inner = self.inner.lock();
        let StreamInfo { codec, decoder, width, height } = &stream;
        if inner.stream.as_ref() != Some(&stream) || inner.logged.is_some() {
            info!(camera = %camera.id(), codec, decoder, width, height, "streaming");
        }
        if !sends(inner.state) {
            inner.since = wall_now();
            inner.inferred = 0;
            inner.measured_at = Instant::now();
        }
        // Caps that change in mid-stream say nothing about what the picture shows.
        if !sends(inner.state) {
            inner.state = CameraState::Streaming;
            inner.message = None;
        }
        inner.code = None;
        inner.logged = None;
        inner.stream = Some(stream);
        publish(camera, &inner);
    }

    /// What the picture of a stream that sends shows.
    pub fn picture_shows(&self, camera: &Camera, shown: PictureState) {
        let (state, message) = match shown {
            PictureState::Normal => (CameraState::Streaming, None),
            PictureState::Frozen => (CameraState::Frozen, Some("the camera sends the same picture all the time")),
            PictureState::Dark => (CameraState::Dark, Some("the camera sends a black picture")),
        };
        let mut inner = self.inner.lock();
        if !sends(inner.state) || inner.state == state {
            return;
        }
        match message {
            Some(message) => warn!(camera = %camera.id(), state = state.name(), "{message}"),
            None => info!(camera = %camera.id(), was = inner.state.name(), "the picture is a living one again"),
        }
        inner.state = state;
        inner.message = message.map(str::to_owned);
        inner.since = wall_now();
        publish(camera, &inner);
    }

    /// The stream is about to be opened.
    pub fn count_open(&self) {
        self.inner.lock().tallies.opened += 1;
    }

    /// The stream broke, or could not be opened.
    pub fn count_failure(&self, code: SourceErrorCode) {
        *self.inner.lock().tallies.failures.entry(code.as_str()).or_default() += 1;
    }

    /// How the stream has fared.
    pub fn tallies(&self) -> SourceTallies {
        self.inner.lock().tallies.clone()
    }

    /// One more frame went through the network.
    pub fn count_inferred(&self) {
        self.inner.lock().inferred += 1;
    }

    /// Publishes new figures when it is time.
    pub fn refresh(&self, camera: &Camera) {
        let mut inner = self.inner.lock();
        let elapsed = inner.measured_at.elapsed();
        if !sends(inner.state) || elapsed < REFRESH_EVERY {
            return;
        }
        let per_second = inner.inferred as f64 / elapsed.as_secs_f64();
        inner.fps = (per_second * 10.0).round() / 10.0;
        inner.inferred = 0;
        inner.measured_at = Instant::now();
        publish(camera, &inner);
    }

    /// Whether an error of that code was not logged yet since the camera last worked; it counts as logged then.
    pub fn is_news(&self, code: SourceErrorCode) -> bool {
        self.inner.lock().logged.replace(code) != Some(code)
    }
}

/// Whether a camera in that state sends frames.
const fn sends(state: CameraState) -> bool {
    matches!(state, CameraState::Streaming | CameraState::Frozen | CameraState::Dark)
}

fn publish(camera: &Camera, inner: &Inner) {
    let work = camera.work.read();
    if !work.is_in_force.load(Ordering::Acquire) {
        return;
    }
    let status = status(&work, inner);
    work.pipeline.events.sink().retain(Retained::Camera { camera: camera.id().clone(), status });
}

fn status(work: &Work, inner: &Inner) -> CameraStatus {
    CameraStatus {
        state: inner.state,
        code: inner.code.map(SourceErrorCode::as_str),
        message: inner.message.clone(),
        since: inner.since,
        fps: inner.fps,
        codec: inner.stream.as_ref().map(|stream| stream.codec.clone()).filter(|codec| !codec.is_empty()),
        decoder: inner.stream.as_ref().map(|stream| stream.decoder.clone()).filter(|name| !name.is_empty()),
        idle: sends(inner.state) && work.attention.is_idle(),
        frames: work.balance(),
        undecoded: work.attention.undecoded(),
    }
}
