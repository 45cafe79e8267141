//! Video files read frame by frame, each of them, as fast as the caller takes them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use sightline_core::{frame::FrameBuffer, ports::SourceError};

use super::{
    demux::{self, Contents},
    error::FileError,
};
use crate::{
    decoder,
    elements::first_error,
    mapped::{Layout, MappedFrame},
    plug::{Wish, plug},
    tail::{Pace, Tail},
};

/// A file that gives neither a frame, nor an error, nor its end for so long never will; decoding one takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// One frame of a file.
pub struct VideoFrame {
    /// Its number, from 0.
    pub index: u64,
    /// Its presentation time from the file's start; zero where the file has none.
    pub pts: Duration,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its pixels.
    pub buffer: Box<dyn FrameBuffer>,
}

/// All frames of a video file, in order, none dropped. Ends after the last one, or after the first error.
pub struct VideoReader {
    path: PathBuf,
    pipeline: gst::Pipeline,
    sink: AppSink,
    layout: Option<Layout>,
    codec: Codec,
    contents: Arc<Contents>,
    frames: u64,
    over: bool,
}

/// What the streaming thread leaves for the reader: the codec, or why there is none.
type Codec = Arc<Mutex<Result<String, String>>>;

impl VideoReader {
    /// Opens `path` and starts decoding. `wished` names a decoder; the best ranked one when `None`.
    ///
    /// # Errors
    /// When the file is not there or GStreamer lacks an element. What is wrong inside shows with the first frame.
    pub fn open(path: &Path, wished: Option<&str>) -> Result<Self, FileError> {
        // All threads: here throughput counts, not the delay of a frame.
        Self::open_with(path, wished, false)
    }

    /// The same, decoding on one thread as for a camera: for whoever decodes several files side by side.
    ///
    /// # Errors
    /// As [`VideoReader::open`].
    pub fn open_on_one_thread(path: &Path) -> Result<Self, FileError> {
        Self::open_with(path, None, true)
    }

    fn open_with(path: &Path, wished: Option<&str>, one_thread: bool) -> Result<Self, FileError> {
        std::fs::File::open(path).map_err(|cause| FileError::open(path, cause))?;
        let failed = |reason: String| FileError::video(path, 0, reason);
        if let Some(wished) = wished {
            decoder::check_override(wished).map_err(|error| failed(error.message))?;
        }
        let pipeline = gst::Pipeline::new();
        let tail = Tail::add_to(&pipeline, Pace::Reader, None).map_err(|error| failed(error.message))?;
        let codec: Codec = Arc::new(Mutex::new(Ok(String::new())));

        let plug = Plug {
            pipeline: pipeline.downgrade(),
            convert: tail.convert.downgrade(),
            wished: wished.map(str::to_owned),
            one_thread,
            codec: Arc::clone(&codec),
        };
        let on_video = Arc::new(move |pad: &gst::Pad, head, caps: &gst::CapsRef| plug.plug(pad, head, caps));
        let contents = demux::add_to(&pipeline, path, on_video).map_err(|error| failed(error.message))?;

        let reader = Self {
            path: path.to_owned(),
            pipeline,
            sink: tail.sink,
            layout: None,
            codec,
            contents,
            frames: 0,
            over: false,
        };
        // What fails here is on the bus, and `next` tells it with its reason.
        let _ = reader.contents.start(&reader.pipeline);
        Ok(reader)
    }

    fn next_frame(&mut self) -> Result<Option<VideoFrame>, String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            // Waits for a frame in short turns: an error is on the bus only, and an appsink does not wake for it.
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(50)) {
                return self.frame(&sample).map(Some);
            }
            self.codec.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
            if let Some(reason) = first_error(&self.pipeline) {
                return Err(self.contents.without_video().unwrap_or(reason));
            }
            if !self.sink.is_eos() {
                continue;
            }
            return if self.frames > 0 { Ok(None) } else { Err("not one frame of it could be decoded".into()) };
        }
        Err(format!("no frame for {} s", PATIENCE.as_secs()))
    }

    fn frame(&mut self, sample: &gst::Sample) -> Result<VideoFrame, String> {
        let (Some(caps), Some(buffer)) = (sample.caps(), sample.buffer_owned()) else {
            return Err("GStreamer gave a frame without caps".into());
        };
        if !self.layout.as_ref().is_some_and(|layout| layout.is_of(caps)) {
            let codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
            self.layout = Layout::new(caps, None, &codec);
        }
        let Some(layout) = &self.layout else { return Err(format!("the decoder gives {caps}")) };
        let pts = buffer.pts().and_then(|pts| sample.segment()?.downcast_ref::<gst::ClockTime>()?.to_stream_time(pts));
        let frame = VideoFrame {
            index: self.frames,
            pts: pts.map_or(Duration::ZERO, Duration::from),
            width: layout.camera_size().width,
            height: layout.camera_size().height,
            buffer: Box::new(MappedFrame::new(buffer, layout).ok_or("a decoded frame cannot be mapped")?),
        };
        self.frames += 1;
        Ok(frame)
    }
}

impl Iterator for VideoReader {
    type Item = Result<VideoFrame, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        match self.next_frame() {
            Ok(Some(frame)) => Some(Ok(frame)),
            Ok(None) => {
                self.over = true;
                None
            }
            Err(reason) => {
                self.over = true;
                Some(Err(FileError::video(&self.path, self.frames, reason)))
            }
        }
    }
}

impl Drop for VideoReader {
    fn drop(&mut self) {
        self.contents.close();
        // A file's pipeline has no network to wait for; going down to NULL cannot fail.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Plugs a decoder in between the file's video pad and the tail.
struct Plug {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    convert: gst::glib::WeakRef<gst::Element>,
    wished: Option<String>,
    one_thread: bool,
    codec: Codec,
}

impl Plug {
    fn plug(&self, pad: &gst::Pad, head: Vec<gst::Element>, caps: &gst::CapsRef) {
        let result = self.try_plug(pad, head, caps).map_err(|error| error.message);
        *self.codec.lock().unwrap_or_else(PoisonError::into_inner) = result;
    }

    fn try_plug(&self, pad: &gst::Pad, head: Vec<gst::Element>, caps: &gst::CapsRef) -> Result<String, SourceError> {
        let (Some(pipeline), Some(convert)) = (self.pipeline.upgrade(), self.convert.upgrade()) else {
            return Ok(String::new());
        };
        let wish = Wish { encoded: caps, decoder: self.wished.as_deref(), one_thread: self.one_thread };
        Ok(plug(&pipeline, pad, head, &wish, &convert)?.codec)
    }
}
