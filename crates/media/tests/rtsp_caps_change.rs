//! A camera whose resolution is changed while it streams.

mod support;

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::plan::RtspTransport;
use support::{Access, Server, X264, assert_numbered, rtsp, start, stop};

#[test]
fn a_new_resolution_is_reported_and_frames_go_on() {
    let launch = format!(
        "( videotestsrc is-live=true ! videoscale ! capsfilter name=size \
         caps=video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! {X264} ! \
         rtph264pay name=pay0 pt=96 config-interval=-1 )"
    );
    let size = Arc::new(Mutex::new(None));
    let found = Arc::clone(&size);
    let server = Server::start_with(&[("/cam", &launch)], &Access::Open, move |element| {
        *found.lock().unwrap() = element.downcast::<gst::Bin>().unwrap().by_name("size");
    });
    let (running, recorder) = start(&rtsp(&server.url("/cam"), RtspTransport::Tcp));
    recorder.wait_frames(5);

    let caps: gst::Caps = "video/x-raw,format=I420,width=242,height=138,framerate=15/1".parse().unwrap();
    size.lock().unwrap().as_ref().unwrap().set_property("caps", &caps);
    let frames = recorder.wait("frames of the new size", |log| {
        let new = log.frames.iter().filter(|frame| (frame.info.width, frame.info.height) == (242, 138)).count();
        (new >= 5).then(|| log.frames.clone())
    });
    stop(running, &recorder);
    assert_numbered(&frames);
    assert_eq!(recorder.read(support::Log::streamed_sizes), [(320, 180), (242, 138)]);
}
