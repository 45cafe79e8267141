//! How many simulated cameras this machine keeps up with.

use std::time::Duration;

use serde::Serialize;

use super::{
    NotRun, progress, provider_of, search,
    serve::{Sent, Server},
    sessions::how_to_run,
    watch::{MOST_LOST, OLDEST_INTERVALS, Tried},
};
use crate::{
    child,
    cli::{BenchArgs, CamerasWish},
    failure::{Failure, Kind, OrFail},
    library,
};

/// Compiling for an accelerator takes minutes.
const TRY_DEADLINE: Duration = Duration::from_secs(1800);

/// What was found.
#[derive(Debug, Serialize)]
pub struct Held {
    pub model: String,
    pub provider: String,
    /// What each camera sends.
    #[serde(flatten)]
    pub sent: Sent,
    /// The largest number of those tried that was kept up with; 0: none was.
    pub held: usize,
    /// Why the next one was not; absent where none failed.
    pub limited_by: Option<String>,
    /// What keeping up means.
    pub limits: Limits,
    /// Every try, in order.
    pub tries: Vec<Tried>,
}

/// What keeping up means.
#[derive(Debug, Serialize)]
pub struct Limits {
    /// Most frames that may be lost, as a share.
    pub lost: f64,
    /// The greatest age of results at p95, milliseconds.
    pub age_ms_p95: f64,
}

/// Looks for it, or tries the wished number; why there is no answer.
///
/// # Errors
/// When there is nothing to serve.
pub fn held(args: &BenchArgs, model: &str) -> Result<Result<Held, NotRun>, Failure> {
    progress("cameras: preparing what they show");
    let folder = tempfile::tempdir().or_fail(Kind::Internal)?;
    let mut server = Server::start(args)?;
    let (sent, provider) = (server.sent, provider_of(args).to_string());
    let mut tries: Vec<Tried> = Vec::new();
    let mut holds = |number: usize| -> Result<bool, Stopped> {
        progress(&format!("cameras: watching {number} for {} s", args.window));
        let port = server.serve(number)?;
        let mut arguments = vec!["bench".to_owned(), "--in-child=watch".into()];
        arguments.extend([format!("--model={model}"), format!("--provider={provider}")]);
        arguments.extend([
            format!("--cameras={number}"),
            format!("--port={port}"),
            format!("--server={}", server.id()),
        ]);
        arguments.extend([format!("--rate={}", sent.fps), format!("--window={}", args.window)]);
        arguments.extend(how_to_run(args));
        if args.state_dir.is_none() {
            // So that what is compiled for an accelerator is compiled once.
            arguments.push(format!("--state-dir={}", folder.path().display()));
        }
        let tried: Tried = child::run(&arguments, TRY_DEADLINE).map_err(Stopped::NotRun)?;
        progress(&format!(
            "cameras: {number} {}",
            if tried.holds { "held".into() } else { format!("not held: {}", tried.limited_by) }
        ));
        let holds = tried.holds;
        tries.push(tried);
        Ok(holds)
    };
    let found = match args.cameras {
        Some(CamerasWish::Number(number)) => holds(number).map(|holds| if holds { number } else { 0 }),
        Some(CamerasWish::Auto) | None => search::largest(library::cores(), &mut holds).map(|(held, _)| held),
    };
    let held = match found {
        Ok(held) => held,
        Err(Stopped::Failed(failure)) => return Err(failure),
        Err(Stopped::NotRun(reason)) => return Ok(Err(NotRun { provider, model: model.to_owned(), reason })),
    };
    // Of several that failed the smallest says most.
    let failed = tries.iter().filter(|tried| !tried.holds && tried.cameras > held).min_by_key(|tried| tried.cameras);
    let limited_by = failed.map(|tried| format!("{} cameras: {}", tried.cameras, tried.limited_by));
    let limits = Limits { lost: MOST_LOST, age_ms_p95: OLDEST_INTERVALS * 1000.0 / sent.fps };
    Ok(Ok(Held { model: model.to_owned(), provider, sent, held, limited_by, limits, tries }))
}

/// Why a search has no answer.
enum Stopped {
    /// The model does not run.
    NotRun(String),
    /// The cameras do not.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
