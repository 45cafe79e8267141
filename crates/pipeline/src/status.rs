//! A camera's status, kept and published when it changes.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightline_core::{
    event::{CameraState, CameraStatus, Retained},
    ports::{SourceErrorCode, StreamInfo},
    time::WallTime,
};
use tracing::info;

use crate::{camera::Camera, clock::wall_now};

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
        };
        Self { inner: Mutex::new(inner) }
    }
}

impl StatusBoard {
    /// Sets the state and publishes it.
    pub fn set(&self, camera: &Camera, state: CameraState, code: Option<SourceErrorCode>, message: Option<String>) {
        let mut inner = self.inner.lock();
        if inner.state != state {
            inner.since = wall_now();
        }
        if state != CameraState::Streaming {
            inner.fps = 0.0;
        }
        inner.state = state;
        inner.code = code;
        inner.message = message;
        publish(camera, &inner);
    }

    /// The stream's format is known, or changed: the camera is streaming.
    pub fn stream_known(&self, camera: &Camera, stream: StreamInfo) {
        let mut inner = self.inner.lock();
        let StreamInfo { codec, decoder, width, height } = &stream;
        if inner.stream.as_ref() != Some(&stream) || inner.logged.is_some() {
            info!(camera = %camera.plan.spec.id, codec, decoder, width, height, "streaming");
        }
        if inner.state != CameraState::Streaming {
            inner.since = wall_now();
            inner.inferred = 0;
            inner.measured_at = Instant::now();
        }
        inner.state = CameraState::Streaming;
        inner.code = None;
        inner.message = None;
        inner.logged = None;
        inner.stream = Some(stream);
        publish(camera, &inner);
    }

    /// One more frame went through the network.
    pub fn count_inferred(&self) {
        self.inner.lock().inferred += 1;
    }

    /// Publishes new figures when it is time.
    pub fn refresh(&self, camera: &Camera) {
        let mut inner = self.inner.lock();
        let elapsed = inner.measured_at.elapsed();
        if inner.state != CameraState::Streaming || elapsed < REFRESH_EVERY {
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

fn publish(camera: &Camera, inner: &Inner) {
    let status = CameraStatus {
        state: inner.state,
        code: inner.code.map(SourceErrorCode::as_str),
        message: inner.message.clone(),
        since: inner.since,
        fps: inner.fps,
        codec: inner.stream.as_ref().map(|stream| stream.codec.clone()).filter(|codec| !codec.is_empty()),
        decoder: inner.stream.as_ref().map(|stream| stream.decoder.clone()).filter(|name| !name.is_empty()),
        frames: camera.batcher.balance(camera.key),
    };
    camera.events.sink().retain(Retained::Camera { camera: camera.plan.spec.id.clone(), status });
}
