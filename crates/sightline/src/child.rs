//! This program, started once more: what a process can do only once (loading one ONNX Runtime), or may not survive (a driver
//! that crashes), is done in a child.

use std::{
    io::Read,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

/// How often it is looked whether the child has ended.
const POLL: Duration = Duration::from_millis(20);

/// Runs this program with `arguments` and reads its stdout as JSON. Its stderr is passed on.
///
/// # Errors
/// In words: it cannot be started, takes longer than `timeout`, crashes, fails, or prints something else.
pub fn run<T: DeserializeOwned>(arguments: &[String], timeout: Duration) -> Result<T, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot find this program itself: {error}"))?;
    let started = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("cannot start this program once more: {error}"))?;
    let stdout = child.stdout.take();
    // Read beside the wait: a child that fills the pipe would never end.
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stdout) = stdout {
            // What could not be read is missing from the JSON, which is told.
            let _ = stdout.read_to_end(&mut text);
        }
        text
    });
    let status = wait(&mut child, timeout)?;
    let text = reader.join().unwrap_or_default();
    if let Some(signal) = status.signal() {
        return Err(format!("it crashed (signal {signal})"));
    }
    serde_json::from_slice(&text).map_err(|_| format!("it failed ({status})"))
}

fn wait(child: &mut Child, timeout: Duration) -> Result<ExitStatus, String> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            // It may have ended meanwhile; either way it is waited for.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it did not end within {} s", timeout.as_secs()));
        }
        std::thread::sleep(POLL);
    }
}
