//! A part of a scenario that runs as a process of its own: this test program again, with one test that is left out
//! otherwise.

use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Names the child's state directory; without it a child's test does nothing.
const STATE_DIR: &str = "SIGHTLINE_TEST_STATE_DIR";

/// A child, and what it prints.
pub struct Running {
    pub process: Child,
    pub lines: Lines<BufReader<ChildStdout>>,
}

/// The state directory, in the child.
pub fn state_dir() -> Option<std::path::PathBuf> {
    std::env::var_os(STATE_DIR).map(Into::into)
}

/// Runs the ignored test `name` in `state_dir`, by way of `wrapper`: a command that ends in the program to run.
pub fn start(name: &str, state_dir: &Path, wrapper: &[&str]) -> Running {
    let program = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(std::ffi::OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    let mut process = command.env(STATE_DIR, state_dir).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    Running { process, lines }
}

impl Running {
    /// The next line that begins with `prefix`, without it. `None` at the end.
    pub fn next(&mut self, prefix: &str) -> Option<String> {
        self.lines.by_ref().find_map(|line| Some(line.ok()?.strip_prefix(prefix)?.to_owned()))
    }

    /// Waits for its end and demands success.
    pub fn finish(mut self) {
        self.lines.by_ref().for_each(drop);
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
