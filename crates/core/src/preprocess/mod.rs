//! Frame to tensor in one pass: resize, colour conversion and normalisation, only where a sample is needed.
//!
//! The resizing is what the reference pictures were made with, OpenCV's `INTER_LINEAR`: pixel centres at half
//! coordinates, the four nearest samples, no antialiasing, edges clamped. A Y'CbCr frame is resized plane by plane and
//! converted at the tensor's size: 90 000 conversions for a 300×300 tensor instead of two million for a 1080p frame.
//!
//! Chroma is taken as centred between its four luma samples. Video mostly says "left-sited" (MPEG-2), but the usual
//! way to RGB (OpenCV's `cvtColor`, libyuv) repeats each chroma sample over its 2×2 block, which is the centred
//! position; the test `centred_chroma_agrees_best_with_converting_the_whole_frame_first` measures both.
//!
//! Per tensor row: two source rows per plane are sampled at the tensor's columns (kept, as the next row often needs
//! one of them again), blended vertically, converted, written in the tensor's layout.

mod axis;
mod blend;
mod color;
mod columns;
mod error;
mod placement;
mod sampler;
mod source;
mod write;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use error::PreprocessError;
pub use placement::Placement;

use self::{sampler::Sampler, source::SourcePlanes, write::Writer};
use crate::{frame::FrameView, model::InputSpec, simd::Level};

/// One image's slice of the batch tensor: [`InputSpec::samples_per_image`] samples.
#[derive(Debug)]
pub enum InputSliceMut<'a> {
    /// Unsigned 8-bit.
    U8(&'a mut [u8]),
    /// 32-bit float.
    F32(&'a mut [f32]),
}

/// Fills tensors of one model from frames of any size. One per worker thread; it keeps its tables and row buffers, so
/// that a frame of the same size as the one before costs no allocation.
#[derive(Debug)]
pub struct Preprocessor {
    input: InputSpec,
    level: Level,
    sampler: Sampler,
    packed: Vec<u8>,
}

impl Preprocessor {
    /// For tensors of `input`, with the best instructions that this CPU has.
    #[must_use]
    pub fn new(input: &InputSpec) -> Self {
        Self::with_level(input, Level::best())
    }

    /// With the instructions of `level`. The tensors are the same bit for bit, whichever it is.
    #[must_use]
    pub fn with_level(input: &InputSpec, level: Level) -> Self {
        Self { input: input.clone(), level, sampler: Sampler::new(level), packed: Vec::new() }
    }

    /// Fills `out` with one frame and says where in the tensor the frame lies.
    ///
    /// `u8` tensors take the rounded colour; `f32` tensors `(rounded colour - mean) * scale`, as the reference does.
    ///
    /// # Errors
    /// When the frame's planes are shorter than its size and strides need, the frame is empty, or `out` has another
    /// element type or length than the model's input. `out` is untouched then.
    pub fn fill(&mut self, frame: FrameView<'_>, out: InputSliceMut<'_>) -> Result<Placement, PreprocessError> {
        let planes = SourcePlanes::new(&frame)?;
        let mut writer = Writer::new(&self.input, out, self.level, &mut self.packed)?;
        let placement = Placement::new(&self.input, frame.width, frame.height);
        self.sampler.begin(&frame, placement.width, placement.height);
        writer.fill_border(&placement);
        for row in 0..placement.height {
            let rgb = self.sampler.row(planes, row);
            writer.write_row(&placement, row, rgb);
        }
        Ok(placement)
    }
}
