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

/// What `sightline detect` takes where it is there: the fastest form of the well-known COCO model.
pub const DEFAULT: &str = "ssd-mobilenet-v1-coco-int8";
/// Our own, trained on simulated scenes; its weights are in the repository, so that a fresh clone detects something.
pub const OWN: &str = "ssd-mobilenet-v1-sim";

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

/// Names of the models whose weights are on this machine.
pub fn all_with_weights() -> Vec<String> {
    let environment = Environment::from_process();
    let names = models::available_models(&environment).into_iter().map(|(name, _)| name);
    names
        .filter(|name| {
            let spec = models::find_model(&ModelReference::Name(name.clone()), &environment);
            spec.is_ok_and(|spec| spec.weights.is_some())
        })
        .collect()
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

/// Where a model's weights were looked for and how to get them; nothing when they are there.
///
/// # Errors
/// When there is no such model, or its manifest is wrong.
pub fn missing_weights(reference: &str) -> Result<Option<String>, Failure> {
    let spec = find(&ModelReference::from_argument(reference))?;
    Ok(spec.weights.is_none().then(|| models::missing_weights_message(&spec)))
}

/// What `detect` takes when no model is named: the COCO one where its weights are, else our own.
#[expect(clippy::print_stderr, reason = "a notice to the person who named no model")]
pub fn for_detect() -> &'static str {
    if find(&ModelReference::Name(DEFAULT.into())).is_ok_and(|spec| spec.weights.is_some()) {
        return DEFAULT;
    }
    eprintln!(
        "sightline: {DEFAULT} is not on this machine (`sightline models pull` fetches it); using {OWN}, which was trained on simulated scenes alone"
    );
    OWN
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
