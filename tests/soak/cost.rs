//! What cameras cost: the bounds of `docs/bounds.md`, and daemons with one, four and sixteen of them.

use std::{
    num::NonZero,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    account::all_stream,
    fleet::{Fleet, SMALL},
    process::{self, Sample},
    support::{
        alone,
        broker::Broker,
        daemon::Daemon,
        link::{Fault, Link},
    },
};

/// How long a daemon runs before it is measured, and how long it is measured. What only the start needed is gone then,
/// threads of tokio's pool among it, which wait 10 s for more to do.
const WINDOW: Duration = Duration::from_secs(12);

/// Of a daemon without cameras.
const THREADS: u64 = 10;
const FILES: u64 = 20;
/// Of each camera.
const THREADS_PER_CAMERA: u64 = 4;
const FILES_PER_CAMERA: u64 = 8;
/// While streams are opened and closed and the pipeline file is read: threads of tokio's pool, connections that are just
/// being closed, questions over HTTP.
const PASSING: u64 = 16;

/// Threads and open files are never more than so, whatever happens.
pub fn assert_within_bounds(cameras: u64, most: Sample) {
    let sessions = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let threads = THREADS + sessions + THREADS_PER_CAMERA * cameras + PASSING;
    assert!(most.threads <= threads, "{} threads, and {threads} are allowed", most.threads);
    let files = FILES + FILES_PER_CAMERA * cameras + PASSING;
    assert!(most.files <= files, "{} open files, and {files} are allowed", most.files);
}

/// Sizes of all files below `folder`, which may be changing.
pub fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let below = |path: &Path| if path.is_dir() { bytes_below(path) } else { size(path) };
    entries.flatten().map(|entry| below(&entry.path())).sum()
}

/// A daemon's medians, while so many cameras of that size stream and nothing else happens.
async fn measure(cameras: usize, size: (u32, u32)) -> Sample {
    let broker = Broker::start();
    let link = Link::to(broker.port, Fault::None).await;
    let fleet = Fleet::start(cameras, size, &broker, &link);
    let mut daemon = Daemon::start(&fleet.yaml());
    all_stream(&daemon, cameras).await;
    process::watch(daemon.id(), Instant::now() + WINDOW).await;
    let samples = process::watch(daemon.id(), Instant::now() + WINDOW).await;
    let median = process::median(&samples);
    eprintln!("SOAK cameras={cameras} size={}x{}: {median}", size.0, size.1);
    assert_within_bounds(cameras as u64, process::most(&samples));
    let (status, _) = daemon.terminate().await;
    assert!(status.success());
    median
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_camera_costs_the_same() {
    /// Of each further camera of this size, in KiB.
    const MEMORY: u64 = 4 * 1024;
    let _turn = alone().await;
    measure(1, SMALL).await;
    let four = measure(4, SMALL).await;
    let sixteen = measure(16, SMALL).await;
    let more = |figure: fn(&Sample) -> u64| figure(&sixteen).saturating_sub(figure(&four));
    assert!(more(|s| s.threads) <= 12 * THREADS_PER_CAMERA, "{four}; {sixteen}");
    assert!(more(|s| s.files) <= 12 * FILES_PER_CAMERA, "{four}; {sixteen}");
    assert!(more(|s| s.resident_kib) <= 12 * MEMORY, "{four}; {sixteen}");
    // Larger pictures, to be read.
    for size in [(1280, 720), (1920, 1080)] {
        measure(4, size).await;
    }
}
