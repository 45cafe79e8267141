//! The traits through which the core's users meet the outside. No async, no generics.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    event::{Event, FrameDetections, Retained, Ulid},
    frame::{Frame, FrameView, PictureSize},
    geometry::BoxInFrame,
    model::InputSpec,
    plan::{CameraSpec, Retention},
    recovery::Recovery,
    tensor::{InputView, OutputView},
    time::WallTime,
};

/// Opens cameras.
pub trait FrameSource: Send + Sync {
    /// Starts opening `camera` and returns at once; what becomes of it arrives through `callbacks`.
    ///
    /// # Errors
    /// When the camera cannot even be tried (an unknown decoder, a missing file).
    fn start(&self, camera: &CameraSpec, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError>;
}

/// A camera that was opened.
pub trait RunningSource: Send + Sync {
    /// Begins to record what the camera sends into `clip.path`, without blocking and without encoding it again.
    ///
    /// # Errors
    /// Why it does not; `clip.on_done` is not called then. The caller tells it: the source logs nothing.
    fn record(&self, clip: ClipRequest) -> Result<Box<dyn Recording>, NotRecorded> {
        let _ = clip;
        Err(NotRecorded::Impossible)
    }

    /// Stops it, on a thread of its own where stopping can block, and waits at most `deadline`. After it returns no
    /// callback is called any more, whatever the outcome.
    fn stop(self: Box<Self>, deadline: Duration) -> StopOutcome;
}

/// How stopping went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOutcome {
    /// All of it is gone.
    Stopped,
    /// It did not stop in time; its remains go on stopping on their own thread.
    Overdue,
}

/// What to record.
pub struct ClipRequest {
    /// The MP4 file to write. It appears under this name once it is complete.
    pub path: PathBuf,
    /// Begin with the last key frame that was received at this moment or before it, as far back as packets are kept.
    pub from: Instant,
    /// End with the last packet before this moment.
    pub until: Instant,
    /// Called once on a thread of the source's: when the file is complete, also when the camera went before `until`, or
    /// when there is none. A source that was stopped does not wait for it.
    pub on_done: Box<dyn FnOnce(Result<ClipFacts, ClipError>) + Send>,
}

/// The name under which whoever writes `path` keeps it until it is complete: hidden, beside it, ending in `.part`. What
/// is left under such a name after a crash is of no use.
#[must_use]
pub fn partial_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

/// Whether a file's name is one of [`partial_path`]'s.
#[must_use]
pub fn is_partial(file_name: &str) -> bool {
    file_name.starts_with('.') && file_name.ends_with(".part")
}

/// A finished recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipFacts {
    /// When its first packet arrived.
    pub begun: Instant,
    /// Length.
    pub duration: Duration,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why there is no recording.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ClipError {
    /// In words: which file, and why.
    pub message: String,
}

/// Why a recording does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// The camera keeps no packets ([`CameraSpec::keep_packets`]), or sends nothing that a file could hold.
    #[error("what the camera sends cannot be recorded; H264 and H265 can")]
    Impossible,
    /// The camera has sent nothing yet, or is being stopped.
    #[error("the camera sends nothing at the moment")]
    NothingToRecord,
    /// As many as there may be at a time are being written.
    #[error("{most} clips of this camera are being written already; a slow disk, or a long `post`, keeps them open")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// The operating system gave no thread for it.
    #[error("no thread for it: {reason}")]
    NoThread {
        /// What the operating system says.
        reason: String,
    },
}

/// A recording that is being made.
pub trait Recording: Send + Sync {
    /// Moves its end; never earlier. `false` when it has ended already, at its own time or because the stream was cut:
    /// what happens from here on is not in it.
    fn extend(&self, until: Instant) -> bool;
}

/// Makes picture files of frames.
pub trait PictureEncoder: Send + Sync {
    /// A JPEG file of `frame`, or of the part that `area` covers, clipped to the frame. `quality` is 1..=100.
    ///
    /// # Errors
    /// When the frame's planes are shorter than its size needs, or it is larger than a JPEG file can be.
    fn jpeg(&self, frame: FrameView<'_>, area: Option<BoxInFrame>, quality: u8) -> Result<Vec<u8>, PictureError>;
}

/// Why there is no picture.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct PictureError {
    /// In words.
    pub message: String,
}

/// Keeps pictures and recordings in files, so many and so old as it is told. Blocks for the disk, so it is called on threads
/// that may wait; except for [`Archive::clip_path`]. What goes wrong it tells itself, once per change of state: nobody else
/// could do anything about it.
pub trait Archive: Send + Sync {
    /// Keeps a picture, in place of an earlier one of the same object, and removes those that `files` does not allow at
    /// `now`.
    fn keep_snapshot(&self, snapshot: &SnapshotFile<'_>, files: Retention, now: WallTime);

    /// Where the recording that `event` begins is to be written. Touches no file.
    fn clip_path(&self, event: &Event) -> PathBuf;

    /// A recording is complete: notes beside it what it shows, and removes those that `files` does not allow at `now`.
    fn clip_finished(&self, clip: &ClipRecord<'_>, files: Retention, now: WallTime);
}

/// A picture of an object.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotFile<'a> {
    /// The camera.
    pub camera: &'a str,
    /// The object's class.
    pub label: &'a str,
    /// The object's track.
    pub track: u64,
    /// When the camera took it.
    pub capture: WallTime,
    /// The file's content.
    pub jpeg: &'a [u8],
}

/// A complete recording, and what it shows.
#[derive(Clone, Copy, Debug)]
pub struct ClipRecord<'a> {
    /// The camera.
    pub camera: &'a str,
    /// The file.
    pub path: &'a Path,
    /// When its first packet arrived, by this machine's clock.
    pub start: WallTime,
    /// Its length.
    pub facts: ClipFacts,
    /// The events it was made for, oldest first.
    pub events: &'a [ClipEvent],
    /// How many more there were.
    pub events_omitted: usize,
}

/// What of an event is noted beside its recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClipEvent {
    /// The event's id.
    pub id: Ulid,
    /// Its `type`.
    pub r#type: &'static str,
    /// When the camera took its frame.
    pub time: WallTime,
    /// The object's track.
    pub track: u64,
    /// The object's class.
    pub label: Arc<str>,
}

impl From<&Event> for ClipEvent {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            r#type: event.change.kind.name(),
            time: event.change.time.capture,
            track: event.change.track,
            label: Arc::clone(&event.change.label),
        }
    }
}

/// Where a source reports to, and asks. Called on the source's own threads; must not block.
pub struct SourceCallbacks {
    /// What a frame is for that was decoded at that moment: asked before it is mapped, so that one which nobody needs costs no
    /// more than having been decoded.
    pub use_of_frame: Box<dyn Fn(Instant) -> FrameUse + Send + Sync>,
    /// A frame was decoded, and is for what was said.
    pub on_frame: Box<dyn Fn(Frame, FrameUse) + Send + Sync>,
    /// Something happened to the source.
    pub on_event: Box<dyn Fn(SourceEvent) + Send + Sync>,
    /// The size at which its pictures are enough, aspect ratio or not; `None` when they are to come as the camera sends them.
    ///
    /// Only a source that scales without costing the CPU anything goes by it, and about as closely as its hardware can. It
    /// asks before each frame: the answer may change while the stream goes on. [`crate::frame::FrameInfo`] and [`StreamInfo`]
    /// state the camera's size all the same.
    pub wanted_size: Box<dyn Fn() -> Option<PictureSize> + Send + Sync>,
    /// How much of the stream has to be decoded. Asked for each encoded picture.
    pub wanted_decoding: Box<dyn Fn() -> WantedDecoding + Send + Sync>,
    /// So many encoded pictures were left undecoded.
    pub on_skipped: Box<dyn Fn(SkippedPicture, u64) + Send + Sync>,
}

impl SourceCallbacks {
    /// Those of somebody who takes every frame, decoded from the whole stream.
    #[must_use]
    pub fn of_all(
        on_frame: impl Fn(Frame) + Send + Sync + 'static,
        on_event: impl Fn(SourceEvent) + Send + Sync + 'static,
    ) -> Self {
        Self {
            use_of_frame: Box::new(|_| FrameUse::Inference),
            on_frame: Box::new(move |frame, _| on_frame(frame)),
            on_event: Box::new(on_event),
            wanted_size: Box::new(|| None),
            wanted_decoding: Box::new(|| WantedDecoding::ALL),
            on_skipped: Box::new(|_, _| ()),
        }
    }
}

/// What a decoded frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUse {
    /// Nothing: it has been accounted for.
    Nothing,
    /// A look whether the picture is frozen or black; it has been accounted for.
    Look,
    /// Inference, and that look where one is due.
    Inference,
}

/// How much of a stream has to be decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WantedDecoding {
    /// Pictures to which no other one refers may be left out.
    pub skip_non_reference: Option<SkipNonReference>,
    /// Key frames are enough, until something happens in the stream, if they come at least this often.
    pub key_frames_only: Option<Duration>,
    /// Pictures of a live stream may be left out where decoding does not keep up, so that the others are not late. How much later than
    /// usual they may be before that, as a factor: whose is less, gives way to others.
    pub lateness: Option<f32>,
}

impl WantedDecoding {
    /// Every picture.
    pub const ALL: Self = Self { skip_non_reference: None, key_frames_only: None, lateness: None };
}

/// Which pictures to which no other one refers are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SkipNonReference {
    /// All.
    All,
    /// Those without which so many frames per second are left.
    Over(f32),
}

/// Why an encoded picture was not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedPicture {
    /// No other picture refers to it, and it was not needed.
    NonReference,
    /// Nothing moves, and it is no key frame. It is kept until the next key frame, and decoded if something happens.
    Idle,
    /// Decoding does not keep up.
    Late,
}

/// What happens to a source.
#[derive(Clone, Debug)]
pub enum SourceEvent {
    /// The stream's caps are known, or changed in mid-stream.
    Streaming(StreamInfo),
    /// It broke; no more frames will come.
    Failed(SourceError),
    /// It came to its end (a file); no more frames will come.
    Ended,
}

/// What is known of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// `H264`, `H265`, `JPEG`, …; empty when not known (raw sources).
    pub codec: String,
    /// Name of the GStreamer element that decodes it; empty when none does.
    pub decoder: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// What kind of thing is wrong with a camera: the `code` of its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorCode {
    /// Wrong user or password.
    Auth,
    /// The server has no such stream; the file or device is not there.
    NotFound,
    /// The certificate is not trusted, or TLS failed.
    Tls,
    /// Nothing arrived in time.
    Timeout,
    /// No decoder for the stream, or the stream cannot be decoded.
    Codec,
    /// Refused, reset, unreachable, name not known.
    Network,
    /// The stream ended although a camera's should not.
    Ended,
    /// Wrong settings: an unknown decoder, an impossible address.
    Config,
    /// Something else.
    Other,
}

impl SourceErrorCode {
    /// As the status topic has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Codec => "codec",
            Self::Network => "network",
            Self::Ended => "ended",
            Self::Config => "config",
            Self::Other => "other",
        }
    }
}

/// What went wrong with a camera. The message never holds a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What kind.
    pub code: SourceErrorCode,
    /// In words: what, where, and what would help.
    pub message: String,
}

impl SourceError {
    /// How to handle it.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self.code {
            SourceErrorCode::Timeout
            | SourceErrorCode::Network
            | SourceErrorCode::NotFound // a camera that is booting serves no stream yet
            | SourceErrorCode::Ended
            | SourceErrorCode::Other => Recovery::Retry,
            SourceErrorCode::Auth | SourceErrorCode::Tls | SourceErrorCode::Codec => Recovery::RetrySlowly,
            SourceErrorCode::Config => Recovery::GiveUpCamera,
        }
    }
}

/// Runs tensors through a network. Decoding and NMS are not behind it: it only moves tensors.
pub trait Backend: Send {
    /// What its pictures are like, where that is not what the specification of its model says: the same numbers, in another layout.
    fn input(&self) -> Option<&InputSpec> {
        None
    }

    /// Runs one batch and shows the outputs, in the order of [`crate::model::Head::output_names`], to `read`.
    ///
    /// The outputs are borrowed, not returned: the class logits of one image alone are 700 KB, and copying them would
    /// cost more than decoding them.
    ///
    /// # Errors
    /// When the session fails; `read` was not called then.
    fn run(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), BackendError>;
}

/// What went wrong in a session.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    /// In words.
    pub message: String,
}

/// What became of something offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is kept until delivered.
    Accepted,
    /// It is kept; the oldest waiting one was forced out for it, and counted.
    AcceptedDisplacingOldest,
    /// It is not kept, and was counted.
    Refused,
}

/// Takes what is to be published. Never blocks.
pub trait EventSink: Send + Sync {
    /// An event: delivered at least once, in order.
    fn offer(&self, event: Event) -> Offered;
    /// A frame's detections: at most once.
    fn offer_detections(&self, detections: FrameDetections) -> Offered;
    /// A retained topic's new value.
    fn retain(&self, value: Retained);
    /// What was retained of a camera is to be forgotten, but for what is retained again.
    fn renounce(&self, camera: &str) {
        let _ = camera;
    }
}
