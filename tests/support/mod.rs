//! What scenarios are made of: a broker, a daemon, a subscriber, cameras, and waiting with a deadline.

#![allow(dead_code, reason = "what is shared with other crates' tests has more than these use")]

pub mod beside;
pub mod broker;
pub mod cameras;
pub mod canary;
#[path = "../../crates/mqtt/tests/broker/support/certificates.rs"]
pub mod certificates;
#[path = "../../crates/web/tests/endpoint/support/client.rs"]
pub mod client;
pub mod clip;
pub mod daemon;
pub mod ledger;
#[path = "../../crates/mqtt/tests/broker/support/link.rs"]
pub mod link;
pub mod listener;
pub mod log;
#[path = "../../crates/mqtt/tests/broker/support/broker.rs"]
pub mod mosquitto;
pub mod payloads;
#[path = "../../crates/media/tests/support/peer/mod.rs"]
pub mod peer;
#[path = "../../crates/fetch/tests/server/mod.rs"]
pub mod web;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Long enough for a busy machine; nothing waits this long when it works.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Of an HTTP endpoint that asks for one.
pub const TOKEN: &str = "canary-7f3d-sesame-open-the-endpoint";

/// The `Authorization` header that a [`peer::Peer`] with a password wants to see, from [`cameras::USER`].
pub fn basic_authorization(password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{}:{password}", cameras::USER)))
}

/// Scenarios that compare frame rates or measure time have the machine for themselves; the others run beside each other.
static MACHINE: RwLock<()> = RwLock::const_new(());

/// Held by a scenario that needs the machine's cores for itself.
pub async fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().await
}

/// Held by one that takes long and does not mind the others.
pub async fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().await
}

/// A pipeline file with the project's own model.
pub fn pipeline(mqtt: &str, cameras: &str) -> String {
    format!("version: 1\nname: yard\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: 10}}\n{mqtt}{cameras}")
}

/// The binary under test. It measures nothing for `providers: auto`, which would cost every start seconds.
pub fn sightline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sightline"));
    command.env("SIGHTLINE_MODELS", model_folders()).env("SIGHTLINE_CALIBRATION", "off").env_remove("RUST_LOG");
    command
}

/// The project's folder.
pub fn project() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder.canonicalize().expect("the project's folder")
}

/// The developers' folder of real models, videos and pictures beside the project. A user's clone has none: then the
/// scenario says so and ends.
pub fn shared(scenario: &str) -> Option<PathBuf> {
    let folder = project().parent().expect("a parent folder").join("shared");
    if folder.join("models").is_dir() {
        return Some(folder);
    }
    skipped(scenario, &format!("no folder {} with real models and videos", folder.display()));
    None
}

/// Whether `make setup-openvino` has been run. On machines that have no such library the scenario says so and ends.
pub fn has_openvino(scenario: &str) -> bool {
    let folders = ["openvino", "onnxruntime-openvino"].map(|name| project().join(".runtime").join(name).join("lib"));
    let missing = folders.iter().find(|folder| !folder.is_dir());
    if let Some(missing) = missing {
        skipped(scenario, &format!("no folder {}; `make setup-openvino` fills it", missing.display()));
    }
    missing.is_none()
}

/// Says, past libtest's capture, which hides what a passing test prints, that a scenario was not run.
pub fn skipped(scenario: &str, reason: &str) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("SKIPPED: {scenario}: {reason}\n"));
}

/// Where models are: the project's own, and the real ones where they are.
pub fn model_folders() -> std::ffi::OsString {
    let folders = [project().join("models"), project().join("../shared/models")];
    std::env::join_paths(folders).expect("folders without colons")
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    output(sightline().args(arguments))
}

/// Runs a command to its end, beside others like it. Not from within a tokio runtime.
pub fn output(command: &mut Command) -> Output {
    let _beside_others = MACHINE.blocking_read();
    let output = command.output().expect("the binary runs");
    canary::assert_absent("stdout", &output.stdout);
    canary::assert_absent("stderr", &output.stderr);
    output
}

/// What a finished process wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a finished process wrote to stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until `condition` holds.
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "waited {PATIENCE:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
