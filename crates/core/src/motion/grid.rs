//! A frame as a grid of brightnesses: what motion is looked for in.

use crate::frame::{FrameView, PixelFormat};

/// Cells of a row, at most.
pub(super) const MOST_COLUMNS: usize = 160;
/// Rows of cells, at most.
pub(super) const MOST_ROWS: usize = 90;
/// Pixels of a cell's rows that count, at most, and of which a cell is never narrower.
const RUN: usize = 8;
/// A cell is at least so high: two of its rows count.
const LEAST_HEIGHT: usize = 4;

/// Mean luma of each cell, row by row. Its memory is used again for every frame.
///
/// Of a cell the first eight pixels of two of its rows count: that touches a quarter of a 720p frame's rows and an eighth of
/// a 1080p frame's, and averages a sensor's noise down to a fourth.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    pub columns: usize,
    pub rows: usize,
    /// `columns` × `rows` values, 0..=255.
    pub cells: Vec<f32>,
}

impl Grid {
    /// Cells of a frame of this size.
    pub fn size_for(width: usize, height: usize) -> (usize, usize) {
        ((width / RUN).clamp(1, MOST_COLUMNS), (height / LEAST_HEIGHT).clamp(1, MOST_ROWS))
    }

    /// Replaces the grid by that of `view`. What lies outside of its planes counts as black.
    pub fn fill(&mut self, view: &FrameView<'_>) {
        (self.columns, self.rows) = Self::size_for(view.width, view.height);
        self.cells.clear();
        // Of packed RGB green is as good as luma, which is mostly made of it.
        let (bytes, first) = if view.format == PixelFormat::Rgb { (3, 1) } else { (1, 0) };
        let plane = &view.planes[0];
        let row = |y: usize| {
            let start = y * plane.stride;
            plane.data.get(start..start + view.width * bytes).unwrap_or_default()
        };
        let run = RUN.min(view.width);
        for cell_row in 0..self.rows {
            let (top, bottom) = (cell_row * view.height / self.rows, (cell_row + 1) * view.height / self.rows);
            let height = bottom - top;
            let rows = [row(top + height / 4), row(top + height * 3 / 4)];
            for column in 0..self.columns {
                let left = (column * view.width / self.columns).min(view.width - run);
                let mean = if bytes == 1 && run == RUN {
                    let sums = rows
                        .map(|row| row.get(left..left + RUN).and_then(|at| at.first_chunk()).map_or(0, sum_of_eight));
                    (sums[0] + sums[1]) as f32 / (2 * RUN) as f32
                } else {
                    let samples = |row: &[u8]| {
                        (left..left + run)
                            .map(|x| u32::from(row.get(x * bytes + first).copied().unwrap_or(0)))
                            .sum::<u32>()
                    };
                    (samples(rows[0]) + samples(rows[1])) as f32 / (2 * run) as f32
                };
                self.cells.push(mean);
            }
        }
    }
}

/// Eight at once, in one register: pairs, then all four pairs by one multiplication.
fn sum_of_eight(bytes: &[u8; RUN]) -> u32 {
    const EVEN: u64 = 0x00FF_00FF_00FF_00FF;
    const ONES: u64 = 0x0001_0001_0001_0001;
    let word = u64::from_le_bytes(*bytes);
    let pairs = (word & EVEN) + ((word >> 8) & EVEN);
    (pairs.wrapping_mul(ONES) >> 48) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels};

    proptest! {
        #[test]
        fn eight_bytes_are_summed(bytes in any::<[u8; 8]>()) {
            prop_assert_eq!(sum_of_eight(&bytes), bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>());
        }

        #[test]
        fn any_size_gives_cells_between_the_darkest_and_the_brightest_pixel(
            width in 1usize..200, height in 1usize..200, seed in any::<u64>(), rgb in any::<bool>()
        ) {
            let mut random = fastrand::Rng::with_seed(seed);
            let bytes = if rgb { 3 } else { 1 };
            let luma: Vec<u8> = (0..width * bytes * height).map(|_| random.u8(40..=200)).collect();
            let format = if rgb { PixelFormat::Rgb } else { PixelFormat::Nv12 };
            let mut planes = vec![(luma, width * bytes)];
            if !rgb {
                let stride = width.div_ceil(2) * 2;
                planes.push((vec![128; stride * height.div_ceil(2)], stride));
            }
            let colorimetry = Colorimetry { matrix: ColorMatrix::Bt709, range: ColorRange::Limited };
            let pixels = OwnedPixels { format, width, height, colorimetry, planes };
            let mut grid = Grid::default();
            grid.fill(&pixels.view());
            prop_assert_eq!(grid.cells.len(), grid.columns * grid.rows);
            prop_assert!(grid.cells.iter().all(|mean| (40.0..=200.0).contains(mean)));
        }
    }
}
