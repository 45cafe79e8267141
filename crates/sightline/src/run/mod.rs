//! `sightline run`

mod brokers;
mod daemon;
mod engines;
mod liveness;
mod load;
mod memory;
mod metrics;
mod notify;
mod observed;
mod process;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use daemon::Daemon;
use engines::{AGAIN_AFTER, Occasion};
use liveness::Liveness;
use load::LoadWatch;
use observed::{Observed, Operator, ReloadRequest};
use sightline_config::Environment;
use sightline_core::{
    operations::{ReloadError, ReloadReport},
    plan::Plan,
    secret::Secret,
};
use sightline_web::{Server, WebSettings};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tracing::{error, info};

use crate::{
    cli::{HttpAddress, RunArgs},
    configuration,
    failure::{Failure, Kind, OrFail, Outcome},
    logging::{self, Detail},
    signals::{Signal, Signals},
};

/// Threads for everything that is neither decoding nor inference.
const RUNTIME_THREADS: usize = 2;
/// How long systemd is asked to wait for the start: compiling a model for an accelerator takes minutes.
const START_MAY_TAKE: Duration = Duration::from_secs(900);
/// How long answers that are being written are waited for at the end.
const HTTP_DEADLINE: Duration = Duration::from_millis(200);
/// After an engine was replaced because its sessions failed the next one is not replaced before: what fails at once would
/// otherwise be opened again and again, and cameras' counts with it.
const RECOVERY_PAUSE: Duration = Duration::from_secs(5);
/// Where the token of the HTTP endpoint may stand instead of in a file.
const TOKEN_VARIABLE: &str = "SIGHTLINE_HTTP_TOKEN";

/// Runs until a signal.
pub fn execute(args: &RunArgs) -> Outcome {
    logging::start(args.log_format, Detail::Daemon { verbose: args.verbose });
    let web = web_settings(args)?;
    let plan = load(&args.paths).map_err(|problems| said(&problems))?;
    let state_dir = args.state_dir.clone().unwrap_or_else(default_state_dir);
    let context = || format!("cannot use the state directory {}; --state-dir names another", state_dir.display());
    std::fs::create_dir_all(&state_dir).with_context(context).or_fail(Kind::Config)?;
    memory::share_heaps();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("tokio")
        .enable_all()
        .build()
        .or_fail(Kind::Internal)?;
    let outcome = runtime.block_on(serve(plan, args, web, &state_dir));
    // A source that hangs in its teardown must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// The pipelines of `paths`, or every problem, each with its file and line.
fn load(paths: &[PathBuf]) -> Result<Plan, String> {
    let plan = configuration::load(paths, &Environment::from_process());
    plan.map_err(|problems| logging::redact(&problems.to_string()).into_owned())
}

#[expect(clippy::print_stderr, reason = "problems are for the person at the keyboard, in the form compilers use")]
fn said(problems: &str) -> Failure {
    eprintln!("{problems}");
    Failure::said(Kind::Config)
}

/// Where the HTTP endpoint listens and who may ask; `None`: nowhere.
fn web_settings(args: &RunArgs) -> Result<Option<WebSettings>, Failure> {
    let HttpAddress::At(address) = args.http else { return Ok(None) };
    let token = match &args.http_token_file {
        Some(path) => {
            let context = || format!("cannot read the token in {} (--http-token-file)", path.display());
            Some(std::fs::read_to_string(path).with_context(context).or_fail(Kind::Config)?)
        }
        None => std::env::var(TOKEN_VARIABLE).ok(),
    };
    let token = token.map(|token| Secret::new(token.trim_end().to_owned()));
    logging::hide(token.iter());
    let settings = WebSettings { address, token };
    settings.check().or_fail(Kind::Config)?;
    // A taken port is better told now than when models have been loaded and cameras opened.
    let context = || format!("cannot listen on {address}; --http gives another address, or `off`");
    std::net::TcpListener::bind(address).with_context(context).or_fail(Kind::Unavailable)?;
    Ok(Some(settings))
}

/// systemd's `StateDirectory=`, else the user's (XDG Base Directory Specification), else the machine's.
pub fn default_state_dir() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let users = || variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    variable("STATE_DIRECTORY")
        .or_else(|| Some(users()?.join("sightline")))
        .unwrap_or_else(|| PathBuf::from("/var/lib/sightline"))
}

async fn serve(plan: Plan, args: &RunArgs, web: Option<WebSettings>, state_dir: &Path) -> Outcome {
    let mut signals = Signals::listen().or_fail(Kind::Internal)?;
    notify::extend_start(START_MAY_TAKE);
    let daemon = tokio::select! {
        daemon = Daemon::start(plan, state_dir) => daemon?,
        name = signals.stop() => {
            info!(signal = name, "stopped before it had started");
            return Ok(());
        }
    };
    let observed = daemon.observed();
    let liveness = Arc::new(Liveness::new(observed.clone()));
    let (reloads, requests) = mpsc::channel(1);
    let operator = Arc::new(Operator::new(observed.clone(), liveness.clone(), reloads));
    let runtime = tokio::runtime::Handle::current();
    let server = match web.map(|settings| Server::start(settings, operator, &runtime)).transpose() {
        Ok(server) => server,
        Err(error) => {
            daemon.stop().await;
            return Err(Failure::new(Kind::Unavailable, error));
        }
    };
    let http = server.as_ref().map_or_else(|| "off".to_owned(), |server| server.address().to_string());
    info!(version = env!("CARGO_PKG_VERSION"), http, "running");
    notify::ready(&running_status(&observed));
    notify::keep_watchdog(liveness);
    memory::give_back_regularly();

    let mut running = Running { daemon, observed, paths: &args.paths, recover_at: None };
    let ending = running.until_stopped(&mut signals, requests).await;
    match &ending {
        Ending::Signal(name) => info!(signal = name, "stopping"),
        Ending::GivenUp(_) => error!("stopping: on_unavailable is `fail`, and an execution provider fails"),
    }
    notify::stopping();
    signals.exit_on_second();
    if let Some(server) = server {
        server.stop(HTTP_DEADLINE).await;
    }
    running.daemon.stop().await;
    info!("stopped");
    match ending {
        Ending::Signal(_) => Ok(()),
        Ending::GivenUp(failure) => Err(failure),
    }
}

/// Why the daemon stops.
enum Ending {
    /// By this signal.
    Signal(&'static str),
    /// An execution provider fails that no other may stand in for.
    GivenUp(Failure),
}

fn running_status(observed: &Observed) -> String {
    let cameras = observed.roster.read().len();
    format!("{cameras} {}", if cameras == 1 { "camera" } else { "cameras" })
}

/// The daemon between start and stop.
struct Running<'a> {
    daemon: Daemon,
    observed: Arc<Observed>,
    paths: &'a [PathBuf],
    /// Before that no failed engine is replaced: the last one has just been.
    recover_at: Option<Instant>,
}

impl Running<'_> {
    /// Reloads when somebody wishes it and replaces engines that fail; why it ends.
    async fn until_stopped(&mut self, signals: &mut Signals, mut requests: mpsc::Receiver<ReloadRequest>) -> Ending {
        let trouble = self.daemon.trouble();
        let mut load = LoadWatch::default();
        let mut look_at_load = tokio::time::interval(load::LOOK_EVERY);
        look_at_load.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_in_trouble = self.daemon.is_in_trouble();
            let recover_at = self.recover_at.unwrap_or_else(Instant::now);
            let request = tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop(name) => return Ending::Signal(name),
                    Signal::Reload => None,
                },
                // Without an endpoint nobody asks.
                Some(request) = requests.recv() => Some(request),
                () = trouble.notified(), if !is_in_trouble => continue,
                _ = look_at_load.tick() => {
                    self.daemon.watch_load(&mut load);
                    continue;
                }
                () = tokio::time::sleep_until(recover_at.into()), if is_in_trouble => {
                    match self.recover(signals).await {
                        Ok(()) => continue,
                        Err(ending) => return ending,
                    }
                }
            };
            notify::reloading();
            let outcome = match self.reload(signals).await {
                Ok(outcome) => outcome,
                Err(Stopped(name)) => return Ending::Signal(name),
            };
            notify::ready(&running_status(&self.observed));
            match &outcome {
                Ok(report) => tell(report),
                Err(error) => error!("the configuration stays as it was: {error}"),
            }
            if let Some(request) = request {
                // Whoever asked may be gone.
                let _ = request.send(outcome);
            }
        }
    }

    /// Puts other engines in the place of those whose sessions fail; everything else goes on.
    async fn recover(&mut self, signals: &mut Signals) -> Result<(), Ending> {
        let (plan, prerequisites) = (self.daemon.plan(), self.daemon.prerequisites());
        let prepared = tokio::select! {
            prepared = daemon::prepare(plan, prerequisites, Occasion::Failed) => prepared,
            name = signals.stop() => return Err(Ending::Signal(name)),
        };
        let outcome = match prepared {
            Ok(prepared) => self.daemon.reload(prepared, &self.observed).await,
            Err(failure) => Err(failure),
        };
        let pause = match outcome {
            Ok(_) if self.daemon.is_in_trouble() => AGAIN_AFTER,
            Ok(_) => RECOVERY_PAUSE,
            // Engines that may be replaced by nothing are the only thing that is unavailable here.
            Err(failure) if failure.kind == Kind::Unavailable => return Err(Ending::GivenUp(failure)),
            Err(failure) => {
                error!("a failed execution provider could not be replaced: {}", in_words(&failure));
                AGAIN_AFTER
            }
        };
        self.recover_at = Some(Instant::now() + pause);
        Ok(())
    }

    /// Reads the files again and puts them in force.
    async fn reload(&mut self, signals: &mut Signals) -> Result<Result<ReloadReport, ReloadError>, Stopped> {
        let paths = self.paths.to_vec();
        let loading = tokio::task::spawn_blocking(move || load(&paths));
        // A file may lie where nobody answers: a signal is heard meanwhile.
        let loaded = tokio::select! {
            loaded = loading => loaded,
            name = signals.stop() => return Err(Stopped(name)),
        };
        let plan = match loaded {
            Ok(Ok(plan)) => plan,
            Ok(Err(message)) => return Ok(Err(ReloadError { message })),
            Err(panic) => {
                return Ok(Err(ReloadError { message: format!("reading it failed: {panic}; this is a bug") }));
            }
        };
        let prerequisites = self.daemon.prerequisites();
        let prepared = tokio::select! {
            prepared = daemon::prepare(plan, prerequisites, Occasion::Wished) => prepared,
            name = signals.stop() => return Err(Stopped(name)),
        };
        let outcome = match prepared {
            Ok(prepared) => self.daemon.reload(prepared, &self.observed).await,
            Err(failure) => Err(failure),
        };
        Ok(outcome.map_err(|failure| ReloadError { message: in_words(&failure) }))
    }
}

/// A signal ended the daemon while it prepared a reload.
struct Stopped(&'static str);

fn in_words(failure: &Failure) -> String {
    let words = |cause| logging::redact(&format!("{cause:#}")).into_owned();
    failure.cause.as_ref().map_or_else(|| "see the log".to_owned(), words)
}

fn tell(report: &ReloadReport) {
    let ReloadReport { added, removed, restarted, changed, unchanged, models } = report;
    let unchanged = unchanged.len();
    info!(?added, ?removed, ?restarted, ?changed, unchanged, ?models, "reloaded");
}
