//! Where manifests are.

use std::path::{Path, PathBuf};

use super::ModelReference;
use crate::{environment::Environment, suggest::did_you_mean};

/// A manifest that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub file: PathBuf,
    /// The folder's name when it was found by that name.
    pub folder_name: Option<String>,
}

/// No such model: message and help. Neither quotes the reference, which may have come out of `${…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissingModel {
    pub message: String,
    pub help: String,
}

/// The manifest that a reference means.
pub(crate) fn find_manifest(reference: &ModelReference, environment: &Environment) -> Result<Manifest, MissingModel> {
    match reference {
        ModelReference::Path(path) => by_path(path),
        ModelReference::Name(name) => by_name(name, environment),
    }
}

fn by_path(path: &Path) -> Result<Manifest, MissingModel> {
    let file = if path.is_dir() { path.join("model.yaml") } else { path.to_owned() };
    if !file.is_file() {
        return Err(MissingModel {
            message: "there is no such model.yaml".to_owned(),
            help: "a relative path starts at the folder of the file that names it".to_owned(),
        });
    }
    Ok(Manifest { file, folder_name: None })
}

fn by_name(name: &str, environment: &Environment) -> Result<Manifest, MissingModel> {
    let is_plain_name = !name.contains(['/', '\\']) && !name.starts_with('.');
    if !is_plain_name {
        return Err(MissingModel {
            message: "a model's name is that of a folder".to_owned(),
            help: "for a path write `path:` in place of `name:`".to_owned(),
        });
    }
    let folders = environment.manifest_folders();
    let manifests: Vec<Manifest> = folders
        .iter()
        .map(|folder| folder.join(name).join("model.yaml"))
        .filter(|file| file.is_file())
        .map(|file| Manifest { file, folder_name: Some(name.to_owned()) })
        .collect();
    // The program brings manifests without weights along; `sightline models pull` puts a whole model into the user's
    // folder, which comes later in the order.
    let has_weights =
        |manifest: &&Manifest| super::load_manifest(manifest, environment).is_ok_and(|model| model.weights.is_some());
    if let Some(manifest) = manifests.iter().find(has_weights).or_else(|| manifests.first()) {
        return Ok(manifest.clone());
    }
    let known: Vec<String> = available_models(environment).into_iter().map(|(name, _)| name).collect();
    let looked_in: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let known_names = known.iter().map(String::as_str);
    let help = did_you_mean(name, known_names.clone()).unwrap_or_else(|| match known.is_empty() {
        true => format!("no model at all in {}", looked_in.join(", ")),
        false => format!("there are {}; looked in {}", known.join(", "), looked_in.join(", ")),
    });
    Err(MissingModel { message: "there is no model of this name".to_owned(), help })
}

/// The folders that belong to a model, in the order of search: those of its name, or the one that its path means. What
/// is kept beside a manifest (reference pictures) is looked for in all of them, since a pulled model's folder holds the
/// weights, and the program's own holds the rest.
#[must_use]
pub fn folders_of_model(reference: &ModelReference, environment: &Environment) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = match reference {
        ModelReference::Name(name) => environment.manifest_folders().iter().map(|folder| folder.join(name)).collect(),
        ModelReference::Path(path) if path.is_dir() => vec![path.clone()],
        ModelReference::Path(path) => path.parent().map(Path::to_owned).into_iter().collect(),
    };
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// Name and manifest of every model in the folders of models, in the order of search. Of models with the same name
/// the one is listed that the name means: the first with weights, or else the first.
#[must_use]
pub fn available_models(environment: &Environment) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for folder in environment.manifest_folders() {
        // A folder that is not there or not readable holds no model.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        for name in names {
            let file = folder.join(&name).join("model.yaml");
            let is_hidden_by_earlier = found.iter().any(|(earlier, _)| *earlier == name);
            if !file.is_file() || is_hidden_by_earlier {
                continue;
            }
            if let Ok(manifest) = by_name(&name, environment) {
                found.push((name, manifest.file));
            }
        }
    }
    found
}
