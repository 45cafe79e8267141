//! The daemon as the demo runs it: a process of its own, this same program, exactly as a user would start it.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context;
use tokio::process::{Child, Command};

/// The daemon promises to end inside five seconds after SIGTERM.
const STOP_DEADLINE: Duration = Duration::from_secs(6);

/// A running `sightline run`.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `sightline run` on a pipeline file; its log goes to a file in `folder`.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(pipeline: &Path, folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join("daemon.log");
        let log_file = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let child = Command::new(program)
            .arg("run")
            .arg(pipeline)
            .args(["--http", "off", "--state-dir"])
            .arg(folder.join("state"))
            // A demo begins at once, and its state directory is gone with it.
            .env(crate::calibration::VARIABLE, "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file)
            // A Ctrl-C in the terminal is the demo's to handle, or the daemon would end before its last figures came.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the daemon")?;
        Ok(Self { child, log })
    }

    /// Waits for it to end by itself.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end, as systemd would.
    pub async fn terminate(&self) -> anyhow::Result<()> {
        let Some(pid) = self.child.id() else { return Ok(()) };
        let status =
            Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await.context("cannot run kill")?;
        anyhow::ensure!(status.success(), "cannot send SIGTERM to the daemon");
        Ok(())
    }

    /// How long [`Daemon::ended`] may take after [`Daemon::terminate`].
    pub const fn stop_deadline() -> Duration {
        STOP_DEADLINE
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}
