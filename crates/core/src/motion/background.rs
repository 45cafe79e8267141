//! What a camera shows when nothing moves, and which cells of a frame differ from it.

use std::time::Duration;

use super::grid::Grid;

/// What stands still becomes part of the background within about so long …
const LEARN_STILL: Duration = Duration::from_secs(4);
/// … and what came into the picture after longer, or somebody who stops for a moment would leave a hole behind.
const LEARN_MOVING: Duration = Duration::from_secs(20);
/// How fast the usual unrest of a cell is learnt: foliage, a screen, the pulse of an encoder's key frames.
const LEARN_UNREST: Duration = Duration::from_secs(10);
/// A cell differs when it does so by more than so many times its usual unrest …
const UNRESTS: f32 = 4.0;
/// … of which no more than this is believed: where somebody has just walked to and fro, the next one must be seen as well.
const MOST_UNREST: f32 = 5.0;
/// When so large a share of the cells differs it is the light that has changed, or the camera that was turned: what is
/// learnt by then is worth nothing.
const ALL_NEW: f32 = 0.7;

/// Mean and usual unrest (mean absolute difference) of each cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Background {
    mean: Vec<f32>,
    unrest: Vec<f32>,
    /// Cells of the last frame that differ: 1, others 0. A frame of zeros all around keeps neighbours free of conditions.
    moving: Vec<u8>,
    columns: usize,
}

impl Background {
    pub fn forget(&mut self) {
        self.mean.clear();
    }

    /// Compares `grid`, which came `since_last` after the one before, with what was learnt, and learns from it. `watched`: 1
    /// for each cell that counts. Returns how many cells differ by `least` levels or more and have at least two such
    /// neighbours: what differs alone is noise. Nothing is returned for the first frame, and for one that is all new.
    pub fn compare(&mut self, grid: &Grid, watched: &[u8], least: f32, since_last: Duration) -> Option<usize> {
        let padded = grid.columns + 2;
        if self.mean.len() != grid.cells.len() || self.columns != grid.columns {
            self.columns = grid.columns;
            self.mean.clone_from(&grid.cells);
            self.unrest = vec![0.0; grid.cells.len()];
            self.moving = vec![0; padded * (grid.rows + 2)];
            return None;
        }
        let [still, moving, unrest_rate] = [LEARN_STILL, LEARN_MOVING, LEARN_UNREST].map(|time| rate(since_last, time));
        let mut differing = 0usize;
        let rows = self.mean.chunks_exact_mut(grid.columns).zip(self.unrest.chunks_exact_mut(grid.columns));
        let seen = grid.cells.chunks_exact(grid.columns).zip(watched.chunks_exact(grid.columns));
        let marks = self.moving.chunks_exact_mut(padded).skip(1);
        for (((mean, unrest), (cells, watched)), marks) in rows.zip(seen).zip(marks) {
            let cells = mean.iter_mut().zip(unrest).zip(cells).zip(watched).zip(&mut marks[1..]);
            // Without a branch, so that several cells are done at once.
            for ((((mean, unrest), &cell), &watched), mark) in cells {
                let difference = cell - *mean;
                let size = difference.abs();
                let differs = size > least.max(UNRESTS * *unrest);
                *mark = u8::from(differs) & watched;
                *mean += difference * if differs { moving } else { still };
                *unrest += (size.min(MOST_UNREST) - *unrest) * unrest_rate;
                differing += usize::from(*mark);
            }
        }
        let watched_cells: usize = watched.iter().map(|watched| usize::from(*watched)).sum();
        if differing as f32 > ALL_NEW * watched_cells as f32 {
            self.mean.clone_from(&grid.cells);
            return None;
        }
        Some(if differing == 0 { 0 } else { self.clustered() })
    }

    /// Differing cells that have at least two differing neighbours among the eight around them.
    fn clustered(&self) -> usize {
        let padded = self.columns + 2;
        let rows = self.moving.len() / padded;
        let mut count = 0;
        for row in 1..rows.saturating_sub(1) {
            let at = |row: usize| &self.moving[row * padded..(row + 1) * padded];
            let (above, here, below) = (at(row - 1), at(row), at(row + 1));
            for column in 1..=self.columns {
                if here[column] == 0 {
                    continue;
                }
                let around = |row: &[u8]| row[column - 1] + row[column] + row[column + 1];
                // The cell itself is one of them.
                count += usize::from(around(above) + around(here) + around(below) > 2);
            }
        }
        count
    }
}

/// The share of a difference that is learnt when `elapsed` have passed, with a memory of `time`.
fn rate(elapsed: Duration, time: Duration) -> f32 {
    let elapsed = elapsed.as_secs_f32();
    elapsed / (elapsed + time.as_secs_f32())
}
