//! Several workers run at once, and still each camera's results come in the order of its frames.

mod support;

use std::time::Duration;

use sightline_core::ports::Backend;
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_a_camera_keep_their_order() {
    let source = FakeSource::default();
    for id in ["a", "b", "c"] {
        source.script(id, vec![Script::Stream(Duration::from_millis(3))]);
    }
    let backend = |millis| -> Box<dyn Backend> { Box::new(FakeBackend::taking(Duration::from_millis(millis))) };
    let rig = start(
        vec![camera("a", 120.0), camera("b", 120.0), camera("c", 120.0)],
        source,
        vec![backend(1), backend(9), backend(4)],
        2,
    );
    rig.wait_for("100 frames each", |rig| ["a", "b", "c"].iter().all(|id| rig.inferred(id) >= 100)).await;
    for id in ["a", "b", "c"] {
        let frames: Vec<u64> =
            rig.sink.detections.lock().iter().filter(|d| d.origin.camera == id).map(|d| d.frame.seq).collect();
        assert!(frames.is_sorted_by(|a, b| a < b), "{id}: {frames:?}");
    }
}
