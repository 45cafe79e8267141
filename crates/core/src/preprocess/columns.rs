//! A source row to the tensor's columns.

use super::axis::{Axis, LANES, Lanes, between, whole};
use crate::simd::{
    Kind, Level, kernel,
    pick::{self, Picks},
};

/// Which samples of a source row lie around each of the tensor's columns, and how much they count.
///
/// A row has one sample per position (luma, planar chroma), two (interleaved U and V) or three (packed R, G and B), and
/// so has what is made of it.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Samples per position.
    step: usize,
    /// The source has one position only: there is no second one to read.
    single: bool,
    /// Columns that are read; those up to the next multiple of [`LANES`] have entries in the tables, too.
    length: usize,
    /// Where in the row the first of each column's two positions begins.
    offsets: Vec<u32>,
    /// How much the second position counts, in Q15, for each sample.
    weights: Vec<[i16; LANES]>,
    picks: Picks,
}

impl Columns {
    /// For `positions` of `step` samples in the source that span `extent`, resized to `length`.
    pub(super) fn rebuild(&mut self, level: Level, positions: usize, extent: f64, length: usize, step: usize) {
        self.step = step;
        self.single = positions < 2;
        self.length = length;
        self.offsets.clear();
        let padded = length.next_multiple_of(LANES);
        self.weights.resize(padded * step / LANES, [0; LANES]);
        let axis = Axis::new(positions, extent, length);
        for (index, weights) in self.weights.as_flattened_mut().chunks_exact_mut(step).enumerate() {
            let tap = axis.tap(index);
            self.offsets.push((tap.first * step) as u32);
            weights.fill(tap.weight);
        }
        self.picks.clear();
        if !self.single {
            let offsets = self.offsets.iter().flat_map(|&offset| offset..offset + step as u32);
            self.picks.rebuild(level, offsets, step, positions * step);
        }
    }

    /// Blocks of [`LANES`] samples that a sampled row has.
    pub(super) fn blocks(&self) -> usize {
        self.weights.len()
    }

    /// Samples `row` into Q6.
    pub(super) fn sample(&self, level: Level, row: &[u8], scratch: &mut Scratch, into: &mut Lanes<i16>) {
        if self.single {
            for into in into.as_flattened_mut().chunks_exact_mut(self.step) {
                into.iter_mut().zip(row).for_each(|(into, &sample)| *into = whole(sample));
            }
            return;
        }
        match level.kind() {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 if !self.picks.long.is_empty() => {
                // SAFETY: a `Level` of this kind is made only where the CPU was asked for these features.
                unsafe { sample_long(row, &self.picks.long, &self.weights, into) }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni | Kind::Avx512 if !self.picks.short.is_empty() => {
                // SAFETY: as above; AVX-512 includes AVX2.
                unsafe { sample_short(row, &self.picks.short, &self.weights, into) }
            }
            #[cfg(target_arch = "aarch64")]
            Kind::Neon if !self.picks.long.is_empty() => sample_long(row, &self.picks.long, &self.weights, into),
            _ => self.sample_one_by_one(level, row, scratch, into),
        }
    }

    /// One load and one store per position, then the arithmetic over packed values, many at once.
    fn sample_one_by_one(&self, level: Level, row: &[u8], scratch: &mut Scratch, into: &mut Lanes<i16>) {
        let offsets = &self.offsets[..self.length];
        let blocks = self.blocks();
        match self.step {
            1 => {
                let pairs = scratch.pairs(blocks);
                for (pair, &offset) in pairs.as_flattened_mut().iter_mut().zip(offsets) {
                    let samples = &row[offset as usize..][..2];
                    *pair = u16::from_le_bytes([samples[0], samples[1]]);
                }
                interpolate_pairs(level, pairs, &self.weights, into);
            }
            2 => {
                let [firsts, seconds] = scratch.samples(blocks);
                pick_positions::<2>(row, offsets, firsts, seconds);
                interpolate(level, firsts, seconds, &self.weights, into);
            }
            _ => {
                let [firsts, seconds] = scratch.samples(blocks);
                pick_positions::<3>(row, offsets, firsts, seconds);
                interpolate(level, firsts, seconds, &self.weights, into);
            }
        }
    }
}

/// The source samples of one row, picked out of it and packed, before they are interpolated.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pairs: Vec<[u16; LANES]>,
    samples: [Vec<[u8; LANES]>; 2],
}

impl Scratch {
    fn pairs(&mut self, blocks: usize) -> &mut Lanes<u16> {
        self.pairs.resize(blocks, [0; LANES]);
        &mut self.pairs
    }

    fn samples(&mut self, blocks: usize) -> [&mut Lanes<u8>; 2] {
        self.samples.each_mut().map(|samples| {
            samples.resize(blocks, [0; LANES]);
            samples.as_mut_slice()
        })
    }
}

fn pick_positions<const STEP: usize>(row: &[u8], offsets: &[u32], firsts: &mut Lanes<u8>, seconds: &mut Lanes<u8>) {
    let firsts = firsts.as_flattened_mut().as_chunks_mut::<STEP>().0;
    let seconds = seconds.as_flattened_mut().as_chunks_mut::<STEP>().0;
    for ((first, second), &offset) in firsts.iter_mut().zip(seconds).zip(offsets) {
        let samples = &row[offset as usize..][..2 * STEP];
        first.copy_from_slice(&samples[..STEP]);
        second.copy_from_slice(&samples[STEP..]);
    }
}

kernel! {
    fn interpolate_pairs(pairs: &Lanes<u16>, weights: &Lanes<i16>, into: &mut Lanes<i16>) {
        for ((into, pairs), weights) in into.iter_mut().zip(pairs).zip(weights) {
            interpolate_block(pairs, weights, into);
        }
    }
}

kernel! {
    fn interpolate(firsts: &Lanes<u8>, seconds: &Lanes<u8>, weights: &Lanes<i16>, into: &mut Lanes<i16>) {
        for (((into, firsts), seconds), weights) in into.iter_mut().zip(firsts).zip(seconds).zip(weights) {
            for lane in 0..LANES {
                into[lane] = between(i16::from(firsts[lane]), i16::from(seconds[lane]), weights[lane]);
            }
        }
    }
}

/// Pairs of samples, the first in the lower byte, to what lies between them.
#[inline(always)]
fn interpolate_block<const N: usize>(pairs: &[u16; N], weights: &[i16; N], into: &mut [i16; N]) {
    for lane in 0..N {
        let (first, second) = ((pairs[lane] & 0xFF).cast_signed(), (pairs[lane] >> 8).cast_signed());
        into[lane] = between(first, second, weights[lane]);
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi"))]
fn sample_long(row: &[u8], picks: &[pick::LongBlock], weights: &Lanes<i16>, into: &mut Lanes<i16>) {
    let weights = weights.as_flattened().as_chunks::<{ pick::PAIRS }>().0;
    let into = into.as_flattened_mut().as_chunks_mut::<{ pick::PAIRS }>().0;
    for ((into, weights), block) in into.iter_mut().zip(weights).zip(picks) {
        interpolate_block(&block.pick(row), weights, into);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sample_short(row: &[u8], picks: &[pick::ShortBlock], weights: &Lanes<i16>, into: &mut Lanes<i16>) {
    let weights = weights.as_flattened().as_chunks::<{ pick::PAIRS }>().0;
    let into = into.as_flattened_mut().as_chunks_mut::<{ pick::PAIRS }>().0;
    for ((into, weights), block) in into.iter_mut().zip(weights).zip(picks) {
        interpolate_block(&block.pick(row), weights, into);
    }
}
