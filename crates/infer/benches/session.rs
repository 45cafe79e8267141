//! The network alone: images per second of one and of two one-thread sessions at several batch sizes.
//! `cargo bench -p sightline-infer`; needs ONNX Runtime and the shared models.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot run is to stop")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    sync::Barrier,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sightline_core::{
    model::ModelSpec,
    ports::Backend,
    tensor::{InputData, InputView},
};
use support::{Input, open_on_cpu, raw_model, shared};

/// A batch of something that is no flat colour.
struct Batch {
    shape: [usize; 4],
    bytes: Vec<u8>,
    floats: Vec<f32>,
    input: Input,
}

impl Batch {
    fn new(spec: &ModelSpec, input: Input, images: usize) -> Self {
        let samples = images * spec.input.samples_per_image();
        let bytes: Vec<u8> = (0..samples).map(|index| (index * 31 % 251) as u8).collect();
        let floats = bytes.iter().map(|&byte| (f32::from(byte) - 127.5) / 127.5).collect();
        Self { shape: spec.input.shape(images), bytes, floats, input }
    }

    fn view(&self) -> InputView<'_> {
        let data = match self.input {
            Input::Bytes => InputData::U8(&self.bytes),
            Input::Normalised => InputData::F32(&self.floats),
        };
        InputView { shape: self.shape, data }
    }
}

/// Time in which `sessions` threads run `rounds` batches each, side by side.
fn side_by_side(sessions: &mut [Box<dyn Backend>], batch: &Batch, rounds: u64) -> Duration {
    let start = Barrier::new(sessions.len() + 1);
    std::thread::scope(|scope| {
        for session in sessions {
            scope.spawn(|| {
                start.wait();
                for _ in 0..rounds {
                    session.run(batch.view(), &mut |_| ()).unwrap();
                }
            });
        }
        start.wait();
        Instant::now()
    })
    .elapsed()
}

fn session(criterion: &mut Criterion) {
    let Some(shared) = shared() else { return };
    for (file, input) in
        [("ssd_mobilenet_v1_coco_int8_u8in_sym.onnx", Input::Bytes), ("ssd_mobilenet_v1_coco.onnx", Input::Normalised)]
    {
        let spec = raw_model(&shared, file, input);
        let mut group = criterion.benchmark_group(spec.name.clone());
        group.sample_size(20);
        for count in [1, 2] {
            let open = |_| open_on_cpu(&spec).unwrap().backends.remove(0);
            let mut sessions: Vec<Box<dyn Backend>> = (0..count).map(open).collect();
            for images in [1usize, 4, 8] {
                let batch = Batch::new(&spec, input, images);
                group.throughput(Throughput::Elements((images * count) as u64));
                group.bench_function(format!("{count} sessions, batch {images}"), |bencher| {
                    bencher.iter_custom(|rounds| side_by_side(&mut sessions, &batch, rounds));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, session);
criterion_main!(benches);
