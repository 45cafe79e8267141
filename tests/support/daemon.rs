//! The daemon, in a process of its own.

use std::{
    fs::OpenOptions,
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use sightline_core::outbox::{EventQuery, History, RecordedEvent};
use sightline_store::EventStore;

use super::{
    TOKEN, canary,
    client::{Answer, exchange},
    sightline, wait_until,
};

/// How a daemon is started.
#[derive(Clone, Default)]
pub struct Launch {
    pub environment: Vec<(String, String)>,
    /// Further arguments of `sightline run`.
    pub arguments: Vec<String>,
    /// A command that the daemon's own is appended to; it must end in an `exec`.
    pub through: Vec<String>,
}

pub struct Daemon {
    child: Child,
    launch: Launch,
    folder: tempfile::TempDir,
    /// Where in the log this process begins.
    begins: usize,
}

impl Daemon {
    /// Starts `sightline run` on a pipeline file of that text.
    pub fn start(yaml: &str) -> Self {
        Self::launch(yaml, Launch::default())
    }

    pub fn start_with(yaml: &str, environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self::launch(yaml, Launch { environment, ..Launch::default() })
    }

    pub fn launch(yaml: &str, launch: Launch) -> Self {
        Self::launch_in(tempfile::tempdir().expect("a folder"), yaml, launch)
    }

    /// The same in a folder that has other files as well.
    pub fn launch_in(folder: tempfile::TempDir, yaml: &str, launch: Launch) -> Self {
        std::fs::write(folder.path().join("pipeline.yaml"), yaml).expect("a pipeline file");
        let child = spawn(&folder, &launch);
        Self { child, launch, folder, begins: 0 }
    }

    /// Another process with the same files and the same state directory.
    pub fn start_again(&mut self) {
        self.begins = self.whole_log().len();
        self.child = spawn(&self.folder, &self.launch);
    }

    pub fn rewrite(&self, yaml: &str) {
        // Renamed into place, as careful editors do it.
        let new = self.path("pipeline.yaml.new");
        std::fs::write(&new, yaml).expect("a pipeline file");
        std::fs::rename(new, self.path("pipeline.yaml")).expect("its place");
    }

    /// A file in the daemon's folder, in which its pipeline file is as well.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// What this process has logged so far.
    pub fn log(&self) -> String {
        self.whole_log().split_off(self.begins)
    }

    fn whole_log(&self) -> String {
        std::fs::read_to_string(self.path("log")).expect("the log")
    }

    pub async fn wait_for_log(&self, text: &str) {
        wait_until(&format!("{text:?} in the log"), || self.log().contains(text)).await;
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let command = format!("kill {name} {}", self.id());
        // The shell's own `kill`: a minimal Debian has no other.
        let status = std::process::Command::new("sh").args(["-c", &command]).status().expect("a shell");
        assert!(status.success());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
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

    /// Where its HTTP endpoint listens, once it runs.
    pub async fn running(&self) -> SocketAddr {
        let mut address = None;
        wait_until("the daemon runs", || {
            let log = self.log();
            let running = log.lines().find(|line| line.contains(" running "));
            address = running.and_then(|line| line.split_once("http=\"")?.1.split('"').next()?.parse().ok());
            address.is_some()
        })
        .await;
        address.expect("an address")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).await
    }

    /// Asks with the token, which a daemon that has none does not mind.
    pub async fn ask(&self, method: &str, path: &str) -> Answer {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        let answer = exchange(self.running().await, request.as_bytes()).expect("an answer");
        canary::assert_absent(path, &answer.body);
        answer
    }

    /// What `/api/v1/status` says of its only broker.
    pub async fn broker(&self) -> Value {
        self.get("/api/v1/status").await.json()["brokers"][0].clone()
    }

    /// Asks until the answer is as it should be.
    async fn ask_until(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) {
        let until = Instant::now() + super::PATIENCE;
        loop {
            let answer = self.get(path).await.json();
            if is_so(&answer) {
                return;
            }
            assert!(Instant::now() < until, "waited in vain for {what}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until its only broker is in that state, for a reason of that code.
    pub async fn wait_for_broker(&self, state: &str, code: Option<&str>) {
        let is_so = |status: &Value| is_in(&status["brokers"][0], state, code);
        self.ask_until("/api/v1/status", &format!("a broker that is {state} {code:?}"), is_so).await;
    }

    /// Waits until at least so many events wait for the broker.
    pub async fn wait_for_waiting_events(&self, at_least: u64) {
        let is_so = |status: &Value| status["brokers"][0]["outbox"]["waiting"].as_u64() >= Some(at_least);
        self.ask_until("/api/v1/status", &format!("{at_least} events that wait"), is_so).await;
    }

    /// Waits until `/api/v1/cameras` says of a camera that it is in that state, for a reason of that code.
    pub async fn wait_for_camera(&self, camera: &str, state: &str, code: Option<&str>) {
        let path = format!("/api/v1/cameras/{camera}");
        self.ask_until(&path, &format!("{state} {code:?}"), |camera| is_in(camera, state, code)).await;
    }

    /// The sum of a metric's series that have all these labels.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let exposition = self.get("/metrics").await.body;
        let wanted: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let series = exposition.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && wanted.iter().all(|label| line.contains(label.as_str()))
        });
        let values: Vec<f64> =
            series.map(|line| line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a value")).collect();
        assert!(!values.is_empty(), "no {name} with {labels:?} in\n{exposition}");
        values.iter().sum()
    }

    /// Waits until a metric is at least that.
    pub async fn wait_for_metric(&self, name: &str, labels: &[(&str, &str)], least: f64) {
        let until = Instant::now() + super::PATIENCE;
        loop {
            let value = self.metric(name, labels).await;
            if value >= least {
                return;
            }
            assert!(Instant::now() < until, "waited in vain for {name} {labels:?} of {least}: {value}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every event that it has offered, the oldest first, once it has ended.
    pub fn recorded(&self) -> Vec<RecordedEvent> {
        let store = EventStore::open(&self.state(), Arc::default()).expect("the events that it has left");
        let mut events = Vec::new();
        let mut before = None;
        loop {
            let query = EventQuery { before, limit: 1000, ..EventQuery::default() };
            let page = page(&store, &query);
            let Some(last) = page.last() else { break };
            before = Some(last.key);
            events.extend(page);
        }
        events.reverse();
        events
    }
}

/// Whether a broker or a camera is in that state, for a reason of that code.
fn is_in(what: &Value, state: &str, code: Option<&str>) -> bool {
    what["state"] == state && what["code"].as_str() == code
}

/// A page of the history, once it is open: the store opens it on a thread of its own, which takes as long as the disk.
fn page(store: &EventStore, query: &EventQuery) -> Vec<RecordedEvent> {
    let until = Instant::now() + super::PATIENCE;
    loop {
        match store.events(query) {
            Ok(page) => return page,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn spawn(folder: &tempfile::TempDir, launch: &Launch) -> Child {
    let mut log = OpenOptions::new().create(true).append(true).open(folder.path().join("log")).expect("a log");
    log.write_all(b"--- a process starts ---\n").expect("a line");
    let daemon = sightline();
    let mut command = match launch.through.split_first() {
        None => daemon,
        Some((through, arguments)) => {
            let mut command = std::process::Command::new(through);
            command.args(arguments).arg(daemon.get_program());
            for (name, value) in daemon.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command
        }
    };
    command
        .arg("run")
        .arg(folder.path().join("pipeline.yaml"))
        .args(["--http", "127.0.0.1:0", "-v", "--state-dir"])
        .arg(folder.path().join("state"))
        .args(&launch.arguments)
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the binary runs")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Most scenarios have ended it already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.whole_log();
        if std::thread::panicking() {
            eprintln!("--- the daemon's log ---\n{log}--- end ---");
        } else {
            canary::assert_absent("the daemon's log", &log);
            canary::assert_absent_below(&self.state());
        }
    }
}
