//! Pairs of neighbouring samples out of a row, by table look-up: sixteen pairs with one to four instructions where
//! plain code needs a load and a store for each.
//!
//! Each pair is the bytes at `offset` and `offset + step` of the row. Consecutive pairs lie near each other, so a few
//! loads see them all; which of the loaded bytes make a pair is computed once per frame size.

/// Pairs that are picked at once.
pub(crate) const PAIRS: usize = 16;

/// Bytes of a short window: one table of `pshufb`.
const SHORT: usize = 16;
/// Bytes of a long window: one table of `vpermb`, or of NEON's `tbl`.
const LONG: usize = 64;
/// Pairs out of each short window.
const PAIRS_OF_SHORT: usize = 4;
/// An index that gives zero instead of a byte of the table.
const NOTHING: u8 = 0x80;

/// Where sixteen pairs are, as a window of 64 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct LongBlock {
    indices: [u8; 2 * PAIRS],
    start: u32,
}

/// Where sixteen pairs are, as four windows of 16 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct ShortBlock {
    /// Two windows each: one of the lower and one of the upper half of the pairs.
    indices: [[u8; 2 * PAIRS]; 2],
    starts: [u32; 4],
}

/// How the pairs of one row are picked.
#[derive(Debug, Default)]
pub(crate) struct Picks {
    pub long: Vec<LongBlock>,
    pub short: Vec<ShortBlock>,
}

impl Picks {
    pub(crate) fn clear(&mut self) {
        self.long.clear();
        self.short.clear();
    }

    /// Tables for the pairs at `offsets` (a multiple of [`PAIRS`] of them) in rows of `row_bytes`, for the widest of
    /// `level`'s instructions that sees them. None where pairs are too far apart: plain code picks them then.
    pub(crate) fn rebuild(
        &mut self,
        level: super::Level,
        offsets: impl Iterator<Item = u32> + Clone,
        step: usize,
        row_bytes: usize,
    ) {
        self.clear();
        let (long, short) = match level.kind() {
            super::Kind::Portable => (false, false),
            super::Kind::Neon => (true, false),
            super::Kind::Avx2 | super::Kind::AvxVnni => (false, true),
            super::Kind::Avx512 => (true, true),
        };
        if long && self.rebuild_long(offsets.clone(), step, row_bytes).is_none() {
            self.long.clear();
        }
        if short && self.long.is_empty() && self.rebuild_short(offsets, step, row_bytes).is_none() {
            self.short.clear();
        }
    }

    fn rebuild_long(&mut self, mut offsets: impl Iterator<Item = u32>, step: usize, row_bytes: usize) -> Option<()> {
        while let Some(block) = next_offsets::<PAIRS>(&mut offsets) {
            let start = window_start::<LONG>(&block, step, row_bytes)?;
            let mut indices = [0; 2 * PAIRS];
            set_indices(&mut indices, &block, start, step);
            self.long.push(LongBlock { indices, start });
        }
        Some(())
    }

    fn rebuild_short(&mut self, mut offsets: impl Iterator<Item = u32>, step: usize, row_bytes: usize) -> Option<()> {
        while let Some(block) = next_offsets::<PAIRS>(&mut offsets) {
            let mut short = ShortBlock { indices: [[NOTHING; 2 * PAIRS]; 2], starts: [0; 4] };
            let (windows, _) = block.as_chunks::<PAIRS_OF_SHORT>();
            for (number, window) in windows.iter().enumerate() {
                let start = window_start::<SHORT>(window, step, row_bytes)?;
                let bytes = 2 * PAIRS_OF_SHORT;
                let into = &mut short.indices[number % 2][number * bytes..][..bytes];
                set_indices(into, window, start, step);
                short.starts[number] = start;
            }
            self.short.push(short);
        }
        Some(())
    }
}

fn next_offsets<const N: usize>(offsets: &mut impl Iterator<Item = u32>) -> Option<[u32; N]> {
    let mut block = [offsets.next()?; N];
    for slot in &mut block[1..] {
        *slot = offsets.next()?;
    }
    Some(block)
}

/// Where a window of `SPAN` bytes begins that lies in the row and has all the pairs in it.
fn window_start<const SPAN: usize>(offsets: &[u32], step: usize, row_bytes: usize) -> Option<u32> {
    let (first, last) = (*offsets.iter().min()? as usize, *offsets.iter().max()? as usize + step);
    let start = first.min(row_bytes.checked_sub(SPAN)?);
    (last - start < SPAN).then_some(start as u32)
}

fn set_indices(indices: &mut [u8], offsets: &[u32], start: u32, step: usize) {
    for (pair, &offset) in indices.chunks_exact_mut(2).zip(offsets) {
        let index = (offset - start) as u8;
        pair.copy_from_slice(&[index, index + step as u8]);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_loadu_si128, _mm256_loadu_si256, _mm256_or_si256, _mm256_set_m128i,
        _mm256_shuffle_epi8, _mm256_storeu_si256, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_loadu_si512,
        _mm512_permutexvar_epi8,
    };

    use super::{LONG, LongBlock, PAIRS, SHORT, ShortBlock};

    impl ShortBlock {
        /// The block's pairs of `row`: the first sample in the lower byte, the second in the upper.
        #[inline]
        #[target_feature(enable = "avx2")]
        pub(crate) fn pick(&self, row: &[u8]) -> [u16; PAIRS] {
            let window = |number: usize| {
                let bytes = &row[self.starts[number] as usize..][..SHORT];
                // SAFETY: the slice has the 16 bytes that are read; the load needs no alignment.
                unsafe { _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()) }
            };
            let [even, odd] = self.indices.each_ref().map(|indices| load(indices));
            let even = _mm256_shuffle_epi8(_mm256_set_m128i(window(2), window(0)), even);
            let odd = _mm256_shuffle_epi8(_mm256_set_m128i(window(3), window(1)), odd);
            stored(_mm256_or_si256(even, odd))
        }
    }

    impl LongBlock {
        /// The block's pairs of `row`: the first sample in the lower byte, the second in the upper.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
        pub(crate) fn pick(&self, row: &[u8]) -> [u16; PAIRS] {
            let bytes = &row[self.start as usize..][..LONG];
            // SAFETY: the slice has the 64 bytes that are read; the load needs no alignment.
            let window = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast::<__m512i>()) };
            let indices = _mm512_castsi256_si512(load(&self.indices));
            stored(_mm512_castsi512_si256(_mm512_permutexvar_epi8(indices, window)))
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the array has the 32 bytes that are read; the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn stored(vector: __m256i) -> [u16; PAIRS] {
        let mut pairs = [0u16; PAIRS];
        // SAFETY: the array has the 32 bytes that are written; the store needs no alignment.
        unsafe { _mm256_storeu_si256(pairs.as_mut_ptr().cast::<__m256i>(), vector) };
        pairs
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::{uint8x16x4_t, vld1q_u8, vld1q_u8_x4, vqtbl4q_u8, vst1q_u8};

    use super::{LONG, LongBlock, PAIRS};

    impl LongBlock {
        /// The block's pairs of `row`: the first sample in the lower byte, the second in the upper.
        #[inline]
        pub(crate) fn pick(&self, row: &[u8]) -> [u16; PAIRS] {
            let bytes = &row[self.start as usize..][..LONG];
            // SAFETY: the slice has the 64 bytes that are read.
            let window: uint8x16x4_t = unsafe { vld1q_u8_x4(bytes.as_ptr()) };
            let mut pairs = [0u16; PAIRS];
            let (halves, _) = pairs.as_chunks_mut::<8>();
            for (half, indices) in halves.iter_mut().zip(self.indices.as_chunks::<16>().0) {
                // SAFETY: the arrays have the 16 bytes that are read and written, little-endian as this target is.
                unsafe { vst1q_u8(half.as_mut_ptr().cast::<u8>(), vqtbl4q_u8(window, vld1q_u8(indices.as_ptr()))) };
            }
            pairs
        }
    }
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use crate::simd::Kind;
    use crate::simd::Level;

    #[cfg(target_arch = "x86_64")]
    fn picked(picks: &Picks, level: Level, row: &[u8]) -> Vec<u16> {
        match level.kind() {
            Kind::Portable | Kind::Neon => Vec::new(),
            // SAFETY: a `Level` of this kind is made only where the CPU was asked for these features.
            Kind::Avx2 | Kind::AvxVnni => picks.short.iter().flat_map(|block| unsafe { block.pick(row) }).collect(),
            // SAFETY: as above.
            Kind::Avx512 if picks.short.is_empty() => picks.long.iter().flat_map(|b| unsafe { b.pick(row) }).collect(),
            // SAFETY: as above; AVX-512 includes AVX2.
            Kind::Avx512 => picks.short.iter().flat_map(|block| unsafe { block.pick(row) }).collect(),
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn picked(picks: &Picks, _level: Level, row: &[u8]) -> Vec<u16> {
        picks.long.iter().flat_map(|block| block.pick(row)).collect()
    }

    #[test]
    fn picks_are_the_bytes_at_the_offsets() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut with_tables = 0;
        for round in 0..2000 {
            let step = random.usize(1..=3);
            let positions = random.usize(2..200);
            let row: Vec<u8> = (0..positions * step).map(|_| random.u8(..)).collect();
            // From one position in all pairs to a spread that no window holds.
            let spread = random.usize(1..=positions.min(40));
            let start = random.usize(0..=positions - spread);
            let offsets: Vec<u32> = (0..2 * PAIRS)
                .map(|_| (random.usize(start..start + spread).min(positions - 2) * step + random.usize(0..step)) as u32)
                .collect();
            let pair = |&offset: &u32| u16::from_le_bytes([row[offset as usize], row[offset as usize + step]]);
            let expected: Vec<u16> = offsets.iter().map(pair).collect();
            for level in Level::available() {
                let mut picks = Picks::default();
                picks.rebuild(level, offsets.iter().copied(), step, row.len());
                let found = picked(&picks, level, &row);
                if !found.is_empty() {
                    assert_eq!(found, expected, "{} in round {round}", level.name());
                    with_tables += 1;
                }
            }
        }
        let has_tables = Level::best() != Level::PORTABLE;
        assert_eq!(with_tables > 300, has_tables, "tables were made in {with_tables} rounds");
    }
}
