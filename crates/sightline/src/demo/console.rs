//! The demo's console: events as they arrive over MQTT, and a table of figures every few seconds.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde_json::Value;
use sightline_core::time::WallTime;

use super::figures::Figures;

/// A subscriber that shows what it gets.
pub struct Console {
    base_topic: String,
    started: Instant,
    /// What was seen so far.
    pub figures: Figures,
}

impl Console {
    /// A console for the topics under `base_topic`.
    pub fn new(base_topic: String) -> Self {
        Self { base_topic, started: Instant::now(), figures: Figures::default() }
    }

    /// Takes in a message; shows it when it is an event or a camera's change of state.
    pub fn on_message(&mut self, topic: &str, payload: &[u8], received: WallTime) {
        let Some(rest) = topic.strip_prefix(&self.base_topic).and_then(|rest| rest.strip_prefix('/')) else { return };
        let Some((camera, what)) = rest.split_once('/') else { return };
        let Ok(message) = serde_json::from_slice::<Value>(payload) else { return };
        match what {
            "detections" => self.figures.on_detections(camera, &message, received),
            "events" => self.on_event(camera, &message, received),
            "status" => self.on_status(camera, message),
            _ => {}
        }
    }

    /// The figures since the last table.
    pub fn show_table(&mut self) {
        let table = self.figures.table(self.started.elapsed());
        say(&table);
    }

    /// How long the console has been running.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn on_event(&mut self, camera: &str, event: &Value, received: WallTime) {
        self.figures.camera(camera).events += 1;
        let text = |name: &str| event[name].as_str().unwrap_or("?").to_string();
        if event["type"] == "object_updated" {
            // Of interest to programs; people would not see the others for them.
            return;
        }
        let object = format!("{} #{}", text("label"), event["track"]);
        let clock = received.to_string();
        let clock = clock.get(11..23).unwrap_or_default();
        say(&format!("{clock}  {camera:<14} {:<15} {object:<18} {}\n", text("type"), details(event)));
    }

    fn on_status(&mut self, camera: &str, status: Value) {
        let figures = self.figures.camera(camera);
        let changed = figures.status["state"] != status["state"];
        // At the end every camera says that the daemon has stopped: that is no news to whoever stopped it.
        let is_news = changed && status["state"] != "disabled";
        if is_news && let Some(message) = status["message"].as_str() {
            say(&format!("           {camera:<14} {}: {message}\n", status["state"].as_str().unwrap_or("?")));
        }
        figures.status = status;
    }
}

/// What matters of an event of its type.
fn details(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or("?");
    let seconds = |name: &str| event[name].as_f64().unwrap_or(0.0);
    match event["type"].as_str() {
        Some("zone_entered") => text("zone").to_string(),
        Some("zone_left" | "zone_loitering") => format!("{}, {:.1} s", text("zone"), seconds("dwell_seconds")),
        Some("line_crossed") => format!("{} {}", text("line"), text("direction")),
        Some("object_ended") => format!("{}, {:.1} s", text("reason"), seconds("age_seconds")),
        _ => format!("score {:.2}", event["score"].as_f64().unwrap_or(0.0)),
    }
}

/// The demo's output is for people, on stdout; a closed pipe ends nothing.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
