//! What this process uses, as Linux tells it (proc(5)). Names are those of Prometheus' own client libraries.

use sightline_core::time::WallTime;

const KIBIBYTE: f64 = 1024.0;

/// Name, help and value; no value where the operating system does not tell.
pub fn gauges(since: WallTime) -> [(&'static str, &'static str, Option<f64>); 4] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let open_files = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
    [
        ("process_resident_memory_bytes", "Resident memory.", field(&status, "VmRSS:").map(|kib| kib * KIBIBYTE)),
        ("process_threads", "Threads.", field(&status, "Threads:")),
        ("process_open_fds", "Open file descriptors.", open_files),
        ("process_start_time_seconds", "When the process started, since 1970.", Some(since.as_millis() as f64 / 1e3)),
    ]
}

/// The number behind `name` in `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_threads_and_files() {
        for (name, _, value) in gauges(WallTime::from_micros(1_000_000)) {
            assert!(value.is_some_and(|value| value >= 1.0), "{name}: {value:?}");
        }
    }
}
