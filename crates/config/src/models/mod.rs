//! Detection models: folders with a `model.yaml`, found by name, read into a [`ModelSpec`], with or without weights.

mod anchors;
mod head;
mod manifest;
mod search;
mod weights;
pub(crate) mod wire;
mod write;

use std::path::PathBuf;

use sightline_core::model::ModelSpec;

pub(crate) use self::{manifest::load_manifest, search::find_manifest};
pub use self::{
    search::{available_models, folders_of_model},
    weights::{missing_weights_message, sha256_of_bytes, sha256_of_file},
    write::{anchors_to_bytes, manifest_to_yaml},
};
use crate::{
    environment::Environment,
    problem::{Problems, whole_file},
};

/// How a model is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReference {
    /// A folder of this name in one of the folders of models.
    Name(String),
    /// A `model.yaml`, or a folder that holds one.
    Path(PathBuf),
}

impl ModelReference {
    /// As a command line has it: a path when it looks like one (a separator, or `.yaml` at its end), else a name.
    #[must_use]
    pub fn from_argument(argument: &str) -> Self {
        let is_path = argument.contains('/') || argument.ends_with(".yaml") || argument.ends_with(".yml");
        if is_path { Self::Path(argument.into()) } else { Self::Name(argument.to_owned()) }
    }
}

/// Finds and reads a model's manifest. Missing weights are no error: [`ModelSpec::weights`] is `None` then, and
/// [`missing_weights_message`] says what to do.
///
/// # Errors
/// There is no such model, or everything that is wrong with its manifest.
pub fn find_model(reference: &ModelReference, environment: &Environment) -> Result<ModelSpec, Problems> {
    let manifest = find_manifest(reference, environment).map_err(|missing| {
        let file = match reference {
            ModelReference::Name(name) => PathBuf::from(name),
            ModelReference::Path(path) => path.clone(),
        };
        Problems::one(whole_file(&file, missing.message, Some(missing.help)))
    })?;
    load_manifest(&manifest, environment).or_else(|problems| Problems::none_or(problems, None))
}
