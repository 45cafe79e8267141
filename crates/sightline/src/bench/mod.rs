//! `sightline bench`: what this machine does, in three parts.
//!
//! | part | module | what |
//! |---|---|---|
//! | `sessions` | [`sessions`] | images per second of each provider, model and batch size |
//! | `pipeline` | [`stages`], [`bare`], [`pipeline`], [`flat_out`] | CPU time of each stage, and of all of them together |
//! | `cameras` | [`cameras`], [`watch`], [`serve`] | how many simulated cameras are kept up with |
//!
//! Whatever loads a model does so in a process of its own ([`child`]); [`wiring`] is the daemon without a broker.

mod bare;
mod cameras;
mod cpu;
mod flat_out;
mod median;
mod pipeline;
mod report;
mod search;
mod serve;
mod sessions;
mod sink;
mod stages;
mod video;
mod watch;
mod wiring;

use std::io::{IsTerminal, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::cameras::Held;
use crate::{
    calibration,
    cli::{BenchArgs, BenchChild, BenchPart, OutputFormat, ProviderName},
    failure::{Failure, Kind, OrFail, Outcome},
    models,
};

/// Something that was not measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NotRun {
    pub provider: String,
    pub model: String,
    pub reason: String,
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
struct Figures {
    /// Of the part `sessions`.
    rows: Vec<sessions::Row>,
    not_run: Vec<NotRun>,
    /// Of the part `pipeline`: a [`pipeline::Round`] of medians.
    pipeline: Option<Value>,
    /// Of the part `cameras`.
    cameras: Option<Held>,
}

/// Measures.
pub fn execute(args: &BenchArgs) -> Outcome {
    if let Some(child) = args.in_child {
        return in_child(args, child);
    }
    let mut figures = Figures::default();
    let models = models(args, &mut figures.not_run)?;
    for part in parts(args) {
        match part {
            BenchPart::Sessions => {
                let measured = sessions::all_rounds(args, &models);
                figures.rows = measured.rows;
                figures.not_run.extend(measured.not_run);
            }
            BenchPart::Pipeline => match pipeline::all_rounds(args, one_of(args, &models)?)? {
                Ok(medians) => figures.pipeline = Some(medians),
                Err(not_run) => figures.not_run.push(not_run),
            },
            BenchPart::Cameras => match cameras::held(args, one_of(args, &models)?)? {
                Ok(held) => figures.cameras = Some(held),
                Err(not_run) => figures.not_run.push(not_run),
            },
        }
    }
    let text = match args.format {
        OutputFormat::Text if !args.json => {
            report::markdown(&figures) + &calibration::told(&models, args.state_dir.as_deref())
        }
        _ => serde_json::to_string_pretty(&figures).or_fail(Kind::Internal)?,
    };
    // A reader that closes the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    let nothing_ran = figures.rows.is_empty() && figures.pipeline.is_none() && figures.cameras.is_none();
    if nothing_ran { Err(Failure::said(Kind::Unavailable)) } else { Ok(()) }
}

/// One piece of the work; its figures as JSON for the parent.
fn in_child(args: &BenchArgs, child: BenchChild) -> Outcome {
    let figures = match child {
        BenchChild::Sessions => serde_json::to_value(sessions::one_round(args, &args.model)?),
        BenchChild::Pipeline => serde_json::to_value(pipeline::one_round(args)?),
        BenchChild::Watch => serde_json::to_value(watch::execute(args)?),
        BenchChild::Serve => return serve::execute(args),
    };
    let figures = figures.or_fail(Kind::Internal)?;
    // The parent may have been ended meanwhile.
    let _ = writeln!(std::io::stdout(), "{figures}");
    Ok(())
}

/// Each part once, in the order in which they build on each other.
fn parts(args: &BenchArgs) -> Vec<BenchPart> {
    let wished = match args.part.as_slice() {
        [] if args.cameras.is_some() => &[BenchPart::Cameras],
        [] => [BenchPart::Sessions, BenchPart::Pipeline].as_slice(),
        wished => wished,
    };
    let all = [BenchPart::Sessions, BenchPart::Pipeline, BenchPart::Cameras];
    all.into_iter().filter(|part| wished.contains(part)).collect()
}

/// The models to measure. Where none of those that were named has its weights here it is our own, whose weights are in
/// the repository.
fn models(args: &BenchArgs, not_run: &mut Vec<NotRun>) -> Result<Vec<String>, Failure> {
    if args.model.is_empty() {
        return Ok(models::all_with_weights());
    }
    let mut here = Vec::new();
    for name in &args.model {
        match models::missing_weights(name)? {
            None => here.push(name.clone()),
            Some(reason) => {
                not_run.push(NotRun { provider: "any".into(), model: name.clone(), reason });
            }
        }
    }
    if here.is_empty() && models::missing_weights(models::OWN)?.is_none() {
        say(&format!("no weights of {}; measuring {} instead", args.model.join(", "), models::OWN));
        here.push(models::OWN.to_owned());
    }
    Ok(here)
}

/// The model that pipeline and cameras are measured with: the first that was named, else what `detect` takes.
fn one_of<'a>(args: &BenchArgs, models: &'a [String]) -> Result<&'a str, Failure> {
    let wished = |name: &str| models.iter().find(|model| *model == name);
    let preferred = if args.model.is_empty() { wished(models::DEFAULT).or_else(|| wished(models::OWN)) } else { None };
    let found = preferred.or_else(|| models.first()).map(String::as_str);
    found.ok_or_else(|| Failure::new(Kind::Config, anyhow::anyhow!("no model's weights are on this machine")))
}

/// The provider that pipeline and cameras are measured on.
fn provider_of(args: &BenchArgs) -> ProviderName {
    let cpu = || ProviderName(sightline_core::provider::Provider::cpu());
    args.provider.first().cloned().unwrap_or_else(cpu)
}

/// What is being done, for whoever sits before a terminal.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        say(what);
    }
}

/// What everybody should know.
fn say(what: &str) {
    // Nobody is harmed when it is not seen.
    let _ = writeln!(std::io::stderr(), "bench: {what}");
}
