//! `inference:` to an [`InferencePlan`].

use sightline_core::plan::{InferencePlan, OnUnavailable, Provider};

use super::wire::{InferenceWire, OnUnavailableWire, ProviderName, ProviderWire};
use crate::{defaults, problem::PlaceId, read::Reading, yaml::field::Field};

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
    InferencePlan {
        providers: providers(reading, &wire.providers),
        on_unavailable,
        max_batch: max_batch.unwrap_or(defaults::MAX_BATCH),
        max_wait: max_wait.unwrap_or(defaults::MAX_WAIT),
    }
}

fn providers(reading: Reading<'_>, field: &Field<Vec<Field<ProviderWire>>>) -> Vec<Provider> {
    let Some((place, wishes)) = field.given() else {
        return vec![Provider::Cpu];
    };
    if wishes.is_empty() {
        reading.reporter.report_with_help(place, "names no provider", "write [cpu], or leave `providers` out");
    }
    let mut providers = Vec::new();
    for (place, wish) in wishes.iter().filter_map(Field::given) {
        let Some(provider) = provider(reading, place, wish) else {
            continue;
        };
        if providers.contains(&provider) {
            reading.reporter.report(place, "this provider is in the list twice");
        }
        providers.push(provider);
    }
    providers
}

fn provider(reading: Reading<'_>, place: PlaceId, wish: &ProviderWire) -> Option<Provider> {
    let (name, device) = match wish {
        ProviderWire::Scalar(name) => (*name, &Field::Absent),
        ProviderWire::Mapping(details) => {
            if details.name.is_absent() {
                reading.reporter.report_missing(place, "name", "as in {name: openvino, device: GPU}");
            }
            (*details.name.given()?.1, &details.device)
        }
    };
    if let (Some((place, _)), true) = (device.given(), name != ProviderName::Openvino) {
        reading.reporter.report_with_help(place, "only openvino has a device", "remove `device`");
    }
    Some(match name {
        ProviderName::Tensorrt => Provider::TensorRt,
        ProviderName::Cuda => Provider::Cuda,
        ProviderName::Cpu => Provider::Cpu,
        ProviderName::Openvino => {
            let device = reading.non_empty_text(device);
            Provider::OpenVino { device: device.unwrap_or_else(|| defaults::OPENVINO_DEVICE.to_owned()) }
        }
    })
}
