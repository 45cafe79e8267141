//! `sightline run`

use anyhow::Context;
use sightline_config::Environment;
use sightline_core::plan::Plan;
use tracing::info;

use crate::{
    cli::{HttpAddress, RunArgs},
    failure::{Failure, Kind, OrFail, Outcome},
    logging::{self, Detail},
    signals::Signals,
    wiring::Daemon,
};

/// Threads for everything that is neither decoding nor inference.
const RUNTIME_THREADS: usize = 2;

/// Runs until a signal.
pub fn execute(args: &RunArgs) -> Outcome {
    logging::start(args.log_format, Detail::Daemon { verbose: args.verbose });
    let HttpAddress::Off = args.http;
    let plan = load(args)?;
    if let Some(folder) = &args.state_dir {
        // Made, and found to be writable, now and not when it is needed first.
        let context = || format!("cannot use the state folder {}", folder.display());
        std::fs::create_dir_all(folder).with_context(context).or_fail(Kind::Config)?;
        tempfile::tempfile_in(folder).with_context(context).or_fail(Kind::Config)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("tokio")
        .enable_all()
        .build()
        .or_fail(Kind::Internal)?;
    let outcome = runtime.block_on(serve(plan));
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

async fn serve(plan: Plan) -> Outcome {
    let mut signals = Signals::listen().or_fail(Kind::Internal)?;
    let daemon = tokio::select! {
        daemon = Daemon::start(plan) => daemon?,
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
