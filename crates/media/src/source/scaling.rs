//! Frames no larger than their camera's model takes, where the way out of NVIDIA's memory scales them.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{
    frame::PictureSize,
    ports::{SourceError, SourceErrorCode},
};

use super::stream::Stream;
use crate::{
    elements::source_error,
    mapped::size_in,
    nvmm::{self, NvmmBridge, scaled_size},
};

/// What a camera's frames are scaled from and to. Only its streaming thread looks at it.
#[derive(Default)]
struct Scaling {
    camera: Option<PictureSize>,
    given: Option<PictureSize>,
}

/// Lets `bridge` give what is wanted of `stream`, from the first frame on and whenever the camera's size or the wish changes.
///
/// # Errors
/// [`SourceErrorCode::Other`] when the bridge has no pad.
pub fn follow(bridge: &NvmmBridge, stream: &Arc<Stream>) -> Result<(), SourceError> {
    let no_pad = || source_error(SourceErrorCode::Other, "the element `nvvidconv` has no sink pad");
    let pad = bridge.convert.static_pad("sink").ok_or_else(no_pad)?;
    keep_reconfiguring_from_decoder(&pad);

    let scaling = Mutex::new(Scaling::default());
    let stream = Arc::clone(stream);
    // Of the filter alone: the pad is the other element's, and would else hold itself.
    let filter = bridge.filter.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER, move |_, info| {
        // Never contended: caps and frames come on one thread.
        let mut scaling = scaling.lock().unwrap_or_else(PoisonError::into_inner);
        match &info.data {
            Some(gst::PadProbeData::Event(event)) => {
                let gst::EventView::Caps(event) = event.view() else { return gst::PadProbeReturn::Ok };
                scaling.camera = size_in(event.caps());
                stream.set_unscaled(Some(event.caps_owned()));
            }
            Some(gst::PadProbeData::Buffer(_)) => {}
            _ => return gst::PadProbeReturn::Ok,
        }
        let give = scaling.camera.and_then(|camera| scaled_size(camera, stream.reporter.wanted_size()));
        if give != scaling.given
            && let Some(filter) = filter.upgrade()
        {
            scaling.given = give;
            nvmm::give(&filter, give);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// What is given changes nothing about what is decoded. A decoder that hears of it negotiates anew with its driver, in
/// mid-stream.
fn keep_reconfiguring_from_decoder(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, |_, info| match &info.data {
        Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Reconfigure => {
            gst::PadProbeReturn::Drop
        }
        _ => gst::PadProbeReturn::Ok,
    });
}
