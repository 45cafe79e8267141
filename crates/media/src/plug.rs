//! Putting a decoder between a pad that has just appeared and the tail.

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use crate::{
    decoder,
    elements::{add_and_link, source_error},
    nvmm::NvmmBridge,
};

/// What to decode, and with what.
pub struct Wish<'a> {
    /// What comes out of the parser, or of the demuxer.
    pub encoded: &'a gst::CapsRef,
    /// The decoder that the user names.
    pub decoder: Option<&'a str>,
    /// Whether libav may decode on one thread only.
    pub one_thread: bool,
}

/// What was plugged in.
pub struct Plugged {
    /// The elements between pad and tail; none for raw video.
    pub elements: Vec<gst::Element>,
    /// `H264`, …; empty for raw video.
    pub codec: String,
    /// The decoder's name; empty for raw video.
    pub decoder: String,
    /// Behind a decoder that leaves its frames in NVIDIA's memory.
    pub bridge: Option<NvmmBridge>,
}

/// Links `pad` through `head` (depayloader and parser, or nothing) and a decoder to `tail`, and starts them.
///
/// # Errors
/// When no decoder can be had or GStreamer refuses to link. What was added by then stays in the pipeline and goes with it.
pub fn plug(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    head: Vec<gst::Element>,
    wish: &Wish<'_>,
    tail: &gst::Element,
) -> Result<Plugged, SourceError> {
    let codec = decoder::codec_name(wish.encoded);
    let mut plugged = Plugged { elements: head, codec: codec.clone(), decoder: String::new(), bridge: None };
    if !codec.is_empty() {
        // A parser turns H.264 and H.265 into whichever form the decoder takes; what form it came in does not matter.
        let parsed = matches!(codec.as_str(), "H264" | "H265").then(|| bare(wish.encoded));
        let encoded = parsed.as_deref().unwrap_or(wish.encoded);
        let decoder = decoder::make_for(encoded, wish.decoder, wish.one_thread)?;
        plugged.elements.extend(decoder.elements());
        plugged.decoder = decoder.name;
        plugged.bridge = decoder.bridge;
    }

    let cannot_link = || source_error(SourceErrorCode::Codec, format!("cannot link a decoder for {codec}"));
    let elements: Vec<&gst::Element> = plugged.elements.iter().collect();
    if let Some(last) = elements.last() {
        add_and_link(pipeline, &elements)?;
        last.link(tail).map_err(|_| cannot_link())?;
    }
    // The last first: data must not meet an element that does not run yet.
    for element in elements.iter().rev() {
        element.sync_state_with_parent().map_err(|_| cannot_link())?;
    }
    let first = elements.first().copied().unwrap_or(tail);
    pad.link(&first.static_pad("sink").ok_or_else(cannot_link)?).map_err(|_| cannot_link())?;
    Ok(plugged)
}

fn bare(caps: &gst::CapsRef) -> gst::Caps {
    caps.structure(0).map_or_else(gst::Caps::new_empty, |structure| gst::Caps::new_empty_simple(structure.name()))
}
