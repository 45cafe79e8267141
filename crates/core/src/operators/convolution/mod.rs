//! Convolutions of 3×3 bytes, for which libraries take a third of SSD MobileNet's time and need a sixth.
//!
//! A network in int8 has two kinds of them: the depthwise ones, which look at each channel alone, and the first layer, which
//! looks at pixels. Everything else in it is products of matrices, which ONNX Runtime runs as fast as the CPU can. Both are
//! sums of products of bytes, and CPUs with VNNI add four of those at once: of a depthwise layer the three rows of a column
//! (and a zero), of a first layer the colours of a pixel (and a zero).
//!
//! Sums are exact; what is made of them (`f32` product with the scale, rounded to the nearest, ties to even, plus the zero point,
//! held within a byte) is what ONNX Runtime's `QLinearConv` does, so the results are its own bit for bit.

mod lanes;
pub mod node;
mod run;

use crate::simd::Level;
use lanes::LANES;
use run::Image;

/// Rows and columns of the weights.
const SIDE: usize = 3;
/// Bytes whose products are added at once: a lane of 32 bits.
const TOGETHER: usize = 4;

/// A layer as `QLinearConv` knows it. Its input and output lie as `[height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// What the outputs look at.
    pub reads: Reads,
    /// `[outputs, 1, 3, 3]` where it is depthwise, `[outputs, 4, 3, 3]` where it reads pixels; their zero point is 0.
    pub weights: &'a [i8],
    /// Of each output, in units of the product of the input's and the weights' scale.
    pub bias: &'a [i32],
    /// Of each output: the input's scale by the weights' by the output's.
    pub scale: &'a [f32],
    /// The input's byte that stands for 0, which is also what lies around it.
    pub input_zero_point: u8,
    /// The output's byte that stands for 0.
    pub output_zero_point: u8,
    /// Steps between outputs, down and to the right: 1 or 2.
    pub stride: usize,
    /// What lies around the input: above, left, below, right; each 0 or 1.
    pub pads: [usize; 4],
}

/// What the outputs of a layer look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The channel of their own number.
    Channel,
    /// All four channels of the input.
    Pixels,
}

/// A layer whose weights lie as [`Convolution::run`] wants them.
#[derive(Clone, Debug)]
pub struct Convolution {
    reads: Reads,
    stride: usize,
    pads: [usize; 4],
    input_zero_point: u8,
    output_zero_point: u8,
    /// `[steps, outputs]`: a depthwise layer steps over three columns, a first one over nine pixels.
    weights: Vec<[i8; TOGETHER]>,
    /// Of each output: the bias less what the input's zero point would add.
    start: Vec<i32>,
    /// Of each output.
    scale: Vec<f32>,
}

impl Convolution {
    /// Whether [`Convolution::run`] is faster than what libraries have. Without VNNI it gives the same, slowly.
    #[must_use]
    pub fn is_fast(level: Level) -> bool {
        lanes::is_fast(level)
    }

    /// `None` where the layer is none of those known here: outputs not a multiple of 16, another stride or padding, sums that
    /// could leave the range in which `f32` and `i32` say the same.
    #[must_use]
    pub fn new(layer: &Layer<'_>) -> Option<Self> {
        let outputs = layer.bias.len();
        let inputs = match layer.reads {
            Reads::Channel => 1,
            Reads::Pixels => TOGETHER,
        };
        let taps = inputs * SIDE * SIDE;
        let fits = outputs > 0
            && outputs.is_multiple_of(LANES)
            && layer.weights.len() == outputs * taps
            && layer.scale.len() == outputs
            && matches!(layer.stride, 1 | 2)
            && layer.pads.iter().all(|pad| *pad <= 1);
        if !fits {
            return None;
        }
        let mut weights = vec![[0; TOGETHER]; taps.div_ceil(TOGETHER) * outputs];
        let mut start = Vec::with_capacity(outputs);
        for (output, taps) in layer.weights.chunks_exact(taps).enumerate() {
            for (tap, &weight) in taps.iter().enumerate() {
                let (channel, row, column) = (tap / (SIDE * SIDE), tap / SIDE % SIDE, tap % SIDE);
                match layer.reads {
                    Reads::Channel => weights[column * outputs + output][row] = weight,
                    Reads::Pixels => weights[(row * SIDE + column) * outputs + output][channel] = weight,
                }
            }
            let sum: i64 = taps.iter().map(|weight| i64::from(*weight)).sum();
            let first = i64::from(layer.bias[output]) - i64::from(layer.input_zero_point) * sum;
            let most = first.abs() + taps.iter().map(|weight| 255 * i64::from(weight.unsigned_abs())).sum::<i64>();
            // Also refuses what is no number.
            if !(most < 1 << 30 && most as f32 * layer.scale[output].abs() < (1 << 30) as f32) {
                return None;
            }
            start.push(i32::try_from(first).ok()?);
        }
        Some(Self {
            reads: layer.reads,
            stride: layer.stride,
            pads: layer.pads,
            input_zero_point: layer.input_zero_point,
            output_zero_point: layer.output_zero_point,
            weights,
            start,
            scale: layer.scale.to_vec(),
        })
    }

    /// Channels of the input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        match self.reads {
            Reads::Channel => self.outputs(),
            Reads::Pixels => TOGETHER,
        }
    }

    /// Channels of the output.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.start.len()
    }

    /// Height and width of the output for an input of that size. `None` where that is smaller than the weights.
    #[must_use]
    pub fn output_size(&self, [height, width]: [usize; 2]) -> Option<[usize; 2]> {
        let [above, left, below, right] = self.pads;
        let steps = |length: usize| Some(length.checked_sub(SIDE)? / self.stride + 1);
        Some([steps(height.checked_add(above + below)?)?, steps(width.checked_add(left + right)?)?])
    }

    /// One image. `size`: the input's height and width. `around` is room for a row of what lies around the input, whatever is in
    /// it: kept from run to run it costs no allocation, and is the caller's, as many threads may run the same layer.
    ///
    /// # Panics
    /// Where `input` or `output` are not as long as `size` and the layer say.
    pub fn run(&self, level: Level, input: &[u8], size: [usize; 2], around: &mut Vec<u8>, output: &mut [u8]) {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let out = self.output_size(size).unwrap_or_default();
        assert_eq!(input.len(), size[0] * size[1] * inputs, "the input's length");
        assert_eq!(output.len(), out[0] * out[1] * outputs, "the output's length");
        if output.is_empty() {
            return;
        }
        around.clear();
        around.resize(size[1] * inputs, self.input_zero_point);
        lanes::run(self, level, &Image { input, size, around, out }, output);
    }
}

#[cfg(test)]
mod tests;
