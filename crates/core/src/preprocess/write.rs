//! Rows of R, G and B into the tensor's layout, type and channel order.

use std::ops::Range;

use super::{InputSliceMut, error::PreprocessError, placement::Placement};
use crate::{
    model::{ColorOrder, InputSpec, TensorLayout},
    simd::{Level, kernel},
    tensor::ElementType,
};

/// One image's slice of the tensor, of the right type and length.
pub(super) struct Writer<'a> {
    input: &'a InputSpec,
    out: InputSliceMut<'a>,
    level: Level,
    /// One row of packed samples before they are normalised; kept between frames.
    packed: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// # Errors
    /// When `out` has another element type or length than `input`.
    pub(super) fn new(
        input: &'a InputSpec,
        out: InputSliceMut<'a>,
        level: Level,
        packed: &'a mut Vec<u8>,
    ) -> Result<Self, PreprocessError> {
        let (element, length) = match &out {
            InputSliceMut::U8(samples) => (ElementType::U8, samples.len()),
            InputSliceMut::F32(samples) => (ElementType::F32, samples.len()),
        };
        if element != input.element {
            return Err(PreprocessError::ElementType { expected: input.element, found: element });
        }
        if length != input.samples_per_image() {
            return Err(PreprocessError::OutputLength { expected: input.samples_per_image(), found: length });
        }
        Ok(Self { input, out, level, packed })
    }

    /// Fills everything around the frame with the channels' means. In normalised tensors that is zero.
    pub(super) fn fill_border(&mut self, placement: &Placement) {
        if placement.is_whole() {
            return;
        }
        let plane = placement.tensor_width * placement.tensor_height;
        let mean = self.input.mean.map(|mean| mean.round().clamp(0.0, 255.0) as u8);
        let channels = self.input.layout.channels();
        for gap in gaps(placement) {
            let packed = channels * gap.start..channels * gap.end;
            match (&mut self.out, self.input.layout) {
                (InputSliceMut::U8(out), TensorLayout::Nhwc) => {
                    out[packed].as_chunks_mut().0.fill(mean);
                }
                (InputSliceMut::U8(out), TensorLayout::NhwcPadded) => {
                    let [first, second, third] = mean;
                    out[packed].as_chunks_mut().0.fill([first, second, third, 0]);
                }
                (InputSliceMut::U8(out), TensorLayout::Nchw) => {
                    out.chunks_exact_mut(plane).zip(mean).for_each(|(out, mean)| out[gap.clone()].fill(mean));
                }
                (InputSliceMut::F32(out), TensorLayout::Nhwc | TensorLayout::NhwcPadded) => out[packed].fill(0.0),
                (InputSliceMut::F32(out), TensorLayout::Nchw) => {
                    out.chunks_exact_mut(plane).for_each(|out| out[gap.clone()].fill(0.0));
                }
            }
        }
    }

    /// Writes row `row` of the frame's rectangle; each of `rgb` is at least as long as the rectangle is wide.
    pub(super) fn write_row(&mut self, placement: &Placement, row: usize, rgb: [&[u8]; 3]) {
        let InputSpec { layout, mean, scale, .. } = *self.input;
        let [red, green, blue] = rgb.map(|row| &row[..placement.width]);
        let channels = match self.input.color_order {
            ColorOrder::Rgb => [red, green, blue],
            ColorOrder::Bgr => [blue, green, red],
        };
        let first_pixel = (placement.top + row) * placement.tensor_width + placement.left;
        let plane = placement.tensor_width * placement.tensor_height;
        let width = layout.channels();
        let packed = width * first_pixel..width * (first_pixel + placement.width);
        match (&mut self.out, layout) {
            (InputSliceMut::U8(out), TensorLayout::Nhwc | TensorLayout::NhwcPadded) => {
                interleave(self.level, layout, &mut out[packed], channels);
            }
            (InputSliceMut::U8(out), TensorLayout::Nchw) => {
                for (channel, out) in channels.into_iter().zip(out.chunks_exact_mut(plane)) {
                    out[first_pixel..][..placement.width].copy_from_slice(channel);
                }
            }
            (InputSliceMut::F32(out), TensorLayout::Nhwc | TensorLayout::NhwcPadded) => {
                self.packed.resize(packed.len(), 0);
                interleave(self.level, layout, self.packed, channels);
                let padded = |[first, second, third]: [f32; 3]| [first, second, third, 0.0];
                let (mean, scale) = (&padded(mean)[..width], &padded(scale)[..width]);
                normalise_packed(self.level, &mut out[packed], self.packed, mean, scale);
            }
            (InputSliceMut::F32(out), TensorLayout::Nchw) => {
                for (number, (channel, out)) in channels.into_iter().zip(out.chunks_exact_mut(plane)).enumerate() {
                    let out = &mut out[first_pixel..][..placement.width];
                    normalise(self.level, out, channel, mean[number], scale[number]);
                }
            }
        }
    }
}

#[inline(always)]
fn normalised(sample: u8, mean: f32, scale: f32) -> f32 {
    (f32::from(sample) - mean) * scale
}

kernel! {
    fn normalise(out: &mut [f32], samples: &[u8], mean: f32, scale: f32) {
        for (out, &sample) in out.iter_mut().zip(samples) {
            *out = normalised(sample, mean, scale);
        }
    }
}

kernel! {
    fn normalise_packed(out: &mut [f32], samples: &[u8], mean: &[f32], scale: &[f32]) {
        // As many as make whole pixels, of three channels or of four, and whole vectors.
        const SPAN: usize = 48;
        let mean: [f32; SPAN] = std::array::from_fn(|index| mean[index % mean.len()]);
        let scale: [f32; SPAN] = std::array::from_fn(|index| scale[index % scale.len()]);
        let (out, rest) = out.as_chunks_mut::<SPAN>();
        let (samples, samples_of_rest) = samples.as_chunks::<SPAN>();
        for (out, samples) in out.iter_mut().zip(samples) {
            for index in 0..SPAN {
                out[index] = normalised(samples[index], mean[index], scale[index]);
            }
        }
        for (index, (out, &sample)) in rest.iter_mut().zip(samples_of_rest).enumerate() {
            *out = normalised(sample, mean[index], scale[index]);
        }
    }
}

/// The channels of a row, pixel by pixel.
fn interleave(level: Level, layout: TensorLayout, out: &mut [u8], channels: [&[u8]; 3]) {
    if layout == TensorLayout::NhwcPadded {
        interleave_padded(level, out, channels);
    } else {
        interleave_packed(level, out, channels);
    }
}

kernel! {
    fn interleave_packed(out: &mut [u8], channels: [&[u8]; 3]) {
        let [first, second, third] = channels;
        let pixels = first.iter().zip(second).zip(third);
        for (out, ((&first, &second), &third)) in out.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
            *out = [first, second, third];
        }
    }
}

kernel! {
    fn interleave_padded(out: &mut [u8], channels: [&[u8]; 3]) {
        let [first, second, third] = channels;
        let pixels = first.iter().zip(second).zip(third);
        for (out, ((&first, &second), &third)) in out.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
            *out = [first, second, third, 0];
        }
    }
}

/// The runs of pixels around the frame's rectangle, numbered row by row: above it, between its rows, below it.
fn gaps(placement: &Placement) -> impl Iterator<Item = Range<usize>> {
    let Placement { left, top, width, height, tensor_width, tensor_height } = *placement;
    let first_of_row = move |row: usize| (top + row) * tensor_width + left;
    let above = 0..first_of_row(0);
    let between = (1..height).map(move |row| first_of_row(row - 1) + width..first_of_row(row));
    let below = first_of_row(height - 1) + width..tensor_width * tensor_height;
    std::iter::once(above).chain(between).chain(std::iter::once(below))
}
