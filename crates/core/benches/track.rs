//! What tracking costs per frame. Budget: 50 µs for 50 objects.

#![expect(clippy::disallowed_methods, reason = "a benchmark needs some instant to start from")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use sightline_core::{
    detection::Detection,
    geometry::BoxInFrame,
    track::{Sighting, TrackChanges, Tracker, TrackerSettings},
};

/// A frame of `count` objects that walk to the right, `apart` of the frame from each other, shaking a little; each
/// fifth one is seen with a low score.
fn frame(count: usize, step: u64, apart: f32) -> Vec<Sighting> {
    let mut random = fastrand::Rng::with_seed(step);
    let object = |index: usize| {
        let shake = 0.004 * (random.f32() - 0.5);
        let (column, row) = ((index % 10) as f32, (index / 10) as f32);
        let walked = 0.001 * (step % 200) as f32;
        let bbox =
            BoxInFrame { x: 0.05 + apart * column + walked + shake, y: 0.05 + apart * row, width: 0.06, height: 0.12 };
        let is_high = !(index as u64 + step).is_multiple_of(5);
        let score = if is_high { 0.7 } else { 0.3 };
        Sighting { detection: Detection { class_id: 1, score, bbox }, is_high }
    };
    (0..count).map(object).collect()
}

fn bench_tracker(criterion: &mut Criterion) {
    for (name, apart) in [("track 50 objects side by side", 0.08), ("track 50 objects in one heap", 0.01)] {
        let frames: Vec<_> = (0..200).map(|step| frame(50, step, apart)).collect();
        let (mut tracker, mut changes) = (Tracker::new(TrackerSettings::default()), TrackChanges::default());
        let (mut now, mut next) = (Instant::now(), frames.iter().cycle());
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                now += Duration::from_millis(100);
                if let Some(frame) = next.next() {
                    tracker.update(black_box(frame), now, &mut changes);
                }
            });
        });
    }
}

criterion_group!(benches, bench_tracker);
criterion_main!(benches);
