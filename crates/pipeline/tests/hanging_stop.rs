//! Sixty-four cameras hang while they are stopped: the daemon ends in time all the same, and no object stays open.

mod support;

use std::time::{Duration, Instant};

use sightline_core::ports::Backend;
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_cameras_hold_nobody_up() {
    let ids: Vec<String> = (0..64).map(|number| format!("camera-{number}")).collect();
    let source = FakeSource::default();
    for id in &ids {
        source.script(id, vec![Script::HangsAtStop(Duration::from_millis(200))]);
    }
    let backends: Vec<Box<dyn Backend>> = vec![Box::new(FakeBackend::default())];
    let rig = start(ids.iter().map(|id| camera(id, 5.0)).collect(), source, backends, 8);
    rig.wait_for("every camera has its object", |rig| ids.iter().all(|id| rig.events_of(id, "object_started") == 1))
        .await;

    let sink = rig.sink.clone();
    let stopping = Instant::now();
    let stopped = rig.runtime.stop(Duration::from_millis(2800)).await;
    assert!(stopping.elapsed() < Duration::from_millis(3500), "stopping took {:?}", stopping.elapsed());
    let events = sink.events.lock();
    let count = |kind| events.iter().filter(|event| event.change.kind.name() == kind).count();
    assert_eq!((count("object_started"), count("object_ended")), (64, 64), "{:?}", stopped.stragglers);
}
