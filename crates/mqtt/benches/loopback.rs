//! Throughput and latency over a mosquitto on this machine, QoS 1 to it, QoS 0 from it: `cargo bench -p sightline-mqtt`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a program for a terminal")]

#[path = "../tests/broker/support/mod.rs"]
mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::ports::EventSink;
use sightline_mqtt::{PublisherHandle, Subscription, memory::MemoryOutbox};
use support::{
    broker::{Access, Broker},
    material::{EVENTS, event},
    next, quick, seen, start_with, subscribe, until_connected,
};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let broker = Broker::start(Access::Anonymous);
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let outbox = Arc::new(MemoryOutbox::new(100_000, usize::MAX));
    let publisher = start_with(&broker.plan(), outbox, quick());
    until_connected(&publisher).await;
    throughput(&publisher, &mut subscription).await;
    for per_second in [50, 1000] {
        latency(&publisher, &mut subscription, per_second).await;
    }
}

/// As many as possible: from the first offer to the last arrival.
async fn throughput(publisher: &PublisherHandle, subscription: &mut Subscription) {
    const EVENTS: u64 = 15_000;
    let began = Instant::now();
    for seq in 0..EVENTS {
        publisher.offer(event(seq));
    }
    let offered = began.elapsed();
    let mut last = began;
    for _ in 0..EVENTS {
        last = next(subscription).await.at;
    }
    let took = last - began;
    let rate = f64::from(u32::try_from(EVENTS).unwrap()) / took.as_secs_f64();
    println!("throughput: {EVENTS} events in {took:.1?} = {rate:.0} events/s (offering alone took {offered:.1?})");
}

/// At a steady rate: from offer to arrival.
async fn latency(publisher: &PublisherHandle, subscription: &mut Subscription, per_second: u64) {
    let count = (per_second * 5).min(3000);
    let offering = std::thread::spawn({
        let publisher = publisher.clone();
        move || {
            let began = Instant::now();
            let mut offered = Vec::new();
            for seq in 0..count {
                let due = began + Duration::from_micros(seq * 1_000_000 / per_second);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                offered.push(Instant::now());
                publisher.offer(event(seq));
            }
            offered
        }
    });
    let mut arrived = Vec::new();
    for _ in 0..count {
        let message = next(subscription).await;
        arrived.push((usize::try_from(seen(&message).seq).unwrap(), message.at));
    }
    let offered = offering.join().unwrap();
    let mut latencies: Vec<Duration> = arrived.iter().map(|&(seq, at)| at - offered[seq]).collect();
    latencies.sort();
    let quantile = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    let (p50, p99, worst) = (quantile(50), quantile(99), quantile(100));
    println!("latency at {per_second} events/s, {count} events: p50 {p50:.2?}, p99 {p99:.2?}, worst {worst:.2?}");
}
