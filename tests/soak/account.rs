//! What became of every frame, and what the log says.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::daemon::Daemon;

/// How often frames are counted.
const EVERY: Duration = Duration::from_secs(2);

/// Frames of all cameras, those included that a reload has taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    pub decoded: u64,
    pub inferred: u64,
    pub dropped: u64,
    pub waiting: u64,
}

impl Frames {
    fn of(camera: &Value) -> Self {
        let frames = camera["frames"].as_object().expect("frames");
        let value = |key: &str| frames[key].as_u64().expect("a number");
        let dropped = frames.keys().filter(|key| key.starts_with("dropped_")).map(|key| value(key)).sum();
        Self { decoded: value("decoded"), inferred: value("inferred"), dropped, waiting: value("waiting") }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            decoded: self.decoded + other.decoded,
            inferred: self.inferred + other.inferred,
            dropped: self.dropped + other.dropped,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// Counts frames while cameras come and go.
#[derive(Default)]
pub struct Ledger {
    /// As last seen, by camera.
    now: BTreeMap<String, Frames>,
    /// Of cameras that have begun to count anew.
    before: Frames,
    looks: usize,
}

impl Ledger {
    /// Looks until `until`, and holds what each camera says against itself.
    pub async fn keep(&mut self, daemon: &Daemon, until: Instant) {
        while Instant::now() < until {
            self.look(daemon).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    pub async fn look(&mut self, daemon: &Daemon) {
        self.looks += 1;
        for camera in cameras(daemon).await {
            let frames = Frames::of(&camera);
            let Frames { decoded, inferred, dropped, waiting } = frames;
            assert_eq!(decoded, inferred + dropped + waiting, "frames are unaccounted for: {camera:#}");
            let id = camera["id"].as_str().expect("an id").to_owned();
            let earlier = self.now.insert(id, frames).unwrap_or_default();
            if decoded < earlier.decoded {
                self.before = self.before.plus(earlier);
            }
        }
    }

    /// Of all cameras, and how often it was looked.
    pub fn total(&self) -> (Frames, usize) {
        (self.now.values().fold(self.before, |sum, frames| sum.plus(*frames)), self.looks)
    }
}

/// What `/api/v1/cameras` says.
pub async fn cameras(daemon: &Daemon) -> Vec<Value> {
    daemon.get("/api/v1/cameras").await.json()["cameras"].as_array().expect("cameras").clone()
}

/// Waits until `count` cameras are there and all of them stream.
pub async fn all_stream(daemon: &Daemon, count: usize) {
    // A camera that is good again is opened within 36 s.
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let cameras = cameras(daemon).await;
        let away: Vec<&Value> = cameras.iter().filter(|camera| camera["state"] != "streaming").collect();
        if cameras.len() == count && away.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "{} cameras of {count}; not streaming: {away:#?}", cameras.len());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
