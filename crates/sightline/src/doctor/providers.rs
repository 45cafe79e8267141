//! Libraries, and each execution provider really run: in a process of its own, as a process loads one ONNX Runtime.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightline_core::execution::Execution;
use sightline_infer::{
    library::{self, Flavour},
    openvino_library,
};

use super::{Finding, State};
use crate::{
    child,
    cli::{DoctorArgs, ProviderName},
    library as sessions, models,
};

/// Every provider, in the order in which one would wish them.
const ALL: [&str; 5] = ["tensorrt", "cuda", "openvino", "onnxruntime-openvino", "cpu"];
const SECTION: &str = "execution providers";

/// What a child says of one provider.
#[derive(Deserialize, Serialize)]
struct Found {
    state: String,
    message: String,
}

/// Which libraries are found, and where they would be looked for.
pub(super) fn libraries() -> Vec<Finding> {
    const SECTION: &str = "libraries";
    let kinds = [
        (Flavour::Plain, "ONNX Runtime", State::Failed),
        (Flavour::OpenVino, "ONNX Runtime with OpenVINO", State::Absent),
        (Flavour::Gpu, "ONNX Runtime with CUDA and TensorRT", State::Absent),
    ];
    let look = |(flavour, what, missing)| match library::locate(flavour) {
        Ok((path, origin)) => Finding::ok(SECTION, what, format!("{} ({origin})", path.display())),
        Err(message) => Finding { state: missing, ..Finding::absent(SECTION, what, message) },
    };
    let mut findings: Vec<Finding> = kinds.map(look).into();
    findings.push(match openvino_library::locate() {
        Ok((path, origin)) => match openvino_library::load() {
            Ok(library) => {
                Finding::ok(SECTION, library.name(), format!("{} ({origin}); {}", path.display(), devices()))
            }
            Err(message) => Finding::absent(SECTION, "OpenVINO", message),
        },
        Err(message) => Finding::absent(SECTION, "OpenVINO", message),
    });
    findings
}

/// OpenVINO's devices, with their full names.
fn devices() -> String {
    match openvino_library::devices() {
        Ok(devices) => {
            let shown = devices.iter().map(|device| format!("{} ({})", device.name, device.full_name));
            format!("devices: {}", shown.collect::<Vec<_>>().join(", "))
        }
        Err(message) => message,
    }
}

/// Every provider; only the CPU must run.
pub(super) fn all(args: &DoctorArgs) -> Vec<Finding> {
    let look = |name: &str| match in_child(args, name) {
        Ok(message) => Finding::ok(SECTION, name, message),
        Err(message) if name == "cpu" => Finding::failed(SECTION, name, message),
        Err(message) => Finding::absent(SECTION, name, message),
    };
    ALL.map(look).into()
}

/// The named providers; each must run.
pub(super) fn named(args: &DoctorArgs) -> Vec<Finding> {
    let look = |name: &ProviderName| match args.provider.as_slice() {
        [_] => run(name, &args.model),
        _ => in_child(args, &name.to_string()),
    };
    let find = |name: &ProviderName| match look(name) {
        Ok(message) => Finding::ok(SECTION, name.to_string(), message),
        Err(message) => Finding::failed(SECTION, name.to_string(), message),
    };
    args.provider.iter().map(find).collect()
}

/// What a process of its own says of one provider.
fn in_child(args: &DoctorArgs, name: &str) -> Result<String, String> {
    let arguments = ["doctor", "--format", "json", "--model", &args.model, "--provider", name].map(str::to_owned);
    let found = child::run::<Vec<Found>>(&arguments, Duration::from_secs(args.timeout))?;
    match found.into_iter().next() {
        Some(Found { state, message }) if state == "ok" => Ok(message),
        Some(Found { message, .. }) => Err(message),
        None => Err("nothing was said of it".into()),
    }
}

fn run(ProviderName(provider): &ProviderName, model: &str) -> Result<String, String> {
    sightline_media::init().map_err(|error| error.to_string())?;
    let model = models::load(model).map_err(sessions::reason)?;
    let opened = sessions::open_on(&model, provider.clone()).map_err(sessions::reason)?;
    let Execution { device, library, placement, agreement, .. } = &opened.execution;
    let agreement = match agreement {
        None => String::new(),
        Some(agreement) if !agreement.is_conclusive() => "; its answers could not be compared with the CPU's".into(),
        Some(agreement) => format!("; scores within {:.4} of the CPU's", agreement.largest_score_difference),
    };
    Ok(format!("runs {} on {device}, {placement}, {library}{agreement}", model.name))
}
