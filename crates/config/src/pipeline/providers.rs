//! `inference.providers:` to [`Provider`]s.

use sightline_core::provider::{
    ArenaGrowth, CpuOptions, CudaOptions, OpenVinoOptions, OpenVinoPrecision, OpenVinoRuntime, Provider,
    TensorRtOptions, TensorRtPrecision,
};

use super::wire::{
    AutoWire, PrecisionWire, ProviderDetails, ProviderName, ProviderWire, ProvidersWire, RuntimeWire, SizeText,
};
use crate::{defaults, problem::PlaceId, read::Reading, yaml::field::Field};

use ProviderName::{Cpu, Cuda, Openvino, Tensorrt};

/// The providers in their order; `None` where they are to be found by measuring.
pub(super) fn read(reading: Reading<'_>, field: &Field<ProvidersWire>) -> Option<Vec<Provider>> {
    let (place, wishes) = match field.given() {
        None | Some((_, ProvidersWire::Scalar(AutoWire::Auto))) => return None,
        Some((place, ProvidersWire::Sequence(wishes))) => (place, wishes),
    };
    if wishes.is_empty() {
        reading.reporter.report_with_help(place, "names no provider", "write auto or [cpu], or leave `providers` out");
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
    Some(providers)
}

fn provider(reading: Reading<'_>, place: PlaceId, wish: &ProviderWire) -> Option<Provider> {
    let details = match wish {
        ProviderWire::Scalar(name) => return Some(plain(*name)),
        ProviderWire::Mapping(details) => details,
    };
    if details.name.is_absent() {
        reading.reporter.report_missing(place, "name", "as in {name: openvino, device: GPU}");
    }
    let (_, &name) = details.name.given()?;
    refuse_others_options(reading, name, details);
    let batch_sizes = batch_sizes(reading, &details.batch_sizes);
    let size = |field| size(reading, field);
    let number = |field| number(reading, field);
    let is_set = |field: &Field<bool>| field.given().is_none_or(|(_, value)| *value);
    Some(match name {
        Tensorrt => Provider::TensorRt(TensorRtOptions {
            device: gpu(reading, &details.device),
            precision: tensorrt_precision(reading, &details.precision),
            workspace: size(&details.workspace),
            cache: is_set(&details.cache),
            batch_sizes,
        }),
        Cuda => Provider::Cuda(CudaOptions {
            device: gpu(reading, &details.device),
            memory_limit: size(&details.memory_limit),
            arena: arena_growth(reading, &details.arena),
            tf32: is_set(&details.tf32),
            batch_sizes,
        }),
        Openvino => Provider::OpenVino(OpenVinoOptions {
            device: device(reading, &details.device),
            runtime: match details.runtime.given() {
                Some((_, RuntimeWire::Onnxruntime)) => OpenVinoRuntime::OnnxRuntime,
                Some((_, RuntimeWire::Openvino)) | None => OpenVinoRuntime::OpenVino,
            },
            precision: openvino_precision(reading, &details.precision),
            streams: number(&details.streams),
            threads: number(&details.threads),
            cache: is_set(&details.cache),
            batch_sizes,
        }),
        Cpu => Provider::Cpu(CpuOptions {
            threads: number(&details.threads).unwrap_or(1),
            workers: number(&details.workers),
            arena: has_arena(reading, &details.arena),
        }),
    })
}

fn plain(name: ProviderName) -> Provider {
    match name {
        Tensorrt => Provider::TensorRt(TensorRtOptions::default()),
        Cuda => Provider::Cuda(CudaOptions::default()),
        Openvino => Provider::OpenVino(OpenVinoOptions::default()),
        Cpu => Provider::cpu(),
    }
}

/// An option that does nothing where it stands is a mistake.
fn refuse_others_options(reading: Reading<'_>, name: ProviderName, details: &ProviderDetails) {
    let place = |field: &Field<u64>| field.given().map(|(place, _)| place);
    let options: [(&str, Option<PlaceId>, &[ProviderName]); 12] = [
        ("device", details.device.given().map(|it| it.0), &[Tensorrt, Cuda, Openvino]),
        ("precision", details.precision.given().map(|it| it.0), &[Tensorrt, Openvino]),
        ("batch_sizes", details.batch_sizes.given().map(|it| it.0), &[Tensorrt, Cuda, Openvino]),
        ("cache", details.cache.given().map(|it| it.0), &[Tensorrt, Openvino]),
        ("workspace", details.workspace.given().map(|it| it.0), &[Tensorrt]),
        ("memory_limit", details.memory_limit.given().map(|it| it.0), &[Cuda]),
        ("arena", details.arena.given().map(|it| it.0), &[Cuda, Cpu]),
        ("tf32", details.tf32.given().map(|it| it.0), &[Cuda]),
        ("runtime", details.runtime.given().map(|it| it.0), &[Openvino]),
        ("streams", place(&details.streams), &[Openvino]),
        ("threads", place(&details.threads), &[Openvino, Cpu]),
        ("workers", place(&details.workers), &[Cpu]),
    ];
    for (option, place, owners) in options {
        if let Some(place) = place.filter(|_| !owners.contains(&name)) {
            let owners = owners.iter().map(|owner| owner.as_str()).collect::<Vec<_>>().join(", ");
            let wrong = format!("{} has no `{option}`", name.as_str());
            reading.reporter.report_with_help(place, wrong, format!("remove it; it belongs to {owners}"));
        }
    }
}

fn gpu(reading: Reading<'_>, field: &Field<String>) -> u32 {
    let (Some((place, _)), Some(text)) = (field.given(), reading.non_empty_text(field)) else { return 0 };
    text.parse().ok().filter(|number| *number <= defaults::MAX_GPU).unwrap_or_else(|| {
        reading.reporter.report_with_help(place, "is not a GPU's number", "write 0 for the first one");
        0
    })
}

fn device(reading: Reading<'_>, field: &Field<String>) -> String {
    let Some(text) = reading.non_empty_text(field) else { return OpenVinoOptions::default().device };
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || "._:,-()".contains(c));
    if let (Some((place, _)), false) = (field.given(), is_name) {
        let help = "write CPU, GPU, GPU.1, NPU, AUTO, MULTI:GPU,CPU, HETERO:GPU,CPU or MYRIAD";
        reading.reporter.report_with_help(place, "is not a device's name", help);
    }
    text
}

fn tensorrt_precision(reading: Reading<'_>, field: &Field<PrecisionWire>) -> TensorRtPrecision {
    match field.given() {
        Some((_, PrecisionWire::Fp32)) => TensorRtPrecision::Fp32,
        Some((_, PrecisionWire::Int8)) => TensorRtPrecision::Int8,
        Some((place, PrecisionWire::Bf16)) => {
            reading.reporter.report_with_help(place, "tensorrt has no `bf16` here", "write fp32, fp16 or int8");
            TensorRtPrecision::Fp16
        }
        Some((_, PrecisionWire::Fp16)) | None => TensorRtPrecision::Fp16,
    }
}

fn openvino_precision(reading: Reading<'_>, field: &Field<PrecisionWire>) -> Option<OpenVinoPrecision> {
    let (place, precision) = field.given()?;
    Some(match precision {
        PrecisionWire::Fp32 => OpenVinoPrecision::Fp32,
        PrecisionWire::Fp16 => OpenVinoPrecision::Fp16,
        PrecisionWire::Bf16 => OpenVinoPrecision::Bf16,
        PrecisionWire::Int8 => {
            let help = "write fp32, fp16 or bf16, or leave it out; a model in int8 runs in int8 by itself";
            reading.reporter.report_with_help(place, "openvino is not told `int8`", help);
            return None;
        }
    })
}

fn arena_growth(reading: Reading<'_>, field: &Field<String>) -> ArenaGrowth {
    match (field.given(), reading.text(field).as_deref()) {
        (_, None | Some("as_requested")) => ArenaGrowth::AsRequested,
        (_, Some("power_of_two")) => ArenaGrowth::PowerOfTwo,
        (place, Some(_)) => {
            if let Some((place, _)) = place {
                reading.reporter.report(place, "expected one of `as_requested`, `power_of_two`");
            }
            ArenaGrowth::AsRequested
        }
    }
}

fn has_arena(reading: Reading<'_>, field: &Field<String>) -> bool {
    match (field.given(), reading.text(field).as_deref()) {
        (_, None | Some("true")) => true,
        (_, Some("false")) => false,
        (place, Some(_)) => {
            if let Some((place, _)) = place {
                reading.reporter.report(place, "expected `true` or `false`");
            }
            true
        }
    }
}

fn size(reading: Reading<'_>, field: &Field<SizeText>) -> Option<u64> {
    let (place, text) = field.given()?;
    reading.size(place, &text.0, defaults::MIN_GPU_MEMORY, defaults::MAX_GPU_MEMORY)
}

fn number(reading: Reading<'_>, field: &Field<u64>) -> Option<usize> {
    let (place, value) = field.given()?;
    reading.whole_number(place, *value, 1, defaults::MAX_THREADS)
}

/// Ascending, each once.
fn batch_sizes(reading: Reading<'_>, field: &Field<Vec<Field<u64>>>) -> Vec<usize> {
    let Some((place, sizes)) = field.given() else { return Vec::new() };
    if sizes.is_empty() {
        reading.reporter.report_with_help(place, "names no size", "write [1, 4, 8], or leave `batch_sizes` out");
    }
    let given = sizes.iter().filter_map(Field::given);
    let mut read: Vec<usize> =
        given.filter_map(|(place, size)| reading.whole_number(place, *size, 1, defaults::MAX_MAX_BATCH)).collect();
    read.sort_unstable();
    read.dedup();
    read
}
