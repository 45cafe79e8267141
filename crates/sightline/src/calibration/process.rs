//! A layout in a process of its own: a library that crashes costs nothing, and what it holds is gone with it. The process is
//! this program with the hidden command `measure`; both talk in lines.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use sightline_core::plan::PipelinePlan;

use super::{
    contest::{Contestant, Figure, MEASURED_FOR, Opened},
    layout::Layout,
    measure,
};

/// Reading a model and comparing its answers takes a second or two on most machines.
const OPENS_WITHIN: Duration = Duration::from_secs(60);
/// A GPU's engines are built in minutes.
const ACCELERATOR_OPENS_WITHIN: Duration = Duration::from_secs(900);
/// More than what it measures for: one batch may take longer than that.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// The process.
pub struct Measured {
    child: Child,
    requests: Option<ChildStdin>,
    answers: Receiver<String>,
    open_until: Instant,
}

impl Measured {
    /// Starts it; does not wait for it.
    ///
    /// # Errors
    /// When there can be no process.
    pub fn start(
        pipeline: &PipelinePlan,
        layout: &Layout,
        batches: &[usize],
        state_dir: &Path,
    ) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("cannot find this program itself: {error}"))?;
        let mut command = Command::new(program);
        command.arg(measure::COMMAND).arg("--pipeline").arg(&pipeline.file);
        command.args(["--sha256", &pipeline.model.sha256, "--provider", layout.provider]);
        command.arg("--sessions").arg(layout.sessions.to_string());
        command.arg("--threads").arg(layout.threads.to_string()).arg("--batch");
        command.arg(batches.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        command.arg("--state-dir").arg(state_dir);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| format!("cannot start this program once more: {error}"))?;
        let (sender, answers) = mpsc::channel();
        let stdout = child.stdout.take();
        let requests = child.stdin.take();
        let deadline = if layout.is_on_cores() { OPENS_WITHIN } else { ACCELERATOR_OPENS_WITHIN };
        let measured = Self { child, requests, answers, open_until: Instant::now() + deadline };
        let read = move || {
            let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
            // Nobody listens any more when it was given up.
            lines.map_while(Result::ok).take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        };
        let reader = std::thread::Builder::new().name("calibration".into()).spawn(read);
        reader.map_err(|error| format!("no thread for a measurement: {error}"))?;
        Ok(measured)
    }

    /// The next answer. Lines that are none are a library's own.
    fn answer<T: DeserializeOwned>(&mut self, until: Instant) -> Result<T, String> {
        loop {
            match self.answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => match serde_json::from_str::<Result<T, String>>(&line) {
                    Ok(answer) => return answer,
                    Err(_) => continue,
                },
                Err(RecvTimeoutError::Timeout) => return Err("it did not answer in time".into()),
                Err(RecvTimeoutError::Disconnected) => return Err(self.end()),
            }
        }
    }

    /// How it ended, in words.
    fn end(&mut self) -> String {
        // Its stdout is closed: it has ended, or does nothing useful any more.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => match status.signal() {
                Some(signal) => format!("it crashed (signal {signal})"),
                None => format!("it failed ({status})"),
            },
            Err(error) => error.to_string(),
        }
    }
}

impl Contestant for Measured {
    fn opened(&mut self) -> Result<Opened, String> {
        self.answer(self.open_until)
    }

    fn measure(&mut self, batch: usize) -> Result<Figure, String> {
        let Some(requests) = &mut self.requests else { return Err("it takes no requests".into()) };
        if writeln!(requests, "{batch}").and_then(|()| requests.flush()).is_err() {
            return Err(self.end());
        }
        self.answer(Instant::now() + MEASURED_FOR + ANSWERS_WITHIN)
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // It may have ended already; either way it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
