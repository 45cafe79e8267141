//! The soak itself.

use std::time::{Duration, Instant};

use crate::{
    account::{self, all_stream},
    cost,
    faults::{self, Tally, Uplink},
    fleet::{self, Fleet},
    process::{self, Sample},
    support::{
        alone,
        broker::Broker,
        daemon::Daemon,
        ledger::Ledger,
        link::{Fault, Link},
        listener::Listener,
        log::assert_calm,
    },
};

const CAMERAS: usize = 16;
/// Memory is compared between two windows of this length in which all cameras stream and nothing is injected.
const WINDOW: Duration = Duration::from_secs(10);
/// How much more it may be at the end than after the first minute.
const GROWTH: f64 = 0.10;
/// Log lines for each injected fault, at most: a camera tells that it is away and that it is back, a changed error in
/// between, a reload that it was done, a broker each change of its state.
const LINES_PER_FAULT: usize = 8;

/// A whole number of the environment, set by `make soak`.
fn setting(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).map_or_else(|_| otherwise(), |value| value.parse().expect("a whole number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_cameras_under_faults() {
    let _turn = alone().await;
    let seconds = setting("SIGHTLINE_SOAK_SECONDS", || 600);
    let seed = setting("SIGHTLINE_SOAK_SEED", || fastrand::u64(..1_000_000));
    eprintln!("SOAK seconds={seconds} seed={seed}");
    let first = Duration::from_secs(60.min(seconds / 2));
    let rest = Duration::from_secs(seconds) - first;

    let mut soak = Soak::start(seed).await;
    soak.faults(first).await;
    let early = soak.calm("after the first minute").await;
    soak.faults(rest).await;
    let late = soak.calm("at the end").await;
    soak.close().await;

    let growth = late.resident_kib as f64 / early.resident_kib as f64 - 1.0;
    eprintln!("SOAK growth={:+.1} %", growth * 100.0);
    assert!(growth <= GROWTH, "from {early} to {late}");
}

struct Soak {
    fleet: Fleet,
    uplink: Uplink,
    daemon: Daemon,
    frames: account::Ledger,
    samples: Vec<Sample>,
    tally: Tally,
    /// Of cameras and of the broker: each takes its own course, however fast the other goes.
    randoms: [fastrand::Rng; 2],
}

impl Soak {
    async fn start(seed: u64) -> Self {
        let broker = Broker::start();
        let listener = Listener::start(&broker).await;
        let link = Link::to(broker.port, Fault::None).await;
        let fleet = Fleet::start(CAMERAS, fleet::SMALL, &broker, &link);
        let daemon = Daemon::start(&fleet.yaml());
        all_stream(&daemon, CAMERAS).await;
        Self {
            fleet,
            uplink: Uplink { broker, link, listener },
            daemon,
            frames: account::Ledger::default(),
            samples: Vec::new(),
            tally: Tally::new(),
            randoms: [fastrand::Rng::with_seed(seed), fastrand::Rng::with_seed(seed + 1)],
        }
    }

    /// Everything fails for so long; then nothing does.
    async fn faults(&mut self, length: Duration) {
        let until = Instant::now() + length;
        let [of_cameras, of_broker] = &mut self.randoms;
        let mut broker_tally = Tally::new();
        let (_, _, samples, _) = tokio::join!(
            faults::of_cameras(&mut self.fleet, &self.daemon, of_cameras, &mut self.tally, until),
            self.uplink.fails(of_broker, &mut broker_tally, until),
            process::watch(self.daemon.id(), until),
            self.frames.keep(&self.daemon, until),
        );
        self.samples.extend(samples);
        for (fault, count) in broker_tally {
            *self.tally.entry(fault).or_default() += count;
        }
    }

    /// All stream again, and the broker has everything; what the daemon costs then.
    async fn calm(&mut self, when: &str) -> Sample {
        all_stream(&self.daemon, CAMERAS).await;
        self.daemon.wait_for_broker("connected", None).await;
        let samples = process::watch(self.daemon.id(), Instant::now() + WINDOW).await;
        let median = process::median(&samples);
        eprintln!("SOAK {when}: {median}");
        all_stream(&self.daemon, CAMERAS).await;
        self.frames.look(&self.daemon).await;
        self.samples.extend(samples);
        median
    }

    /// Ends the daemon and draws up the balance.
    async fn close(&mut self) {
        let most = process::most(&self.samples);
        let state = cost::bytes_below(&self.daemon.state());
        let injected: usize = self.tally.values().sum();
        let (status, took) = self.daemon.terminate().await;
        assert!(status.success());
        let log = self.daemon.log();
        let lines = log.lines().filter(|line| !line.contains(" DEBUG ")).count();
        let (frames, looks) = self.frames.total();
        eprintln!("SOAK faults={injected} {:?}", self.tally);
        eprintln!("SOAK most: {most} of {} samples; state_kib={}", self.samples.len(), state / 1024);
        eprintln!("SOAK {frames:?} looks={looks} log_lines={lines} stopped_in={took:?}");

        let mut ledger = Ledger::open("soak");
        (0..injected).for_each(|_| ledger.inject());
        ledger.close_ended(Vec::new(), &self.daemon, &self.uplink.listener).await;
        cost::assert_within_bounds(CAMERAS as u64, most);
        assert_calm(&log);
        assert!(lines <= 100 + LINES_PER_FAULT * injected, "{lines} lines for {injected} faults");
    }
}
