//! What the kernel says of a process.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// So many looks are a minute.
const A_MINUTE: usize = 120;

#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// `VmRSS`: pages in memory, those of files included.
    pub resident_kib: u64,
    pub threads: u64,
    /// Open file descriptors.
    pub files: u64,
}

/// One look at process `id`.
pub fn sample(id: u32) -> Sample {
    let folder = PathBuf::from(format!("/proc/{id}"));
    let status = std::fs::read_to_string(folder.join("status")).expect("it runs");
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a line of that key");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    };
    Sample { resident_kib: value("VmRSS:"), threads: value("Threads:"), files: entries(&folder.join("fd")) }
}

fn entries(folder: &Path) -> u64 {
    std::fs::read_dir(folder).expect("it runs").count().try_into().expect("few")
}

/// CPU time of process `id` since its start, proc(5).
pub fn cpu_time(id: u32) -> Duration {
    /// `sysconf(_SC_CLK_TCK)` of every Linux that this runs on.
    const TICKS_PER_SECOND: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    // The name before may hold anything, but for a last parenthesis.
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Looks until `until`, and tells of each minute.
pub async fn watch(id: u32, until: Instant) -> Vec<Sample> {
    let mut samples = Vec::new();
    while Instant::now() < until {
        samples.push(sample(id));
        if samples.len().is_multiple_of(A_MINUTE) {
            eprintln!("SOAK a minute: {}", median(&samples[samples.len() - A_MINUTE..]));
        }
        tokio::time::sleep(EVERY).await;
    }
    samples
}

/// Of each figure its own median.
pub fn median(samples: &[Sample]) -> Sample {
    let of = |figure: fn(&Sample) -> u64| {
        let mut values: Vec<u64> = samples.iter().map(figure).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    Sample { resident_kib: of(|s| s.resident_kib), threads: of(|s| s.threads), files: of(|s| s.files) }
}

/// Of each figure its own maximum.
pub fn most(samples: &[Sample]) -> Sample {
    let of = |figure: fn(&Sample) -> u64| samples.iter().map(figure).max().expect("a sample");
    Sample { resident_kib: of(|s| s.resident_kib), threads: of(|s| s.threads), files: of(|s| s.files) }
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = self.resident_kib as f64 / 1024.0;
        write!(f, "rss_mib={mib:.1} threads={} files={}", self.threads, self.files)
    }
}
