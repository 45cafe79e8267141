//! SIGHUP and `POST /api/v1/reload`: only what changed is touched, and a configuration that is not in order changes nothing.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sightline_sim::scene::SceneKind;

use crate::support::{
    alone,
    broker::Broker,
    cameras,
    daemon::{Daemon, Launch},
    ledger::Ledger,
    listener::Listener,
    project, wait_until,
};

const STREAMS: [SceneKind; 4] = [SceneKind::Street, SceneKind::Office, SceneKind::Crossing, SceneKind::Parking];
/// The project's model, as the file names it.
const OURS: &str = "name: ssd-mobilenet-v1-sim";
/// How long frames of the camera that stays are counted, before a reload and over it.
const WATCH: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_is_touched() {
    let _turn = alone().await;
    let server = cameras::serve(["a", "b", "c", "d"].into_iter().zip(STREAMS.map(cameras::scene)).collect());
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let mut ledger = Ledger::open("reload");
    let folder = tempfile::tempdir().expect("a folder");
    second_model(folder.path());
    let file = |model: &str, cameras: &str| {
        let mqtt = broker.yaml();
        format!("version: 1\nname: yard\nmodel: {{{model}}}\ndefaults: {{fps: 10}}\n{mqtt}cameras:\n{cameras}")
    };
    let url = |index: usize| server.url(index).expect("an address");
    let (stays, goes) = (format!("  stays: {{url: \"{}\"}}\n", url(0)), format!("  goes: {{url: \"{}\"}}\n", url(1)));
    let edited = |rest: &str| format!("  edited: {{url: \"{}\"{rest}}}\n", url(2));
    let moved = |index: usize| format!("  moved: {{url: \"{}\"}}\n", url(index));
    let before = format!("{stays}{goes}{}{}", edited(", labels: [car, person]"), moved(2));
    let mut daemon = Daemon::launch_in(folder, &file(OURS, &before), Launch::default());
    for camera in ["stays", "goes", "edited", "moved"] {
        listener.wait_for_state(camera, "streaming").await;
    }
    listener.wait_for_event("goes", "object_started", "person").await;
    let since = camera(&daemon, "stays").await["since"].clone();

    // A camera is added, one removed, one edited, one has another address, one is left as it is.
    let undisturbed = frames_of(&daemon, "stays", async {}).await;
    let added = format!("  added: {{url: \"{}\"}}\n", url(3));
    daemon.rewrite(&file(OURS, &format!("{stays}{added}{}{}", edited(", labels: [car], fps: 5"), moved(3))));
    let over_a_reload = frames_of(&daemon, "stays", async {
        daemon.signal("-HUP");
        ledger.inject();
        daemon.wait_for_log("reloaded").await;
    })
    .await;
    assert!(over_a_reload >= 0.95 * undisturbed, "{undisturbed} frames before, {over_a_reload} over the reload");
    let log = daemon.log();
    let told = log.lines().find(|line| line.contains(" reloaded ")).expect("it says what it did");
    for part in
        ["added=[\"added\"]", "removed=[\"goes\"]", "restarted=[\"moved\"]", "changed=[\"edited\"]", "unchanged=1"]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
    listener.wait_for_state("added", "streaming").await;
    wait_until("the removed camera's retained topics are cleared", || {
        ["goes/status", "goes/count/person"]
            .iter()
            .all(|topic| listener.on(topic).last().is_some_and(|m| m.payload.is_empty()))
    })
    .await;
    assert_eq!(camera(&daemon, "stays").await["since"], since, "it was not opened again");
    for (id, connects) in [("stays", 1.0), ("edited", 1.0), ("moved", 2.0)] {
        let counted = daemon.metric("sightline_camera_connects_total", &[("camera", id)]).await;
        assert!((counted - connects).abs() < 0.5, "{id} was opened {counted} times");
    }
    let ended = |id: &str, reason: &str| {
        listener.events(id).iter().any(|event| event["type"] == "object_ended" && event["reason"] == reason)
    };
    wait_until("objects of the removed camera end", || ended("goes", "reload")).await;
    assert!(!ended("stays", "reload"), "objects of a camera that stays go on");

    // Files that are not in order, and a model that is not there.
    let in_force = daemon.get("/api/v1/config").await.json();
    for (yaml, told) in [
        ("cameras: [".to_string(), "pipeline.yaml"),
        (file(OURS, &format!("{stays}{}", edited(", fps: -1"))), "pipeline.yaml:"),
        (file("name: nobody", &stays), "model.name"),
    ] {
        daemon.rewrite(&yaml);
        let refused = daemon.ask("POST", "/api/v1/reload").await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(refused.error().contains(told), "{told} in {}", refused.error());
        assert_eq!(daemon.get("/api/v1/config").await.json(), in_force, "nothing changed");
    }
    let wrong = daemon.log().matches("the configuration stays as it was").count();
    assert_eq!(wrong, 3, "each is told in the log as well");

    // Another model, loaded beside the one that runs.
    daemon.rewrite(&file("path: second", &format!("{stays}{added}")));
    let mut report = Value::Null;
    let over_a_swap = frames_of(&daemon, "stays", async {
        report = daemon.ask("POST", "/api/v1/reload").await.json();
        ledger.inject();
    })
    .await;
    assert_eq!(report["models"], json!(["second"]), "{report}");
    assert_eq!(report["changed"], json!(["stays", "added"]), "{report}");
    assert!(over_a_swap >= 0.95 * undisturbed, "{undisturbed} frames before, {over_a_swap} over the swap");
    assert_eq!(camera(&daemon, "stays").await["model"], "second");
    assert_eq!(camera(&daemon, "stays").await["since"], since, "its stream went on");
    wait_until("events of the other model", || {
        listener.events("stays").last().is_some_and(|event| event["model"]["name"] == "second")
    })
    .await;

    let unchanged = daemon.ask("POST", "/api/v1/reload").await.json();
    assert_eq!(unchanged["unchanged"], json!(["stays", "added"]), "{unchanged}");
    ledger.close(&mut daemon, &listener).await;
}

/// Frames of a camera that were inferred in [`WATCH`] from the beginning of `meanwhile` on.
async fn frames_of(daemon: &Daemon, id: &str, meanwhile: impl Future<Output = ()>) -> f64 {
    let count = async || daemon.metric("sightline_frames_inferred_total", &[("camera", id)]).await;
    let (from, before) = (Instant::now(), count().await);
    meanwhile.await;
    tokio::time::sleep_until((from + WATCH).into()).await;
    (count().await - before) * WATCH.as_secs_f64() / from.elapsed().as_secs_f64()
}

async fn camera(daemon: &Daemon, id: &str) -> Value {
    daemon.get(&format!("/api/v1/cameras/{id}")).await.json()
}

/// The project's model under a second name.
fn second_model(folder: &Path) {
    let (from, to) = (project().join("models/ssd-mobilenet-v1-sim"), folder.join("second"));
    std::fs::create_dir(&to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the project's model") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            // Its reference pictures.
            continue;
        }
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
    }
    let manifest = to.join("model.yaml");
    let text =
        std::fs::read_to_string(&manifest).expect("a manifest").replace("name: ssd-mobilenet-v1-sim", "name: second");
    std::fs::write(manifest, text).expect("a manifest");
}
