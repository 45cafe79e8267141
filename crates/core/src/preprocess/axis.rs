//! Which source samples an output column or row lies between, and how much each counts.

/// Fractional bits of a weight.
const WEIGHT_BITS: u32 = 15;
/// Rows in work are as long as a multiple of this, so that no kernel has a remainder to care for: 32 values of 16 bits are
/// the widest vector. What is in the last places is computed from the row's last samples, and never read.
pub(super) const LANES: usize = 32;
/// A row in work.
pub(super) type Lanes<T> = [[T; LANES]];
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

/// Which taps the output positions along one side have.
pub(super) struct Axis {
    positions: usize,
    /// Source samples from one output position to the next.
    scale: f64,
}

impl Axis {
    /// For `positions` source positions that span `extent` (less than `positions` for the chroma of an odd size),
    /// resized to `length`.
    pub(super) fn new(positions: usize, extent: f64, length: usize) -> Self {
        Self { positions, scale: extent / length as f64 }
    }

    /// The taps of output position `index`. Those beyond the last one have some, too: see [`LANES`].
    pub(super) fn tap(&self, index: usize) -> Tap {
        // Pixel centres lie at half coordinates; outside the outermost centres the edge sample counts alone.
        let center = ((index as f64 + 0.5) * self.scale - 0.5).clamp(0.0, (self.positions - 1) as f64);
        let first = (center.floor() as usize).min(self.positions.saturating_sub(2));
        let weight = (center - first as f64) * f64::from(1u32 << WEIGHT_BITS);
        let second = if self.positions < 2 { first } else { first + 1 };
        Tap { first, second, weight: weight.round().min(f64::from(i16::MAX)) as i16 }
    }
}

/// A sample in Q6.
pub(super) fn whole(sample: u8) -> i16 {
    i16::from(sample) << SAMPLE_BITS
}

/// Linear interpolation of two samples, in Q6; `weight` of the second in Q15.
#[inline(always)]
pub(super) fn between(first: i16, second: i16, weight: i16) -> i16 {
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
        let axis = Axis::new(3, 3.0, 3);
        assert_eq!(axis.tap(0), Tap { first: 0, second: 1, weight: 0 });
        assert_eq!(axis.tap(1), Tap { first: 1, second: 2, weight: 0 });
        // The last one is read as the second of its pair, whose weight ends at 32767/32768.
        assert_eq!(axis.tap(2), Tap { first: 1, second: 2, weight: i16::MAX });
    }

    #[test]
    fn half_the_size_reads_between_the_pairs() {
        let axis = Axis::new(4, 4.0, 2);
        assert_eq!(axis.tap(0), Tap { first: 0, second: 1, weight: 1 << 14 });
        assert_eq!(axis.tap(1), Tap { first: 2, second: 3, weight: 1 << 14 });
    }

    #[test]
    fn edges_are_clamped_when_enlarging() {
        let axis = Axis::new(2, 2.0, 8);
        assert_eq!(axis.tap(0), Tap { first: 0, second: 1, weight: 0 });
        assert_eq!(axis.tap(7), Tap { first: 0, second: 1, weight: i16::MAX });
        // Beyond the last one.
        assert_eq!(axis.tap(31), axis.tap(7));
    }
}
