//! `mqtt.outbox` to an [`OutboxPlan`].

use std::time::Duration;

use sightline_core::outbox::OutboxPlan;

use super::wire::{DurationText, OutboxWire, SizeText};
use crate::{defaults, read::Reading, yaml::field::Field};

/// What the section asks for; defaults for what it does not say.
pub(super) fn read(reading: Reading<'_>, field: &Field<OutboxWire>) -> OutboxPlan {
    let default = OutboxPlan::default();
    let Some((_, wire)) = field.given() else { return default };
    OutboxPlan {
        max_bytes: size(reading, &wire.max_size).unwrap_or(default.max_bytes),
        max_age: age(reading, &wire.max_age).unwrap_or(default.max_age),
        history_bytes: size(reading, &wire.history_size).unwrap_or(default.history_bytes),
        history_age: age(reading, &wire.history_age).unwrap_or(default.history_age),
    }
}

fn size(reading: Reading<'_>, field: &Field<SizeText>) -> Option<u64> {
    let (place, text) = field.given()?;
    reading.size(place, &text.0, defaults::MIN_OUTBOX_BYTES, defaults::MAX_OUTBOX_BYTES)
}

fn age(reading: Reading<'_>, field: &Field<DurationText>) -> Option<Duration> {
    let (place, text) = field.given()?;
    reading.duration(place, &text.0, defaults::MIN_KEPT_AGE, defaults::MAX_KEPT_AGE)
}
