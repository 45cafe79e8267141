//! Sessions that fail while they run are told to whoever can replace them; a batch that fails now and then is not.

mod support;

use std::time::Duration;

use sightline_core::ports::Backend;
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};

async fn rig_with(backend: FakeBackend) -> support::Rig {
    let source = FakeSource::default();
    source.script("front", vec![Script::Stream(Duration::from_millis(10))]);
    let backends: Vec<Box<dyn Backend>> = vec![Box::new(backend)];
    support::start(vec![support::camera("front", 100.0)], source, backends, 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_fail_again_and_again_are_told_with_their_reason() {
    let rig = rig_with(FakeBackend { fail_every: 1, ..FakeBackend::default() }).await;
    rig.wait_for("the engine's failure is known", |rig| rig.engine.failure().is_some()).await;
    assert_eq!(rig.engine.failure(), Some("told to fail"));
    rig.wait_for("its frames are counted", |rig| rig.runtime.balances()[0].1.dropped_failed >= 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_batch_that_fails_among_others_is_no_failure() {
    let rig = rig_with(FakeBackend { fail_every: 2, ..FakeBackend::default() }).await;
    rig.wait_for("many batches have failed", |rig| rig.runtime.balances()[0].1.dropped_failed >= 10).await;
    assert_eq!(rig.engine.failure(), None);
}
