//! Pipeline files to a plan, the same way for every command.

use std::path::PathBuf;

use sightline_config::{Environment, Problems};
use sightline_core::plan::Plan;

use crate::logging;

/// The pipelines of `paths`, files or folders. Their secrets are kept out of the log from now on.
///
/// # Errors
/// Every problem, each with its file and line; no message holds a secret.
pub fn load(paths: &[PathBuf], environment: &Environment) -> Result<Plan, Problems> {
    let plan = sightline_config::load(paths, environment)?;
    logging::hide_secrets_of(&plan);
    Ok(plan)
}
