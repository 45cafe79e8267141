//! Finding and loading OpenVINO's C library, once per process.
//!
//! Order: `SIGHTLINE_OPENVINO` (the library or its folder), the project's own runtime folder (`.runtime/openvino/lib`, which
//! `make setup-openvino` fills) above the executable and above the current folder, the folders of an installed Sightline,
//! and where OpenVINO's own packages put it. The first file that exists is the one: if it does not work that is an error, as
//! going on to another one would hide which library produced the figures. The system's loader is not asked, because
//! what it finds could not be looked at before it is loaded; the folders that it takes from `LD_LIBRARY_PATH` are.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use openvino::Core;

pub use super::version::Version;
use super::{device, guard};
use crate::{
    elf,
    search::{self, RUNTIME_FOLDER, files_in},
};

/// Names the library or the folder that it is in.
const VARIABLE: &str = "SIGHTLINE_OPENVINO";
/// File name of the library; a version may follow.
const FILE_NAME: &str = "libopenvino_c.so";
/// The folder's name below `.runtime` and below `lib/sightline`.
const FOLDER: &str = "openvino";
/// Where Intel's archives are unpacked, in folders named `openvino…`.
const ARCHIVES: &str = "/opt/intel";
/// Where an archive has its libraries, for each kind of machine (`docs.openvino.ai`, "Install from an archive").
const IN_ARCHIVE: [&str; 3] = ["runtime/lib/intel64", "runtime/lib/aarch64", "runtime/lib/arm64"];
/// Where Debian's and Red Hat's packages have theirs.
const SYSTEM: [&str; 5] =
    ["/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

/// What is called of it.
const FUNCTIONS: [&str; 29] = [
    "ov_get_openvino_version",
    "ov_core_create_with_config",
    "ov_core_get_available_devices",
    "ov_core_get_property",
    "ov_core_set_property",
    "ov_core_read_model",
    "ov_core_compile_model",
    "ov_model_inputs_size",
    "ov_model_outputs_size",
    "ov_model_const_input_by_index",
    "ov_model_reshape_single_input",
    "ov_port_get_any_name",
    "ov_port_get_element_type",
    "ov_port_get_partial_shape",
    "ov_partial_shape_create_static",
    "ov_compiled_model_inputs_size",
    "ov_compiled_model_outputs_size",
    "ov_compiled_model_output_by_index",
    "ov_compiled_model_output_by_name",
    "ov_compiled_model_get_property",
    "ov_compiled_model_create_infer_request",
    "ov_infer_request_get_input_tensor",
    "ov_infer_request_get_input_tensor_by_index",
    "ov_infer_request_get_output_tensor_by_index",
    "ov_infer_request_get_tensor",
    "ov_infer_request_infer",
    "ov_tensor_data",
    "ov_tensor_get_byte_size",
    "ov_tensor_get_shape",
];

/// The library in use.
#[derive(Clone, Debug)]
pub struct Library {
    /// The file.
    pub path: PathBuf,
    /// Why this one.
    pub origin: &'static str,
    /// Its version.
    pub version: Version,
}

impl Library {
    /// `OpenVINO 2026.4.1`
    #[must_use]
    pub fn name(&self) -> String {
        format!("OpenVINO {}", self.version)
    }
}

/// A device that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// As OpenVINO names it: `CPU`, `GPU.0`.
    pub name: String,
    /// As its maker does; empty when nobody says.
    pub full_name: String,
}

static LOADED: OnceLock<Library> = OnceLock::new();

/// The library that would be loaded and why that one.
///
/// # Errors
/// That there is none, where it was looked for, and how to get it.
pub fn locate() -> Result<(PathBuf, &'static str), String> {
    Surroundings::of_this_process().find(&files_in).map_err(|searched| {
        tracing::debug!(?searched, "no openvino");
        format!(
            "no OpenVINO ({FILE_NAME}) was found: not in {RUNTIME_FOLDER}/{FOLDER}/lib above the program or the current \
             folder, and not in lib/sightline/{FOLDER}, {ARCHIVES} or the system's folders; run `make setup-openvino`, or \
             set {VARIABLE} to the library"
        )
    })
}

/// Loads the library, unless it is loaded already.
///
/// # Errors
/// When there is none, or the one that is asked for or found does not work: what, where and what helps. May be called
/// again then.
pub fn load() -> Result<&'static Library, String> {
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = LOADED.get() {
        return Ok(library);
    }
    let (path, origin) = locate()?;
    let version = load_file(&path).map_err(|reason| {
        format!(
            "OpenVINO at {} ({origin}) cannot be used: {reason}; run `make setup-openvino`, or set {VARIABLE} to another \
             library",
            path.display()
        )
    })?;
    tracing::debug!(path = %path.display(), origin, %version, "loaded openvino");
    Ok(LOADED.get_or_init(|| Library { path, origin, version }))
}

/// Devices that the library finds in this computer. Loads the library.
///
/// # Errors
/// When the library or one of its devices does not work.
pub fn devices() -> Result<Vec<Device>, String> {
    load()?;
    device::all(&core()?)
}

/// A new core: options of devices are one core's own. The library must be loaded.
///
/// # Errors
/// What OpenVINO said.
pub(super) fn core() -> Result<Core, String> {
    // `Core::new` refuses versions before 2025.1, for which element types are read in another way here (`version.rs`).
    // An empty path stands for the plugins that the library knows itself, as in OpenVINO's own `ov_core_create`.
    guard::call(|| {
        Core::new_with_config("").map_err(|error| match error {
            openvino::SetupError::Inference(error) => error,
            openvino::SetupError::Loading(error) => openvino::InferenceError {
                kind: openvino::InferenceErrorKind::GeneralError,
                message: Some(error.to_string()),
            },
        })
    })
}

fn load_file(path: &Path) -> Result<Version, String> {
    elf::check(path, &FUNCTIONS)?;
    // Not `openvino_sys::library::load_from`, which loads as well but then refuses versions before 2025.1.
    // Links are followed: the loader looks for the other libraries beside the file that it is given.
    openvino_sys::load_from(path.canonicalize().unwrap_or_else(|_| path.to_path_buf()))?;
    let build = guard::call(|| Ok(openvino::version().build_number))?;
    let version = Version::parse(&build).ok_or_else(|| format!("it calls itself \"{build}\", which is no version"))?;
    if !version.is_usable() {
        return Err(format!(
            "its version {version} is none of those that are known: 2022.3 to 2023.3, and from 2025.1 on"
        ));
    }
    Ok(version)
}

/// What the search depends on.
#[derive(Clone, Debug, Default)]
struct Surroundings {
    /// `SIGHTLINE_OPENVINO`
    variable: Option<OsString>,
    executable: Option<PathBuf>,
    current_folder: Option<PathBuf>,
    /// `INTEL_OPENVINO_DIR`, which OpenVINO's own `setupvars.sh` sets.
    intel_folder: Option<PathBuf>,
    /// `LD_LIBRARY_PATH`
    loaders_folders: Option<OsString>,
}

impl Surroundings {
    fn of_this_process() -> Self {
        Self {
            variable: std::env::var_os(VARIABLE),
            executable: std::env::current_exe().ok(),
            current_folder: std::env::current_dir().ok(),
            intel_folder: std::env::var_os("INTEL_OPENVINO_DIR").map(PathBuf::from),
            loaders_folders: std::env::var_os("LD_LIBRARY_PATH"),
        }
    }

    /// The library to load. `names_in` lists what is in a folder; nothing is in one that is not there.
    fn find(&self, names_in: &dyn Fn(&Path) -> Vec<String>) -> Result<(PathBuf, &'static str), Vec<PathBuf>> {
        // What was asked for by name is taken unseen: that it is not there is an error of its own. An empty variable is one
        // that was unset by a script.
        if let Some(asked) = self.variable.as_ref().filter(|path| !path.is_empty()) {
            let asked = self.current_folder.as_deref().unwrap_or(Path::new("")).join(asked);
            let inside = search::best_name(FILE_NAME, names_in(&asked)).map(|name| asked.join(name));
            return Ok((inside.unwrap_or(asked), VARIABLE));
        }
        let mut searched = Vec::new();
        for (folder, origin) in self.folders(names_in) {
            if let Some(name) = search::best_name(FILE_NAME, names_in(&folder)) {
                return Ok((folder.join(name), origin));
            }
            searched.push(folder);
        }
        Err(searched)
    }

    fn folders(&self, names_in: &dyn Fn(&Path) -> Vec<String>) -> Vec<(PathBuf, &'static str)> {
        let mut folders = search::folders(self.executable.as_deref(), self.current_folder.as_deref(), FOLDER, FOLDER);
        let mut archives: Vec<(PathBuf, &'static str)> = Vec::new();
        archives.extend(self.intel_folder.iter().map(|folder| (folder.clone(), "INTEL_OPENVINO_DIR")));
        let mut names = names_in(Path::new(ARCHIVES));
        names.retain(|name| name.starts_with("openvino"));
        // The name without a version first: it is the one that whoever installed it chose.
        names.sort_by_key(|name| (name != "openvino", std::cmp::Reverse(name.clone())));
        archives.extend(names.iter().map(|name| (Path::new(ARCHIVES).join(name), "one of Intel's archives")));
        for (archive, origin) in archives {
            folders.extend(IN_ARCHIVE.map(|folder| (archive.join(folder), origin)));
        }
        let listed = self.loaders_folders.iter().flat_map(std::env::split_paths);
        folders.extend(listed.filter(|folder| folder.is_absolute()).map(|folder| (folder, "LD_LIBRARY_PATH")));
        folders.extend(SYSTEM.map(|folder| (PathBuf::from(folder), "the system's")));
        folders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            executable: Some("/home/u/project/target/release/sightline".into()),
            current_folder: Some("/srv/site".into()),
            ..Surroundings::default()
        }
    }

    /// A file system of these files; folders list the folders in them as well.
    fn holding(files: &[&'static str]) -> impl Fn(&Path) -> Vec<String> {
        let files: Vec<&Path> = files.iter().map(Path::new).collect();
        move |folder| {
            let below = files.iter().filter_map(|file| file.strip_prefix(folder).ok()?.components().next());
            below.map(|name| name.as_os_str().to_str().unwrap().to_owned()).collect()
        }
    }

    fn found(surroundings: &Surroundings, files: &[&'static str]) -> PathBuf {
        surroundings.find(&holding(files)).unwrap_or_else(|searched| panic!("nowhere: {searched:?}")).0
    }

    const OF_PROJECT: &str = "/home/u/project/.runtime/openvino/lib/libopenvino_c.so.2641";
    const OF_2022: &str = "/opt/intel/openvino_2022.3.1/runtime/lib/intel64/libopenvino_c.so";

    #[test]
    fn what_is_asked_for_is_a_file_or_a_folder_and_is_taken_unseen() {
        let asking = |path: &str| Surroundings { variable: Some(path.into()), ..surroundings() };
        assert_eq!(found(&asking("lib/mine.so"), &[OF_PROJECT]), Path::new("/srv/site/lib/mine.so"));
        let folder = "/opt/intel/openvino_2022.3.1/runtime/lib/intel64";
        assert_eq!(found(&asking(folder), &[OF_PROJECT, OF_2022]), Path::new(OF_2022));
        assert_eq!(found(&asking(""), &[OF_PROJECT]), Path::new(OF_PROJECT));
    }

    #[test]
    fn the_projects_library_comes_before_the_systems_and_of_several_archives_the_newest_first() {
        const SYSTEMS: &str = "/usr/lib/x86_64-linux-gnu/libopenvino_c.so.2541";
        const OLDER: &str = "/opt/intel/openvino_2022.3.0/runtime/lib/intel64/libopenvino_c.so";
        const CHOSEN: &str = "/opt/intel/openvino/runtime/lib/intel64/libopenvino_c.so";
        let order = [OF_PROJECT, CHOSEN, OF_2022, OLDER, SYSTEMS];
        for first in 0..order.len() {
            assert_eq!(found(&surroundings(), &order[first..]), Path::new(order[first]));
        }
    }

    #[test]
    fn folders_of_the_environment_come_before_the_systems() {
        let mut told = surroundings();
        told.intel_folder = Some("/data/openvino".into());
        told.loaders_folders = Some("relative:/data/lib".into());
        const FILES: [&str; 3] =
            ["/data/openvino/runtime/lib/aarch64/libopenvino_c.so", OF_2022, "/data/lib/libopenvino_c.so"];
        for first in 0..FILES.len() {
            assert_eq!(found(&told, &FILES[first..]), Path::new(FILES[first]));
        }
    }

    #[test]
    fn nothing_found_says_where_it_was_looked_for() {
        let searched = surroundings().find(&holding(&[])).unwrap_err();
        for folder in ["/home/u/project/.runtime/openvino/lib", "/usr/lib/sightline/openvino", "/usr/lib64"] {
            assert!(searched.iter().any(|it| it == Path::new(folder)), "{folder} is not in {searched:?}");
        }
    }
}
