//! What is noted beside a recording, as JSON.

use serde::Serialize;
use sightline_core::{
    ports::{ClipEvent, ClipRecord},
    time::WallTime,
};

#[derive(Serialize)]
struct Sidecar<'a> {
    schema: &'static str,
    camera: &'a str,
    start: WallTime,
    duration_seconds: f64,
    bytes: u64,
    events: &'a [ClipEvent],
    events_omitted: usize,
}

/// The file's content: `sightline.clip/1`.
pub fn content(clip: &ClipRecord<'_>) -> Vec<u8> {
    let sidecar = Sidecar {
        schema: "sightline.clip/1",
        camera: clip.camera,
        start: clip.start,
        duration_seconds: (clip.facts.duration.as_secs_f64() * 1000.0).round() / 1000.0,
        bytes: clip.facts.bytes,
        events: clip.events,
        events_omitted: clip.events_omitted,
    };
    // Numbers, texts and lists are always JSON.
    serde_json::to_vec_pretty(&sidecar).unwrap_or_default()
}
