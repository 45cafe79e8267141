//! One row of R, G and B at the tensor's size out of the frame's planes.

use super::{
    axis::{Axis, Scratch},
    blend::{RowWeight, blend, blend_three},
    color,
    source::{RowPair, Rows, SourcePlanes, rows_of_two},
};
use crate::frame::{ColorMatrix, ColorRange, Colorimetry, FrameView, PixelFormat};

/// The tables for one frame size, and the rows in work.
#[derive(Debug)]
pub(super) struct Sampler {
    /// What the tables are made for: format, width and height of the frame, width and height in the tensor.
    prepared_for: Option<(PixelFormat, [usize; 4])>,
    luma_columns: Axis,
    luma_rows: Axis,
    chroma_columns: Axis,
    chroma_rows: Axis,
    colorimetry: Colorimetry,
    scratch: Scratch,
    row_weight: RowWeight,
    luma: RowPair,
    chroma: [RowPair; 2],
    /// Y, U and V of the current row, in Q6.
    blended: [Vec<i16>; 3],
    rgb: [Vec<u8>; 3],
}

impl Sampler {
    pub(super) fn new() -> Self {
        Self {
            prepared_for: None,
            luma_columns: Axis::default(),
            luma_rows: Axis::default(),
            chroma_columns: Axis::default(),
            chroma_rows: Axis::default(),
            colorimetry: Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Full },
            scratch: Scratch::default(),
            row_weight: RowWeight::default(),
            luma: RowPair::default(),
            chroma: Default::default(),
            blended: Default::default(),
            rgb: Default::default(),
        }
    }

    /// A new frame, to be brought to `width`×`height`.
    pub(super) fn begin(&mut self, frame: &FrameView<'_>, width: usize, height: usize) {
        self.luma.forget();
        self.chroma.iter_mut().for_each(RowPair::forget);
        self.colorimetry = frame.colorimetry;

        let wanted = (frame.format, [frame.width, frame.height, width, height]);
        if self.prepared_for == Some(wanted) {
            return;
        }
        self.prepared_for = Some(wanted);

        // Half of an odd size is not whole: the last chroma sample stands for one luma sample only.
        let half = |luma: usize| luma as f64 / 2.0;
        let samples_per_pixel = if frame.format == PixelFormat::Rgb { 3 } else { 1 };
        let samples_per_chroma = if frame.format == PixelFormat::Nv12 { 2 } else { 1 };
        self.luma_columns.rebuild(frame.width, frame.width as f64, width, samples_per_pixel);
        self.luma_rows.rebuild(frame.height, frame.height as f64, height, 1);
        self.chroma_columns.rebuild(frame.width.div_ceil(2), half(frame.width), width, samples_per_chroma);
        self.chroma_rows.rebuild(frame.height.div_ceil(2), half(frame.height), height, 1);

        self.luma.resize(width * samples_per_pixel);
        self.chroma.iter_mut().for_each(|pair| pair.resize(width));
        self.blended.iter_mut().for_each(|row| row.resize(width, 0));
        self.rgb.iter_mut().for_each(|row| row.resize(width, 0));
    }

    /// R, G and B of tensor row `row` (counted from the top of the frame's rectangle).
    pub(super) fn row(&mut self, planes: SourcePlanes<'_>, row: usize) -> [&[u8]; 3] {
        match planes {
            SourcePlanes::Rgb(plane) => self.sample_rgb(plane, row),
            SourcePlanes::Nv12 { luma, chroma } => {
                self.sample_luma(luma, row);
                self.sample_interleaved_chroma(chroma, row);
                self.convert();
            }
            SourcePlanes::I420 { luma, u, v } => {
                self.sample_luma(luma, row);
                self.sample_planar_chroma([u, v], row);
                self.convert();
            }
        }
        self.rgb.each_ref().map(Vec::as_slice)
    }

    fn sample_luma(&mut self, plane: Rows<'_>, row: usize) {
        let tap = self.luma_rows.tap(row);
        let rows = self.luma.rows(tap, |y, into| self.luma_columns.sample(plane.row(y), &mut self.scratch, into));
        self.row_weight.set(tap.weight, self.blended[0].len());
        blend(rows, &self.row_weight, &mut self.blended[0]);
    }

    fn sample_planar_chroma(&mut self, planes: [Rows<'_>; 2], row: usize) {
        let tap = self.chroma_rows.tap(row);
        let columns = &self.chroma_columns;
        self.row_weight.set(tap.weight, self.blended[1].len());
        for ((plane, pair), blended) in planes.into_iter().zip(&mut self.chroma).zip(&mut self.blended[1..]) {
            let rows = pair.rows(tap, |y, into| columns.sample(plane.row(y), &mut self.scratch, into));
            blend(rows, &self.row_weight, blended);
        }
    }

    fn sample_interleaved_chroma(&mut self, plane: Rows<'_>, row: usize) {
        let tap = self.chroma_rows.tap(row);
        let columns = &self.chroma_columns;
        let [u, v] = &mut self.chroma;
        rows_of_two(u, v, tap, |y, u, v| columns.sample_two(plane.row(y), &mut self.scratch, u, v));
        self.row_weight.set(tap.weight, self.blended[1].len());
        for (pair, blended) in self.chroma.iter().zip(&mut self.blended[1..]) {
            blend(pair.held_rows(), &self.row_weight, blended);
        }
    }

    fn convert(&mut self) {
        let [y, u, v] = &self.blended;
        color::convert(self.colorimetry, [y, u, v], &mut self.rgb);
    }

    fn sample_rgb(&mut self, plane: Rows<'_>, row: usize) {
        let tap = self.luma_rows.tap(row);
        let rows = self.luma.rows(tap, |y, into| self.luma_columns.sample_three(plane.row(y), into));
        self.row_weight.set(tap.weight, self.rgb[0].len());
        blend_three(rows, &self.row_weight, &mut self.rgb);
    }
}
