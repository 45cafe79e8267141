//! The end that every pipeline shares: conversion where it must be, and the appsink.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use gstreamer_video as gst_video;
use sightline_core::ports::{SourceError, SourceErrorCode};

use crate::elements::{add_and_link, make, source_error};

/// How the appsink treats frames that are not taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A camera: at once, the latest frame wins.
    Live,
    /// A file played like a camera: each frame at its time.
    RealTime,
    /// A file read frame by frame: the decoder waits for the reader.
    Reader,
}

/// `videoconvert ! appsink`, already in the pipeline.
pub struct Tail {
    /// What a decoder is linked to.
    pub convert: gst::Element,
    /// Where frames come out.
    pub sink: AppSink,
}

impl Tail {
    /// Adds both elements to `pipeline`.
    ///
    /// # Errors
    /// When GStreamer lacks one of them.
    pub fn add_to(
        pipeline: &gst::Pipeline,
        pace: Pace,
        callbacks: Option<AppSinkCallbacks>,
    ) -> Result<Self, SourceError> {
        // Passes buffers through untouched when the decoder gives NV12 or I420. It converts what is neither: 4:2:2 and
        // grey MJPEG, YUY2 of USB cameras, 10-bit H.265.
        let convert = make("videoconvert")?;
        let sink = make("appsink")?
            .downcast::<AppSink>()
            .map_err(|_| source_error(SourceErrorCode::Other, "the element `appsink` is not GStreamer's"))?;
        let caps = gst::Caps::builder("video/x-raw").field("format", gst::List::new(["NV12", "I420"])).build();
        sink.set_caps(Some(&caps));
        sink.set_max_buffers(if pace == Pace::Reader { 2 } else { 1 });
        sink.set_drop(pace != Pace::Reader);
        sink.set_sync(pace == Pace::RealTime);
        // It would keep one more of the decoder's buffers out of its pool, and nobody asks for it.
        sink.set_enable_last_sample(false);
        if let Some(callbacks) = callbacks {
            sink.set_callbacks(callbacks);
        }
        offer_video_meta(&sink)?;
        add_and_link(pipeline, &[&convert, sink.upcast_ref()])?;
        Ok(Self { convert, sink })
    }
}

/// Tells decoders that strides and offsets of their own choice are welcome.
///
/// Before GStreamer 1.24 appsink does not answer the allocation query, and a libav decoder that hears no answer decodes
/// into its padded picture and then copies each frame row by row into a tight one.
fn offer_video_meta(sink: &AppSink) -> Result<(), SourceError> {
    let pad = sink
        .static_pad("sink")
        .ok_or_else(|| source_error(SourceErrorCode::Other, "the element `appsink` has no sink pad"))?;
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        let Some(query) = info.query_mut() else { return gst::PadProbeReturn::Ok };
        let gst::QueryViewMut::Allocation(allocation) = query.view_mut() else { return gst::PadProbeReturn::Ok };
        allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
        gst::PadProbeReturn::Handled
    });
    Ok(())
}
