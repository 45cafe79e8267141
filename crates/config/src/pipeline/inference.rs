//! `inference:` to an [`InferencePlan`].

use sightline_core::plan::{InferencePlan, OnUnavailable, Provider};

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
    let named = providers::read(reading, &wire.providers);
    let calibrate = match wire.calibrate.given() {
        Some((place, _)) if named.is_some() => {
            let help = "remove it, or leave `providers` out";
            reading.reporter.report_with_help(place, "belongs to `providers: auto`", help);
            false
        }
        said => said.is_none_or(|(_, is_wished)| *is_wished),
    };
    InferencePlan {
        calibrate: calibrate && named.is_none(),
        providers: named.unwrap_or_else(|| vec![Provider::cpu()]),
        on_unavailable,
        max_batch,
        max_wait: max_wait.unwrap_or(defaults::MAX_WAIT),
        latency_target,
    }
}
