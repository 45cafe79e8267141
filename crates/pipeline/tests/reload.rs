//! A reload touches what changed and nothing else: streams that are opened as before go on, objects of changed cameras end
//! as `reload`, frames are counted on, and every object that started has ended once.

mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sightline_core::{
    event::{EndReason, EventKind, Retained},
    frame::PictureSize,
    plan::{CameraPlan, SnapshotPlan, SourceSpec},
};
use sightline_pipeline::{
    fakes::{FakeBackend, FakeSource, Script},
    runtime::{CameraChanges, PipelineParts},
};
use support::{Rig, camera, engine, pipeline, start};

const INTERVAL: Duration = Duration::from_millis(10);

fn streaming(ids: &[&str]) -> (FakeSource, Arc<Mutex<Vec<String>>>) {
    let source = FakeSource::default();
    for id in ids {
        source.script(id, vec![Script::Stream(INTERVAL)]);
    }
    let opened = source.opened.clone();
    (source, opened)
}

fn backend() -> Vec<Box<dyn sightline_core::ports::Backend>> {
    vec![Box::new(FakeBackend::default())]
}

async fn reload(rig: &mut Rig, cameras: Vec<CameraPlan>) -> CameraChanges {
    let parts = PipelineParts { plan: pipeline(cameras, 4), engine: rig.engine.clone(), events: rig.events.clone() };
    rig.runtime.reload(vec![parts]).await
}

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Whole pictures are for snapshots alone; whoever scales for nothing is told at each frame what is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_size_is_enough_follows_a_reload_while_the_stream_goes_on() {
    let (source, opened) = streaming(&["cam"]);
    let wanted = source.wanted.clone();
    let mut rig = start(vec![camera("cam", 50.0)], source, backend(), 4);
    let models = Some(PictureSize { width: 8, height: 8 });
    rig.wait_for("the model's size", |_| *wanted.lock() == models).await;

    let snapshots = Some(SnapshotPlan { crop: false, quality: 70, publish: true, files: None });
    reload(&mut rig, vec![CameraPlan { snapshots, ..camera("cam", 50.0) }]).await;
    rig.wait_for("whole pictures", |_| wanted.lock().is_none()).await;

    reload(&mut rig, vec![camera("cam", 50.0)]).await;
    rig.wait_for("the model's size again", |_| *wanted.lock() == models).await;
    assert_eq!(opened.lock().len(), 1, "the stream went on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_is_touched() {
    let (source, opened) = streaming(&["same", "edited", "moved", "gone", "new"]);
    let cameras = ["same", "edited", "moved", "gone"].map(|id| camera(id, 50.0));
    let mut rig = start(cameras.to_vec(), source, backend(), 4);
    rig.wait_for("all have objects", |rig| {
        ["same", "edited", "moved", "gone"].iter().all(|id| rig.events_of(id, "object_started") == 1)
    })
    .await;
    let before = ["same", "edited", "moved"].map(|id| rig.balance(id).decoded);

    let edited = CameraPlan { fps: 25.0, ..camera("edited", 50.0) };
    let mut moved = camera("moved", 50.0);
    moved.spec.source = SourceSpec::Test { pattern: "another".into() };
    let changes = reload(&mut rig, vec![camera("new", 50.0), camera("same", 50.0), edited, moved]).await;
    let expected = CameraChanges {
        added: ids(&["new"]),
        removed: ids(&["gone"]),
        restarted: ids(&["moved"]),
        changed: ids(&["edited"]),
        unchanged: ids(&["same"]),
        stragglers: Vec::new(),
    };
    assert_eq!(changes, expected);
    rig.wait_for("the changed ones have objects again", |rig| {
        ["edited", "moved"].iter().all(|id| rig.events_of(id, "object_started") == 2)
            && rig.events_of("new", "object_started") == 1
    })
    .await;

    let count = |id: &str| opened.lock().iter().filter(|opened| *opened == id).count();
    assert_eq!(["same", "edited", "moved", "gone", "new"].map(count), [1, 1, 2, 1, 1], "streams that were opened");
    assert_eq!(rig.events_of("same", "object_ended"), 0, "what did not change keeps its objects");
    for (id, before) in ["same", "edited", "moved"].into_iter().zip(before) {
        let now = rig.balance(id);
        assert!(now.decoded >= before && now.is_exact(), "{id} counts on: {before} before, {now:?} now");
    }
    let renounced = rig.sink.renounced.lock().clone();
    let names: Vec<&str> = renounced.iter().map(|(camera, _)| &**camera).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(["gone", "moved", "edited"].iter().all(|id| names.contains(id)), "{names:?}");
    for id in ["moved", "edited"] {
        let position = renounced.iter().find(|(camera, _)| camera == id).expect("renounced").1;
        let retained = rig.sink.retained.lock();
        let again = |value: &Retained| matches!(value, Retained::Camera { camera, .. } if &**camera == id);
        assert!(retained[position..].iter().any(again), "the status of {id} is retained again afterwards");
    }

    let Rig { runtime, sink, .. } = rig;
    let stopped = runtime.stop(Duration::from_secs(3)).await;
    assert!(stopped.stragglers.is_empty(), "{:?}", stopped.stragglers);
    let mut lives: BTreeMap<(String, u64), Vec<EventKind>> = BTreeMap::new();
    for event in &*sink.events.lock() {
        let life = lives.entry((event.origin.camera.clone(), event.change.track)).or_default();
        life.push(event.change.kind.clone());
    }
    for (object, life) in lives {
        let ended = life.iter().filter(|kind| matches!(kind, EventKind::ObjectEnded { .. })).count();
        assert!(matches!(life.first(), Some(EventKind::ObjectStarted)) && ended == 1, "{object:?}: {life:?}");
        let reloaded = life.contains(&EventKind::ObjectEnded { reason: EndReason::Reload });
        assert!(!reloaded || object.0 != "same", "{object:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_swapped_while_the_stream_goes_on() {
    let (source, opened) = streaming(&["yard"]);
    let mut rig = start(vec![camera("yard", 100.0)], source, backend(), 4);
    rig.wait_for("it has an object", |rig| rig.events_of("yard", "object_started") == 1).await;
    let old = std::mem::replace(&mut rig.engine, engine(backend(), 4));
    let changes = reload(&mut rig, vec![camera("yard", 100.0)]).await;
    assert_eq!(changes.changed, ids(&["yard"]));
    old.stop();
    assert!(!old.progress().has_work, "nothing is left in the old one");
    let before = rig.balance("yard").inferred;
    rig.wait_for("the new one infers", |rig| rig.inferred("yard") > before + 5).await;
    assert!(rig.engine.progress().batches > 5);
    assert_eq!(opened.lock().len(), 1, "the stream was opened once");
    assert!(rig.balance("yard").is_exact());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_equal_plan_changes_nothing() {
    let (source, _) = streaming(&["yard"]);
    let mut rig = start(vec![camera("yard", 50.0)], source, backend(), 4);
    rig.wait_for("it has an object", |rig| rig.events_of("yard", "object_started") == 1).await;
    let changes = reload(&mut rig, vec![camera("yard", 50.0)]).await;
    assert_eq!(changes, CameraChanges { unchanged: ids(&["yard"]), ..CameraChanges::default() });
    assert!(rig.sink.renounced.lock().is_empty());
    assert_eq!(rig.events_of("yard", "object_ended"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_cannot_be_reached_is_edited_and_works() {
    use sightline_core::ports::{SourceError, SourceErrorCode};
    let source = FakeSource::default();
    let refusal = SourceError { code: SourceErrorCode::Auth, message: "wrong password".into() };
    source.script("locked", vec![Script::Refuse(refusal), Script::Stream(INTERVAL)]);
    let mut rig = start(vec![camera("locked", 50.0)], source, backend(), 4);
    rig.wait_for("it is refused", |rig| rig.status("locked").is_some_and(|status| status.code == Some("auth"))).await;
    let mut mended = camera("locked", 50.0);
    mended.spec.source = SourceSpec::Test { pattern: "mended".into() };
    let changes = reload(&mut rig, vec![mended]).await;
    assert_eq!(changes.restarted, ids(&["locked"]));
    rig.wait_for("it works at once", |rig| rig.events_of("locked", "object_started") == 1).await;
}
