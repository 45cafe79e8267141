//! A bug met by one camera's stream restarts that camera's task and harms no other.

mod support;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sightline_core::{
    plan::CameraSpec,
    ports::{FrameSource, RunningSource, SourceCallbacks, SourceError},
};
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};

/// Panics the first time it opens the camera "cursed".
struct PanicsOnce {
    fakes: FakeSource,
    panicked: AtomicBool,
}

impl FrameSource for PanicsOnce {
    fn start(&self, camera: &CameraSpec, on: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        assert!(&*camera.id != "cursed" || self.panicked.swap(true, Ordering::Relaxed), "told to panic");
        self.fakes.start(camera, on)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_camera_is_started_again() {
    let fakes = FakeSource::default();
    for id in ["cursed", "steady"] {
        fakes.script(id, vec![Script::Stream(Duration::from_millis(20))]);
    }
    let source = PanicsOnce { fakes, panicked: AtomicBool::new(false) };
    let cameras = vec![support::camera("cursed", 50.0), support::camera("steady", 50.0)];
    let rig = support::start(cameras, source, vec![Box::new(FakeBackend::default())], 2);
    rig.wait_for("the camera works after all", |rig| rig.events_of("cursed", "object_started") == 1).await;
    assert_eq!(rig.events_of("steady", "object_started"), 1);
    assert_eq!(rig.events_of("steady", "object_ended"), 0);
}
