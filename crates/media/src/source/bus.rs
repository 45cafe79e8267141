//! What the pipeline says of itself: errors and ends.

use std::sync::{Arc, atomic::Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use super::{failure::Address, playback, silence::Step, stream::Stream};
use crate::elements::source_error;

/// What the end of the stream means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// A camera's stream does not end.
    Fail,
    /// A file has been played.
    End,
    /// A file is played again.
    Repeat,
}

/// Reports what `pipeline` says. The handler runs on the thread that speaks, so a camera costs no thread for it, and the
/// bus keeps no message.
///
/// # Errors
/// When the pipeline has no bus.
pub fn watch(
    pipeline: &gst::Pipeline,
    stream: &Arc<Stream>,
    address: Address,
    at_end: AtEnd,
) -> Result<(), SourceError> {
    let bus = pipeline.bus().ok_or_else(|| source_error(SourceErrorCode::Other, "the pipeline has no bus"))?;
    let stream = Arc::clone(stream);
    let pipeline = pipeline.downgrade();
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(error) if is_of_one_packet(error) => {
                stream.note_damage(address.detail(&error.error(), error.debug().as_deref()));
            }
            gst::MessageView::Error(error) => stream.reporter.fail(failure(&stream, &address, error)),
            gst::MessageView::Eos(_) => ended(&stream, &pipeline, at_end),
            gst::MessageView::Warning(warning) => {
                // Decoders warn per broken picture: whether that is too many is for `watch` to say.
                let text = address.scrub(&warning.error().to_string());
                tracing::debug!(camera = %stream.camera, warning = text, "GStreamer warns");
            }
            gst::MessageView::Progress(progress) => note_progress(&stream, progress),
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}

/// A depayloader calls a packet that it does not understand an error and goes on: one damaged packet must not cost the
/// connection. Whether a stream has no others is for `watch` to say.
fn is_of_one_packet(error: &gst::message::Error) -> bool {
    let of_depayloader = || {
        let factory = error.src()?.downcast_ref::<gst::Element>()?.factory()?;
        Some(factory.has_type(gst::ElementFactoryType::DEPAYLOADER))
    };
    error.error().is::<gst::StreamError>() && of_depayloader() == Some(true)
}

/// rtspsrc tells of its requests: "open" is all of them up to SETUP, "request" is PLAY.
fn note_progress(stream: &Stream, progress: &gst::message::Progress) {
    match progress.get() {
        (gst::ProgressType::Complete, "open", _) => stream.silence.reached(Step::SetUp),
        (gst::ProgressType::Complete, "request", _) => stream.silence.reached(Step::Playing),
        _ => {}
    }
}

fn failure(stream: &Stream, address: &Address, error: &gst::message::Error) -> SourceError {
    if let Some(reason) = stream.nothing_to_decode() {
        return source_error(SourceErrorCode::Codec, format!("{address}: {reason}"));
    }
    if stream.certificate_refused.load(Ordering::Relaxed) {
        let message =
            format!("{address}: the certificate is not trusted; set verify_tls: false to take it all the same");
        return source_error(SourceErrorCode::Tls, message);
    }
    address.describe(&error.error(), error.debug().as_deref(), stream.has_frames())
}

fn ended(stream: &Arc<Stream>, pipeline: &gst::glib::WeakRef<gst::Pipeline>, at_end: AtEnd) {
    if at_end == AtEnd::Fail {
        let message = format!("{}: the stream ended", stream.address);
        return stream.reporter.fail(source_error(SourceErrorCode::Ended, message));
    }
    if !stream.has_frames() {
        // Also what keeps an empty file on repeat from spinning.
        let message = format!("{}: not one frame of it could be decoded", stream.address);
        return stream.reporter.fail(source_error(SourceErrorCode::Codec, message));
    }
    if at_end == AtEnd::End {
        return stream.reporter.end();
    }
    let Some(pipeline) = pipeline.upgrade() else { return };
    let stream = Arc::clone(stream);
    pipeline.call_async(move |pipeline| playback::rewind(pipeline, &stream));
}
