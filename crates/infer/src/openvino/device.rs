//! Whether a wished device is there, and what is said where it is not.

use std::path::Path;

use openvino::{Core, DeviceType, PropertyKey};

use super::{
    guard,
    library::{Device, Library},
};
use crate::search::files_in;

/// The Neural Compute Stick 2.
pub(super) const MYRIAD: &str = "MYRIAD";
/// Its plugin's file, beside the library or in a folder `openvino-<version>` there.
const MYRIAD_PLUGIN: &str = "libopenvino_intel_myriad_plugin.so";
/// Devices that hand a model on to others; the colon before their list is theirs alone.
const OVER_OTHERS: [&str; 4] = ["AUTO", "MULTI", "HETERO", "BATCH"];

/// A device as it is wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wished<'a> {
    /// As it is written: `GPU.1`, `HETERO:GPU,CPU`.
    pub name: &'a str,
    /// What comes before the colon.
    pub first: &'a str,
    /// The devices that may run the model; for `AUTO` alone none is named.
    pub parts: Vec<&'a str>,
}

impl<'a> Wished<'a> {
    /// Takes the name apart.
    ///
    /// # Errors
    /// When OpenVINO cannot be given such a name.
    pub(super) fn parse(name: &'a str) -> Result<Self, String> {
        if name.is_empty() || name.contains('\0') {
            return Err("the device's name is empty or holds a NUL character; CPU is one that is always there".into());
        }
        let (first, list) = name.split_once(':').unwrap_or((name, ""));
        if !OVER_OTHERS.contains(&first) {
            return Ok(Self { name, first: name, parts: vec![name] });
        }
        // `BATCH:GPU(4)` names a batch; `AUTO:-CPU` a device that is not to be taken.
        let parts = list.split(',').map(|part| part.split('(').next().unwrap_or_default().trim());
        let parts = parts.filter(|part| !part.is_empty() && !part.starts_with('-')).collect();
        Ok(Self { name, first, parts })
    }

    /// Whether it is one of OpenVINO's devices over others.
    pub(super) fn is_over_others(&self) -> bool {
        OVER_OTHERS.contains(&self.first)
    }

    /// Whether the Neural Compute Stick 2 is meant.
    pub(super) fn is_myriad(&self) -> bool {
        self.parts.iter().any(|part| base(part) == MYRIAD)
    }

    /// Makes sure that what runs the model is what was wished. `AUTO` wishes for whatever OpenVINO takes.
    ///
    /// # Errors
    /// What runs it instead.
    pub(super) fn check_execution(&self, executing: &[String]) -> Result<(), String> {
        if self.first == "AUTO" {
            return Ok(());
        }
        match executing.iter().find(|device| !self.parts.iter().any(|part| is_same(part, device))) {
            Some(other) => Err(format!("openvino runs the model on {other}, and {} was wished", self.name)),
            None => Ok(()),
        }
    }
}

/// All devices that are there, with their full names.
///
/// # Errors
/// What OpenVINO said.
pub(super) fn all(core: &Core) -> Result<Vec<Device>, String> {
    let names = available(core)?;
    Ok(names.into_iter().map(|name| Device { full_name: full_name(core, &name), name }).collect())
}

/// Makes sure that a wished device is there.
///
/// # Errors
/// What is missing, which devices there are, and what helps.
pub(super) fn check(core: &Core, library: &Library, wished: &Wished<'_>) -> Result<(), String> {
    let available = available(core)?;
    let is_there = |part: &&str| available.iter().any(|device| is_same(part, device));
    let Some(missing) = wished.parts.iter().find(|part| !is_there(part)) else { return Ok(()) };
    if base(missing) == MYRIAD {
        return Err(without_myriad(library, &files_in));
    }
    let listed = if available.is_empty() { "none".into() } else { available.join(", ") };
    let place = library.path.display();
    Err(format!("{} at {place} has no device {missing} here; there are: {listed}", library.name()))
}

/// `CPU (AMD EPYC 9R14)` for each device; as much of it as is known.
pub(super) fn described(core: &Core, names: &[String]) -> String {
    let one = |name: &String| match full_name(core, name) {
        full if full.is_empty() || full == *name => name.clone(),
        full => format!("{name} ({full})"),
    };
    names.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn available(core: &Core) -> Result<Vec<String>, String> {
    let devices = guard::call(|| core.available_devices())?;
    Ok(devices.iter().map(ToString::to_string).collect())
}

fn full_name(core: &Core, name: &str) -> String {
    let said = guard::call(|| core.get_property(&DeviceType::from(name), &PropertyKey::DeviceFullName));
    said.map(|name| crate::job::one_line(&name)).unwrap_or_default()
}

/// `GPU` of `GPU.1`.
fn base(device: &str) -> &str {
    device.split('.').next().unwrap_or(device)
}

/// Whether a device that is there is the wished one: the only GPU is listed as `GPU` or as `GPU.0`, and `GPU` means the first.
fn is_same(wished: &str, there: &str) -> bool {
    wished == there || (base(wished) == base(there) && [wished, there].iter().all(|name| first_of_its_kind(name)))
}

fn first_of_its_kind(device: &str) -> bool {
    // Sticks are numbered by where they are plugged in: any is the one.
    !device.contains('.') || device.ends_with(".0") || base(device) == MYRIAD
}

fn without_myriad(library: &Library, names_in: &dyn Fn(&Path) -> Vec<String>) -> String {
    let (name, path) = (library.name(), library.path.display());
    let remedy = "install OpenVINO 2022.3.1 and set SIGHTLINE_OPENVINO to its libopenvino_c.so; see docs/guide/ncs2.md";
    if !library.version.may_have_myriad() {
        return format!(
            "{name} at {path} has no MYRIAD plugin: support for the Neural Compute Stick 2 ended with 2022.3 LTS; {remedy}"
        );
    }
    let folder = library.path.parent().unwrap_or(Path::new(""));
    let names = names_in(folder);
    let packaged =
        names.iter().filter(|name| name.starts_with("openvino-")).flat_map(|name| names_in(&folder.join(name)));
    if names.iter().cloned().chain(packaged).any(|name| name == MYRIAD_PLUGIN) {
        return format!(
            "{name} at {path} finds no Neural Compute Stick 2: is one plugged in (`lsusb -d 03e7:`), and may this user open it \
             (udev rule, group `users`)? see docs/guide/ncs2.md"
        );
    }
    format!("{name} at {path} has no MYRIAD plugin ({MYRIAD_PLUGIN}), which 2022.3.0 and wheels come without; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::{super::library::Version, *};

    #[test]
    fn devices_over_others_are_taken_apart() {
        let parts = |name: &'static str| Wished::parse(name).unwrap().parts;
        assert_eq!(parts("GPU.1"), ["GPU.1"]);
        assert_eq!(parts("HETERO:GPU.1,CPU"), ["GPU.1", "CPU"]);
        assert_eq!(parts("BATCH:GPU(4)"), ["GPU"]);
        assert_eq!(parts("AUTO:-CPU,GPU"), ["GPU"]);
        assert!(parts("AUTO").is_empty());
        assert!(Wished::parse("HETERO:MYRIAD.1.2-ma2480,CPU").unwrap().is_myriad());
        for wrong in ["", "CP\0U"] {
            Wished::parse(wrong).unwrap_err();
        }
    }

    #[test]
    fn another_device_than_the_wished_one_is_told() {
        let check = |wished: &str, executing: &[&str]| {
            let executing: Vec<String> = executing.iter().map(|&name| name.to_owned()).collect();
            Wished::parse(wished).unwrap().check_execution(&executing)
        };
        for (wished, executing) in
            [("CPU", "CPU"), ("GPU", "GPU.0"), ("GPU.0", "GPU"), ("AUTO", "CPU"), ("MYRIAD", "MYRIAD.1.2-ma2480")]
        {
            check(wished, &[executing]).unwrap();
        }
        check("MULTI:GPU,CPU", &["GPU.0", "CPU"]).unwrap();
        for (wished, executing) in [("GPU", "CPU"), ("GPU.1", "GPU.0"), ("GPU", "GPU.1"), ("HETERO:GPU,NPU", "CPU")] {
            let said = check(wished, &[executing]).unwrap_err();
            assert!(said.contains(wished) && said.contains(&format!("on {executing}")), "{said}");
        }
    }

    #[test]
    fn a_missing_stick_is_told_from_a_missing_plugin_and_from_too_new_a_library() {
        let said = |version: &str, files: &[&str]| {
            let version = Version::parse(version).unwrap();
            let library = Library { path: "/ov/lib/libopenvino_c.so".into(), origin: "", version };
            let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
            without_myriad(&library, &move |folder| {
                let inside = files.iter().filter_map(|file| Path::new(file).strip_prefix(folder).ok());
                inside.filter_map(|path| path.components().next()?.as_os_str().to_str().map(str::to_owned)).collect()
            })
        };
        assert_eq!(
            said("2026.4.1", &[]),
            "OpenVINO 2026.4.1 at /ov/lib/libopenvino_c.so has no MYRIAD plugin: support for the Neural Compute Stick 2 ended \
             with 2022.3 LTS; install OpenVINO 2022.3.1 and set SIGHTLINE_OPENVINO to its libopenvino_c.so; see \
             docs/guide/ncs2.md"
        );
        assert!(said("2022.3.2", &[]).contains("wheels come without"));
        for plugin in [
            "/ov/lib/libopenvino_intel_myriad_plugin.so",
            "/ov/lib/openvino-2022.3.1/libopenvino_intel_myriad_plugin.so",
        ] {
            assert!(said("2022.3.1", &[plugin]).contains("is one plugged in"));
        }
    }
}
