//! `sightline demo --seconds N`: a new user's first command.

use std::os::unix::process::CommandExt;

use crate::support::{beside_others, project, sightline, stderr, stdout, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_events_and_sums_up() {
    let _turn = beside_others().await;
    // As in a fresh clone: no weights but those that come with the project.
    let empty = tempfile::tempdir().expect("a folder");
    let output = sightline()
        .args(["demo", "--seconds", "15", "--cameras", "2"])
        .env("SIGHTLINE_MODELS", project().join("models"))
        .env("XDG_DATA_HOME", empty.path())
        .output()
        .expect("it runs");
    let text = stdout(&output);
    assert!(output.status.success(), "{text}\n{}", stderr(&output));
    assert!(text.contains("ssd-mobilenet-v1-sim"), "{text}");
    for part in ["object_started", "person", "fps", "Summary of", "frames decoded", "latency, decode to MQTT"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let number = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name}"));
        line.split_whitespace().last().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    assert_eq!(number("cameras"), 2);
    let (decoded, inferred) = (number("frames decoded"), number("frames inferred"));
    assert!(decoded >= inferred && inferred > 50, "{text}");
    assert!(number("events") > 0, "{text}");
}

/// What a terminal does at Ctrl-C: the signal goes to the whole process group, the broker's included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_demo_with_the_last_events_and_the_summary() {
    let _turn = beside_others().await;
    let folder = tempfile::tempdir().expect("a folder");
    let shown = folder.path().join("shown");
    let file = std::fs::File::create(&shown).expect("a file");
    let mut demo = sightline()
        .args(["demo", "--cameras", "1", "--model", "ssd-mobilenet-v1-sim"])
        .stdout(file)
        .stderr(std::process::Stdio::null())
        .process_group(0)
        .spawn()
        .expect("it runs");
    let text = || std::fs::read_to_string(&shown).expect("what is shown");
    wait_until("an event is shown", || text().contains("object_started")).await;
    let group = format!("-{}", demo.id());
    let sent = std::process::Command::new("kill").args(["-INT", "--", &group]).status().expect("kill runs");
    assert!(sent.success());
    let mut status = None;
    wait_until("the demo ends", || {
        status = demo.try_wait().expect("its status");
        status.is_some()
    })
    .await;
    assert!(status.is_some_and(|status| status.success()), "{}", text());
    for part in ["object_ended", "shutdown, ", "Summary of"] {
        assert!(text().contains(part), "{part} in {}", text());
    }
}
