//! Reads events back from their JSON: those that an outbox kept on disk.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, de};

use super::{
    EndReason, Event, EventKind, EventTimes, LineDirection, ModelIdentity, ObjectChange, Origin, Ulid, WireBox,
    change::EVENT_SCHEMA_NAME,
};
use crate::{execution::ExecutionSummary, frame::FrameInfo, geometry::BoxInFrame};

/// What [`Event`] serialises to. Fields that are not here are a later version's, and nothing to this one.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
    id: Ulid,
    seq: u64,
    epoch: Ulid,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    reason: Option<EndReason>,
    node: String,
    pipeline: String,
    camera: String,
    track: u64,
    label: Arc<str>,
    score: f64,
    top_score: f64,
    r#box: WireBox,
    frame: FrameInfo,
    zones: Vec<Arc<str>>,
    zone: Option<Arc<str>>,
    line: Option<Arc<str>>,
    direction: Option<LineDirection>,
    stationary: bool,
    age_seconds: f64,
    dwell_seconds: Option<f64>,
    time: EventTimes,
    model: ModelIdentity,
    provider: String,
    execution: Option<ExecutionSummary>,
    replayed: bool,
}

impl<'de> Deserialize<'de> for Event {
    /// Reads `sightline.event/1`: what was rounded for the wire stays rounded, so that it serialises to the same text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        if wire.schema != EVENT_SCHEMA_NAME {
            return Err(de::Error::custom(format_args!("schema {:?} is not {EVENT_SCHEMA_NAME:?}", wire.schema)));
        }
        let kind = wire.kind().map_err(de::Error::custom)?;
        let age = span(wire.age_seconds).ok_or_else(|| de::Error::custom("age_seconds is no span of time"))?;
        let (score, top_score, bbox) = (float(wire.score)?, float(wire.top_score)?, bbox(wire.r#box)?);
        let Wire { node, pipeline, camera, model, provider, execution, .. } = wire;
        Ok(Self {
            id: wire.id,
            seq: wire.seq,
            epoch: wire.epoch,
            origin: Arc::new(Origin { node, pipeline, camera, model, provider, execution }),
            change: ObjectChange {
                kind,
                track: wire.track,
                label: wire.label,
                score,
                top_score,
                bbox,
                zones: wire.zones.into(),
                stationary: wire.stationary,
                age,
                frame: wire.frame,
                time: wire.time,
            },
            replayed: wire.replayed,
        })
    }
}

impl Wire<'_> {
    /// What happened. Each `type` has its own fields, and no other type's.
    fn kind(&self) -> Result<EventKind, &'static str> {
        let zone = || self.zone.clone().ok_or("zone is missing");
        let dwell = || self.dwell_seconds.and_then(span).ok_or("dwell_seconds is missing, or no span of time");
        let kind = match &*self.r#type {
            "object_started" => EventKind::ObjectStarted,
            "object_updated" => EventKind::ObjectUpdated,
            "object_ended" => EventKind::ObjectEnded { reason: self.reason.ok_or("reason is missing")? },
            "zone_entered" => EventKind::ZoneEntered { zone: zone()? },
            "zone_left" => EventKind::ZoneLeft { zone: zone()?, dwell: dwell()? },
            "zone_loitering" => EventKind::ZoneLoitering { zone: zone()?, dwell: dwell()? },
            "line_crossed" => EventKind::LineCrossed {
                line: self.line.clone().ok_or("line is missing")?,
                direction: self.direction.ok_or("direction is missing")?,
            },
            _ => return Err("type is none of this version's"),
        };
        let has_only_its_own_fields = self.reason == kind.reason()
            && self.zone.as_deref() == kind.zone()
            && self.line.as_deref().zip(self.direction) == kind.line()
            && self.line.is_some() == self.direction.is_some()
            && self.dwell_seconds.is_some() == kind.dwell().is_some();
        if has_only_its_own_fields { Ok(kind) } else { Err("a field belongs to another type") }
    }
}

/// What would become infinite is refused: JSON has no infinity, so it could not be written again.
fn float<E: de::Error>(value: f64) -> Result<f32, E> {
    let float = value as f32;
    if float.is_finite() { Ok(float) } else { Err(E::custom(format_args!("{value:e} is beyond a float"))) }
}

fn bbox<E: de::Error>(wire: WireBox) -> Result<BoxInFrame, E> {
    for value in [wire.x, wire.y, wire.w, wire.h] {
        float(value)?;
    }
    Ok(wire.into())
}

/// Whole milliseconds, as payloads say times. `None` for what is none.
fn span(seconds: f64) -> Option<Duration> {
    /// Ten thousand years, which is as far as moments go. Far beyond it a float has no milliseconds to round to, and
    /// what was written is read as another span, or as none.
    const LONGEST: f64 = 1e4 * 365.25 * 86_400.0;
    let whole = (seconds * 1000.0).round() / 1000.0;
    if whole <= LONGEST { Duration::try_from_secs_f64(whole).ok() } else { None }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
