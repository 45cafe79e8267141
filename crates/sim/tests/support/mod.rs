//! A GStreamer client for the tests, and small cameras that are quick to make.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::SimCamera,
};

/// Nothing here takes longer on a loaded machine of two cores.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A camera of 160×96 at 10 fps.
pub fn camera(path: &str, kind: SceneKind, options: &ClipOptions) -> SimCamera {
    let scene = Scene::new(kind, &SceneOptions { width: 160, height: 96, fps: 10, seed: 1 }).unwrap();
    SimCamera { path: path.into(), clip: Arc::new(Clip::from_scene(&scene, options).unwrap()) }
}

/// Waits until `condition` holds; fails at the deadline, naming `what`.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A client over TCP that decodes what it receives.
pub struct Client {
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
}

impl Client {
    /// Connects to `url`; `options` are further properties of rtspsrc.
    pub fn open(url: &str, options: &str) -> Self {
        gst::init().unwrap();
        let description = format!(
            "rtspsrc location={url} protocols=tcp latency=0 {options} ! decodebin ! videoconvert \
             ! video/x-raw,format=RGB ! appsink name=sink sync=false max-buffers=100"
        );
        let pipeline = gst::parse::launch(&description).unwrap().downcast::<gst::Pipeline>().unwrap();
        let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        Self { pipeline, sink }
    }

    /// The next decoded frame; the error's text when the client failed, `"nothing"` when nothing came in `patience`.
    pub fn next_within(&self, patience: Duration) -> Result<gst::Sample, String> {
        let begun = Instant::now();
        loop {
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(20)) {
                return Ok(sample);
            }
            let wanted = [gst::MessageType::Error, gst::MessageType::Eos];
            if let Some(message) = self.pipeline.bus().unwrap().pop_filtered(&wanted) {
                return Err(match message.view() {
                    gst::MessageView::Error(error) => format!("{} {:?}", error.error(), error.debug()),
                    _ => "end of stream".into(),
                });
            }
            if begun.elapsed() > patience {
                return Err("nothing".into());
            }
        }
    }

    /// The next decoded frame.
    pub fn next(&self) -> gst::Sample {
        self.next_within(DEADLINE).unwrap()
    }

    /// Waits for the client to fail, and says how.
    pub fn failure(&self) -> String {
        let begun = Instant::now();
        while begun.elapsed() < DEADLINE {
            if let Err(error) = self.next_within(DEADLINE) {
                return error;
            }
        }
        panic!("the client did not fail within {DEADLINE:?}");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// The frame's pixels, packed RGB.
pub fn rgb(sample: &gst::Sample) -> Vec<u8> {
    let info = gst_video_size(sample);
    let map = sample.buffer().unwrap().map_readable().unwrap();
    let stride = map.len() / info.1;
    map.chunks_exact(stride).flat_map(|row| row[..info.0 * 3].to_vec()).collect()
}

/// Width and height.
pub fn gst_video_size(sample: &gst::Sample) -> (usize, usize) {
    let caps = sample.caps().unwrap();
    let structure = caps.structure(0).unwrap();
    let side = |name| usize::try_from(structure.get::<i32>(name).unwrap()).unwrap();
    (side("width"), side("height"))
}

/// Mean absolute difference of two pictures.
pub fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}
