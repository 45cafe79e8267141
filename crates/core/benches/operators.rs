//! The convolutions of 3×3 and the joined outputs of SSD MobileNetV1 300×300, each as it happens for every inferred frame.
//! `cargo bench -p sightline-core --bench operators`
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "layers that the tests have as well")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sightline_core::{
    operators::{
        convolution::{Convolution, Layer, Reads},
        joined_output::{Quantisation, Table},
    },
    simd::Level,
};

/// Side of the input, channels of the output, stride, pads above and left.
const DEPTHWISE: [(usize, usize, usize, usize); 9] = [
    (150, 32, 1, 1),
    (150, 64, 2, 0),
    (75, 128, 1, 1),
    (75, 128, 2, 1),
    (38, 256, 1, 1),
    (38, 256, 2, 0),
    (19, 512, 1, 1),
    (19, 512, 2, 1),
    (10, 1024, 1, 1),
];

fn run(
    criterion: &mut Criterion,
    name: &str,
    reads: Reads,
    (side, outputs, stride, pad): (usize, usize, usize, usize),
) {
    let mut random = fastrand::Rng::with_seed(3);
    let inputs = if reads == Reads::Channel { 1 } else { 4 };
    let weights: Vec<i8> = (0..outputs * inputs * 9).map(|_| random.i8(-127..)).collect();
    let layer = Layer {
        reads,
        weights: &weights,
        bias: &vec![100; outputs],
        scale: &vec![0.003; outputs],
        input_zero_point: 0,
        output_zero_point: 0,
        stride,
        pads: [pad, pad, 1, 1],
    };
    let convolution = Convolution::new(&layer).unwrap();
    let input: Vec<u8> = (0..side * side * convolution.inputs()).map(|_| random.u8(..)).collect();
    let [height, width] = convolution.output_size([side; 2]).unwrap();
    let (mut around, mut output) = (Vec::new(), vec![0; height * width * outputs]);
    let mut group = criterion.benchmark_group(name);
    for level in Level::available().filter(|level| Convolution::is_fast(*level)) {
        group.bench_function(format!("{side} to {height}, {outputs} channels, {}", level.name()), |bencher| {
            bencher.iter(|| convolution.run(level, black_box(&input), [side; 2], &mut around, &mut output));
        });
    }
    group.finish();
}

fn convolution(criterion: &mut Criterion) {
    run(criterion, "first layer", Reads::Pixels, (300, 32, 2, 0));
    for layer in DEPTHWISE {
        run(criterion, "depthwise", Reads::Channel, layer);
    }
}

/// Class logits and boxes of COCO's 1917 anchors.
fn joined_output(criterion: &mut Criterion) {
    let table =
        Table::new(Quantisation { scale: 0.031, zero_point: 130 }, Quantisation { scale: 0.057, zero_point: 117 });
    let bytes: Vec<u8> = (0..1917 * (91 + 4)).map(|value| value as u8).collect();
    let mut floats = vec![0.0; bytes.len()];
    let mut group = criterion.benchmark_group("joined output");
    for level in Level::available() {
        group.bench_function(level.name(), |bencher| {
            bencher.iter(|| table.look_up(level, black_box(&bytes), &mut floats));
        });
    }
    group.finish();
}

criterion_group!(benches, convolution, joined_output);
criterion_main!(benches);
