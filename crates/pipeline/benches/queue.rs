//! What a frame costs between the decoder and a batch: its slot, and the batcher that several threads share. Budget: a frame
//! is decoded in 2,400 µs, so anything below 10 µs is free.

use std::{hint::black_box, sync::Arc, time::Duration, time::Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sightline_core::{event::FrameBalance, plan::Priority};
use sightline_pipeline::{
    batcher::{Batch, Batcher},
    fakes::frame_at,
    queue::{CameraWish, FrameQueue, Next, Outcome, QueueSettings},
};

const SETTINGS: QueueSettings =
    QueueSettings { max_batch: 8, min_batch: 1, max_wait: Duration::ZERO, latency_target: None };
const NO_LIMIT: CameraWish = CameraWish { fps: 1e9, priority: Priority::Normal };

/// One frame of each camera: put, taken into batches, settled.
fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue, a frame of each camera put, taken, settled");
    for cameras in [1, 8, 64] {
        let mut queue = FrameQueue::new(SETTINGS);
        let keys: Vec<_> = (0..cameras).map(|_| queue.add(NO_LIMIT, FrameBalance::default())).collect();
        let (mut batch, mut stale) = (Vec::new(), Vec::new());
        group.throughput(Throughput::Elements(cameras));
        group.bench_function(BenchmarkId::from_parameter(cameras), |bencher| {
            bencher.iter(|| {
                let now = Instant::now();
                for key in &keys {
                    if queue.admit(*key, now) {
                        drop(queue.put(*key, frame_at(now), false, now));
                    }
                }
                while queue.take(now, 1, &mut batch, &mut stale) == Next::Run {
                    for (key, frame) in batch.drain(..) {
                        drop(black_box(frame));
                        queue.settle(key, Outcome::Inferred);
                    }
                }
            });
        });
    }
    group.finish();
}

/// What it costs that a newer frame takes the place of one that waits.
fn superseded(criterion: &mut Criterion) {
    let mut queue = FrameQueue::new(SETTINGS);
    let key = queue.add(NO_LIMIT, FrameBalance::default());
    criterion.bench_function("queue, a frame takes another's place", |bencher| {
        bencher.iter(|| {
            let now = Instant::now();
            if queue.admit(key, now) {
                drop(black_box(queue.put(key, frame_at(now), false, now)));
            }
        });
    });
}

/// The same through the lock, on one thread: no waiting, no waking.
fn batcher(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batcher, a frame of each camera put, taken, settled");
    for cameras in [1, 8, 64] {
        let batcher = Batcher::new(SETTINGS);
        let keys: Vec<_> = (0..cameras).map(|_| batcher.add(NO_LIMIT, FrameBalance::default())).collect();
        let mut batch = Batch::default();
        group.throughput(Throughput::Elements(cameras));
        group.bench_function(BenchmarkId::from_parameter(cameras), |bencher| {
            bencher.iter(|| {
                let now = Instant::now();
                for key in keys.iter().filter(|key| batcher.admit(**key, now)) {
                    batcher.put(*key, frame_at(now), now);
                }
                while batcher.has_work() && batcher.next(&mut batch) {
                    settle(&mut batch);
                }
            });
        });
    }
    group.finish();
}

/// From one thread to another that sleeps until the frame comes, and back: what a lone camera's frame pays for being handed
/// over.
fn handed_over(criterion: &mut Criterion) {
    let batcher = Batcher::new(SETTINGS);
    let key = batcher.add(NO_LIMIT, FrameBalance::default());
    let (done, settled) = std::sync::mpsc::channel();
    let worker = std::thread::spawn({
        let batcher = Arc::clone(&batcher);
        move || {
            let mut batch = Batch::default();
            while batcher.next(&mut batch) {
                settle(&mut batch);
                if done.send(()).is_err() {
                    return;
                }
            }
        }
    });
    criterion.bench_function("batcher, a frame to a sleeping worker and the answer back", |bencher| {
        bencher.iter(|| {
            let now = Instant::now();
            if batcher.admit(key, now) {
                batcher.put(key, frame_at(now), now);
            }
            settled.recv()
        });
    });
    batcher.close();
    // The worker has ended by now, or panicked, which would have been seen.
    let _ = worker.join();
}

fn settle(batch: &mut Batch) {
    for (mut in_flight, frame) in batch.entries.drain(..) {
        drop(black_box(frame));
        in_flight.settle_as(Outcome::Inferred);
    }
}

criterion_group!(benches, queue, superseded, batcher, handed_over);
criterion_main!(benches);
