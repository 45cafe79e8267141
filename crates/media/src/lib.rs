//! GStreamer behind the core's ports: cameras, video files and still pictures to frames.
//!
//! ```text
//! rtspsrc ─ depay ─ parse ┐
//! filesrc ─ parsebin ─────┤
//! v4l2src ────────────────┼─ decoder ─ videoconvert ─ appsink ─ source::sample ─ on_frame
//! videotestsrc ───────────┘            (passthrough)
//! ```
//!
//! On Jetson `nvvidconv ! capsfilter` stand behind the decoder (`nvmm`, `source::scaling`).
//!
//! What leaves the parser of an H.264 or H.265 camera can be kept for a while and recorded as it came (`source::tap`).
//!
//! One streaming thread per camera does everything from depayloading to `on_frame`. There is no queue behind the decoder:
//! `on_frame` never blocks (it fills a one-frame slot), so a queue would cost a thread and a context switch per frame and
//! could only ever hold what the slot holds already.

mod colorimetry;
mod decoder;
mod elements;
mod file;
mod inventory;
mod log;
mod mapped;
mod mp4;
mod nvmm;
mod picture;
mod picture_memory;
mod plug;
mod source;
mod tail;

pub use file::{
    error::FileError,
    image::{is_image, read_image},
    video::{VideoFrame, VideoReader},
    writer::VideoWriter,
};
pub use inventory::{Inventory, inventory};
pub use picture::{JpegEncoder, encode_jpeg};
pub use source::{GstSource, overdue_teardowns};

/// GStreamer itself does not start: its libraries or its registry are broken.
#[derive(Clone, Debug, thiserror::Error)]
#[error("GStreamer does not start: {0}; install gstreamer1.0-plugins-base and -good")]
pub struct InitError(String);

/// Starts GStreamer; to be called once, before anything else of this crate. Calling it again does nothing.
///
/// What GStreamer and GLib print goes to `tracing` from here on, targets `gstreamer` and `glib`, without credentials.
///
/// # Errors
/// When GStreamer's libraries cannot be initialised.
pub fn init() -> Result<(), InitError> {
    log::install();
    gstreamer::init().map_err(|error| InitError(error.to_string()))
}
