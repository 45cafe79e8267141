//! Finding and loading `libonnxruntime.so`, once per process.
//!
//! A build of ONNX Runtime has the execution providers that it was built with, and the CPU's: there is one folder per kind
//! of build ([`Flavour`]), and the first provider that is wished decides which is loaded. A process can load one only.
//!
//! Order: the path handed in, `ORT_DYLIB_PATH`, the project's own runtime folder (`.runtime/…/lib`, which `make setup`
//! fills) above the executable and above the current folder, the folders of an installed Sightline, for the plain build the
//! system's loader. The first file that exists is the one: if it does not work that is an error, as going on to another one
//! would hide which runtime produced the figures.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use ort::{
    environment::Environment,
    ep::{self, ExecutionProvider},
    logging::LogLevel,
};
use sightline_core::provider::Provider;

use crate::{
    elf,
    error::InferError,
    job::{Refusal, one_line},
    search::{self, RUNTIME_FOLDER, files_in},
};

/// File name of the library; a version may follow.
const FILE_NAME: &str = "libonnxruntime.so";

/// The library in use.
#[derive(Clone, Debug)]
pub struct Library {
    /// The file, or the bare file name when the system's loader found it.
    pub path: PathBuf,
    /// Why this one.
    pub origin: &'static str,
    /// What it says of its build.
    pub build_info: &'static str,
    /// Its version's second part: 32 of 1.32.0.
    pub minor_version: Option<u32>,
}

impl Library {
    /// `ONNX Runtime 1.32`
    #[must_use]
    pub fn name(&self) -> String {
        self.minor_version.map_or_else(|| "ONNX Runtime".to_owned(), |minor| format!("ONNX Runtime 1.{minor}"))
    }
}

/// A kind of build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// The CPU's kernels alone.
    Plain,
    /// With CUDA and TensorRT.
    Gpu,
    /// With OpenVINO.
    OpenVino,
}

impl Flavour {
    /// What a provider needs at least: every build has the CPU.
    pub(super) const fn of(provider: &Provider) -> Self {
        match provider {
            Provider::TensorRt(_) | Provider::Cuda(_) => Self::Gpu,
            Provider::OpenVino(_) => Self::OpenVino,
            Provider::Cpu(_) => Self::Plain,
        }
    }

    /// The folder's name below `.runtime` and below `lib/sightline`.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Plain => "onnxruntime",
            Self::Gpu => "onnxruntime-gpu",
            Self::OpenVino => "onnxruntime-openvino",
        }
    }

    /// The file beside the library by which such a build is known.
    const fn sign(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gpu => Some("libonnxruntime_providers_cuda.so"),
            Self::OpenVino => Some("libonnxruntime_providers_openvino.so"),
        }
    }

    const fn described(self) -> &'static str {
        match self {
            Self::Plain => "ONNX Runtime",
            Self::Gpu => "ONNX Runtime with CUDA and TensorRT",
            Self::OpenVino => "ONNX Runtime with OpenVINO",
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Plain => "run `make setup`",
            Self::Gpu => "run `make setup-gpu`, or see docs/guide/providers.md",
            Self::OpenVino => "run `make setup-openvino`",
        }
    }

    /// Whether the loaded library was built with it.
    fn is_offered(self) -> bool {
        match self {
            Self::Plain => true,
            Self::Gpu => ep::CUDA::is_available().unwrap_or(false),
            Self::OpenVino => ep::OpenVINO::is_available().unwrap_or(false),
        }
    }
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
    loaded(&Surroundings::of_this_process(explicit), Flavour::Plain).map(|loaded| loaded.library.clone())
}

/// Loads a library of this kind, unless one is loaded already, and makes sure that it is of this kind.
///
/// # Errors
/// A provider's refusal where the kind is missing or does not work; the runtime's where there is none at all.
pub(super) fn load_for(flavour: Flavour) -> Result<Library, Refusal> {
    let surroundings = Surroundings::of_this_process(None);
    if flavour == Flavour::Plain {
        return loaded(&surroundings, flavour).map(|loaded| loaded.library.clone()).map_err(Refusal::Model);
    }
    if LOADED.get().is_none() {
        locate(flavour).map_err(Refusal::Provider)?;
    }
    let (what, remedy) = (flavour.described(), flavour.remedy());
    let refused = |error: InferError| Refusal::Provider(error.to_string());
    let library = &loaded(&surroundings, flavour).map_err(refused)?.library;
    if flavour.is_offered() {
        return Ok(library.clone());
    }
    let path = library.path.display();
    Err(Refusal::Provider(match surroundings.find(flavour, &files_in) {
        Found::File { path: other, .. } if other != library.path => format!(
            "it needs {what} at {}, and this process has loaded {path} already; a process loads one: wish this provider \
             first in every pipeline, and restart",
            other.display()
        ),
        _ => format!("{path} ({}) is no {what}; {remedy}", library.origin),
    }))
}

/// The library of this kind that would be loaded, and why that one.
///
/// # Errors
/// That there is none, where it was looked for, and how to get it.
pub fn locate(flavour: Flavour) -> Result<(PathBuf, &'static str), String> {
    match Surroundings::of_this_process(None).find(flavour, &files_in) {
        Found::File { path, origin } => Ok((path, origin)),
        Found::Nowhere { searched } => {
            let (what, folder, remedy) = (flavour.described(), flavour.folder(), flavour.remedy());
            tracing::debug!(?searched, what, "not found");
            Err(format!(
                "no {what} was found: not in {RUNTIME_FOLDER}/{folder}/lib above the program or the current folder, and not \
                 in lib/sightline/{folder}; {remedy}"
            ))
        }
    }
}

/// The process's one environment. It lives until the process ends: ONNX Runtime allows no second one.
pub(crate) fn environment() -> Result<&'static Environment, InferError> {
    loaded(&Surroundings::of_this_process(None), Flavour::Plain).map(|loaded| &loaded.environment)
}

fn loaded(surroundings: &Surroundings, flavour: Flavour) -> Result<&'static Loaded, InferError> {
    // `ort` lets threads that wait for a library spin; here they sleep.
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = LOADED.get() {
        return Ok(loaded);
    }
    let fresh = load_and_initialise(surroundings, flavour)?;
    Ok(LOADED.get_or_init(|| fresh))
}

fn load_and_initialise(surroundings: &Surroundings, flavour: Flavour) -> Result<Loaded, InferError> {
    let (path, origin, searched) = match surroundings.find(flavour, &files_in) {
        Found::File { path, origin } => (path, origin, Vec::new()),
        Found::Nowhere { searched } => (PathBuf::from(FILE_NAME), "the system's loader", searched),
    };
    if flavour == Flavour::Gpu {
        preload_beside(&path);
    }
    if path.is_file() {
        let unusable = |reason| InferError::LibraryUnusable { path: path.clone(), origin, reason };
        elf::check(&path, &[]).map_err(unusable)?;
    }
    // Returns an error for a file that is none, another library, or too old a version; `ort`'s other entry points
    // would panic instead.
    let builder = ort::init_from(&path).map_err(|error| {
        if searched.is_empty() {
            InferError::LibraryUnusable { path: path.clone(), origin, reason: one_line(&error.to_string()) }
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
    let minor_version = ort::util::probe(&path);
    let library = Library { path, origin, build_info: ort::info(), minor_version };
    tracing::debug!(path = %library.path.display(), origin, "loaded onnx runtime");
    Ok(Loaded { library, environment })
}

/// NVIDIA's libraries in the order in which they need each other, by the beginning of their file names.
const NVIDIA_LIBRARIES: [&str; 12] = [
    "libcudart.so.",
    "libnvJitLink.so.",
    "libcublasLt.so.",
    "libcublas.so.",
    "libnvrtc.so.",
    "libcurand.so.",
    "libcufft.so.",
    "libcudnn_graph.so.",
    "libcudnn",
    "libnvinfer.so.",
    "libnvinfer_plugin.so.",
    "libnvonnxparser.so.",
];

/// Loads the CUDA, cuDNN and TensorRT libraries that lie beside the library, where they would not be looked for. What is
/// missing or fails here is told by the provider itself, which then looks in the system.
fn preload_beside(library: &Path) {
    let Some(folder) = library.parent() else { return };
    let mut names = files_in(folder);
    names.sort();
    for beginning in NVIDIA_LIBRARIES {
        for name in names.iter().filter(|name| name.starts_with(beginning) && name.contains(".so.")) {
            if let Err(error) = ort::util::preload_dylib(folder.join(name)) {
                tracing::debug!(library = name, %error, "cannot be loaded");
            }
        }
    }
}

/// The last error that ONNX Runtime has logged: often the cause of one that it returns without it.
static LAST_COMPLAINT: Mutex<Option<String>> = Mutex::new(None);

/// ONNX Runtime's own log lines. What is wrong with a session comes back as an error as well and is reported there, once:
/// a session that fails logs a line for every batch.
fn forward_log(level: LogLevel, category: &str, _id: &str, code_location: &str, message: &str) {
    tracing::debug!(target: "onnxruntime", category, code_location, "{message}");
    if matches!(level, LogLevel::Error | LogLevel::Fatal) {
        *LAST_COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner) = Some(one_line(message));
    }
}

/// Takes what ONNX Runtime complained of last.
pub(super) fn last_complaint() -> Option<String> {
    LAST_COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner).take()
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
    fn find(&self, flavour: Flavour, files_in: &dyn Fn(&Path) -> Vec<String>) -> Found {
        // What was asked for by name is taken unseen: that it is not there is an error of its own.
        if let Some(path) = &self.explicit {
            return Found::File { path: self.absolute(path), origin: "as told" };
        }
        // An empty variable is one that was unset by a script.
        if let Some(path) = self.environment_variable.as_ref().filter(|path| !path.is_empty()) {
            return Found::File { path: self.absolute(Path::new(path)), origin: "ORT_DYLIB_PATH" };
        }
        let mut searched = Vec::new();
        for (folder, origin) in self.folders(flavour) {
            let names = files_in(&folder);
            let is_of_the_kind = flavour.sign().is_none_or(|sign| names.iter().any(|name| name == sign));
            if let Some(name) = search::best_name(FILE_NAME, names).filter(|_| is_of_the_kind) {
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

    /// The kind's own folders; then, as a library with more in it does as well, those of the plain build.
    fn folders(&self, flavour: Flavour) -> Vec<(PathBuf, &'static str)> {
        let mut folders = self.own_folders(flavour);
        if flavour != Flavour::Plain {
            folders.extend(self.own_folders(Flavour::Plain));
        }
        folders
    }

    fn own_folders(&self, flavour: Flavour) -> Vec<(PathBuf, &'static str)> {
        // A plain build lies in the folder itself, where it has always been.
        let below_installed = if flavour == Flavour::Plain { "" } else { flavour.folder() };
        search::folders(self.executable.as_deref(), self.current_folder.as_deref(), flavour.folder(), below_installed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::LEVELS_UP;

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
        match surroundings.find(Flavour::Plain, &holding(files)) {
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
    fn a_kind_of_build_is_known_by_the_file_beside_it() {
        let found = |flavour, files| match surroundings().find(flavour, &holding(files)) {
            Found::File { path, .. } => Some(path),
            Found::Nowhere { .. } => None,
        };
        const PLAIN_AND_GPU: &[&str] = &[
            IN_PROJECT,
            "/home/u/project/.runtime/onnxruntime-gpu/lib/libonnxruntime.so",
            "/home/u/project/.runtime/onnxruntime-gpu/lib/libonnxruntime_providers_cuda.so",
        ];
        assert_eq!(found(Flavour::Gpu, PLAIN_AND_GPU).as_deref(), Some(Path::new(PLAIN_AND_GPU[1])));
        assert_eq!(found(Flavour::Plain, PLAIN_AND_GPU).as_deref(), Some(Path::new(IN_PROJECT)));
        assert_eq!(found(Flavour::OpenVino, PLAIN_AND_GPU), None);
        assert_eq!(found(Flavour::Gpu, &PLAIN_AND_GPU[..2]), None, "a build without its provider");
        // On a Jetson the only build there is has everything.
        const ONE_FOR_ALL: &[&str] =
            &["/usr/lib/sightline/libonnxruntime.so", "/usr/lib/sightline/libonnxruntime_providers_cuda.so"];
        assert_eq!(found(Flavour::Gpu, ONE_FOR_ALL).as_deref(), Some(Path::new(ONE_FOR_ALL[0])));
    }

    #[test]
    fn nothing_found_says_every_folder_once_and_none_too_far_up() {
        let mut deep = surroundings();
        deep.executable = Some("/1/2/3/4/5/6/sightline".into());
        deep.current_folder = Some("/1/2/3/4/5/6".into());
        let Found::Nowhere { searched } = deep.find(Flavour::Plain, &holding(&[])) else { panic!("found something") };
        let runtime = |folder: &str| Path::new(folder).join(".runtime/onnxruntime/lib");
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
            let Err(error) = load_and_initialise(&from_variable, Flavour::Plain) else {
                panic!("{} was loaded", path.display())
            };
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
        let Err(error) = load_and_initialise(&other, Flavour::Plain) else {
            panic!("libc.so.6 was taken for onnx runtime")
        };
        assert!(error.to_string().contains("OrtGetApiBase"), "{error}");
    }
}
