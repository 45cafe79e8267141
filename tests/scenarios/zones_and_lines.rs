//! Zones, lines, snapshots and clips of a simulated camera as a subscriber sees them, and what a restart with another
//! configuration leaves: nothing that is not true.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use sightline_media::VideoReader;
use sightline_sim::scene::SceneKind;

use crate::support::{
    alone,
    broker::Broker,
    cameras,
    daemon::Daemon,
    listener::{Listener, Message},
    payloads::assert_all_valid,
    wait_until,
};

/// The office with a zone where persons stand and a line where they come in.
fn office(broker: &Broker, url: &str, zone: &str) -> String {
    format!(
        "version: 1
name: simulated
model: {{name: ssd-mobilenet-v1-sim}}
defaults: {{fps: 10}}
{}
cameras:
  office:
    url: \"{url}\"
    labels: [person]
    zones:
      {zone}: {{polygon: [[0.1, 0.3], [0.9, 0.3], [0.9, 1], [0.1, 1]], loitering: 2s}}
    lines:
      entrance: {{from: [0.2, 1], to: [0.2, 0]}}
    snapshots: {{enabled: true}}
    clips: {{enabled: true, events: [zone_entered], pre: 2s, post: 2s}}
",
        broker.yaml()
    )
}

/// The last value of each topic.
fn latest(listener: &Listener) -> BTreeMap<String, Vec<u8>> {
    listener.all().into_iter().map(|Message { topic, payload, .. }| (topic, payload)).collect()
}

fn text(listener: &Listener, rest: &str) -> String {
    listener.on(rest).last().map(|message| String::from_utf8_lossy(&message.payload).into_owned()).unwrap_or_default()
}

/// The one file of `folder` with that ending.
fn files(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("an entry").path());
    names.filter(|path| path.extension().is_some_and(|extension| extension == ending)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_places_is_true_also_after_a_restart() {
    let _turn = alone().await;
    let server = cameras::serve(vec![("office", cameras::scene(SceneKind::Office))]);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let url = server.url(0).expect("an address");

    let mut daemon = Daemon::start(&office(&broker, &url, "floor"));
    for kind in ["object_started", "zone_entered", "line_crossed", "zone_loitering", "zone_left"] {
        listener.wait_for_event("office", kind, "person").await;
    }
    wait_until("a snapshot", || !listener.on("office/snapshot/person").is_empty()).await;
    let (snapshots, clips) = (daemon.state().join("snapshots/office"), daemon.state().join("clips/office"));
    wait_until("files of both kinds", || !files(&snapshots, "jpg").is_empty() && !files(&clips, "json").is_empty())
        .await;
    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    wait_until("offline is published", || text(&listener, "available") == "offline").await;

    assert_all_valid(&listener.all());
    let events = listener.events("office");
    assert_counts_follow(&listener, &events);
    assert_files_are_what_they_say(&listener, &events, &snapshots, &clips);

    // The zone has another name from now on, and nobody has heard of the old one.
    let later = Listener::start(&broker).await;
    wait_until("what the first run left behind", || {
        text(&later, "office/zone/floor/person") == "0" && !text(&later, "office/line/entrance").is_empty()
    })
    .await;
    let crossings: Value = serde_json::from_str(&text(&later, "office/line/entrance")).expect("JSON");
    assert!(crossings["in"].as_u64() > Some(0), "{crossings}");
    let mut daemon = Daemon::start(&office(&broker, &url, "room"));
    wait_until("the old zone's topic is cleared", || text(&later, "office/zone/floor/person").is_empty()).await;
    wait_until("the line begins anew", || {
        later.on("office/line/entrance").iter().any(|message| message.json() == serde_json::json!({"in": 0, "out": 0}))
    })
    .await;
    wait_until("the new zone's count", || text(&later, "office/zone/room/person") == "0").await;
    assert!(latest(&later)["test/box/office/snapshot/person"].starts_with(&[0xFF, 0xD8]), "still the last one's");
    daemon.terminate().await;
    let retained = Listener::start(&broker).await;
    wait_until("what is retained arrives", || !text(&retained, "office/status").is_empty()).await;
    assert!(text(&retained, "office/zone/floor/person").is_empty());
}

/// The retained numbers are those that the events tell of, and zero at the end.
fn assert_counts_follow(listener: &Listener, events: &[Value]) {
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(of("object_started"), of("object_ended"));
    assert_eq!(of("zone_entered"), of("zone_left"));
    assert_eq!(text(listener, "office/zone/floor/person"), "0");
    assert_eq!(text(listener, "office/count/person"), "0");
    let directions = |way: &str| events.iter().filter(|event| event["direction"] == way).count();
    let crossings: Value = serde_json::from_str(&text(listener, "office/line/entrance")).expect("JSON");
    assert_eq!(crossings, serde_json::json!({"in": directions("in"), "out": directions("out")}));
    for event in events {
        let zones = event["zones"].as_array().expect("a list");
        match event["type"].as_str() {
            Some("zone_entered") => assert_eq!(zones, &["floor"], "{event}"),
            Some("zone_left") => assert!(zones.is_empty() && event["dwell_seconds"].as_f64() > Some(0.0), "{event}"),
            Some("zone_loitering") => assert!(event["dwell_seconds"].as_f64() >= Some(2.0), "{event}"),
            _ => {}
        }
    }
}

/// The pictures show something, and each clip plays for as long as it says and tells which events it is of.
fn assert_files_are_what_they_say(listener: &Listener, events: &[Value], snapshots: &Path, clips: &Path) {
    let published = listener.on("office/snapshot/person");
    let picture = image::load_from_memory(&published.last().expect("a snapshot").payload).expect("a JPEG file");
    assert!(picture.height() > 50 && picture.width() < 640, "the person with a margin, not the whole frame");
    for file in files(snapshots, "jpg") {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.contains("-person-"), "{name}");
        image::open(&file).expect("a picture");
    }
    for sidecar in files(clips, "json") {
        let told: Value = serde_json::from_slice(&std::fs::read(&sidecar).expect("a file")).expect("JSON");
        let of_clip = told["events"].as_array().expect("a list");
        assert!(!of_clip.is_empty(), "{told}");
        for event in of_clip {
            let known = events.iter().find(|known| known["id"] == event["id"]).expect("an event that was published");
            assert_eq!((&known["type"], &known["track"]), (&"zone_entered".into(), &event["track"]));
        }
        let frames =
            VideoReader::open(&sidecar.with_extension("mp4"), None).expect("a video").filter(Result::is_ok).count();
        assert!(frames >= 20, "{frames} frames of {told}");
    }
}
