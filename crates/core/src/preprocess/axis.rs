//! Which source samples an output column or row lies between, and how much each counts.

/// Fractional bits of a weight.
const WEIGHT_BITS: u32 = 15;
/// Fractional bits of an interpolated value: 255 in Q6 is 16 320, whose double still fits an `i16`.
pub(super) const SAMPLE_BITS: u32 = 6;

/// The two source samples of one output position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    /// Index of the first sample.
    pub first: usize,
    /// Index of the second sample: `first + 1`, or `first` where there is only one.
    pub second: usize,
    /// How much the second one counts, in Q15: 0..=32767.
    pub weight: i16,
}

/// The taps of every output position along one side.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// Index of the first of two neighbouring source samples, times the samples per position.
    offsets: Vec<u32>,
    /// How much the second counts, in Q15.
    weights: Vec<i16>,
    /// Source samples from one position to the next: 3 for packed RGB, 2 for interleaved U and V.
    step: usize,
    /// The source has one position only: there is no second one to read.
    single: bool,
}

impl Axis {
    /// For `positions` source positions that span `extent` (less than `positions` for the chroma of an odd size),
    /// resized to `length`.
    pub(super) fn rebuild(&mut self, positions: usize, extent: f64, length: usize, step: usize) {
        self.step = step;
        self.single = positions < 2;
        self.offsets.clear();
        self.weights.clear();
        let scale = extent / length as f64;
        let last_first = positions.saturating_sub(2);
        for index in 0..length {
            // Pixel centres lie at half coordinates; outside the outermost centres the edge sample counts alone.
            let center = ((index as f64 + 0.5) * scale - 0.5).clamp(0.0, (positions - 1) as f64);
            let first = (center.floor() as usize).min(last_first);
            let weight = (center - first as f64) * f64::from(1u32 << WEIGHT_BITS);
            self.offsets.push((first * step) as u32);
            self.weights.push(weight.round().min(f64::from(i16::MAX)) as i16);
        }
    }

    /// The taps of output position `index`, as positions.
    pub(super) fn tap(&self, index: usize) -> Tap {
        let first = self.offsets[index] as usize / self.step;
        let second = if self.single { first } else { first + 1 };
        Tap { first, second, weight: self.weights[index] }
    }

    /// Samples a row of single values.
    pub(super) fn sample(&self, row: &[u8], scratch: &mut Scratch, into: &mut [i16]) {
        if self.single {
            into.fill(whole(row[0]));
            return;
        }
        let [pairs, _] = scratch.of(self.offsets.len());
        for (pair, &offset) in pairs.iter_mut().zip(&self.offsets) {
            let offset = offset as usize;
            let taps = &row[offset..offset + 2];
            *pair = u16::from_le_bytes([taps[0], taps[1]]);
        }
        for ((into, &pair), &weight) in into.iter_mut().zip(&*pairs).zip(&self.weights) {
            *into = between(lower_byte(pair), upper_byte(pair), weight);
        }
    }

    /// Samples a row of interleaved pairs (U, V).
    pub(super) fn sample_two(&self, row: &[u8], scratch: &mut Scratch, into_u: &mut [i16], into_v: &mut [i16]) {
        if self.single {
            into_u.fill(whole(row[0]));
            into_v.fill(whole(row[1]));
            return;
        }
        let [firsts, seconds] = scratch.of(self.offsets.len());
        for ((first, second), &offset) in firsts.iter_mut().zip(&mut *seconds).zip(&self.offsets) {
            let offset = offset as usize;
            let taps = &row[offset..offset + 4];
            *first = u16::from_le_bytes([taps[0], taps[1]]);
            *second = u16::from_le_bytes([taps[2], taps[3]]);
        }
        let taps = firsts.iter().zip(&*seconds);
        for (((u, v), (&first, &second)), &weight) in into_u.iter_mut().zip(into_v).zip(taps).zip(&self.weights) {
            *u = between(lower_byte(first), lower_byte(second), weight);
            *v = between(upper_byte(first), upper_byte(second), weight);
        }
    }

    /// Samples a row of packed triples (R, G, B) into packed triples.
    pub(super) fn sample_three(&self, row: &[u8], into: &mut [i16]) {
        if self.single {
            for into in into.chunks_exact_mut(3) {
                into.copy_from_slice(&[whole(row[0]), whole(row[1]), whole(row[2])]);
            }
            return;
        }
        for ((into, &offset), &weight) in into.chunks_exact_mut(3).zip(&self.offsets).zip(&self.weights) {
            let offset = offset as usize;
            let taps = &row[offset..offset + 6];
            for channel in 0..3 {
                into[channel] = between(i16::from(taps[channel]), i16::from(taps[channel + 3]), weight);
            }
        }
    }
}

/// The source samples of one row, picked out of it and packed, before they are interpolated.
///
/// Picking is one load and one store per position, which no vector unit helps with; the arithmetic then runs over
/// packed values, eight at once.
#[derive(Debug, Default)]
pub(super) struct Scratch([Vec<u16>; 2]);

impl Scratch {
    fn of(&mut self, length: usize) -> [&mut [u16]; 2] {
        self.0.each_mut().map(|row| {
            row.resize(length, 0);
            row.as_mut_slice()
        })
    }
}

/// A sample in Q6.
fn whole(sample: u8) -> i16 {
    i16::from(sample) << SAMPLE_BITS
}

fn lower_byte(pair: u16) -> i16 {
    (pair & 0xFF).cast_signed()
}

fn upper_byte(pair: u16) -> i16 {
    (pair >> 8).cast_signed()
}

/// Linear interpolation of two samples, in Q6; `weight` of the second in Q15.
#[inline(always)]
fn between(first: i16, second: i16, weight: i16) -> i16 {
    // 255 in Q7 is the most that fits 16 bits; times Q15, less 16 bits, is Q6.
    (first << SAMPLE_BITS) + upper_half((second - first) << 7, weight)
}

/// Linear interpolation of two Q6 values; `weight` of the second in Q15.
#[inline(always)]
pub(super) fn between_rows(top: i16, bottom: i16, weight: i16) -> i16 {
    top + upper_half((bottom - top) << 1, weight)
}

/// The upper half of a 16-bit product.
///
/// SSE2 does this to eight values in one instruction (`pmulhw`), and LLVM finds that instruction as long as both factors
/// come from memory as 16 bits or one is a constant. A factor kept in a variable over the loop is widened outside it,
/// and each product of four values then takes two 32-bit multiplications and several shuffles.
#[inline(always)]
pub(super) fn upper_half(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_reads_every_sample_alone() {
        let mut axis = Axis::default();
        axis.rebuild(5, 5.0, 5, 1);
        let mut into = [0i16; 5];
        axis.sample(&[10, 20, 30, 40, 255], &mut Scratch::default(), &mut into);
        // The last one is read as the second of its pair, whose weight ends at 32767/32768.
        let rounded: Vec<i16> = into.iter().map(|v| (v + 32) >> 6).collect();
        assert_eq!(rounded, [10, 20, 30, 40, 255]);
    }

    #[test]
    fn half_the_size_reads_between_the_pairs() {
        let mut axis = Axis::default();
        axis.rebuild(4, 4.0, 2, 1);
        let mut into = [0i16; 2];
        axis.sample(&[0, 100, 200, 220], &mut Scratch::default(), &mut into);
        assert_eq!(into, [50 << 6, 210 << 6]);
    }

    #[test]
    fn edges_are_clamped_when_enlarging() {
        let mut axis = Axis::default();
        axis.rebuild(2, 2.0, 8, 1);
        assert_eq!(axis.tap(0), Tap { first: 0, second: 1, weight: 0 });
        assert_eq!(axis.tap(7), Tap { first: 0, second: 1, weight: i16::MAX });
    }
}
