//! What was measured, kept in the state directory: a file per model, good for the machine and the libraries that it was
//! measured with.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use sightline_core::{calibration::Calibration, model::ModelSpec, ports::partial_path};
use sightline_infer::{library as onnxruntime, library::Flavour, openvino_library};

use super::layout::Found;
use crate::library;

/// The folder in the state directory.
const FOLDER: &str = "calibration";
/// Of the file's format, and of what a provider does: another one measures anew.
const VERSION: u32 = 3;

/// What a calibration holds for: with anything else it is made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// This program's version.
    sightline: String,
    /// The weights' SHA-256.
    model: String,
    /// The processor's name …
    cpu: String,
    /// … and how many of its cores this process may use.
    cores: usize,
    /// The libraries' files, with length and time: those that would be loaded.
    libraries: Vec<String>,
    /// Devices beside the processor.
    devices: Vec<String>,
}

impl Conditions {
    /// Those of this process on this machine. Loads no library.
    pub fn of(model: &ModelSpec) -> Self {
        let files = [
            onnxruntime::locate(Flavour::Plain).ok(),
            onnxruntime::locate(Flavour::Gpu).ok().filter(|_| has_nvidia()),
            openvino_library::locate().ok(),
        ];
        Self {
            sightline: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.sha256.clone(),
            cpu: cpu(),
            cores: library::cores(),
            libraries: files.into_iter().flatten().map(|(path, _)| described(&path)).collect(),
            devices: devices(),
        }
    }
}

/// What there is to be measured beside the CPU. Loads no library.
pub fn found() -> Found {
    Found {
        openvino: openvino_library::locate().is_ok(),
        render_device: devices().iter().any(|device| !is_nvidia(device)),
        nvidia: has_nvidia() && onnxruntime::locate(Flavour::Gpu).is_ok(),
    }
}

/// Path, length and time of the last change.
fn described(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let metadata = fs::metadata(&path).ok();
    let length = metadata.as_ref().map_or(0, fs::Metadata::len);
    let changed = metadata.and_then(|it| it.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    format!("{} {length} {}", path.display(), changed.unwrap_or_default().as_secs())
}

/// Nodes of GPUs: those of NVIDIA's driver (on Jetson other ones), and those that OpenVINO reaches a GPU through.
fn devices() -> Vec<String> {
    let named = ["/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu/igpu0", "/dev/dxg"];
    let named = named.into_iter().filter(|node| Path::new(node).exists()).map(str::to_owned);
    let rendering = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let rendering = rendering.map(|entry| entry.path().display().to_string()).filter(|path| path.contains("render"));
    let mut devices: Vec<String> = named.chain(rendering).collect();
    devices.sort();
    devices
}

fn is_nvidia(device: &str) -> bool {
    device.starts_with("/dev/nv")
}

fn has_nvidia() -> bool {
    devices().iter().any(|device| is_nvidia(device))
}

/// The processor's name, as Linux tells it; on ARM it tells the board's, or nothing.
fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    value("model name").or_else(|| value("Model")).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    conditions: Conditions,
    calibration: Calibration,
}

/// What is known of a model.
#[derive(Debug, PartialEq)]
pub enum Known {
    /// It was measured under these conditions.
    Measured(Calibration),
    /// It was never measured.
    Nothing,
    /// Something else than these conditions, or a file that cannot be read; in words.
    Outdated(String),
}

/// Where a model's calibration is kept.
pub fn file(state_dir: &Path, model: &ModelSpec) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = model.name.chars().map(safe).collect();
    let sha256 = model.sha256.get(..16).unwrap_or(&model.sha256);
    state_dir.join(FOLDER).join(format!("{name}-{sha256}.json"))
}

/// What is kept in `file`, if it holds for `conditions`.
pub fn read(file: &Path, conditions: &Conditions) -> Known {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Known::Nothing,
        Err(error) => return Known::Outdated(format!("it cannot be read: {error}")),
    };
    match serde_json::from_slice::<Kept>(&text) {
        Ok(kept) if kept.version == VERSION && kept.conditions == *conditions => Known::Measured(kept.calibration),
        Ok(kept) if kept.version == VERSION => Known::Outdated(changes(&kept.conditions, conditions)),
        Ok(kept) => Known::Outdated(format!("it has format {}, this is {VERSION}", kept.version)),
        Err(error) => Known::Outdated(format!("it is damaged: {error}")),
    }
}

/// What differs.
fn changes(then: &Conditions, now: &Conditions) -> String {
    let parts = [
        ("Sightline", then.sightline != now.sightline),
        ("the model", then.model != now.model),
        ("the processor", (&then.cpu, then.cores) != (&now.cpu, now.cores)),
        ("a library", then.libraries != now.libraries),
        ("a device", then.devices != now.devices),
    ];
    let changed: Vec<&str> = parts.into_iter().filter(|it| it.1).map(|it| it.0).collect();
    format!("{} changed since", changed.join(", "))
}

/// Keeps it: the name appears when the content is complete and on the disk.
///
/// # Errors
/// When it cannot be written.
pub fn write(file: &Path, conditions: Conditions, calibration: &Calibration) -> io::Result<()> {
    let kept = Kept { version: VERSION, conditions, calibration: calibration.clone() };
    let text = serde_json::to_string_pretty(&kept)?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = partial_path(file);
    let mut written = File::create(&partial)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(partial, file)
}

#[cfg(test)]
mod tests {
    use sightline_core::{calibration::Candidate, time::WallTime};

    use super::*;

    fn conditions() -> Conditions {
        Conditions {
            sightline: "1.0.0".into(),
            model: "abc".into(),
            cpu: "a processor".into(),
            cores: 2,
            libraries: vec!["/lib/libonnxruntime.so.1.32 100 5".into()],
            devices: Vec::new(),
        }
    }

    fn calibration() -> Calibration {
        let candidate = Candidate {
            provider: "cpu".into(),
            library: "ONNX Runtime 1.32".into(),
            sessions: 2,
            threads: 1,
            batch: 1,
            images_per_second: 123.4,
            latency_ms: 8.125,
            memory_mib: 60,
        };
        Calibration::new(WallTime::from_micros(1_000_000), vec![candidate], Vec::new()).unwrap()
    }

    #[test]
    fn what_was_written_is_read_until_something_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration/model.json");
        assert_eq!(read(&file, &conditions()), Known::Nothing);
        write(&file, conditions(), &calibration()).unwrap();
        assert_eq!(read(&file, &conditions()), Known::Measured(calibration()));
        let other = conditions();
        let changed = [
            (Conditions { sightline: "1.0.1".into(), ..other.clone() }, "Sightline"),
            (Conditions { model: "abd".into(), ..other.clone() }, "the model"),
            (Conditions { cpu: "another".into(), ..other.clone() }, "the processor"),
            (Conditions { cores: 3, ..other.clone() }, "the processor"),
            (Conditions { libraries: Vec::new(), ..other.clone() }, "a library"),
            (Conditions { devices: vec!["/dev/dri/renderD128".into()], ..other }, "a device"),
        ];
        for (now, what) in changed {
            assert_eq!(read(&file, &now), Known::Outdated(format!("{what} changed since")));
        }
        let names: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "no unfinished file is left: {names:?}");
    }

    #[test]
    fn a_damaged_file_and_another_format_are_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.json");
        write(&file, conditions(), &calibration()).unwrap();
        let whole = fs::read_to_string(&file).unwrap();
        let newer = whole.replacen(&format!("\"version\": {VERSION}"), &format!("\"version\": {}", VERSION + 1), 1);
        assert_ne!(newer, whole);
        for text in ["", "{", "[]", &whole[..whole.len() / 2], &newer] {
            fs::write(&file, text).unwrap();
            assert!(matches!(read(&file, &conditions()), Known::Outdated(_)), "{text}");
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(matches!(read(&file, &conditions()), Known::Outdated(_)));
    }

    #[test]
    fn a_library_is_known_by_its_file_its_length_and_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (library, link) = (folder.path().join("lib.so.1"), folder.path().join("lib.so"));
        fs::write(&library, "one").unwrap();
        std::os::unix::fs::symlink(&library, &link).unwrap();
        let first = described(&link);
        assert_eq!(first, described(&library));
        fs::write(&library, "another").unwrap();
        assert_ne!(described(&link), first);
        assert!(!cpu().is_empty());
    }
}
