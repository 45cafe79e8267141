//! What the demo's subscriber has seen: counts, frame rates, latencies.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde_json::Value;
use sightline_core::time::WallTime;

/// One camera's figures.
#[derive(Debug, Default)]
pub struct CameraFigures {
    /// Milliseconds from decoding to the message's receipt, one per `detections` message.
    pub latencies: Vec<f64>,
    /// How many of them an earlier table has shown.
    shown: usize,
    /// Events received.
    pub events: u64,
    /// The last `status` message.
    pub status: Value,
}

/// All cameras' figures.
#[derive(Debug, Default)]
pub struct Figures {
    cameras: BTreeMap<String, CameraFigures>,
    shown_after: Duration,
}

/// What kinds of frames a status accounts for, as the summary names them.
const DROPS: [(&str, &str); 7] = [
    ("dropped_rate", "over the wished rate"),
    ("dropped_idle", "nothing moved"),
    ("dropped_superseded", "a newer one came"),
    ("dropped_stale", "too old"),
    ("dropped_load", "left out to hold the latency"),
    ("dropped_failed", "inference failed"),
    ("dropped_stopped", "camera stopped"),
];

impl Figures {
    /// A camera's figures.
    pub fn camera(&mut self, id: &str) -> &mut CameraFigures {
        self.cameras.entry(id.to_string()).or_default()
    }

    /// Takes in a `detections` message.
    pub fn on_detections(&mut self, camera: &str, message: &Value, received: WallTime) {
        let decoded = message["time"]["decoded"].as_str().and_then(|text| text.parse::<WallTime>().ok());
        let Some(decoded) = decoded else { return };
        // The payload has whole milliseconds; the receipt is rounded likewise so that neither side is favoured.
        let millis = received.as_millis() - decoded.as_millis();
        self.camera(camera).latencies.push(millis.max(0) as f64);
    }

    /// One line per camera: frames per second and latency since the last table.
    pub fn table(&mut self, elapsed: Duration) -> String {
        let seconds = (elapsed.saturating_sub(self.shown_after)).as_secs_f64().max(0.001);
        self.shown_after = elapsed;
        let mut text = String::new();
        for (id, figures) in &mut self.cameras {
            let recent = &figures.latencies[figures.shown..];
            let fps = recent.len() as f64 / seconds;
            let latency = match (percentile(recent, 0.5), percentile(recent, 0.99)) {
                (Some(middle), Some(worst)) => format!("latency p50 {middle:3.0} ms  p99 {worst:3.0} ms"),
                _ => "no frames".to_string(),
            };
            let state = figures.status["state"].as_str().unwrap_or("starting");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "           {id:<14} {state:<10} {fps:5.1} fps  {latency}");
            figures.shown = figures.latencies.len();
        }
        text
    }

    /// The closing summary.
    pub fn summary(&self, seconds: f64) -> String {
        let count = |name: &str| -> u64 {
            self.cameras.values().filter_map(|figures| figures.status["frames"][name].as_u64()).sum()
        };
        let all: Vec<f64> = self.cameras.values().flat_map(|figures| figures.latencies.iter().copied()).collect();
        let events: u64 = self.cameras.values().map(|figures| figures.events).sum();
        let mut text = format!("\nSummary of {seconds:.0} seconds\n");
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<36} {value}");
        };
        line("cameras", self.cameras.len().to_string());
        line("frames decoded", count("decoded").to_string());
        line("frames inferred", count("inferred").to_string());
        for (field, reason) in DROPS {
            line(&format!("frames dropped, {reason}"), count(field).to_string());
        }
        line("events", events.to_string());
        if let (Some(middle), Some(worst)) = (percentile(&all, 0.5), percentile(&all, 0.99)) {
            line("latency, decode to MQTT", format!("p50 {middle:.0} ms, p99 {worst:.0} ms ({} messages)", all.len()));
        }
        text
    }

    /// Whether every camera's frames add up.
    pub fn balance_is_exact(&self) -> bool {
        !self.cameras.is_empty()
            && self.cameras.values().all(|figures| {
                let frames = &figures.status["frames"];
                if !frames.is_object() {
                    return false;
                }
                let of = |name: &str| frames[name].as_u64().unwrap_or(0);
                let dropped: u64 = DROPS.iter().map(|(field, _)| of(field)).sum();
                of("decoded") == of("inferred") + dropped + of("waiting")
            })
    }
}

/// Nearest-rank percentile, `share` in 0..=1.
fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), Some(50.0));
        assert_eq!(percentile(&values, 0.99), Some(99.0));
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn the_summary_adds_up_all_cameras() {
        let mut figures = Figures::default();
        for id in ["a", "b"] {
            figures.camera(id).status = json!({"frames": {"decoded": 10, "inferred": 6, "dropped_rate": 4}});
            figures.camera(id).events = 2;
        }
        figures.on_detections(
            "a",
            &json!({"time": {"decoded": "1970-01-01T00:00:01.000Z"}}),
            WallTime::from_micros(1_020_400),
        );
        let summary = figures.summary(3.0);
        assert!(!Figures::default().balance_is_exact(), "nothing is no balance");
        assert!(figures.balance_is_exact());
        for part in [
            "frames decoded                       20",
            "frames inferred                      12",
            "events                               4",
            "p50 20 ms",
        ] {
            assert!(summary.contains(part), "{part} in {summary}");
        }
    }
}
