//! What a camera leaves behind: threads and open files of this process.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Mutex, MutexGuard, Once, PoisonError},
    time::{Duration, Instant},
};

use gstreamer::glib;
use sightline_core::plan::RtspTransport;

use super::{DEADLINE, peer::Peer, rtsp, start, stop};

/// Threads of the test harness's: they come and go beside the one test that runs.
static TEST_THREADS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Runs `scenario` while no other test of this process runs, and sees that it leaves neither a thread nor a file behind.
/// Whatever it starts, it must stop.
pub fn none_left<T>(scenario: impl FnOnce() -> T) -> T {
    let _turn = turn();
    let (threads, files) = (threads(), files());
    let result = scenario();
    let until = Instant::now() + DEADLINE;
    loop {
        let (left_threads, left_files) = (self::threads(), self::files());
        if left_threads.len() <= threads.len() && left_files.len() <= files.len() {
            return result;
        }
        assert!(
            Instant::now() < until,
            "left behind: threads {:?}, files {:?}",
            left_threads.difference(&threads).map(|id| name(id)).collect::<Vec<_>>(),
            left_files.difference(&files).collect::<Vec<_>>(),
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for the other tests of this process.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static WARM: Once = Once::new();
    let own = fs::read_link("/proc/thread-self").unwrap();
    TEST_THREADS.lock().unwrap().insert(own.file_name().unwrap().to_string_lossy().into_owned());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    WARM.call_once(warm_up);
    turn
}

/// What GStreamer and GLib start once and keep is started before anything is counted; what they keep for a while (idle
/// threads of GLib's pool), they are told not to.
fn warm_up() {
    glib::ThreadPool::set_max_unused_threads(Some(0));
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        let peer = Peer::start(|_| ());
        let (running, recorder) = start(&rtsp(&peer.url(), transport));
        recorder.wait_frames(1);
        stop(running, &recorder);
    }
}

fn threads() -> BTreeSet<String> {
    let of_tests = TEST_THREADS.lock().unwrap();
    entries("/proc/self/task").filter(|id| !of_tests.contains(id)).collect()
}

fn files() -> BTreeSet<String> {
    let target =
        |number: String| fs::read_link(format!("/proc/self/fd/{number}")).map(|it| format!("{number}: {it:?}"));
    entries("/proc/self/fd").filter_map(|number| target(number).ok()).collect()
}

fn entries(folder: &str) -> impl Iterator<Item = String> {
    fs::read_dir(folder).unwrap().filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
}

fn name(thread: &str) -> String {
    fs::read_to_string(format!("/proc/self/task/{thread}/comm")).unwrap_or_default().trim().to_owned()
}

/// Memory of this process that is in use, in bytes.
pub fn resident_bytes() -> usize {
    const PAGE: usize = 4096;
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE
}
