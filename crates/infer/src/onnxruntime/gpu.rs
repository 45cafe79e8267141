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

/// The GPU's name: the driver's, in the order of PCI addresses as CUDA's own numbers are; a Jetson's board; else its number.
pub(super) fn name(device: u32) -> String {
    let gpus = gpus(Path::new(DRIVER_FOLDER));
    let board = || fs::read_to_string(BOARD).ok().map(|model| model.trim_end_matches('\0').to_owned());
    let index = usize::try_from(device).unwrap_or(usize::MAX);
    gpus.into_iter().nth(index).or_else(board).unwrap_or_else(|| format!("GPU {device}"))
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
    }
}
