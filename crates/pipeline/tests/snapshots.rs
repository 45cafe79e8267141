//! A camera that wishes pictures gives them; its neighbour that does not gives none.

mod support;

use std::time::Duration;

use sightline_core::{
    event::Retained,
    plan::{CameraPlan, Retention, SnapshotPlan},
};
use sightline_pipeline::fakes::{FakeBackend, FakeSource, Script};
use support::{camera, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_view_of_an_object_is_published_and_kept() {
    let source = FakeSource::default();
    for id in ["wishes", "does-not"] {
        source.script(id, vec![Script::Stream(Duration::from_millis(10))]);
    }
    let files = Some(Retention { max_files: 10, max_age: Duration::from_secs(60) });
    let snapshots = Some(SnapshotPlan { crop: false, quality: 70, publish: true, files });
    let wishes = CameraPlan { snapshots, ..camera("wishes", 50.0) };
    let rig = start(vec![wishes, camera("does-not", 50.0)], source, vec![Box::new(FakeBackend::default())], 2);
    rig.wait_for("both have an object", |rig| {
        ["wishes", "does-not"].iter().all(|id| rig.events_of(id, "object_started") == 1)
    })
    .await;
    let (sink, archive) = (rig.sink.clone(), rig.archive.clone());
    rig.runtime.stop(Duration::from_secs(2)).await;

    let pictures: Vec<_> = sink
        .retained
        .lock()
        .iter()
        .filter_map(|value| match value {
            Retained::Snapshot { camera, jpeg, .. } => {
                Some((camera.to_string(), String::from_utf8_lossy(jpeg).into_owned()))
            }
            _ => None,
        })
        .collect();
    assert!(!pictures.is_empty());
    assert!(pictures.iter().all(|(camera, jpeg)| camera == "wishes" && jpeg.ends_with("whole 70")), "{pictures:?}");
    let kept = archive.snapshots.lock();
    assert!(kept.iter().all(|kept| kept.camera == "wishes" && kept.track == 1) && !kept.is_empty(), "{kept:?}");
}
