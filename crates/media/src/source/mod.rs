//! Cameras: the core's [`FrameSource`] on GStreamer pipelines.

mod arrivals;
mod bus;
mod capture_clock;
mod device;
mod economy;
mod failure;
mod front;
mod packets;
mod playback;
mod recorder;
mod reporter;
mod rtsp;
mod running;
mod sample;
mod scaling;
mod silence;
mod stream;
mod tap;
mod teardown;
mod watch;

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{
    plan::{CameraSpec, SourceSpec},
    ports::{FrameSource, RunningSource, SourceCallbacks, SourceError, SourceErrorCode},
};

pub use self::teardown::overdue_teardowns;
use self::{bus::AtEnd, failure::Address, reporter::Reporter, running::Running, silence::Alarm, stream::Stream};
use crate::{decoder, elements::source_error};

/// Opens RTSP cameras, video files, USB cameras and test patterns with GStreamer. [`crate::init`] comes first.
#[derive(Clone, Copy, Debug, Default)]
pub struct GstSource;

impl FrameSource for GstSource {
    fn start(&self, camera: &CameraSpec, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        if let Some(wished) = &camera.decoder {
            decoder::check_override(wished)?;
        }
        teardown::check_backlog(&camera.id, &camera.source.to_string())?;
        let reporter = Arc::new(Reporter::new(callbacks));
        let stream = Arc::new(Stream::new(Arc::clone(&reporter), camera));
        let pipeline = gst::Pipeline::new();

        // From here on the pipeline holds elements: it is torn down on every way out, also that of an error.
        let mut running = Running::new(pipeline.clone(), &stream);
        build(camera, &pipeline, &stream)?;
        let at_end = match &camera.source {
            SourceSpec::File { repeat: true, .. } => AtEnd::Repeat,
            SourceSpec::File { repeat: false, .. } => AtEnd::End,
            _ => AtEnd::Fail,
        };
        bus::watch(&pipeline, &stream, Address::of(&camera.source), at_end)?;

        if let SourceSpec::Rtsp { .. } = &camera.source {
            running.set_alarm(Alarm::set(&stream));
        }
        // rtspsrc connects on a thread of its own, so this returns at once. Where it fails, the reason has usually been
        // reported from the bus already.
        let started = match stream.contents() {
            Some(file) => file.start(&pipeline),
            None => pipeline.set_state(gst::State::Playing).map(drop),
        };
        if started.is_err() && !reporter.is_finished() {
            let message = format!("{}: the pipeline does not start", camera.source);
            return Err(source_error(SourceErrorCode::Other, message));
        }
        Ok(Box::new(running))
    }
}

fn build(camera: &CameraSpec, pipeline: &gst::Pipeline, stream: &Arc<Stream>) -> Result<(), SourceError> {
    match &camera.source {
        SourceSpec::Rtsp { url, credentials, transport, verify_tls } => {
            let settings = rtsp::Settings {
                url: url.reveal(),
                shown: url.to_string(),
                credentials: credentials.as_ref(),
                transport: *transport,
                verify_tls: *verify_tls,
            };
            rtsp::build(&settings, camera.decoder.as_deref(), pipeline, stream)
        }
        SourceSpec::File { path, .. } => playback::build(path, camera.decoder.as_deref(), pipeline, stream),
        SourceSpec::V4l2 { device } => device::build_v4l2(device, camera.decoder.as_deref(), pipeline, stream),
        SourceSpec::Test { pattern } => device::build_test(pattern, pipeline, stream),
        SourceSpec::Sim { scene } => {
            let message = format!("sim://{scene}: simulated cameras are served over RTSP and opened by that address");
            Err(source_error(SourceErrorCode::Config, message))
        }
    }
}
