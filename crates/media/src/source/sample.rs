//! What the appsink calls for every decoded frame, on the streaming thread.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use sightline_core::{
    frame::{Frame, FrameInfo, FrameTimes, PictureSize},
    ports::{FrameUse, SourceErrorCode, SourceEvent, StreamInfo},
    time::WallTime,
};

use super::stream::Stream;
use crate::{
    elements::source_error,
    mapped::{Layout, MappedFrame},
};

/// Callbacks that hand each frame to the camera's reporter. `live` frames that come late make the decoder skip.
pub fn callbacks(stream: &Arc<Stream>, live: bool) -> AppSinkCallbacks {
    let mut sampler = Sampler { stream: Arc::clone(stream), live, layout: None, unscaled: 0, reported: None };
    AppSinkCallbacks::builder().new_sample(move |sink| sampler.take(sink)).build()
}

/// State of one appsink; only its streaming thread touches it, so there is no lock.
struct Sampler {
    stream: Arc<Stream>,
    live: bool,
    layout: Option<Layout>,
    /// Number of the caps before scaling that `layout` is of.
    unscaled: u64,
    reported: Option<StreamInfo>,
}

impl Sampler {
    fn take(&mut self, sink: &AppSink) -> Result<gst::FlowSuccess, gst::FlowError> {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Flushing)?;
        let (decoded_at, decoded) = (Instant::now(), WallTime::from_system(SystemTime::now()));
        let (Some(caps), Some(buffer)) = (sample.caps(), sample.buffer_owned()) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        // A scaled frame's own caps stay when the camera's resolution changes.
        let unscaled = self.stream.unscaled_number();
        if unscaled != self.unscaled || !self.layout.as_ref().is_some_and(|layout| layout.is_of(caps)) {
            self.unscaled = unscaled;
            self.caps_changed(caps)?;
        }
        let Some(layout) = &self.layout else { return Err(gst::FlowError::NotNegotiated) };

        if self.stream.economy.is_catching_up(buffer.pts()) {
            // It was decoded because what follows refers to it.
            self.stream.watch.frame();
            return Ok(gst::FlowSuccess::Ok);
        }

        let pts = buffer.pts();
        let running = pts.and_then(|pts| sample.segment()?.downcast_ref::<gst::ClockTime>()?.to_running_time(pts));
        // How long ago the frame's first packet arrived: what depayloading, decoding and waiting took.
        let now = sink.current_running_time();
        let age = now.zip(running).map(|(now, then)| now.saturating_sub(then));
        let age = age.unwrap_or(gst::ClockTime::ZERO);
        let received = decoded.minus_micros(i64::try_from(age.useconds()).unwrap_or_default());
        let (capture, clock) = self.stream.clock.capture(running, now, received);
        if self.live
            && !self.stream.economy.is_saving()
            && let Some(pts) = pts
        {
            self.stream.watch.lateness(pts, age, &self.stream.camera);
        }

        let for_what = self.stream.reporter.use_of_frame(decoded_at);
        if for_what == FrameUse::Nothing {
            self.stream.watch.frame();
            // Counted all the same: numbers tell how many frames lie between two that were looked at.
            self.stream.next_seq();
            return Ok(gst::FlowSuccess::Ok);
        }
        // A frame that cannot be mapped is lost like one that cannot be decoded; `watch` speaks up when none comes.
        let Some(mapped) = MappedFrame::new(buffer, layout) else { return Ok(gst::FlowSuccess::Ok) };
        self.stream.watch.frame();
        let PictureSize { width, height } = layout.camera_size();
        let info = FrameInfo { width, height, seq: self.stream.next_seq() };
        // The picture that is being handed on is this one, or with a decoder that holds pictures back one a little younger. What woke
        // the camera waited for all that leads up to it, and must not be stale for that.
        let waited =
            self.stream.arrivals.waited(decoded_at).filter(|_| !self.stream.economy.is_saving()).unwrap_or_default();
        let arrived_at = decoded_at.checked_sub(waited).unwrap_or(decoded_at);
        let times = FrameTimes { capture, clock, decoded, decoded_at, arrived_at };
        self.stream.reporter.frame(Frame { info, times, buffer: Box::new(mapped) }, for_what);
        Ok(gst::FlowSuccess::Ok)
    }

    /// New caps: at the start, and when a camera's resolution is changed in mid-stream.
    fn caps_changed(&mut self, caps: &gst::CapsRef) -> Result<(), gst::FlowError> {
        let decoding = self.stream.decoding();
        let Some(layout) = Layout::new(caps, self.stream.unscaled().as_deref(), &decoding.codec) else {
            let message = format!("{}: the decoder gives {caps}, which is neither NV12 nor I420", self.stream.address);
            self.stream.reporter.fail(source_error(SourceErrorCode::Codec, message));
            return Err(gst::FlowError::NotNegotiated);
        };
        let PictureSize { width, height } = layout.camera_size();
        let info = StreamInfo { codec: decoding.codec, decoder: decoding.decoder, width, height };
        self.layout = Some(layout);
        // Caps also change in what nobody hears of, such as a frame rate that a parser has just measured.
        if self.reported.as_ref() != Some(&info) {
            self.reported = Some(info.clone());
            self.stream.reporter.event(SourceEvent::Streaming(info));
        }
        Ok(())
    }
}
