//! The frame's planes, checked once, and the sampled rows that are kept between tensor rows.

use super::{
    axis::{LANES, Lanes, Tap},
    error::PreprocessError,
};
use crate::frame::{FrameView, PixelFormat};

/// A plane whose rows are known to be there.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    data: &'a [u8],
    stride: usize,
    row_bytes: usize,
}

impl<'a> Rows<'a> {
    /// Row `y`, without its padding.
    pub(super) fn row(&self, y: usize) -> &'a [u8] {
        let start = y * self.stride;
        &self.data[start..start + self.row_bytes]
    }
}

/// A frame's planes by format.
#[derive(Clone, Copy)]
pub(super) enum SourcePlanes<'a> {
    Nv12 { luma: Rows<'a>, chroma: Rows<'a> },
    I420 { luma: Rows<'a>, u: Rows<'a>, v: Rows<'a> },
    Rgb(Rows<'a>),
}

impl<'a> SourcePlanes<'a> {
    /// # Errors
    /// When the frame is empty, or a plane is shorter than its size and stride need.
    pub(super) fn new(frame: &FrameView<'a>) -> Result<Self, PreprocessError> {
        let (width, height) = (frame.width, frame.height);
        if width == 0 || height == 0 {
            return Err(PreprocessError::EmptyFrame { width, height });
        }
        let (chroma_width, chroma_height) = (width.div_ceil(2), height.div_ceil(2));
        Ok(match frame.format {
            PixelFormat::Nv12 => Self::Nv12 {
                luma: checked(frame, 0, width, height)?,
                chroma: checked(frame, 1, chroma_width.saturating_mul(2), chroma_height)?,
            },
            PixelFormat::I420 => Self::I420 {
                luma: checked(frame, 0, width, height)?,
                u: checked(frame, 1, chroma_width, chroma_height)?,
                v: checked(frame, 2, chroma_width, chroma_height)?,
            },
            PixelFormat::Rgb => Self::Rgb(checked(frame, 0, width.saturating_mul(3), height)?),
        })
    }
}

/// Plane `number` of the frame, if it has `rows` rows of `row_bytes` bytes; the last row may lack its padding.
fn checked<'a>(
    frame: &FrameView<'a>,
    number: usize,
    row_bytes: usize,
    rows: usize,
) -> Result<Rows<'a>, PreprocessError> {
    let plane = frame.planes[number];
    let stride = plane.stride;
    if stride < row_bytes {
        return Err(PreprocessError::StrideTooSmall { format: frame.format, plane: number, stride, needed: row_bytes });
    }
    let needed = stride.saturating_mul(rows - 1).saturating_add(row_bytes);
    if plane.data.len() < needed {
        return Err(PreprocessError::PlaneTooShort {
            format: frame.format,
            plane: number,
            width: frame.width,
            height: frame.height,
            stride,
            found: plane.data.len(),
            needed,
        });
    }
    Ok(Rows { data: plane.data, stride, row_bytes })
}

/// The two sampled source rows (Q6) that the current tensor row lies between.
#[derive(Debug, Default)]
pub(super) struct RowPair {
    rows: [Vec<[i16; LANES]>; 2],
    /// Which source rows they are.
    held: [Option<usize>; 2],
}

impl RowPair {
    /// To rows of `blocks` times [`LANES`] samples.
    pub(super) fn resize(&mut self, blocks: usize) {
        self.rows.iter_mut().for_each(|row| row.resize(blocks, [0; LANES]));
    }

    /// A new frame begins.
    pub(super) fn forget(&mut self) {
        self.held = [None, None];
    }

    /// The rows of `tap`; those not held yet are made by `sample(source row, into)`.
    pub(super) fn rows(&mut self, tap: Tap, mut sample: impl FnMut(usize, &mut Lanes<i16>)) -> [&Lanes<i16>; 2] {
        let missing = self.advance(tap);
        for (slot, y) in missing.into_iter().enumerate() {
            if let Some(y) = y {
                sample(y, &mut self.rows[slot]);
            }
        }
        self.rows.each_ref().map(Vec::as_slice)
    }

    /// Keeps what `tap` still needs and says which source row is to be sampled into which slot.
    fn advance(&mut self, tap: Tap) -> [Option<usize>; 2] {
        let wanted = [Some(tap.first), Some(tap.second)];
        // Going down the frame, the lower row of the one before is often the upper row of this one.
        if self.held[0] != wanted[0] && self.held[1] == wanted[0] {
            self.rows.swap(0, 1);
            self.held.swap(0, 1);
        }
        let mut missing = [None, None];
        for slot in 0..2 {
            if self.held[slot] != wanted[slot] {
                missing[slot] = wanted[slot];
            }
        }
        self.held = wanted;
        missing
    }
}
