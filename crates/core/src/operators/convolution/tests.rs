use proptest::prelude::*;

use super::*;

/// A layer and an image for it, as random as they come.
#[derive(Debug)]
struct Case {
    reads: Reads,
    outputs: usize,
    size: [usize; 2],
    stride: usize,
    pads: [usize; 4],
    zero_points: [u8; 2],
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let reads = prop_oneof![Just(Reads::Channel), Just(Reads::Pixels)];
    (
        reads,
        1..5usize,
        [1..12usize, 1..12usize],
        1..3usize,
        [0..2usize, 0..2, 0..2, 0..2],
        any::<[u8; 2]>(),
        any::<u64>(),
    )
        .prop_map(|(reads, blocks, size, stride, pads, zero_points, seed)| Case {
            reads,
            outputs: blocks * LANES,
            size,
            stride,
            pads,
            zero_points,
            seed,
        })
}

/// The same by the definition: each output for itself, in 64 bits.
fn by_definition(layer: &Layer<'_>, input: &[u8], [height, width]: [usize; 2], [down, across]: [usize; 2]) -> Vec<u8> {
    let outputs = layer.bias.len();
    let inputs = if layer.reads == Reads::Channel { 1 } else { 4 };
    let channels = if layer.reads == Reads::Channel { outputs } else { 4 };
    let mut found = Vec::new();
    for (y, x, output) in (0..down).flat_map(|y| (0..across).flat_map(move |x| (0..outputs).map(move |o| (y, x, o)))) {
        let mut sum = i64::from(layer.bias[output]);
        for (channel, row, column) in (0..inputs).flat_map(|c| (0..3).flat_map(move |r| (0..3).map(move |k| (c, r, k))))
        {
            let (at_y, at_x) = (y * layer.stride + row, x * layer.stride + column);
            let is_inside = (layer.pads[0]..layer.pads[0] + height).contains(&at_y)
                && (layer.pads[1]..layer.pads[1] + width).contains(&at_x);
            if is_inside {
                let channel_of_input = if layer.reads == Reads::Channel { output } else { channel };
                let at = ((at_y - layer.pads[0]) * width + at_x - layer.pads[1]) * channels + channel_of_input;
                let weight = layer.weights[((output * inputs + channel) * 3 + row) * 3 + column];
                sum += (i64::from(input[at]) - i64::from(layer.input_zero_point)) * i64::from(weight);
            }
        }
        let scaled = (sum as f32 * layer.scale[output]).round_ties_even() as i64 + i64::from(layer.output_zero_point);
        found.push(scaled.clamp(0, 255) as u8);
    }
    found
}

proptest! {
    #[test]
    fn every_level_computes_the_definition(case in cases()) {
        let mut random = fastrand::Rng::with_seed(case.seed);
        let inputs = if case.reads == Reads::Channel { 1 } else { 4 };
        let channels = if case.reads == Reads::Channel { case.outputs } else { 4 };
        let weights: Vec<i8> = (0..case.outputs * inputs * 9).map(|_| random.i8(..)).collect();
        let bias: Vec<i32> = (0..case.outputs).map(|_| random.i32(-50_000..50_000)).collect();
        // Results within a byte, beyond either end, and beyond 16 bits.
        let scale = |_| 10f32.powf(random.f32() * 5.0 - 3.0) * if random.u8(..) < 32 { -1.0 } else { 1.0 };
        let scale: Vec<f32> = (0..case.outputs).map(scale).collect();
        let layer = Layer {
            reads: case.reads,
            weights: &weights,
            bias: &bias,
            scale: &scale,
            input_zero_point: case.zero_points[0],
            output_zero_point: case.zero_points[1],
            stride: case.stride,
            pads: case.pads,
        };
        let convolution = Convolution::new(&layer).unwrap();
        let Some(out) = convolution.output_size(case.size) else { return Ok(()) };
        let input: Vec<u8> = (0..case.size[0] * case.size[1] * channels).map(|_| random.u8(..)).collect();
        let expected = by_definition(&layer, &input, case.size, out);
        // What is left of another layer.
        let mut around = vec![9; 11];
        for level in Level::available() {
            let mut output = vec![7; expected.len()];
            convolution.run(level, &input, case.size, &mut around, &mut output);
            prop_assert!(output == expected, "{}", level.name());
        }
    }
}

fn refused(change: impl Fn(&mut Layer<'_>)) -> bool {
    let mut layer = Layer {
        reads: Reads::Channel,
        weights: &[1; 16 * 9],
        bias: &[0; 16],
        scale: &[0.1; 16],
        input_zero_point: 0,
        output_zero_point: 0,
        stride: 1,
        pads: [1; 4],
    };
    change(&mut layer);
    Convolution::new(&layer).is_none()
}

#[test]
fn what_it_cannot_compute_it_refuses() {
    assert!(!refused(|_| ()));
    assert!(refused(|layer| layer.stride = 3));
    assert!(refused(|layer| layer.pads[2] = 2));
    assert!(refused(|layer| layer.weights = &[1; 15 * 9]));
    assert!(refused(|layer| layer.scale = &[0.1; 15]));
    assert!(refused(|layer| layer.bias = &[]));
    assert!(refused(|layer| layer.reads = Reads::Pixels), "its weights are of one channel");
    assert!(refused(|layer| layer.bias = &[i32::MAX; 16]), "the sum overflows");
    assert!(refused(|layer| layer.scale = &[1e9; 16]), "what is rounded overflows");
    assert!(refused(|layer| layer.scale = &[f32::NAN; 16]));
}

#[test]
fn an_input_smaller_than_the_weights_gives_nothing() {
    let layer = Layer {
        reads: Reads::Channel,
        weights: &[1; 16 * 9],
        bias: &[0; 16],
        scale: &[1.0; 16],
        input_zero_point: 0,
        output_zero_point: 0,
        stride: 1,
        pads: [0; 4],
    };
    let convolution = Convolution::new(&layer).unwrap();
    assert_eq!(convolution.output_size([2, 9]), None);
    convolution.run(Level::PORTABLE, &[0; 2 * 9 * 16], [2, 9], &mut Vec::new(), &mut []);
}
