//! Two sampled rows to the one between them.

use super::axis::{SAMPLE_BITS, between_rows};

/// The weight of the lower row, once per column.
///
/// It is the same in every column. Read from memory it lets the compiler multiply eight 16-bit values at once, see
/// [`super::axis::upper_half`].
#[derive(Debug, Default)]
pub(super) struct RowWeight(Vec<i16>);

impl RowWeight {
    pub(super) fn set(&mut self, weight: i16, columns: usize) {
        self.0.clear();
        self.0.resize(columns, weight);
    }
}

/// Blends two sampled rows (Q6) into one (Q6).
pub(super) fn blend((top, bottom): (&[i16], &[i16]), weights: &RowWeight, into: &mut [i16]) {
    for (((into, &top), &bottom), &weight) in into.iter_mut().zip(top).zip(bottom).zip(&weights.0) {
        *into = between_rows(top, bottom, weight);
    }
}

/// Blends two sampled rows of packed triples (Q6) into three rows of rounded samples.
pub(super) fn blend_three((top, bottom): (&[i16], &[i16]), weights: &RowWeight, into: &mut [Vec<u8>; 3]) {
    let [first, second, third] = into;
    let pixels = top.chunks_exact(3).zip(bottom.chunks_exact(3)).zip(&weights.0);
    for (((first, second), third), ((top, bottom), &weight)) in first.iter_mut().zip(second).zip(third).zip(pixels) {
        *first = rounded(between_rows(top[0], bottom[0], weight));
        *second = rounded(between_rows(top[1], bottom[1], weight));
        *third = rounded(between_rows(top[2], bottom[2], weight));
    }
}

/// A Q6 value to the nearest sample.
fn rounded(value: i16) -> u8 {
    const HALF: i16 = 1 << (SAMPLE_BITS - 1);
    ((value + HALF) >> SAMPLE_BITS).clamp(0, 255) as u8
}
