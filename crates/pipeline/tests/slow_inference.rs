//! Inference that takes long: a session that hangs among others is noticed, and a frame that comes back after its camera
//! has ended is settled, so that nobody takes it for inference that stands still.

mod support;

use std::time::Duration;

use sightline_core::{event::CameraState, ports::Backend};
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

const INTERVAL: Duration = Duration::from_millis(10);

fn taking(millis: u64) -> Box<dyn Backend> {
    Box::new(FakeBackend::taking(Duration::from_millis(millis)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_that_hangs_among_others_is_seen() {
    let source = FakeSource::default();
    for id in ["a", "b", "c"] {
        source.script(id, vec![Script::Stream(INTERVAL)]);
    }
    let cameras = ["a", "b", "c"].map(|id| camera(id, 100.0)).into();
    let rig = start(cameras, source, vec![taking(1), taking(3000)], 1);
    rig.wait_for("a batch that runs for a second", |rig| rig.engine.progress().longest_batch > Duration::from_secs(1))
        .await;
    let batches = rig.engine.progress().batches;
    rig.wait_for("the other session goes on meanwhile", |rig| {
        let progress = rig.engine.progress();
        progress.batches > batches + 20 && progress.longest_batch > Duration::from_secs(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_comes_back_after_the_end_is_settled() {
    let source = FakeSource::default();
    source.script("file", vec![Script::Frames(1, INTERVAL)]);
    // Longer than a camera that has ended waits for it.
    let rig = start(vec![camera("file", 100.0)], source, vec![taking(2000)], 1);
    rig.wait_for("the file has ended", |rig| rig.states("file").contains(&(CameraState::Disabled, Some("ended"))))
        .await;
    assert!(rig.engine.progress().has_work, "its frame is still in the network");
    rig.wait_for("its frame is settled", |rig| !rig.engine.progress().has_work).await;
    assert_eq!((rig.inferred("file"), rig.balance("file").waiting), (1, 0));
    assert_eq!(rig.events_of("file", "object_started"), 0, "nobody is there any more to end it");
}
