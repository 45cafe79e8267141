//! NVIDIA's driver and GPUs, as the kernel shows them.

use std::{fs, path::Path};

/// The driver's library. Without it no build of ONNX Runtime runs anything on a GPU.
const DRIVER: &str = "libcuda.so.1";
/// Where the driver says which it is and which GPUs it has.
const DRIVER_FOLDER: &str = "/proc/driver/nvidia";
/// What a Jetson's kernel says of the board.
const BOARD: &str = "/proc/device-tree/model";

/// Whether there is a driver at all.
///
/// # Errors
/// What is missing and where to get it.
pub(super) fn check_driver() -> Result<(), String> {
    // Loaded as a build with CUDA would load it, and kept: the driver does not like to be unloaded.
    match ort::util::preload_dylib(DRIVER) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "NVIDIA's driver ({DRIVER}) cannot be loaded: {}; install it, or remove this provider",
            crate::job::one_line(&error.to_string())
        )),
    }
}

/// The GPU's name, a Jetson's board, or its number.
///
/// CUDA counts the fastest first and only those that `CUDA_VISIBLE_DEVICES` shows, the driver by PCI address: of several kinds
/// the name is known only where CUDA was told to count as the driver does.
pub(super) fn name(device: u32) -> String {
    let counts_alike = std::env::var_os("CUDA_DEVICE_ORDER").is_some_and(|order| order == "PCI_BUS_ID")
        && std::env::var_os("CUDA_VISIBLE_DEVICES").is_none();
    let board = || fs::read_to_string(BOARD).ok().map(|model| model.trim_end_matches('\0').to_owned());
    named(device, &gpus(Path::new(DRIVER_FOLDER)), counts_alike)
        .or_else(board)
        .unwrap_or_else(|| format!("GPU {device}"))
}

fn named(device: u32, gpus: &[String], counts_alike: bool) -> Option<String> {
    let first = gpus.first()?;
    if gpus.iter().all(|other| other == first) {
        return Some(first.clone());
    }
    if !counts_alike {
        return Some(format!("GPU {device} of {}", gpus.join(", ")));
    }
    gpus.get(usize::try_from(device).ok()?).cloned()
}

/// Version of the driver; empty when nobody says.
pub(super) fn driver_version() -> String {
    let said = fs::read_to_string(Path::new(DRIVER_FOLDER).join("version")).unwrap_or_default();
    let first = said.lines().next().unwrap_or_default();
    first.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default().to_owned()
}

/// The `Model:` lines of `gpus/*/information`, ordered by folder, which is named by PCI address.
fn gpus(driver: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(driver.join("gpus")) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path().join("information")).collect();
    files.sort();
    let model = |text: String| text.lines().find_map(|line| line.strip_prefix("Model:").map(|it| it.trim().to_owned()));
    files.iter().filter_map(|file| fs::read_to_string(file).ok().and_then(model)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_named_in_the_order_of_their_addresses() {
        let folder = tempfile::tempdir().unwrap();
        for (address, model) in [("0000:81:00.0", "NVIDIA L4"), ("0000:01:00.0", "NVIDIA H100 80GB HBM3")] {
            let gpu = folder.path().join("gpus").join(address);
            fs::create_dir_all(&gpu).unwrap();
            fs::write(gpu.join("information"), format!("Model: \t\t {model}\nIRQ:   \t\t 42\n")).unwrap();
        }
        assert_eq!(gpus(folder.path()), ["NVIDIA H100 80GB HBM3", "NVIDIA L4"]);
        assert!(gpus(&folder.path().join("nowhere")).is_empty());
        let both = gpus(folder.path());
        assert_eq!(named(1, &both, true).unwrap(), "NVIDIA L4");
        assert_eq!(named(0, &both, false).unwrap(), "GPU 0 of NVIDIA H100 80GB HBM3, NVIDIA L4");
        assert_eq!(named(3, &both[1..], false).unwrap(), "NVIDIA L4");
        assert_eq!(named(0, &[], true), None);
    }
}
