//! Which model, by name or by the path of its model.yaml; and the commands `sightline models …`.

mod build;
mod folder;
mod import;
mod inspect;
mod labels;
mod list;
mod published;
mod pull;
mod text;
mod verify;

use std::sync::Arc;

use anyhow::anyhow;
use sightline_config::{
    Environment,
    models::{self, ModelReference},
};
use sightline_core::model::{Head, ModelSpec};

use crate::{
    cli::ModelsCommand,
    failure::{Failure, Kind, OrFail, Outcome},
};

/// What `sightline detect` takes unless told otherwise: the fastest form of the well-known COCO model.
pub const DEFAULT: &str = "ssd-mobilenet-v1-coco-int8";
/// What the demo falls back to: it knows the simulated scenes and nothing else, and its weights are in the repository.
const OWN: &str = "sim-shapes";

/// `sightline models …`
pub fn execute(command: &ModelsCommand) -> Outcome {
    match command {
        ModelsCommand::List(args) => list::execute(args),
        ModelsCommand::Inspect(args) => inspect::execute(args),
        ModelsCommand::Verify(args) => verify::execute(args),
        ModelsCommand::Pull(args) => pull::execute(args),
        ModelsCommand::Import(args) => import::execute(args),
        ModelsCommand::Build(args) => build::execute(args),
    }
}

/// Loads a model's manifest; its weights are there.
///
/// # Errors
/// When there is no such model, its manifest is wrong, or its weights are missing.
pub fn load(reference: &str) -> Result<Arc<ModelSpec>, Failure> {
    let spec = find(&ModelReference::from_argument(reference))?;
    if matches!(spec.head, Head::Classifier { .. }) {
        let message = format!("model {} is a classifier: it finds no boxes; name a detector", spec.name);
        return Err(Failure::new(Kind::Config, anyhow!(message)));
    }
    require_weights(&spec)?;
    Ok(Arc::new(spec))
}

/// Fails with where the weights were looked for and how to get them.
///
/// # Errors
/// When the weights are missing.
pub fn require_weights(spec: &ModelSpec) -> Result<(), Failure> {
    if spec.weights.is_some() {
        return Ok(());
    }
    Err(Failure::new(Kind::Config, anyhow!(models::missing_weights_message(spec))))
}

/// The demo's model: the COCO one where its weights are, else the one that comes with the project.
///
/// # Errors
/// When not even that one is found.
#[expect(clippy::print_stderr, reason = "a notice to the person who started the demo")]
pub fn for_demo() -> Result<String, Failure> {
    if find(&ModelReference::Name(DEFAULT.into())).is_ok_and(|spec| spec.weights.is_some()) {
        return Ok(DEFAULT.into());
    }
    let spec = find(&ModelReference::Name(OWN.into()))?;
    require_weights(&spec)?;
    eprintln!(
        "demo: the weights of {DEFAULT} are not on this machine; using {OWN}, which recognises the simulated scenes and nothing else"
    );
    Ok(OWN.into())
}

/// How a pipeline file names the model.
pub fn yaml_reference(reference: &str) -> String {
    match ModelReference::from_argument(reference) {
        ModelReference::Name(name) => format!("name: {name}"),
        ModelReference::Path(path) => {
            let path = std::path::absolute(&path).unwrap_or(path);
            format!("path: \"{}\"", path.display())
        }
    }
}

fn find(reference: &ModelReference) -> Result<ModelSpec, Failure> {
    models::find_model(reference, &Environment::from_process()).or_fail(Kind::Config)
}
