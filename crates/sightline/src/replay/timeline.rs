//! What happened in a recording, one line each, for people and for `diff`: no ids, no hashes, and only what matters.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::Duration,
};

use sightline_core::{
    event::{Event, EventKind, LineDirection, ObjectChange, Retained},
    time::WallTime,
};

/// The file that a timeline is written to.
pub struct TimelineFile {
    file: BufWriter<File>,
    start: WallTime,
    now: WallTime,
    /// The latest value of each count, and the greatest one for what goes up and down.
    counts: BTreeMap<String, (String, u32)>,
    events: BTreeMap<&'static str, u64>,
}

impl TimelineFile {
    /// Makes the file. `start`: the moment from which times are counted.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path, start: WallTime) -> anyhow::Result<Self> {
        let file = BufWriter::new(super::create(path)?);
        Ok(Self { file, start, now: start, counts: BTreeMap::new(), events: BTreeMap::new() })
    }

    /// The moment at which what follows is told.
    pub fn set_now(&mut self, now: WallTime) {
        self.now = now;
    }

    /// One more event.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn event(&mut self, event: &Event) -> std::io::Result<()> {
        let change = &event.change;
        *self.events.entry(change.kind.name()).or_default() += 1;
        let line = format!(
            "{}  {:<15} {:<20} {}",
            self.clock(self.now),
            change.kind.name(),
            format!("{} {}", change.label, change.track),
            self.details(change)
        );
        writeln!(self.file, "{}", line.trim_end())
    }

    /// A count's new value.
    pub fn count(&mut self, value: Retained) {
        let (name, text, number) = match value {
            Retained::Count { label, present, .. } => (format!("present {label}"), present.to_string(), present),
            Retained::Zone { zone, label, inside, .. } => (format!("zone {zone} {label}"), inside.to_string(), inside),
            Retained::Line { line, crossings, .. } => {
                (format!("line {line}"), format!("in {} out {}", crossings.r#in, crossings.out), 0)
            }
            Retained::Node(_) | Retained::Camera { .. } | Retained::Snapshot { .. } => return,
        };
        let entry = self.counts.entry(name).or_default();
        entry.0 = text;
        entry.1 = entry.1.max(number);
    }

    /// Writes the sums below.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self, frames: u64, length: Duration) -> std::io::Result<()> {
        writeln!(self.file, "\n{frames} frames, {}", clock(i64::try_from(length.as_micros()).unwrap_or(i64::MAX)))?;
        for (name, number) in &self.events {
            writeln!(self.file, "{name:<20} {number}")?;
        }
        // Of the labels that were never there nobody wants to read.
        for (name, (text, most)) in &self.counts {
            if name.starts_with("line ") {
                writeln!(self.file, "{name:<20} {text}")?;
            } else if *most > 0 {
                writeln!(self.file, "{name:<20} at most {most}, at last {text}")?;
            }
        }
        self.file.flush()
    }

    fn details(&self, change: &ObjectChange) -> String {
        let b = change.bbox;
        let place = format!("at {:.2},{:.2} size {:.2}x{:.2}", b.x, b.y, b.width, b.height);
        let state = || {
            let zones: Vec<&str> = change.zones.iter().map(|zone| &**zone).collect();
            let zones = if zones.is_empty() { String::new() } else { format!(" in {}", zones.join(", ")) };
            format!("{}{zones}", if change.stationary { "stationary" } else { "moving" })
        };
        match &change.kind {
            EventKind::ObjectStarted | EventKind::ObjectUpdated => {
                format!("{place} score {:.2} {}", change.top_score, state())
            }
            EventKind::ObjectEnded { reason } => {
                let reason = serde_json::to_value(reason).ok();
                let reason = reason.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
                format!(
                    "{place} score {:.2} {reason}, seen for {:.1} s until {}",
                    change.top_score,
                    change.age.as_secs_f32(),
                    self.clock(change.time.capture)
                )
            }
            EventKind::ZoneEntered { zone } => zone.to_string(),
            EventKind::ZoneLeft { zone, dwell } | EventKind::ZoneLoitering { zone, dwell } => {
                format!("{zone} after {:.1} s", dwell.as_secs_f32())
            }
            EventKind::LineCrossed { line, direction } => {
                format!("{line} {}", if *direction == LineDirection::In { "in" } else { "out" })
            }
        }
    }

    /// A moment as the recording counts it.
    fn clock(&self, moment: WallTime) -> String {
        clock(moment.as_micros() - self.start.as_micros())
    }
}

/// `00:01:02.345`
fn clock(micros: i64) -> String {
    let millis = micros / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_a_clock() {
        assert_eq!(clock(0), "00:00:00.000");
        assert_eq!(clock(3_723_456_789), "01:02:03.456");
    }
}
