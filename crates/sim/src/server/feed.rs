//! What connects a camera's schedule with the GStreamer media of its watchers.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use gstreamer_app as gst_app;

use crate::clip::Clip;

/// More than this waiting in a media means that its clients do not read; then frames are left out until they do.
const MOST_WAITING_BYTES: u64 = 4_000_000;

/// One camera.
#[derive(Debug)]
pub(super) struct Feed {
    path: String,
    clip: Arc<Clip>,
    paused: AtomicBool,
    outlets: Mutex<Vec<Outlet>>,
}

/// The entrance of one watcher's GStreamer media.
#[derive(Debug)]
struct Outlet {
    source: gst_app::AppSrc,
    /// Nothing is sent before a key frame: neither at the start nor after frames were left out.
    wants_key: bool,
}

impl Feed {
    pub(super) const fn new(path: String, clip: Arc<Clip>) -> Self {
        Self { path, clip, paused: AtomicBool::new(false), outlets: Mutex::new(Vec::new()) }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn clip(&self) -> &Clip {
        &self.clip
    }

    pub(super) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    pub(super) fn attach(&self, source: gst_app::AppSrc) {
        source.set_caps(Some(self.clip.caps()));
        self.outlets().push(Outlet { source, wants_key: true });
    }

    pub(super) fn detach(&self, source: &gst_app::AppSrc) {
        self.outlets().retain(|outlet| outlet.source != *source);
    }

    /// Whether any media is being fed.
    pub(super) fn is_watched(&self) -> bool {
        !self.outlets().is_empty()
    }

    /// Sends frame `index`, stamped by the media's own clock as it goes in.
    pub(super) fn send(&self, index: u64) {
        let mut outlets = self.outlets();
        if self.paused.load(Ordering::Relaxed) {
            outlets.iter_mut().for_each(|outlet| outlet.wants_key = true);
            return;
        }
        let unit = self.clip.unit(index);
        for outlet in outlets.iter_mut() {
            if outlet.source.current_level_bytes() > MOST_WAITING_BYTES {
                outlet.wants_key = true;
                continue;
            }
            if outlet.wants_key && !unit.is_key {
                continue;
            }
            // The copy shares the bytes. An error says that the media is being torn down, which `detach` will tell.
            outlet.wants_key = outlet.source.push_buffer(unit.buffer.copy()).is_err();
        }
    }

    /// Frames were left out by the schedule.
    pub(super) fn skipped(&self) {
        self.outlets().iter_mut().for_each(|outlet| outlet.wants_key = true);
    }

    /// The list stays usable when a thread that held it panicked: every change to it is one step.
    fn outlets(&self) -> MutexGuard<'_, Vec<Outlet>> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
