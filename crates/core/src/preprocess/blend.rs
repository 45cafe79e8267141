//! Two sampled rows to the one between them.

use super::axis::{LANES, Lanes, SAMPLE_BITS, between_rows};
use crate::simd::kernel;

/// The weight of the lower row, once per sample.
///
/// It is the same everywhere. Read from memory it lets the compiler multiply 16-bit values without widening them, see
/// [`super::axis::upper_half`].
#[derive(Debug, Default)]
pub(super) struct RowWeight(Vec<[i16; LANES]>);

impl RowWeight {
    /// For rows of `blocks` times [`LANES`] samples.
    pub(super) fn set(&mut self, weight: i16, blocks: usize) {
        self.0.clear();
        self.0.resize(blocks, [weight; LANES]);
    }

    pub(super) fn as_lanes(&self) -> &Lanes<i16> {
        &self.0
    }
}

kernel! {
    /// Blends two sampled rows (Q6) into one (Q6).
    pub(super) fn blend(rows: [&Lanes<i16>; 2], weights: &Lanes<i16>, into: &mut Lanes<i16>) {
        let [top, bottom] = rows;
        for (((into, top), bottom), weights) in into.iter_mut().zip(top).zip(bottom).zip(weights) {
            for lane in 0..LANES {
                into[lane] = between_rows(top[lane], bottom[lane], weights[lane]);
            }
        }
    }
}

kernel! {
    /// A row of pairs (U, V) as a row of each.
    pub(super) fn split_two(pairs: &Lanes<i16>, first: &mut Lanes<i16>, second: &mut Lanes<i16>) {
        let pairs = pairs.as_flattened().as_chunks::<2>().0;
        let into = first.as_flattened_mut().iter_mut().zip(second.as_flattened_mut());
        for ((first, second), pair) in into.zip(pairs) {
            [*first, *second] = *pair;
        }
    }
}

kernel! {
    /// A row of triples (Q6) as a row of rounded samples of each.
    pub(super) fn split_three(triples: &Lanes<i16>, into: &mut [Vec<[u8; LANES]>; 3]) {
        let [first, second, third] = into.each_mut().map(|row| row.as_flattened_mut());
        let triples = triples.as_flattened().as_chunks::<3>().0;
        for (((first, second), third), triple) in first.iter_mut().zip(second).zip(third).zip(triples) {
            *first = rounded(triple[0]);
            *second = rounded(triple[1]);
            *third = rounded(triple[2]);
        }
    }
}

/// A Q6 value to the nearest sample.
#[inline(always)]
fn rounded(value: i16) -> u8 {
    const HALF: i16 = 1 << (SAMPLE_BITS - 1);
    ((value + HALF) >> SAMPLE_BITS).clamp(0, 255) as u8
}
