//! Finding and loading `libonnxruntime.so`, once per process.
//!
//! Order: the path handed in, `ORT_DYLIB_PATH`, the project's own runtime folder (`.runtime/onnxruntime/lib`, which
//! `make setup` fills) above the executable and above the current folder, the folders of an installed Sightline, the
//! system's loader. The first file that exists is the one: if it does not work that is an error, as going on to another
//! one would hide which runtime produced the figures.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use ort::{environment::Environment, logging::LogLevel};

use crate::error::InferError;

/// File name of the library; a version may follow.
const FILE_NAME: &str = "libonnxruntime.so";
/// Where `make setup` puts it, below the project's folder.
const RUNTIME_FOLDER: &str = ".runtime/onnxruntime/lib";
/// How many folders above the executable and the current folder are looked at.
const LEVELS_UP: usize = 4;

/// The library in use.
#[derive(Clone, Debug)]
pub struct Library {
    /// The file, or the bare file name when the system's loader found it.
    pub path: PathBuf,
    /// Why this one.
    pub origin: &'static str,
    /// What it says of its build.
    pub build_info: &'static str,
}

struct Loaded {
    library: Library,
    environment: Environment,
}

static LOADED: OnceLock<Loaded> = OnceLock::new();

/// Loads the library, unless it is loaded already, and says which it is. Must come before anything else of this crate
/// when `explicit` matters: a process has one library, and later calls return it whatever they ask for.
///
/// # Errors
/// When there is none, or the one that is asked for or found does not work. May be called again then.
pub fn load(explicit: Option<&Path>) -> Result<Library, InferError> {
    loaded(explicit).map(|loaded| loaded.library.clone())
}

/// The process's one environment. It lives until the process ends: ONNX Runtime allows no second one.
pub(crate) fn environment() -> Result<&'static Environment, InferError> {
    loaded(None).map(|loaded| &loaded.environment)
}

fn loaded(explicit: Option<&Path>) -> Result<&'static Loaded, InferError> {
    // `ort` lets threads that wait for a library spin; here they sleep.
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = LOADED.get() {
        return Ok(loaded);
    }
    let fresh = load_and_initialise(&Surroundings::of_this_process(explicit))?;
    Ok(LOADED.get_or_init(|| fresh))
}

fn load_and_initialise(surroundings: &Surroundings) -> Result<Loaded, InferError> {
    let (path, origin, searched) = match surroundings.find(&files_in) {
        Found::File { path, origin } => (path, origin, Vec::new()),
        Found::Nowhere { searched } => (PathBuf::from(FILE_NAME), "the system's loader", searched),
    };
    // Returns an error for a file that is none, another library, or too old a version; `ort`'s other entry points
    // would panic instead.
    let builder = ort::init_from(&path).map_err(|error| {
        if searched.is_empty() {
            InferError::LibraryUnusable { path: path.clone(), origin, reason: error.to_string() }
        } else {
            InferError::LibraryMissing { searched, loader: error.to_string() }
        }
    })?;
    let environment =
        builder
            .with_name("sightline")
            .with_telemetry(false)
            .with_logger(Arc::new(forward_log))
            .build()
            .map_err(|error| InferError::Runtime { what: "create its environment", reason: error.to_string() })?;
    environment.set_log_level(LogLevel::Warning);
    let library = Library { path, origin, build_info: ort::info() };
    tracing::debug!(path = %library.path.display(), origin, "loaded onnx runtime");
    Ok(Loaded { library, environment })
}

/// ONNX Runtime's own log lines. What is wrong with a session comes back as an error as well and is reported there, so
/// that its warnings only matter to who looks into it.
fn forward_log(level: LogLevel, category: &str, _id: &str, code_location: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info | LogLevel::Warning => {
            tracing::debug!(target: "onnxruntime", category, code_location, "{message}");
        }
        LogLevel::Error | LogLevel::Fatal => {
            tracing::warn!(target: "onnxruntime", category, code_location, "{message}");
        }
    }
}

/// What the search depends on.
#[derive(Clone, Debug, Default)]
struct Surroundings {
    explicit: Option<PathBuf>,
    /// `ORT_DYLIB_PATH`
    environment_variable: Option<OsString>,
    executable: Option<PathBuf>,
    current_folder: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    File { path: PathBuf, origin: &'static str },
    Nowhere { searched: Vec<PathBuf> },
}

impl Surroundings {
    fn of_this_process(explicit: Option<&Path>) -> Self {
        Self {
            explicit: explicit.map(Path::to_path_buf),
            environment_variable: std::env::var_os("ORT_DYLIB_PATH"),
            executable: std::env::current_exe().ok(),
            current_folder: std::env::current_dir().ok(),
        }
    }

    /// The library to load. `files_in` lists a folder's file names; a folder that is not there has none.
    fn find(&self, files_in: &dyn Fn(&Path) -> Vec<String>) -> Found {
        // What was asked for by name is taken unseen: that it is not there is an error of its own.
        if let Some(path) = &self.explicit {
            return Found::File { path: self.absolute(path), origin: "as told" };
        }
        // An empty variable is one that was unset by a script.
        if let Some(path) = self.environment_variable.as_ref().filter(|path| !path.is_empty()) {
            return Found::File { path: self.absolute(Path::new(path)), origin: "ORT_DYLIB_PATH" };
        }
        let mut searched = Vec::new();
        for (folder, origin) in self.folders() {
            if let Some(name) = best_name(files_in(&folder)) {
                return Found::File { path: folder.join(name), origin };
            }
            searched.push(folder);
        }
        Found::Nowhere { searched }
    }

    /// `ort` takes relative paths to be relative to the executable; users mean the current folder.
    fn absolute(&self, path: &Path) -> PathBuf {
        match &self.current_folder {
            Some(folder) => folder.join(path),
            None => path.to_path_buf(),
        }
    }

    fn folders(&self) -> Vec<(PathBuf, &'static str)> {
        let mut folders: Vec<(PathBuf, &'static str)> = Vec::new();
        let mut add = |folder: PathBuf, origin| {
            if !folders.iter().any(|(known, _)| *known == folder) {
                folders.push((folder, origin));
            }
        };
        let executable_folder = self.executable.as_deref().and_then(Path::parent);
        for start in [executable_folder, self.current_folder.as_deref()].into_iter().flatten() {
            for ancestor in start.ancestors().take(LEVELS_UP + 1) {
                add(ancestor.join(RUNTIME_FOLDER), "the project's runtime folder");
            }
        }
        if let Some(prefix) = executable_folder.and_then(Path::parent) {
            add(prefix.join("lib/sightline"), "installed beside the executable");
        }
        add(PathBuf::from("/usr/lib/sightline"), "installed");
        folders
    }
}

/// `libonnxruntime.so`, or the highest version of `libonnxruntime.so.*`.
fn best_name(names: Vec<String>) -> Option<String> {
    let version = |name: &String| -> Option<Vec<u32>> {
        let rest = name.strip_prefix(FILE_NAME)?;
        if rest.is_empty() {
            // The unversioned name is the one that whoever installed it chose.
            return Some(vec![u32::MAX]);
        }
        rest.strip_prefix('.')?.split('.').map(|part| part.parse().ok()).collect()
    };
    let versioned = names.into_iter().filter_map(|name| version(&name).map(|version| (version, name)));
    versioned.max().map(|(_, name)| name)
}

fn files_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            explicit: None,
            environment_variable: None,
            executable: Some("/home/u/project/target/release/sightline".into()),
            current_folder: Some("/srv/site".into()),
        }
    }

    /// A file system of these files.
    fn holding(files: &'static [&'static str]) -> impl Fn(&Path) -> Vec<String> {
        move |folder| {
            let inside = files.iter().map(Path::new).filter(|file| file.parent() == Some(folder));
            inside.map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        }
    }

    fn found(surroundings: &Surroundings, files: &'static [&'static str]) -> PathBuf {
        match surroundings.find(&holding(files)) {
            Found::File { path, .. } => path,
            Found::Nowhere { searched } => panic!("nowhere: {searched:?}"),
        }
    }

    const IN_PROJECT: &str = "/home/u/project/.runtime/onnxruntime/lib/libonnxruntime.so";

    #[test]
    fn what_is_asked_for_is_taken_unseen() {
        let mut asked = surroundings();
        asked.environment_variable = Some("lib/mine.so".into());
        assert_eq!(found(&asked, &[IN_PROJECT]), Path::new("/srv/site/lib/mine.so"));
        asked.explicit = Some("/opt/other.so".into());
        assert_eq!(found(&asked, &[IN_PROJECT]), Path::new("/opt/other.so"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let mut unset = surroundings();
        unset.environment_variable = Some("".into());
        assert_eq!(found(&unset, &[IN_PROJECT]), Path::new(IN_PROJECT));
    }

    #[test]
    fn the_projects_folder_is_found_above_the_executable_and_above_the_current_folder() {
        assert_eq!(found(&surroundings(), &[IN_PROJECT]), Path::new(IN_PROJECT));
        let here = "/srv/.runtime/onnxruntime/lib/libonnxruntime.so.1.32.0";
        assert_eq!(
            found(&surroundings(), &["/srv/.runtime/onnxruntime/lib/libonnxruntime.so.1.32.0"]),
            Path::new(here)
        );
    }

    #[test]
    fn installed_folders_come_after_the_projects() {
        let beside = "/home/u/project/target/lib/sightline/libonnxruntime.so";
        let system = "/usr/lib/sightline/libonnxruntime.so";
        const ALL: &[&str] = &[
            "/usr/lib/sightline/libonnxruntime.so",
            "/home/u/project/target/lib/sightline/libonnxruntime.so",
            IN_PROJECT,
        ];
        assert_eq!(found(&surroundings(), ALL), Path::new(IN_PROJECT));
        assert_eq!(found(&surroundings(), &ALL[..2]), Path::new(beside));
        assert_eq!(found(&surroundings(), &ALL[..1]), Path::new(system));
    }

    #[test]
    fn nothing_found_says_every_folder_once_and_none_too_far_up() {
        let mut deep = surroundings();
        deep.executable = Some("/1/2/3/4/5/6/sightline".into());
        deep.current_folder = Some("/1/2/3/4/5/6".into());
        let Found::Nowhere { searched } = deep.find(&holding(&[])) else { panic!("found something") };
        let runtime = |folder: &str| Path::new(folder).join(RUNTIME_FOLDER);
        assert_eq!(searched.len(), LEVELS_UP + 1 + 2);
        assert_eq!(searched[0], runtime("/1/2/3/4/5/6"));
        assert_eq!(searched[LEVELS_UP], runtime("/1/2"));
    }

    #[test]
    fn what_is_no_library_is_an_error_that_says_which_file_and_why_that_one() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("libonnxruntime.so");
        std::fs::write(&text, "not a library").unwrap();
        let absent = folder.path().join("absent.so");
        for path in [&text, &absent] {
            let from_variable =
                Surroundings { environment_variable: Some(path.clone().into_os_string()), ..Surroundings::default() };
            let Err(error) = load_and_initialise(&from_variable) else { panic!("{} was loaded", path.display()) };
            let message = error.to_string();
            assert!(matches!(error, InferError::LibraryUnusable { .. }), "{message}");
            for part in [path.to_str().unwrap(), "ORT_DYLIB_PATH", "make setup"] {
                assert!(message.contains(part), "{part} is not in: {message}");
            }
        }
    }

    #[test]
    fn another_library_is_refused() {
        // The C library is one that every process can load, and it knows nothing of ONNX Runtime.
        let other = Surroundings { explicit: Some("libc.so.6".into()), ..Surroundings::default() };
        let Err(error) = load_and_initialise(&other) else { panic!("libc.so.6 was taken for onnx runtime") };
        assert!(error.to_string().contains("OrtGetApiBase"), "{error}");
    }

    #[test]
    fn of_several_files_the_plain_name_then_the_highest_version_is_taken() {
        let best = |names: &[&str]| best_name(names.iter().map(|&name| name.to_owned()).collect());
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
