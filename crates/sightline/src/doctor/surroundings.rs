//! Machine, GStreamer, brokers, clock.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sightline_config::Environment;
use sightline_core::plan::MqttPlan;

use super::Finding;
use crate::{
    configuration,
    failure::{Failure, Kind, OrFail},
    library,
};

/// How long a broker may take to let us in.
const BROKER_DEADLINE: Duration = Duration::from_secs(3);
/// What a user without files is looked for: contract and schema say the same.
const LOCAL_BROKER: &str =
    "version: 1\nname: doctor\nmodel: {name: ssd-mobilenet-v1-sim}\ncameras: {none: {url: test://}}\n";
/// When this was written: a clock that shows less has never been set.
const A_LATE_ENOUGH_TIME: Duration = Duration::from_secs(1_793_000_000);
/// What systemd-timesyncd, and chrony where it is told to, leave when the clock has been set by the network.
const CLOCK_WAS_SET: &str = "/run/systemd/timesync/synchronized";

/// The program and what it runs on.
pub(super) fn machine() -> Vec<Finding> {
    const SECTION: &str = "this machine";
    let cores = library::cores();
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|it| it.1));
    let model = model.unwrap_or(std::env::consts::ARCH);
    let mut findings = vec![
        Finding::ok(SECTION, "sightline", env!("CARGO_PKG_VERSION")),
        Finding::ok(SECTION, "processor", format!("{model}, {cores} cores for this program{}", instructions())),
    ];
    if let Ok(board) = std::fs::read_to_string("/proc/device-tree/model") {
        findings.push(Finding::ok(SECTION, "board", board.trim_end_matches('\0')));
    }
    findings
}

/// The instructions that int8 models are fast with.
fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni") {
            return "; VNNI: int8 models are the fastest";
        }
        "; no VNNI: int8 models run on exact, slower instructions; measure with `sightline bench`"
    }
    #[cfg(not(target_arch = "x86_64"))]
    ""
}

/// GStreamer, its elements, and decoders per codec.
pub(super) fn gstreamer() -> Vec<Finding> {
    const SECTION: &str = "GStreamer";
    if let Err(error) = sightline_media::init() {
        return vec![Finding::failed(SECTION, "library", error.to_string()).with_remedy("run `make setup`")];
    }
    let inventory = sightline_media::inventory();
    let mut findings = vec![Finding::ok(SECTION, "version", inventory.version)];
    if inventory.missing.is_empty() {
        findings.push(Finding::ok(SECTION, "elements", "all that cameras need"));
    }
    for (element, package) in inventory.missing {
        findings.push(Finding::failed(SECTION, element, "missing").with_remedy(format!("install {package}")));
    }
    for (codec, decoders) in inventory.decoders {
        let what = format!("decoders for {codec}");
        findings.push(if decoders.is_empty() {
            Finding::absent(SECTION, what, "none").with_remedy("install gstreamer1.0-libav")
        } else {
            Finding::ok(SECTION, what, decoders.join(", "))
        });
    }
    findings
}

/// The brokers of the files, or the one on this machine.
pub(super) fn brokers(paths: &[PathBuf]) -> Result<Vec<Finding>, Failure> {
    const SECTION: &str = "MQTT";
    let plans = if paths.is_empty() { local_broker()? } else { named_brokers(paths)? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().or_fail(Kind::Internal)?;
    let mut findings: Vec<Finding> = Vec::new();
    for plan in plans {
        let what = format!("broker {}:{}", plan.host, plan.port);
        if findings.iter().any(|finding| finding.what == what) {
            continue;
        }
        findings.push(match runtime.block_on(sightline_mqtt::probe(&plan, BROKER_DEADLINE)) {
            Ok(()) => Finding::ok(SECTION, what, "it lets us in"),
            Err(error) if paths.is_empty() => Finding::absent(SECTION, what, error.to_string())
                .with_remedy("install mosquitto, or name your pipeline files to look at their broker"),
            Err(error) => Finding::failed(SECTION, what, error.to_string()),
        });
    }
    runtime.shutdown_background();
    Ok(findings)
}

fn named_brokers(paths: &[PathBuf]) -> Result<Vec<MqttPlan>, Failure> {
    let plan = configuration::load(paths, &Environment::from_process()).or_fail(Kind::Config)?;
    Ok(plan.pipelines.into_iter().map(|pipeline| pipeline.mqtt).collect())
}

/// What a file that says nothing of a broker means.
fn local_broker() -> Result<Vec<MqttPlan>, Failure> {
    let folder = tempfile::tempdir().or_fail(Kind::Internal)?;
    let file = folder.path().join("doctor.yaml");
    std::fs::write(&file, LOCAL_BROKER).or_fail(Kind::Internal)?;
    named_brokers(&[file])
}

/// Events' times are this clock's.
pub(super) fn clock() -> Finding {
    const SECTION: &str = "clock";
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let shown = sightline_pipeline::clock::wall_now().to_string();
    if now < A_LATE_ENOUGH_TIME {
        return Finding::failed(SECTION, "time", format!("{shown}: the clock was never set"))
            .with_remedy("install systemd-timesyncd or chrony: events carry this time");
    }
    if Path::new(CLOCK_WAS_SET).exists() {
        return Finding::ok(SECTION, "time", format!("{shown}, set by the network"));
    }
    Finding::absent(SECTION, "time", format!("{shown}; nothing says that the network sets it"))
        .with_remedy("with systemd-timesyncd or chrony cameras' and events' times can be compared with others'")
}
