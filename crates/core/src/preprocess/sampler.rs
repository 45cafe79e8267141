//! One row of R, G and B at the tensor's size out of the frame's planes.

use super::{
    axis::{Axis, LANES, Tap},
    blend::{RowWeight, blend, split_three, split_two},
    color,
    columns::{Columns, Scratch},
    source::{RowPair, Rows, SourcePlanes},
};
use crate::{
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameView, PixelFormat},
    simd::Level,
};

/// The tables for one frame size, and the rows in work.
#[derive(Debug)]
pub(super) struct Sampler {
    level: Level,
    /// What the tables are made for: format, width and height of the frame, width and height in the tensor.
    prepared_for: Option<(PixelFormat, [usize; 4])>,
    luma_columns: Columns,
    luma_rows: Vec<Tap>,
    chroma_columns: Columns,
    chroma_rows: Vec<Tap>,
    colorimetry: Colorimetry,
    scratch: Scratch,
    row_weight: RowWeight,
    /// Of luma, or of packed RGB.
    luma: RowPair,
    /// Of U and of V; the first one of both where they are interleaved.
    chroma: [RowPair; 2],
    /// Samples of one row, in Q6, that are still interleaved.
    packed: Vec<[i16; LANES]>,
    /// Y, U and V of the current row, in Q6.
    blended: [Vec<[i16; LANES]>; 3],
    rgb: [Vec<[u8; LANES]>; 3],
}

impl Sampler {
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            prepared_for: None,
            luma_columns: Columns::default(),
            luma_rows: Vec::new(),
            chroma_columns: Columns::default(),
            chroma_rows: Vec::new(),
            colorimetry: Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Full },
            scratch: Scratch::default(),
            row_weight: RowWeight::default(),
            luma: RowPair::default(),
            chroma: Default::default(),
            packed: Vec::new(),
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
        let rows = |positions: usize, extent: f64, into: &mut Vec<Tap>| {
            let axis = Axis::new(positions, extent, height);
            into.clear();
            into.extend((0..height).map(|row| axis.tap(row)));
        };
        let blocks = width.div_ceil(LANES);
        let samples_per_pixel = if frame.format == PixelFormat::Rgb { 3 } else { 1 };
        self.luma_columns.rebuild(self.level, frame.width, frame.width as f64, width, samples_per_pixel);
        rows(frame.height, frame.height as f64, &mut self.luma_rows);
        self.luma.resize(self.luma_columns.blocks());
        if frame.format == PixelFormat::Rgb {
            self.packed.resize(self.luma_columns.blocks(), [0; LANES]);
        } else {
            let samples_per_chroma = if frame.format == PixelFormat::Nv12 { 2 } else { 1 };
            let chroma_width = frame.width.div_ceil(2);
            self.chroma_columns.rebuild(self.level, chroma_width, half(frame.width), width, samples_per_chroma);
            rows(frame.height.div_ceil(2), half(frame.height), &mut self.chroma_rows);
            self.chroma.iter_mut().for_each(|pair| pair.resize(self.chroma_columns.blocks()));
            self.packed.resize(self.chroma_columns.blocks(), [0; LANES]);
        }
        self.blended.iter_mut().for_each(|row| row.resize(blocks, [0; LANES]));
        self.rgb.iter_mut().for_each(|row| row.resize(blocks, [0; LANES]));
    }

    /// R, G and B of tensor row `row` (counted from the top of the frame's rectangle); longer than the rectangle is wide.
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
        self.rgb.each_ref().map(|row| row.as_flattened())
    }

    fn sample_luma(&mut self, plane: Rows<'_>, row: usize) {
        let (level, columns, tap) = (self.level, &self.luma_columns, self.luma_rows[row]);
        let rows = self.luma.rows(tap, |y, into| columns.sample(level, plane.row(y), &mut self.scratch, into));
        self.row_weight.set(tap.weight, columns.blocks());
        blend(level, rows, self.row_weight.as_lanes(), &mut self.blended[0]);
    }

    fn sample_planar_chroma(&mut self, planes: [Rows<'_>; 2], row: usize) {
        let (level, columns, tap) = (self.level, &self.chroma_columns, self.chroma_rows[row]);
        self.row_weight.set(tap.weight, columns.blocks());
        for ((plane, pair), blended) in planes.into_iter().zip(&mut self.chroma).zip(&mut self.blended[1..]) {
            let rows = pair.rows(tap, |y, into| columns.sample(level, plane.row(y), &mut self.scratch, into));
            blend(level, rows, self.row_weight.as_lanes(), blended);
        }
    }

    fn sample_interleaved_chroma(&mut self, plane: Rows<'_>, row: usize) {
        let (level, columns, tap) = (self.level, &self.chroma_columns, self.chroma_rows[row]);
        let rows = self.chroma[0].rows(tap, |y, into| columns.sample(level, plane.row(y), &mut self.scratch, into));
        self.row_weight.set(tap.weight, columns.blocks());
        blend(level, rows, self.row_weight.as_lanes(), &mut self.packed);
        let [_, u, v] = &mut self.blended;
        split_two(level, &self.packed, u, v);
    }

    fn convert(&mut self) {
        let [y, u, v] = &self.blended;
        color::convert(self.level, self.colorimetry, [y, u, v], &mut self.rgb);
    }

    fn sample_rgb(&mut self, plane: Rows<'_>, row: usize) {
        let (level, columns, tap) = (self.level, &self.luma_columns, self.luma_rows[row]);
        let rows = self.luma.rows(tap, |y, into| columns.sample(level, plane.row(y), &mut self.scratch, into));
        self.row_weight.set(tap.weight, columns.blocks());
        blend(level, rows, self.row_weight.as_lanes(), &mut self.packed);
        split_three(level, &self.packed, &mut self.rgb);
    }
}
