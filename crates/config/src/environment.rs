//! Everything that reading a configuration takes from the process it runs in, as an explicit value.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Looks up an environment variable; `None` when it is not set or not UTF-8.
pub type VariableLookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The surroundings of a configuration. Tests build their own with [`Environment::empty`].
#[derive(Clone)]
pub struct Environment {
    /// What `${env:NAME}` means.
    pub variable: VariableLookup,
    /// What `${hostname}` means; `None`: not known.
    pub hostname: Option<String>,
    /// The folders of `SIGHTLINE_MODELS`, for manifests and weights. Searched first.
    pub model_folders: Vec<PathBuf>,
    /// Folders of `<name>/model.yaml` that come with the program, after those of `model_folders`.
    pub bundled_model_folders: Vec<PathBuf>,
    /// The user's own folder, `~/.local/share/sightline/models`, for manifests and weights. After the bundled ones.
    pub user_model_folder: Option<PathBuf>,
    /// The machine's folder of manifests, `/usr/share/sightline/models`. Searched last.
    pub system_model_folder: Option<PathBuf>,
}

impl Environment {
    /// No variables, no host name, no model folders.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            variable: Arc::new(|_| None),
            hostname: None,
            model_folders: Vec::new(),
            bundled_model_folders: Vec::new(),
            user_model_folder: None,
            system_model_folder: None,
        }
    }

    /// The real surroundings of this process.
    #[must_use]
    pub fn from_process() -> Self {
        let executable = std::env::current_exe().ok();
        Self {
            variable: Arc::new(|name| std::env::var(name).ok()),
            hostname: read_hostname(),
            model_folders: folders_of_variable(),
            bundled_model_folders: bundled_model_folders(executable.as_deref()),
            user_model_folder: user_data_folder().map(|folder| folder.join("sightline/models")),
            system_model_folder: Some(PathBuf::from("/usr/share/sightline/models")),
        }
    }

    /// The value of an environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    /// Where `<name>/model.yaml` is looked for, in order.
    #[must_use]
    pub fn manifest_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.model_folders.clone();
        folders.extend(self.bundled_model_folders.iter().cloned());
        folders.extend(self.user_model_folder.clone());
        folders.extend(self.system_model_folder.clone());
        folders
    }
}

/// Without the variables: they hold secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("hostname", &self.hostname)
            .field("model_folders", &self.model_folders)
            .field("bundled_model_folders", &self.bundled_model_folders)
            .field("user_model_folder", &self.user_model_folder)
            .field("system_model_folder", &self.system_model_folder)
            .finish_non_exhaustive()
    }
}

fn folders_of_variable() -> Vec<PathBuf> {
    let Some(value) = std::env::var_os("SIGHTLINE_MODELS") else {
        return Vec::new();
    };
    std::env::split_paths(&value).filter(|folder| !folder.as_os_str().is_empty()).collect()
}

/// `./models`, `models/` beside and up to four levels above the executable (a checkout's `target/release/`), and
/// `../share/sightline/models` of an installation.
fn bundled_model_folders(executable: Option<&Path>) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("models")];
    if let Some(folder) = executable.and_then(Path::parent) {
        folders.extend(folder.ancestors().take(4).map(|ancestor| ancestor.join("models")));
        folders.extend(folder.parent().map(|installation| installation.join("share/sightline/models")));
    }
    folders
}

/// The user's data folder of the XDG base directory specification, which wants relative paths ignored.
fn user_data_folder() -> Option<PathBuf> {
    let wished = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    wished.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")))
}

/// Linux only, as the daemon is.
fn read_hostname() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkouts_and_an_installations_model_folders_are_found_from_the_executable() {
        let checkout = bundled_model_folders(Some(Path::new("/src/sightline/target/release/sightline")));
        assert!(checkout.contains(&PathBuf::from("/src/sightline/models")));
        let installed = bundled_model_folders(Some(Path::new("/opt/sightline/bin/sightline")));
        assert!(installed.contains(&PathBuf::from("/opt/sightline/share/sightline/models")));
    }

    #[test]
    fn manifests_are_searched_in_the_documented_order() {
        let environment = Environment {
            model_folders: vec!["a".into()],
            bundled_model_folders: vec!["b".into()],
            user_model_folder: Some("c".into()),
            system_model_folder: Some("d".into()),
            ..Environment::empty()
        };
        assert_eq!(environment.manifest_folders(), ["a", "b", "c", "d"].map(PathBuf::from));
    }
}
