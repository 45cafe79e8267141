//! What is wished of a device as OpenVINO's properties.

use std::path::{Path, PathBuf};

use openvino::{CompiledModel, Core, DeviceType, PropertyKey, RwPropertyKey};
use sightline_core::provider::{OpenVinoOptions, OpenVinoPrecision};

use super::{device::Wished, guard, library::Library};
use crate::job::Job;

/// What a device that can keep compiled models says of itself.
const CAN_BE_KEPT: &str = "EXPORT_IMPORT";

/// How many batches run at the same time.
///
/// A CPU runs one per stream and camera; a GPU or NPU is kept busy by a full batch; the Neural Compute Stick 2 by two
/// requests, of which one is sent over USB while the other is computed.
pub(super) fn streams(options: &OpenVinoOptions, wished: &Wished<'_>, sessions: usize) -> usize {
    let unsaid = match wished.first {
        "CPU" => sessions,
        _ if wished.is_myriad() => 2,
        _ => 1,
    };
    options.streams.unwrap_or(unsaid).max(1)
}

/// Sets everything on `core` that is wished of the device.
///
/// # Errors
/// Which option the device does not take, and what OpenVINO said.
pub(super) fn apply(
    core: &mut Core,
    options: &OpenVinoOptions,
    wished: &Wished<'_>,
    streams: usize,
    cache: Option<&Path>,
) -> Result<(), String> {
    for (option, key, value) in properties(options, wished, streams)? {
        for device in targets(wished) {
            let set = guard::call(|| core.set_property(&DeviceType::from(device), &key, &value));
            set.map_err(|reason| {
                format!("{device} does not take the option {option} ({}={value}): {reason}", key.as_ref())
            })?;
        }
    }
    if options.precision.is_none() && wished.is_over_others() && may_run_on_cpu(wished) {
        let (key, value) = (RwPropertyKey::HintInferencePrecision, value(OpenVinoPrecision::Fp32));
        guard::call(|| core.set_property(&DeviceType::CPU, &key, value))
            .map_err(|reason| format!("CPU does not take {}={value}: {reason}", key.as_ref()))?;
    }
    let Some(folder) = cache else { return Ok(()) };
    let folder = folder.to_str().filter(|folder| !folder.contains('\0'));
    let folder = folder.ok_or("the path of the folder for compiled models is not UTF-8; set cache: false")?;
    for device in targets(wished) {
        let capabilities =
            guard::call(|| core.get_property(&DeviceType::from(device), &PropertyKey::DeviceCapabilities));
        if !capabilities.is_ok_and(|capabilities| capabilities.contains(CAN_BE_KEPT)) {
            tracing::debug!(device, "cannot keep compiled models");
            continue;
        }
        guard::call(|| core.set_property(&DeviceType::from(device), &RwPropertyKey::CacheDir, folder))
            .map_err(|reason| format!("{device} does not take the option cache (CACHE_DIR={folder}): {reason}"))?;
    }
    Ok(())
}

/// Devices that properties are set on: those that compute, not those over them.
fn targets<'a>(wished: &Wished<'a>) -> Vec<&'a str> {
    if wished.parts.is_empty() { vec![wished.first] } else { wished.parts.clone() }
}

/// Options with the property and the value that stand for them. The names are those of 2022.3 and of 2026.
fn properties(
    options: &OpenVinoOptions,
    wished: &Wished<'_>,
    streams: usize,
) -> Result<Vec<(&'static str, RwPropertyKey, String)>, String> {
    let mut properties = Vec::new();
    if wished.first == "CPU" {
        properties.push(("streams", RwPropertyKey::NumStreams, streams.to_string()));
        // One thread for each stream where nothing is said, as with ONNX Runtime's sessions.
        let threads = options.threads.unwrap_or(streams);
        properties.push(("threads", RwPropertyKey::InferenceNumThreads, threads.to_string()));
    } else {
        if let Some(threads) = options.threads {
            properties.push(("threads", RwPropertyKey::InferenceNumThreads, threads.to_string()));
        }
        // Over several devices, and on the stick, it is only the number of requests.
        if options.streams.is_some() && !wished.is_over_others() && !wished.is_myriad() {
            properties.push(("streams", RwPropertyKey::NumStreams, streams.to_string()));
        }
    }
    if let Some(precision) = precision(options, wished)? {
        properties.push(("precision", RwPropertyKey::HintInferencePrecision, value(precision).into()));
    }
    Ok(properties)
}

/// Whether a device over others may hand a model to the CPU: by its name, or because it names none.
fn may_run_on_cpu(wished: &Wished<'_>) -> bool {
    wished.parts.is_empty() || wished.parts.contains(&"CPU")
}

/// What layers are to be computed in, where the device is told.
fn precision(options: &OpenVinoOptions, wished: &Wished<'_>) -> Result<Option<OpenVinoPrecision>, String> {
    match options.precision {
        // The stick has nothing else, and no property to say so.
        None | Some(OpenVinoPrecision::Fp16) if wished.is_myriad() => Ok(None),
        Some(_) if wished.is_myriad() => Err("MYRIAD computes in fp16 alone; leave the option precision out".into()),
        // A CPU that has bf16 would use it unasked, and give other answers than one that has not (0.7 % off in the raw
        // outputs, which moved scores over their threshold on one reference picture).
        None if wished.first == "CPU" => Ok(Some(OpenVinoPrecision::Fp32)),
        said => Ok(said),
    }
}

const fn value(precision: OpenVinoPrecision) -> &'static str {
    match precision {
        OpenVinoPrecision::Fp32 => "f32",
        OpenVinoPrecision::Fp16 => "f16",
        OpenVinoPrecision::Bf16 => "bf16",
    }
}

/// Makes sure that a device computes in what was said: a CPU without f16 takes the property, and computes in bf16.
///
/// # Errors
/// What it computes in instead.
pub(super) fn check_precision(
    options: &OpenVinoOptions,
    wished: &Wished<'_>,
    compiled: &CompiledModel,
) -> Result<(), String> {
    let Some(precision) = options.precision.filter(|_| !wished.is_over_others() && !wished.is_myriad()) else {
        return Ok(());
    };
    // A device that does not tell it has refused it before, or means it.
    let property = PropertyKey::Rw(RwPropertyKey::HintInferencePrecision);
    let Ok(used) = guard::call(|| compiled.get_property(&property)) else { return Ok(()) };
    if used == value(precision) {
        return Ok(());
    }
    Err(format!(
        "{} computes in {used} where the option precision says {}; say that, or leave it out",
        wished.name,
        value(precision)
    ))
}

/// Where what is compiled of this model is kept, made if need be: named by everything that makes it another one.
///
/// # Errors
/// When the folder cannot be made.
pub(super) fn cache_folder(
    options: &OpenVinoOptions,
    library: &Library,
    wished: &Wished<'_>,
    job: Job<'_>,
) -> Result<Option<PathBuf>, String> {
    let Some(root) = job.cache.filter(|_| options.cache) else { return Ok(None) };
    let key = format!("{}-{}-{}", job.spec.sha256.get(..16).unwrap_or(&job.spec.sha256), library.name(), wished.name);
    let safe = |c: char| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' };
    let folder = root.join("openvino").join(key.chars().map(safe).collect::<String>());
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make the folder for compiled models {}: {error}", folder.display()))?;
    Ok(Some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(options: &OpenVinoOptions, device: &str, streams: usize) -> Vec<(&'static str, String)> {
        let wished = Wished::parse(device).unwrap();
        properties(options, &wished, streams).unwrap().into_iter().map(|(option, _, value)| (option, value)).collect()
    }

    #[test]
    fn a_cpu_has_a_thread_for_each_stream_unless_it_is_said() {
        let options = OpenVinoOptions::default();
        let precision = ("precision", "f32".to_owned());
        assert_eq!(
            set(&options, "CPU", 3),
            [("streams", "3".to_owned()), ("threads", "3".to_owned()), precision.clone()]
        );
        let said = OpenVinoOptions { threads: Some(8), ..options };
        assert_eq!(set(&said, "CPU", 2), [("streams", "2".to_owned()), ("threads", "8".to_owned()), precision]);
    }

    #[test]
    fn other_devices_are_told_what_was_said_alone() {
        let options = OpenVinoOptions::default();
        assert!(set(&options, "GPU", 1).is_empty());
        let said = OpenVinoOptions { streams: Some(2), precision: Some(OpenVinoPrecision::Fp16), ..options };
        assert_eq!(set(&said, "GPU.1", 2), [("streams", "2".to_owned()), ("precision", "f16".to_owned())]);
        assert_eq!(set(&said, "HETERO:GPU,CPU", 2), [("precision", "f16".to_owned())]);
        assert!(set(&said, "MYRIAD", 2).is_empty());
        let bf16 = OpenVinoOptions { precision: Some(OpenVinoPrecision::Bf16), ..said };
        properties(&bf16, &Wished::parse("MYRIAD").unwrap(), 2).unwrap_err();
    }

    #[test]
    fn streams_are_the_cameras_on_a_cpu_and_few_elsewhere() {
        let streams = |device: &str, said| {
            let options = OpenVinoOptions { streams: said, ..OpenVinoOptions::default() };
            super::streams(&options, &Wished::parse(device).unwrap(), 4)
        };
        assert_eq!(["CPU", "GPU", "NPU", "AUTO", "MYRIAD"].map(|device| streams(device, None)), [4, 1, 1, 1, 2]);
        assert_eq!((streams("CPU", Some(1)), streams("GPU", Some(3)), streams("CPU", Some(0))), (1, 3, 1));
    }
}
