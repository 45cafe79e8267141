//! The daemon, in a process of its own.

use std::{
    path::PathBuf,
    process::{Child, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::{broker::PASSWORD, sightline, wait_until};

pub struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts `sightline run` on a pipeline file of that text.
    pub fn start(yaml: &str) -> Self {
        Self::start_with(yaml, &[])
    }

    pub fn start_with(yaml: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pipeline = folder.path().join("pipeline.yaml");
        std::fs::write(&pipeline, yaml).expect("a pipeline file");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let child = sightline()
            .arg("run")
            .arg(&pipeline)
            .args(["--http", "off", "-v", "--state-dir"])
            .arg(folder.path().join("state"))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        Self { child, folder }
    }

    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).expect("the log")
    }

    pub async fn wait_for_log(&self, text: &str) {
        wait_until(&format!("{text:?} in the log"), || self.log().contains(text)).await;
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = std::process::Command::new("kill").args([name, &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Sends SIGTERM; the exit status, and how long it took.
    pub async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.signal("-TERM");
        let status = self.ended().await;
        (status, started.elapsed())
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        wait_until("the daemon ends", || {
            status = child.try_wait().expect("its status");
            status.is_some()
        })
        .await;
        status.expect("it has ended")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Most scenarios have ended it already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("--- the daemon's log ---\n{log}--- end ---");
        } else {
            assert!(!log.contains(PASSWORD), "the broker's password is in the log");
        }
    }
}
