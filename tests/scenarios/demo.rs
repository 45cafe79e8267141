//! `sightline demo --seconds N`: a new user's first command.

use crate::support::{alone, project, sightline, stderr, stdout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_events_and_sums_up() {
    let _turn = alone().await;
    // As in a fresh clone: no real weights anywhere, so the stand-in model is taken, and said.
    let empty = tempfile::tempdir().expect("a folder");
    let output = sightline()
        .args(["demo", "--seconds", "15", "--cameras", "2"])
        .env("SIGHTLINE_MODELS", project().join("models"))
        .env("XDG_DATA_HOME", empty.path())
        .output()
        .expect("it runs");
    let text = stdout(&output);
    assert!(output.status.success(), "{text}\n{}", stderr(&output));
    assert!(stderr(&output).contains("sim-shapes"), "{}", stderr(&output));
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
