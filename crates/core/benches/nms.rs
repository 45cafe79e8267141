//! Suppression alone, for as many candidates as a quiet scene, a crowd and a threshold that is too low have.
//! `cargo bench -p sightline-core --bench nms`
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sightline_core::{
    geometry::BoxInFrame,
    nms::{CANDIDATE_LIMIT, Candidate, suppress},
};

/// Objects of five classes, each seen by ten anchors, shaking by a tenth of its size.
fn candidates(count: usize) -> Vec<Candidate> {
    let mut random = fastrand::Rng::with_seed(3);
    let mut object = (0.0, 0.0, 0);
    let candidate = |index: usize| {
        if index.is_multiple_of(10) {
            object = (random.f32() * 0.9, random.f32() * 0.8, random.u16(1..=5));
        }
        let (x, y, class_id) = object;
        let mut shaken = |edge: f32, by: f32| edge + by * (random.f32() - 0.5);
        let bbox = BoxInFrame { x: shaken(x, 0.01), y: shaken(y, 0.02), width: 0.1, height: 0.2 };
        Candidate { score: 0.3 + 0.7 * random.f32(), class_id, index: index as u32, bbox }
    };
    let mut all: Vec<Candidate> = (0..count).map(candidate).collect();
    // As decoding finds them: by anchor, objects mixed.
    random.shuffle(&mut all);
    all
}

fn nms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("nms");
    for count in [50, 500, CANDIDATE_LIMIT] {
        let all = candidates(count);
        group.bench_function(format!("{count} candidates"), |bencher| {
            bencher.iter_batched_ref(
                || all.clone(),
                |candidates| suppress(black_box(candidates), 0.6, false, 100),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, nms);
criterion_main!(benches);
