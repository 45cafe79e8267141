//! An MP4 file that is being written: `appsrc … mp4mux ! filesink` under a temporary name, renamed when it is complete.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use sightline_core::ports::partial_path;

use crate::elements::{add_and_link, error_text, first_error, make};

/// How long the disk may take nothing, or the file to be finished, before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a full queue is looked at.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(5);

/// The file. Dropped before [`Mp4File::finish`] it leaves nothing behind.
pub struct Mp4File {
    path: PathBuf,
    partial: PathBuf,
    /// Where the muxer keeps the pictures until it knows the index.
    content: PathBuf,
    pipeline: gst::Pipeline,
    source: AppSrc,
    most_waiting: u64,
}

impl Mp4File {
    /// Begins to write `path`. Buffers of `caps` go through `between` to the muxer; at most `most_waiting` bytes of them
    /// wait in memory.
    ///
    /// # Errors
    /// Why, without the file's name: when GStreamer lacks an element, or the file cannot be created.
    pub fn create(
        path: &Path,
        caps: &gst::CapsRef,
        between: &[gst::Element],
        most_waiting: u64,
    ) -> Result<Self, String> {
        let created = Self::try_create(path, caps, between, most_waiting);
        if created.is_err() {
            // An encoder comes in READY, and an element must be in NULL before it is dropped.
            for element in between {
                let _ = element.set_state(gst::State::Null);
            }
        }
        created
    }

    fn try_create(
        path: &Path,
        caps: &gst::CapsRef,
        between: &[gst::Element],
        most_waiting: u64,
    ) -> Result<Self, String> {
        let element = |factory| make(factory).map_err(|error| error.message);
        let (muxer, sink) = (element("mp4mux")?, element("filesink")?);
        let source = element("appsrc")?.downcast::<AppSrc>().map_err(|_| "the element `appsrc` is not GStreamer's")?;
        source.set_caps(Some(&caps.to_owned()));
        source.set_format(gst::Format::Time);
        // Bounded by `push`: appsrc's own blocking would not wake when the file cannot be written.
        source.set_max_bytes(0);
        let partial = partial_path(path);
        // Not left to filesink: GStreamer's words for it lack the reason.
        fs::File::create(&partial).map_err(|error| error.to_string())?;
        sink.set_property("location", &partial);
        // The index goes to the file's beginning, so that a browser plays it while it comes.
        let content = partial_path(&path.with_extension("mdat"));
        muxer.set_property("faststart", true);
        muxer.set_property("faststart-file", content.to_string_lossy().as_ref());

        let file =
            Self { path: path.to_owned(), partial, content, pipeline: gst::Pipeline::new(), source, most_waiting };
        let mut elements = vec![file.source.upcast_ref()];
        elements.extend(between);
        elements.extend([&muxer, &sink]);
        add_and_link(&file.pipeline, &elements).map_err(|error| error.message)?;
        if file.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(file.failure().unwrap_or_else(|| "GStreamer does not start to write".into()));
        }
        Ok(file)
    }

    /// Hands over the next buffer, timestamps and all, and waits while too much is on its way to the disk.
    ///
    /// # Errors
    /// Why nothing can be written any more.
    pub fn push(&self, buffer: gst::Buffer) -> Result<(), String> {
        let bus = self.pipeline.bus().ok_or("the pipeline has no bus")?;
        let began = Instant::now();
        while self.source.current_level_bytes() > self.most_waiting {
            // Waits for the one thing that can happen besides the disk going on.
            let failed = bus.timed_pop_filtered(POLL, &[gst::MessageType::Error]);
            if let Some(reason) = failed.as_ref().and_then(error_text) {
                return Err(reason);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("the disk has taken nothing for {} s", PATIENCE.as_secs()));
            }
        }
        let pushed = self.source.push_buffer(buffer);
        pushed.map(|_| ()).map_err(|error| self.failure().unwrap_or_else(|| format!("GStreamer refuses ({error})")))
    }

    /// Completes the file and gives it its name. Returns its length in bytes.
    ///
    /// # Errors
    /// Why there is no file.
    pub fn finish(self) -> Result<u64, String> {
        if self.source.end_of_stream().is_err() {
            return Err(self.failure().unwrap_or_else(|| "GStreamer does not end the file".into()));
        }
        let bus = self.pipeline.bus().ok_or("the pipeline has no bus")?;
        let patience = gst::ClockTime::from_seconds(PATIENCE.as_secs());
        let message = bus
            .timed_pop_filtered(patience, &[gst::MessageType::Eos, gst::MessageType::Error])
            .ok_or_else(|| format!("it is not complete after {} s", PATIENCE.as_secs()))?;
        if let Some(reason) = error_text(&message) {
            return Err(reason);
        }
        // Going down to NULL closes the file; it cannot fail, by GStreamer's rules.
        let _ = self.pipeline.set_state(gst::State::Null);
        self.keep().map_err(|error| error.to_string())
    }

    /// The name comes after the content is on the disk, or a power cut would leave an empty file under it.
    fn keep(&self) -> io::Result<u64> {
        let file = fs::File::open(&self.partial)?;
        file.sync_all()?;
        fs::rename(&self.partial, &self.path)?;
        Ok(file.metadata()?.len())
    }

    fn failure(&self) -> Option<String> {
        first_error(&self.pipeline)
    }
}

impl Drop for Mp4File {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
        // Gone already when the file is complete.
        let _ = fs::remove_file(&self.partial);
        let _ = fs::remove_file(&self.content);
    }
}
