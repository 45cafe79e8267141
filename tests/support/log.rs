//! What a daemon's log must not say, and must not say twice.

use std::collections::BTreeMap;

/// No panic, nothing that the daemon itself calls a bug, and each trouble told once until it changes.
pub fn assert_calm(log: &str) {
    for line in log.lines() {
        let is_bug = ["panicked", "this is a bug", " ERROR "].iter().any(|word| line.contains(word));
        assert!(!is_bug, "{line}");
    }
    assert_eq!(told_twice(log), None, "told twice");
}

/// The first line that says of its camera or broker what the one before said of it.
fn told_twice(log: &str) -> Option<&str> {
    let mut last_of: BTreeMap<String, String> = BTreeMap::new();
    log.lines().find(|line| {
        // A camera that a reload opens anew begins anew.
        if line.contains(" reloaded ") {
            last_of.retain(|subject, _| !line.contains(subject.as_str()));
        }
        told(line).is_some_and(|(subject, said)| last_of.insert(subject, said.clone()) == Some(said))
    })
}

/// Of whom a line tells, and what: a camera's code or stream, a broker's state in words.
fn told(line: &str) -> Option<(String, String)> {
    let value = |key: &str| Some(line.split_once(key)?.1.split([' ', '"']).find(|part| !part.is_empty())?.to_owned());
    let (_, words) = line.split_once(" INFO ").or_else(|| line.split_once(" WARN "))?;
    if let Some(broker) = value(" broker=") {
        return Some((broker, words.to_owned()));
    }
    let camera = value(" camera=")?;
    match words.split_once(" camera=")?.0 {
        "streaming" => Some((camera, words.to_owned())),
        // How long it waits differs from time to time.
        failure if failure.starts_with("not streaming") => Some((camera, value(" code=")?)),
        _ => None,
    }
}

#[test]
fn what_is_told_twice_is_found() {
    let down = "2026 WARN not streaming: no such stream camera=cam-01 code=\"not_found\" retry_in_secs=1.2\n";
    let up = "2026 INFO streaming camera=cam-01 codec=\"H264\"\n";
    let reloaded = "2026 INFO reloaded added=[\"cam-01\"] removed=[]\n";
    let other = down.replace("not_found", "timeout");
    for good in [[down, up, down], [down, &other, down], [down, reloaded, down]] {
        assert_eq!(told_twice(&good.concat()), None);
    }
    let broker = "2026 WARN 127.0.0.1:1: connection refused broker=\"127.0.0.1:1\"\n";
    for bad in [[down, "2026 INFO running\n", down], [broker, up, broker]] {
        assert_eq!(told_twice(&bad.concat()), Some(bad[2].trim_end()));
    }
}
