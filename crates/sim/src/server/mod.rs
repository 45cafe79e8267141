//! An RTSP server whose cameras send clips in real time, whether anybody watches or not.

mod feed;
mod pacer;
mod serve;

use std::{path::PathBuf, sync::Arc};

use sightline_core::{secret::Credentials, time::WallTime};

use self::{feed::Feed, pacer::Pacer, serve::Serving};
use crate::{
    clip::{Clip, FrameRate},
    error::SimError,
    truth::{TruthObject, truth_line},
};

/// One camera of the server.
#[derive(Clone, Debug)]
pub struct SimCamera {
    /// Its path, without a leading slash; also its name in the ground truth.
    pub path: String,
    /// What it sends, over and over.
    pub clip: Arc<Clip>,
}

/// Certificate and key of an `rtsps://` server, PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// A frame that was just sent.
#[derive(Clone, Copy, Debug)]
pub struct SentFrame<'a> {
    /// Number of the camera, as given to [`RtspServer::start`].
    pub camera: usize,
    /// Its path.
    pub path: &'a str,
    /// Number of the frame since the server's start.
    pub frame: u64,
    /// When the camera took it.
    pub time: WallTime,
    /// What it shows.
    pub objects: &'a [TruthObject],
}

impl SentFrame<'_> {
    /// Its line of ground truth, see [`truth_line`].
    #[must_use]
    pub fn line(&self) -> String {
        truth_line(self.path, self.frame, self.time, self.objects)
    }
}

/// Is told of every frame as it goes out, on the server's pacing thread: it must not block.
pub type OnFrame = Box<dyn FnMut(&SentFrame<'_>) + Send>;

/// How to serve.
pub struct ServerOptions {
    /// Address to listen at.
    pub address: String,
    /// Port; 0 is any free one.
    pub port: u16,
    /// Who may watch (digest and basic); `None` is everybody.
    pub credentials: Option<Credentials>,
    /// Serve `rtsps://` with these; `None` is `rtsp://`.
    pub tls: Option<TlsFiles>,
    /// Is told of every frame.
    pub on_frame: Option<OnFrame>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { address: "127.0.0.1".into(), port: 0, credentials: None, tls: None, on_frame: None }
    }
}

/// The ground truth of one camera: a pure function of the frame's number, so it needs no recording.
///
/// Frame n is taken at `start + n / rate`, where the start differs from camera to camera by less than one frame, as
/// real cameras are not in step.
#[derive(Clone, Debug)]
pub struct TruthLog {
    path: String,
    clip: Arc<Clip>,
    start: WallTime,
}

impl TruthLog {
    /// The camera's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Frames per second.
    #[must_use]
    pub fn rate(&self) -> FrameRate {
        self.clip.rate()
    }

    /// When frame `frame` is taken.
    #[must_use]
    pub fn time(&self, frame: u64) -> WallTime {
        let micros = i64::try_from(self.clip.rate().nanos_at(frame) / 1000).unwrap_or(i64::MAX);
        WallTime::from_micros(self.start.as_micros().saturating_add(micros))
    }

    /// The last frame taken at or before `time`; `None` before the server's start.
    #[must_use]
    pub fn frame_at(&self, time: WallTime) -> Option<u64> {
        let since_start = u64::try_from(time.as_micros() - self.start.as_micros()).ok()?;
        // A moment that was rounded down to a microsecond still belongs to the frame taken at it.
        Some(self.clip.rate().frame_at(since_start.saturating_mul(1000) + 999))
    }

    /// What frame `frame` shows.
    #[must_use]
    pub fn objects(&self, frame: u64) -> Vec<TruthObject> {
        self.clip.truth(frame)
    }

    /// The line of ground truth of frame `frame`, see [`truth_line`].
    #[must_use]
    pub fn line(&self, frame: u64) -> String {
        truth_line(&self.path, frame, self.time(frame), &self.objects(frame))
    }
}

/// A running server. Dropping it stops it.
pub struct RtspServer {
    address: String,
    scheme: &'static str,
    feeds: Vec<Arc<Feed>>,
    logs: Vec<TruthLog>,
    // Stopped in this order by `stop_all`: clients first, while frames still flow.
    serving: Serving,
    pacer: Pacer,
}

impl RtspServer {
    /// Starts serving; when it returns, clients can connect.
    ///
    /// # Errors
    /// When the address is taken, a certificate cannot be read, or two cameras have one path.
    pub fn start(cameras: Vec<SimCamera>, options: ServerOptions) -> Result<Self, SimError> {
        let ServerOptions { address, port, credentials, tls, on_frame } = options;
        check_paths(&cameras)?;
        let scheme = if tls.is_some() { "rtsps" } else { "rtsp" };
        let feeds: Vec<Arc<Feed>> =
            cameras.iter().map(|camera| Arc::new(Feed::new(camera.path.clone(), Arc::clone(&camera.clip)))).collect();
        let serving = Serving::start(&feeds, &address, port, credentials.as_ref(), tls.as_ref())?;
        let pacer = Pacer::start(feeds.clone(), on_frame)?;
        let logs = cameras
            .into_iter()
            .enumerate()
            .map(|(i, camera)| TruthLog { path: camera.path, clip: camera.clip, start: pacer.first_frame(i) })
            .collect();
        Ok(Self { address, scheme, feeds, logs, serving, pacer })
    }

    /// How many cameras there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.feeds.len()
    }

    /// Whether there is no camera.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    /// The port it listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.serving.port()
    }

    /// Address of camera `index`, without credentials; `None` when there is no such camera.
    #[must_use]
    pub fn url(&self, index: usize) -> Option<String> {
        let feed = self.feeds.get(index)?;
        let host = if self.address.contains(':') { format!("[{}]", self.address) } else { self.address.clone() };
        Some(format!("{}://{host}:{}/{}", self.scheme, self.port(), feed.path()))
    }

    /// The ground truth of camera `index`; `None` when there is no such camera.
    #[must_use]
    pub fn truth(&self, index: usize) -> Option<&TruthLog> {
        self.logs.get(index)
    }

    /// The camera falls silent: connections stay, nothing is sent.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn pause(&self, index: usize) -> Result<(), SimError> {
        self.feed(index)?.set_paused(true);
        Ok(())
    }

    /// The camera goes on after [`RtspServer::pause`], at the frame that is due now.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn resume(&self, index: usize) -> Result<(), SimError> {
        self.feed(index)?.set_paused(false);
        Ok(())
    }

    /// The camera drops its clients and is not found (404) until [`RtspServer::revive`].
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn kill(&self, index: usize) -> Result<(), SimError> {
        self.serving.remove(self.feed(index)?);
        Ok(())
    }

    /// The camera is there again after [`RtspServer::kill`].
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn revive(&self, index: usize) -> Result<(), SimError> {
        self.serving.add(self.feed(index)?);
        Ok(())
    }

    /// Drops the clients and ends the threads.
    pub fn stop(mut self) {
        self.stop_all();
    }

    fn stop_all(&mut self) {
        for feed in &self.feeds {
            feed.set_paused(false);
        }
        self.serving.stop(&self.feeds);
        self.pacer.stop();
    }

    fn feed(&self, index: usize) -> Result<&Arc<Feed>, SimError> {
        self.feeds.get(index).ok_or(SimError::NoCamera(index, self.feeds.len()))
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        self.stop_all();
    }
}

/// Paths must be there, be different, and need no quoting in an address.
fn check_paths(cameras: &[SimCamera]) -> Result<(), SimError> {
    for (i, camera) in cameras.iter().enumerate() {
        let path = &camera.path;
        let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if path.is_empty() || !is_plain {
            let message = format!("camera path '{path}' must be letters, digits, '-', '_' or '.'");
            return Err(SimError::Settings(message));
        }
        if cameras[..i].iter().any(|other| other.path == *path) {
            return Err(SimError::Settings(format!("two cameras have the path '{path}'")));
        }
    }
    Ok(())
}
