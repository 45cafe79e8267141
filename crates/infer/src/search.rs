//! The folders in which libraries lie that Sightline brings or is installed with, and the names that they have there.

use std::path::{Path, PathBuf};

/// Where `make setup` puts libraries, below the project's folder.
pub(crate) const RUNTIME_FOLDER: &str = ".runtime";
/// How many folders above the executable and the current folder are looked at.
pub(crate) const LEVELS_UP: usize = 4;

/// Folders with their origins, in the order in which they are looked at: `.runtime/<below_runtime>/lib` above the executable
/// and above the current folder, then `lib/sightline/<below_installed>` of an installation.
pub(crate) fn folders(
    executable: Option<&Path>,
    current_folder: Option<&Path>,
    below_runtime: &str,
    below_installed: &str,
) -> Vec<(PathBuf, &'static str)> {
    let below_runtime = Path::new(RUNTIME_FOLDER).join(below_runtime).join("lib");
    let mut folders: Vec<(PathBuf, &'static str)> = Vec::new();
    let mut add = |folder: PathBuf, origin| {
        if !folders.iter().any(|(known, _)| *known == folder) {
            folders.push((folder, origin));
        }
    };
    let executable_folder = executable.and_then(Path::parent);
    for start in [executable_folder, current_folder].into_iter().flatten() {
        for ancestor in start.ancestors().take(LEVELS_UP + 1) {
            add(ancestor.join(&below_runtime), "the project's runtime folder");
        }
    }
    if let Some(prefix) = executable_folder.and_then(Path::parent) {
        add(prefix.join("lib/sightline").join(below_installed), "installed beside the executable");
    }
    add(Path::new("/usr/lib/sightline").join(below_installed), "installed");
    folders
}

/// `file_name` itself, or the highest version of `file_name.*`.
pub(crate) fn best_name(file_name: &str, names: Vec<String>) -> Option<String> {
    let version = |name: &String| -> Option<Vec<u32>> {
        let rest = name.strip_prefix(file_name)?;
        if rest.is_empty() {
            // The unversioned name is the one that whoever installed it chose.
            return Some(vec![u32::MAX]);
        }
        rest.strip_prefix('.')?.split('.').map(|part| part.parse().ok()).collect()
    };
    let versioned = names.into_iter().filter_map(|name| version(&name).map(|version| (version, name)));
    versioned.max().map(|(_, name)| name)
}

/// Names of a folder's files; none where there is no folder.
pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_files_the_plain_name_then_the_highest_version_is_taken() {
        let best = |names: &[&str]| best_name("libonnxruntime.so", names.iter().map(|&name| name.to_owned()).collect());
        let providers = "libonnxruntime_providers_shared.so";
        assert_eq!(best(&[providers]), None);
        assert_eq!(best(&["libonnxruntime.so.bak", "libonnxruntime.so.1.x"]), None);
        assert_eq!(
            best(&[providers, "libonnxruntime.so.1.9.0", "libonnxruntime.so.1.32.0"]).unwrap(),
            "libonnxruntime.so.1.32.0"
        );
        assert_eq!(best(&["libonnxruntime.so.1.32.0", "libonnxruntime.so"]).unwrap(), "libonnxruntime.so");
    }
}
