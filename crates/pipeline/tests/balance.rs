//! Every frame of every camera is accounted for, whatever the cameras and the network do.

mod support;

use std::time::Duration;

use sightline_core::ports::{Backend, SourceError, SourceErrorCode};
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_balance_is_exact_under_overload_failures_and_panics() {
    let millis = Duration::from_millis;
    let broken = || SourceError { code: SourceErrorCode::Network, message: "cable pulled".into() };
    let source = FakeSource::default();
    source.script("fast", vec![Script::Stream(millis(2))]);
    source.script("slow", vec![Script::Stream(millis(40))]);
    source.script("flaky", vec![Script::BreakAfter(20, millis(5), broken()), Script::Stream(millis(5))]);
    source.script("file", vec![Script::Frames(50, millis(5))]);
    let failing = FakeBackend { delay: millis(15), fail_every: 7, panic_every: 11, ..FakeBackend::default() };
    let backends: Vec<Box<dyn Backend>> = vec![Box::new(failing), Box::new(FakeBackend::taking(millis(10)))];
    let cameras = vec![camera("fast", 100.0), camera("slow", 5.0), camera("flaky", 100.0), camera("file", 100.0)];
    let rig = start(cameras, source, backends, 2);

    rig.wait_for("every camera inferred 20 frames", |rig| {
        ["fast", "slow", "flaky"].iter().all(|id| rig.inferred(id) >= 20)
    })
    .await;
    let sink = rig.sink.clone();
    let stopped = rig.runtime.stop(Duration::from_secs(5)).await;

    assert!(stopped.stragglers.is_empty(), "{:?}", stopped.stragglers);
    for (id, balance) in &stopped.balances {
        assert!(balance.is_exact(), "{id}: {balance:?}");
        assert_eq!(balance.waiting, 0, "{id}: {balance:?}");
        let published = sink.detections.lock().iter().filter(|d| d.origin.camera == **id).count() as u64;
        assert_eq!(balance.inferred, published, "{id}: inferred and published");
    }
    let balance = |wanted: &str| stopped.balances.iter().find(|(id, _)| &**id == wanted).unwrap().1;
    assert_eq!(balance("file").decoded, 50);
    assert!(balance("fast").dropped_superseded > 0);
    assert!(balance("slow").dropped_rate > 0);
    assert!(stopped.balances.iter().any(|(_, balance)| balance.dropped_failed > 0));

    let events = sink.events.lock();
    let count = |kind| events.iter().filter(|event| event.change.kind.name() == kind).count();
    assert!(count("object_started") >= 3);
    assert_eq!(count("object_started"), count("object_ended"));
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
}
