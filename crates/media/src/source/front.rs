//! What stands between a camera's pad and the tail: depayloader, parser and decoder, plugged in when the codec is known.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::SourceError;

use super::{
    economy, scaling,
    stream::{Decoding, Stream},
    watch,
};
use crate::{
    decoder,
    elements::source_error,
    plug::{Wish, plug},
};

/// Plugs decoders into one pipeline. Lives in closures of the pipeline's own elements, so it refers to them weakly.
pub struct Front {
    /// The camera.
    pub stream: Arc<Stream>,
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    /// The tail's first element.
    tail: gst::glib::WeakRef<gst::Element>,
    /// The decoder that the camera names.
    decoder: Option<String>,
    /// Whether frames come at the camera's pace, so that late ones may be skipped.
    live: bool,
    /// What is plugged in.
    plugged: Mutex<Vec<gst::Element>>,
}

impl Front {
    pub fn new(
        stream: &Arc<Stream>,
        pipeline: &gst::Pipeline,
        tail: &gst::Element,
        decoder: Option<&str>,
        live: bool,
    ) -> Self {
        Self {
            stream: Arc::clone(stream),
            pipeline: pipeline.downgrade(),
            tail: tail.downgrade(),
            decoder: decoder.map(str::to_owned),
            live,
            plugged: Mutex::default(),
        }
    }

    /// Links `pad` through `head` (depayloader and parser, or nothing) and a decoder for `encoded` to the tail. A failure
    /// is reported: this runs on a streaming thread, where nobody takes a result.
    pub fn plug(&self, pad: &gst::Pad, head: Vec<gst::Element>, encoded: &gst::CapsRef) {
        if let Err(error) = self.try_plug(pad, head, encoded) {
            let message = format!("{}: {}", self.stream.address, error.message);
            self.stream.reporter.fail(source_error(error.code, message));
        }
    }

    fn try_plug(&self, pad: &gst::Pad, head: Vec<gst::Element>, encoded: &gst::CapsRef) -> Result<(), SourceError> {
        let (Some(pipeline), Some(tail)) = (self.pipeline.upgrade(), self.tail.upgrade()) else { return Ok(()) };
        self.unplug(&pipeline);
        self.stream.set_unscaled(None);

        let codec = decoder::codec_name(encoded);
        if let (Some(tap), Some(parser), "H264" | "H265") = (&self.stream.tap, head.last(), codec.as_str()) {
            tap.attach(parser);
        }
        // Behind the tap: recordings hold what is not decoded as well.
        if let Some(parser) = head.last() {
            economy::attach(parser, &self.stream);
        }
        let wish = Wish { encoded, decoder: self.decoder.as_deref(), one_thread: true };
        let plugged = plug(&pipeline, pad, head, &wish, &tail)?;
        // Behind the depayloader where there is one: there a buffer is a picture and not a packet. No frame can have
        // come through before the caller lets the pad's first buffer go.
        let watched = plugged.elements.get(1).or(plugged.elements.first());
        if let Some(pad) = watched.and_then(|element| element.static_pad("sink")) {
            watch::attach(&pad, &self.stream, &plugged.codec, self.live);
        }
        if let Some(bridge) = plugged.bridge {
            scaling::follow(&bridge, &self.stream)?;
        }
        self.stream.set_decoding(Decoding { codec: plugged.codec, decoder: plugged.decoder });
        *self.plugged.lock().unwrap_or_else(PoisonError::into_inner) = plugged.elements;
        Ok(())
    }

    /// Takes out what an earlier pad left behind: rtspsrc in `auto` opens the camera anew over TCP when no UDP arrives.
    fn unplug(&self, pipeline: &gst::Pipeline) {
        let old = std::mem::take(&mut *self.plugged.lock().unwrap_or_else(PoisonError::into_inner));
        for element in old {
            // Its pad is gone, nothing streams through it, so neither can block; a failure leaves it to the teardown.
            let _ = element.set_state(gst::State::Null);
            let _ = pipeline.remove(&element);
        }
    }
}
