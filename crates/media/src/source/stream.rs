//! What all parts of one camera's pipeline share.

use std::sync::{
    Arc, LazyLock, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use gstreamer as gst;
use sightline_core::plan::CameraSpec;

use super::{
    arrivals::Arrivals,
    capture_clock::CameraClock,
    economy::{Crowd, Economy},
    reporter::Reporter,
    silence::Silence,
    tap::Tap,
    watch::Watch,
};
use crate::file::demux::Contents;

/// All cameras' decoders share one machine.
static CROWD: LazyLock<Arc<Crowd>> = LazyLock::new(Arc::default);

/// One camera, from start to stop. Holds no GStreamer element: the pipeline's closures hold it, and a circle would leak.
pub struct Stream {
    /// The camera's id.
    pub camera: Arc<str>,
    /// Its address without credentials.
    pub address: String,
    /// Where frames and events go.
    pub reporter: Arc<Reporter>,
    /// Its clock.
    pub clock: Arc<CameraClock>,
    /// What is kept of its packets, where recordings are wished.
    pub tap: Option<Arc<Tap>>,
    /// Whether what arrives can be decoded, in time.
    pub watch: Watch,
    /// What of it need not be decoded.
    pub economy: Economy,
    /// How long it waits for that. Of RTSP cameras.
    pub arrivals: Arc<Arrivals>,
    /// Whether anything arrives. For RTSP cameras.
    pub silence: Silence,
    /// The server's certificate did not pass.
    pub certificate_refused: AtomicBool,
    frames: AtomicU64,
    /// Written when a decoder is plugged in and read when caps change: never per frame.
    decoding: Mutex<Decoding>,
    /// What the decoder gives, where its frames are scaled before anyone sees them.
    unscaled: Mutex<Option<gst::Caps>>,
    /// Rises when `unscaled` changes. Read per frame.
    unscaled_number: AtomicU64,
    /// Video codecs that the camera offers and this crate does not know.
    unsupported: Mutex<Vec<String>>,
    /// What a depayloader last said of packets that it could not use.
    damage: Mutex<Option<String>>,
    /// Of a file.
    contents: OnceLock<Arc<Contents>>,
}

/// What is decoded, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoding {
    /// `H264`, …; empty for raw video.
    pub codec: String,
    /// The decoder's name; empty for raw video.
    pub decoder: String,
}

impl Stream {
    pub fn new(reporter: Arc<Reporter>, camera: &CameraSpec) -> Self {
        Self {
            camera: Arc::clone(&camera.id),
            address: camera.source.to_string(),
            reporter,
            clock: Arc::new(CameraClock::new()),
            tap: Tap::of(camera),
            watch: Watch::new(camera.stall_timeout),
            economy: Economy::new(Arc::clone(&CROWD), camera.stall_timeout),
            arrivals: Arc::default(),
            silence: Silence::new(camera.stall_timeout),
            certificate_refused: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            decoding: Mutex::default(),
            unscaled: Mutex::default(),
            unscaled_number: AtomicU64::new(0),
            unsupported: Mutex::default(),
            damage: Mutex::default(),
            contents: OnceLock::new(),
        }
    }

    /// The next frame's number, from 0.
    pub fn next_seq(&self) -> u64 {
        self.frames.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether any frame has been decoded.
    pub fn has_frames(&self) -> bool {
        self.frames.load(Ordering::Relaxed) > 0
    }

    pub fn set_decoding(&self, decoding: Decoding) {
        *self.decoding.lock().unwrap_or_else(PoisonError::into_inner) = decoding;
    }

    pub fn decoding(&self) -> Decoding {
        self.decoding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `None`: frames are seen as the decoder gives them.
    pub fn set_unscaled(&self, caps: Option<gst::Caps>) {
        *self.unscaled.lock().unwrap_or_else(PoisonError::into_inner) = caps;
        self.unscaled_number.fetch_add(1, Ordering::Release);
    }

    pub fn unscaled(&self) -> Option<gst::Caps> {
        self.unscaled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another one whenever [`Self::unscaled`] may have changed.
    pub fn unscaled_number(&self) -> u64 {
        self.unscaled_number.load(Ordering::Acquire)
    }

    pub fn note_unsupported(&self, codec: String) {
        self.unsupported.lock().unwrap_or_else(PoisonError::into_inner).push(codec);
    }

    pub fn note_damage(&self, what: String) {
        *self.damage.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    pub fn damage(&self) -> Option<String> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_contents(&self, contents: Arc<Contents>) {
        // A stream is built once; a second value would be the same file's.
        let _ = self.contents.set(contents);
    }

    /// Of a file.
    pub fn contents(&self) -> Option<Arc<Contents>> {
        self.contents.get().cloned()
    }

    /// Why there is nothing to decode, when the reason is what the camera or the file has to offer. GStreamer's own
    /// error is then only that nothing is linked.
    pub fn nothing_to_decode(&self) -> Option<String> {
        if let Some(reason) = self.contents.get().and_then(|contents| contents.without_video()) {
            return Some(reason);
        }
        let codecs = self.unsupported.lock().unwrap_or_else(PoisonError::into_inner);
        let is_only_these = !codecs.is_empty() && self.decoding() == Decoding::default();
        is_only_these.then(|| format!("the camera sends {}; H264, H265 and JPEG can be decoded", codecs.join(", ")))
    }
}
