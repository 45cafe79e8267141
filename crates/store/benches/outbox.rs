//! How many events the outbox takes, and how soon one is safe, the sync of each commit included:
//! `cargo bench -p sightline-store`. `TMPDIR` says which disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for a terminal")]

#[path = "../tests/events/support/mod.rs"]
#[allow(dead_code, reason = "the scenarios use the rest")]
mod support;

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use sightline_core::outbox::{EventQuery, History, Outbox};
use sightline_store::EventStore;
use support::{close, event, event_of, open, outbox};

/// Each figure is the median of so many runs.
const RUNS: usize = 7;

fn main() {
    median("events/s, pushed at once, taken and acknowledged as they come", || sustained(usize::MAX));
    median("events/s, at most 100 under way (a broker that answers)", || sustained(100));
    median("ms from push to ready, one event at a time", single);
    median("events/s, read back after an outage of 50,000 events", after_an_outage);
    history();
}

fn median(what: &str, mut figure: impl FnMut() -> f64) {
    let mut figures: Vec<f64> = (0..RUNS).map(|_| figure()).collect();
    figures.sort_by(f64::total_cmp);
    let (least, median, most) = (figures[0], figures[RUNS / 2], figures[RUNS - 1]);
    println!("{median:10.2} {what} ({least:.2} to {most:.2})");
}

struct Fresh {
    _state: tempfile::TempDir,
    store: Arc<EventStore>,
    outbox: Arc<dyn Outbox>,
    ready: mpsc::Receiver<()>,
}

fn fresh() -> Fresh {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let outbox = outbox(&store);
    let (wake, ready) = mpsc::channel();
    outbox.on_ready(Arc::new(move || wake.send(()).unwrap_or_default()));
    ready.recv().unwrap();
    Fresh { _state: state, store, outbox, ready }
}

/// Events per second from the first push to the last acknowledgement's being on disk.
fn sustained(most_under_way: usize) -> f64 {
    const EVENTS: usize = 20_000;
    let Fresh { _state, store, outbox, ready } = fresh();
    let began = Instant::now();
    let pushing = std::thread::spawn({
        let outbox = Arc::clone(&outbox);
        move || {
            for seq in 0..EVENTS {
                while outbox.figures().waiting as usize >= most_under_way.min(5000) {
                    std::thread::yield_now();
                }
                outbox.push(event(seq as u64));
            }
        }
    });
    let mut delivered = 0;
    while delivered < EVENTS {
        while let Some((key, event)) = outbox.take() {
            assert_eq!(event.seq, delivered as u64);
            outbox.acknowledge(key);
            delivered += 1;
        }
        let _ = ready.recv_timeout(Duration::from_millis(10));
    }
    pushing.join().unwrap();
    close(&store);
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

/// Milliseconds from an event's push to its being ready, the median of 300.
fn single() -> f64 {
    let Fresh { _state, store, outbox, ready } = fresh();
    let one = |seq| {
        let began = Instant::now();
        outbox.push(event(seq));
        loop {
            if let Some((key, _)) = outbox.take() {
                let took = began.elapsed();
                outbox.acknowledge(key);
                return took;
            }
            ready.recv().unwrap();
        }
    };
    let mut took: Vec<Duration> = (0..300).map(one).collect();
    took.sort();
    close(&store);
    took[took.len() / 2].as_secs_f64() * 1000.0
}

/// Events per second, when the broker is back.
fn after_an_outage() -> f64 {
    const EVENTS: u64 = 50_000;
    let Fresh { _state, store, outbox, ready } = fresh();
    for seq in 0..EVENTS {
        outbox.push(event(seq));
        if seq % 5000 == 4999 {
            until_written(&store, &*outbox);
        }
    }
    let began = Instant::now();
    let mut delivered = 0;
    while delivered < EVENTS {
        while let Some((key, event)) = outbox.take() {
            assert_eq!(event.seq, delivered);
            outbox.acknowledge(key);
            delivered += 1;
        }
        let _ = ready.recv_timeout(Duration::from_millis(10));
    }
    let took = began.elapsed();
    close(&store);
    EVENTS as f64 / took.as_secs_f64()
}

fn until_written(store: &EventStore, outbox: &dyn Outbox) {
    let query = EventQuery { limit: 1, ..EventQuery::default() };
    while store.events(&query).unwrap().first().is_none_or(|newest| newest.key < outbox.newest()) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Questions to a history of 120,000 events, nearly what the daemon keeps.
fn history() {
    const EVENTS: u64 = 120_000;
    let Fresh { _state, store, outbox, ready } = fresh();
    let kind = || sightline_core::event::EventKind::ObjectStarted;
    let mut delivered = 0;
    let mut pushed = 0;
    while delivered < EVENTS {
        while pushed < EVENTS && pushed - delivered < 2000 {
            let camera = if pushed == 5 { "seldom" } else { ["one", "two", "three"][pushed as usize % 3] };
            outbox.push(event_of(pushed, camera, "person", kind()));
            pushed += 1;
        }
        while let Some((key, _)) = outbox.take() {
            outbox.acknowledge(key);
            delivered += 1;
        }
        let _ = ready.recv_timeout(Duration::from_millis(1));
    }
    let camera = |camera: &str| EventQuery { camera: Some(camera.into()), limit: 100, ..EventQuery::default() };
    let moment = |seq: i64| sightline_core::time::WallTime::from_micros((support::START + seq) * 1_000_000);
    let span = EventQuery { from: Some(moment(500)), until: Some(moment(600)), limit: 100, ..EventQuery::default() };
    for (what, query) in [
        ("the newest hundred", EventQuery { limit: 100, ..EventQuery::default() }),
        ("a hundred of one camera", camera("two")),
        ("the only one of a camera, the oldest of all", camera("seldom")),
        ("a hundred of a time long ago", span),
    ] {
        median(&format!("ms for {what}, of {EVENTS}"), || {
            let began = Instant::now();
            assert!(!store.events(&query).unwrap().is_empty());
            began.elapsed().as_secs_f64() * 1000.0
        });
    }
    close(&store);
}
