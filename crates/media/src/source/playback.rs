//! `file://`: a video file played at its own pace, like a camera.

use std::{path::Path, sync::Arc};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use super::{front::Front, sample, stream::Stream};
use crate::{
    elements::source_error,
    file::demux,
    tail::{Pace, Tail},
};

/// Fills `pipeline` with what reads the file and the tail.
///
/// # Errors
/// When the file is not there or not readable, and when GStreamer lacks an element.
pub fn build(
    path: &Path,
    wished: Option<&str>,
    pipeline: &gst::Pipeline,
    stream: &Arc<Stream>,
) -> Result<(), SourceError> {
    std::fs::File::open(path)
        .map_err(|error| source_error(SourceErrorCode::NotFound, format!("cannot open {}: {error}", path.display())))?;
    let tail = Tail::add_to(pipeline, Pace::RealTime, Some(sample::callbacks(stream, false)))?;
    let front = Front::new(stream, pipeline, &tail.convert, wished, false);
    let on_video = Arc::new(move |pad: &gst::Pad, head, caps: &gst::CapsRef| front.plug(pad, head, caps));
    let contents = demux::add_to(pipeline, path, on_video)?;
    stream.set_contents(contents);
    Ok(())
}

/// Plays the file from its start again. Must not be called on a streaming thread, which the flush would wait for.
pub fn rewind(pipeline: &gst::Pipeline, stream: &Stream) {
    let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT;
    if pipeline.seek_simple(flags, gst::ClockTime::ZERO).is_err() {
        let message = format!("{}: the file cannot be played again from its start", stream.address);
        stream.reporter.fail(source_error(SourceErrorCode::Other, message));
    }
}
