//! `inference:` to an [`InferencePlan`].

use sightline_core::plan::{InferencePlan, OnUnavailable};

use super::{
    providers,
    wire::{InferenceWire, OnUnavailableWire},
};
use crate::{defaults, read::Reading};

/// How inference runs.
pub(super) fn read(reading: Reading<'_>, wire: &InferenceWire) -> InferencePlan {
    let on_unavailable = match wire.on_unavailable.given() {
        Some((_, OnUnavailableWire::Fail)) => OnUnavailable::Fail,
        Some((_, OnUnavailableWire::Fallback)) | None => OnUnavailable::Fallback,
    };
    let max_batch = wire
        .max_batch
        .given()
        .and_then(|(place, value)| reading.whole_number(place, *value, 1, defaults::MAX_MAX_BATCH));
    let max_wait = wire
        .max_wait
        .given()
        .and_then(|(place, text)| reading.duration(place, &text.0, std::time::Duration::ZERO, defaults::MAX_MAX_WAIT));
    let latency_target = wire.latency_target.given().and_then(|(place, text)| {
        reading.duration(place, &text.0, defaults::MIN_LATENCY_TARGET, defaults::MAX_LATENCY_TARGET)
    });
    InferencePlan {
        providers: providers::read(reading, &wire.providers),
        on_unavailable,
        max_batch: max_batch.unwrap_or(defaults::MAX_BATCH),
        max_wait: max_wait.unwrap_or(defaults::MAX_WAIT),
        latency_target,
    }
}
