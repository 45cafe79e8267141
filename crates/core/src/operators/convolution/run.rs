//! The loops over an image, for vectors of any width.

use super::{Convolution, Reads, SIDE, TOGETHER, lanes::Vector};

/// What is read.
pub(super) struct Image<'a> {
    pub input: &'a [u8],
    /// Height and width.
    pub size: [usize; 2],
    /// A row of what lies around it.
    pub around: &'a [u8],
    /// Height and width of what comes out.
    pub out: [usize; 2],
}

/// The three rows of the input that a row of the output looks at.
#[derive(Clone, Copy)]
struct Rows<'a> {
    rows: [&'a [u8]; SIDE],
    /// Pixels of each.
    width: usize,
    /// Bytes of each pixel.
    inputs: usize,
}

/// Those `outputs` of every pixel, a multiple of the vector's lanes.
///
/// # Safety
/// The CPU has the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(
    layer: &Convolution,
    image: &Image<'_>,
    outputs: std::ops::Range<usize>,
    output: &mut [u8],
) {
    let (inputs, width) = (layer.inputs(), image.size[1]);
    let row_length = width * inputs;
    for (y, out_row) in output.chunks_exact_mut(image.out[1] * layer.outputs()).enumerate() {
        let rows = std::array::from_fn(|row| {
            // Wraps around above the image, and is beyond its end then as well.
            let row = (y * layer.stride + row).wrapping_sub(layer.pads[0]);
            if row < image.size[0] {
                &image.input[row * row_length..][..row_length]
            } else {
                &image.around[..row_length]
            }
        });
        let rows = Rows { rows, width, inputs };
        for first in outputs.clone().step_by(V::LANES) {
            // SAFETY: the caller's promise.
            unsafe {
                match (layer.reads, layer.stride) {
                    (Reads::Channel, 1) => depthwise::<V, 1>(layer, first, rows, out_row),
                    (Reads::Channel, _) => depthwise::<V, 2>(layer, first, rows, out_row),
                    (Reads::Pixels, _) => pixels::<V>(layer, first, rows, out_row),
                }
            }
        }
    }
}

/// Of a row's outputs those from `first` on.
///
/// # Safety
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn depthwise<V: Vector, const STRIDE: usize>(
    layer: &Convolution,
    first: usize,
    rows: Rows<'_>,
    out_row: &mut [u8],
) {
    let outputs = layer.outputs();
    // SAFETY: the caller's promise, for all of this function.
    unsafe {
        let weights = |column: usize| V::load(&layer.weights[column * outputs + first..]);
        let weights = [weights(0), weights(1), weights(2)];
        let (start, scale) = (V::load(&layer.start[first..]), V::load(&layer.scale[first..]));
        let around = V::bytes([layer.input_zero_point; TOGETHER]);
        let column = |x: usize| if x < rows.width { V::columns(rows.rows, x * rows.inputs + first) } else { around };
        let mut x = 0usize.wrapping_sub(layer.pads[1]);
        let (mut left, mut middle) = (column(x), column(x.wrapping_add(1)));
        for pixel in out_row.chunks_exact_mut(outputs) {
            let right = column(x.wrapping_add(2));
            let sum = V::add_products(start, left, weights[0]);
            let sum = V::add_products(sum, middle, weights[1]);
            let sum = V::add_products(sum, right, weights[2]);
            V::store(sum, scale, layer.output_zero_point, &mut pixel[first..][..V::LANES]);
            x = x.wrapping_add(STRIDE);
            (left, middle) = if STRIDE == 1 { (middle, right) } else { (right, column(x.wrapping_add(1))) };
        }
    }
}

/// Of a row's outputs those from `first` on.
///
/// # Safety
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn pixels<V: Vector>(layer: &Convolution, first: usize, rows: Rows<'_>, out_row: &mut [u8]) {
    let outputs = layer.outputs();
    // SAFETY: the caller's promise, for all of this function.
    unsafe {
        let weights = |tap: usize| V::load(&layer.weights[tap * outputs + first..]);
        // Written out, as `map` of vectors is a call for each.
        let weights = [
            weights(0),
            weights(1),
            weights(2),
            weights(3),
            weights(4),
            weights(5),
            weights(6),
            weights(7),
            weights(8),
        ];
        let (start, scale) = (V::load(&layer.start[first..]), V::load(&layer.scale[first..]));
        let mut x = 0usize.wrapping_sub(layer.pads[1]);
        for pixel in out_row.chunks_exact_mut(outputs) {
            let mut sum = start;
            let bytes = x.wrapping_mul(TOGETHER)..x.wrapping_add(SIDE).wrapping_mul(TOGETHER);
            for (down, row_of_input) in rows.rows.iter().enumerate() {
                let weights = &weights[down * SIDE..][..SIDE];
                // Three pixels that lie in the image are one check, and come straight from memory.
                if let Some(seen) = row_of_input.get(bytes.clone()) {
                    for (seen, weights) in seen.as_chunks::<TOGETHER>().0.iter().zip(weights) {
                        sum = V::add_products(sum, V::bytes(*seen), *weights);
                    }
                } else {
                    for (right, weights) in weights.iter().enumerate() {
                        let at = x.wrapping_add(right);
                        let pixel = row_of_input.as_chunks().0.get(at).copied();
                        let bytes = pixel.unwrap_or([layer.input_zero_point; TOGETHER]);
                        sum = V::add_products(sum, V::bytes(bytes), *weights);
                    }
                }
            }
            V::store(sum, scale, layer.output_zero_point, &mut pixel[first..][..V::LANES]);
            x = x.wrapping_add(layer.stride);
        }
    }
}
