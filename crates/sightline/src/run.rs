//! `sightline run`

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use sightline_config::Environment;
use sightline_core::plan::Plan;
use tracing::info;

use crate::{
    cli::{HttpAddress, RunArgs},
    failure::{Failure, Kind, OrFail, Outcome},
    logging::{self, Detail},
    signals::Signals,
    sources::unknown_scenes,
    wiring::Daemon,
};

/// Threads for everything that is neither decoding nor inference.
const RUNTIME_THREADS: usize = 2;

/// Runs until a signal.
pub fn execute(args: &RunArgs) -> Outcome {
    logging::start(args.log_format, Detail::Daemon { verbose: args.verbose });
    let HttpAddress::Off = args.http;
    let plan = load(args)?;
    if let Some((camera, message)) = unknown_scenes(&plan).into_iter().next() {
        return Err(Failure::new(Kind::Config, anyhow!("camera {}: {message}", camera.id)));
    }
    let state_dir = args.state_dir.clone().unwrap_or_else(default_state_dir);
    if args.state_dir.is_some() || keeps_files(&plan) {
        // Made, and found to be writable, now and not when it is needed first.
        let context = || format!("cannot use the state directory {}; --state-dir names another", state_dir.display());
        std::fs::create_dir_all(&state_dir).with_context(context).or_fail(Kind::Config)?;
        tempfile::tempfile_in(&state_dir).with_context(context).or_fail(Kind::Config)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("tokio")
        .enable_all()
        .build()
        .or_fail(Kind::Internal)?;
    let outcome = runtime.block_on(serve(plan, &state_dir));
    // A source that hangs in its teardown must not keep the process.
    runtime.shutdown_background();
    outcome
}

#[expect(clippy::print_stderr, reason = "problems are for the person at the keyboard, in the form compilers use")]
fn load(args: &RunArgs) -> Result<Plan, Failure> {
    sightline_config::load(&args.paths, &Environment::from_process()).map_err(|problems| {
        eprintln!("{problems}");
        Failure::said(Kind::Config)
    })
}

/// Whether any camera keeps snapshots or clips.
fn keeps_files(plan: &Plan) -> bool {
    let mut cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras);
    cameras.any(|camera| {
        let keeps_snapshots = camera.snapshots.as_ref().is_some_and(|snapshots| snapshots.files.is_some());
        keeps_snapshots || camera.clips.is_some()
    })
}

/// systemd's `StateDirectory=`, else the user's (XDG Base Directory Specification), else the machine's.
fn default_state_dir() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let users = || variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    variable("STATE_DIRECTORY")
        .or_else(|| Some(users()?.join("sightline")))
        .unwrap_or_else(|| PathBuf::from("/var/lib/sightline"))
}

async fn serve(plan: Plan, state_dir: &Path) -> Outcome {
    let mut signals = Signals::listen().or_fail(Kind::Internal)?;
    let daemon = tokio::select! {
        daemon = Daemon::start(plan, state_dir) => daemon?,
        name = signals.first() => {
            info!(signal = name, "stopped before it had started");
            return Ok(());
        }
    };
    info!(version = env!("CARGO_PKG_VERSION"), "running");
    let name = signals.first().await;
    info!(signal = name, "stopping");
    signals.exit_on_second();
    daemon.stop().await;
    info!("stopped");
    Ok(())
}
