//! Which of the class logits are worth a look. Nearly all of the 1917×91 are far too low, which in logit space is one
//! comparison each.

use libm::expf;

use crate::simd::kernel;

/// Rows that are scanned at once: one bit each.
pub(super) const ROWS: usize = 64;
/// Logits that are computed with at once.
const LANES: usize = 16;
/// Logits that are compared at once: measured with AVX2 and AVX-512, and with SSE2's short vectors.
const BLOCK: usize = if cfg!(target_arch = "x86_64") { 32 } else { 16 };

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    /// Logits of one row.
    pub class_count: usize,
    /// Passed over: in softmax networks it wins in nearly all rows. Less than `class_count`.
    pub background: Option<usize>,
    /// What a logit has to reach; in a softmax, as [`least_of_softmax`] has it.
    pub least: f32,
}

kernel! {
    /// A bit for each of at most [`ROWS`] rows in which any class but the background reaches `scan.least`.
    pub(super) fn rows_reaching(rows: &[f32], scan: Scan) -> u64 {
        let mut reaching = 0;
        for (number, row) in rows.chunks_exact(scan.class_count).enumerate() {
            let (before, after) = around_background(row, &scan);
            let any = any_reaches(before, scan.least) | any_reaches(after, scan.least);
            reaching |= u64::from(any) << number;
        }
        reaching
    }
}

kernel! {
    /// A bit for each of at most [`ROWS`] rows in which any class but the background may have a high enough softmax.
    ///
    /// The greatest of a row is the background or more. If it is more, then it reaches a score of its own class; so the
    /// background alone decides, and the greatest need not be looked for. Without one all rows are worth a look.
    pub(super) fn rows_reaching_softmax(rows: &[f32], scan: Scan) -> u64 {
        let mut reaching = 0;
        for (number, row) in rows.chunks_exact(scan.class_count).enumerate() {
            let (before, after) = around_background(row, &scan);
            let background = scan.background.map_or(f32::NEG_INFINITY, |background| greater(f32::NEG_INFINITY, row[background]));
            let least = least_of_softmax(background, scan.least);
            let any = any_reaches(before, least) | any_reaches(after, least);
            reaching |= u64::from(any) << number;
        }
        reaching
    }
}

kernel! {
    /// The greatest logit and the sum of exp(logit - greatest) over all classes, the background included, added up in
    /// their order.
    pub(super) fn softmax_sum(row: &[f32]) -> (f32, f32) {
        let greatest = greatest(row);
        let mut sum = 0.0;
        for logits in row.chunks(LANES) {
            let mut powers = [0.0; LANES];
            if let Some(logits) = logits.as_array::<LANES>() {
                for lane in 0..LANES {
                    powers[lane] = logits[lane] - greatest;
                }
            } else {
                for (power, logit) in powers.iter_mut().zip(logits) {
                    *power = logit - greatest;
                }
            }
            let terms = exponentials(&powers);
            for term in &terms[..logits.len()] {
                sum += term;
            }
        }
        (greatest, sum)
    }
}

/// The least logit that can still have a softmax of a score whose logarithm is `ln_score`, a hair lower: the sum is at
/// least the greatest term.
#[inline(always)]
pub(super) fn least_of_softmax(greatest: f32, ln_score: f32) -> f32 {
    if ln_score == f32::NEG_INFINITY { ln_score } else { greatest + ln_score - 1e-3 }
}

#[inline(always)]
fn around_background<'a>(row: &'a [f32], scan: &Scan) -> (&'a [f32], &'a [f32]) {
    scan.background.map_or((row, &[]), |background| (&row[..background], &row[background + 1..]))
}

/// Whether any reaches `least`; NaN does not. Without a branch per element, so that many are compared at once.
#[inline(always)]
pub(super) fn any_reaches(logits: &[f32], least: f32) -> bool {
    let mut any = false;
    let Some(last) = logits.last_chunk::<BLOCK>() else {
        for &logit in logits {
            any |= logit >= least;
        }
        return any;
    };
    // The last block shows some a second time, so that no remainder is left.
    for block in logits.as_chunks::<BLOCK>().0 {
        any |= any_of_block_reaches(block, least);
    }
    any | any_of_block_reaches(last, least)
}

#[inline(always)]
fn any_of_block_reaches(logits: &[f32; BLOCK], least: f32) -> bool {
    let mut any = false;
    for &logit in logits {
        any |= logit >= least;
    }
    any
}

/// The greatest logit; NaN is none.
#[inline(always)]
fn greatest(logits: &[f32]) -> f32 {
    let mut lanes = greatest_by_lane(logits);
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] = greater(lanes[lane], lanes[lane + width]);
        }
    }
    lanes[0]
}

/// The greatest of each [`LANES`]th logit, without a branch per element, so that many are done at once.
#[inline(always)]
fn greatest_by_lane(logits: &[f32]) -> [f32; LANES] {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let Some(last) = logits.last_chunk::<LANES>() else {
        for (lane, &logit) in lanes.iter_mut().zip(logits) {
            *lane = greater(*lane, logit);
        }
        return lanes;
    };
    // The last block shows some a second time, as above.
    for block in logits.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            lanes[lane] = greater(lanes[lane], block[lane]);
        }
    }
    for lane in 0..LANES {
        lanes[lane] = greater(lanes[lane], last[lane]);
    }
    lanes
}

/// `a`, which is no NaN, unless `b` is greater.
#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// [`exp`] of each.
#[inline(always)]
fn exponentials(powers: &[f32; LANES]) -> [f32; LANES] {
    let mut ordinary = true;
    for &power in powers {
        ordinary &= is_ordinary(power);
    }
    let mut all = [0.0; LANES];
    if ordinary {
        for lane in 0..LANES {
            all[lane] = ordinary_exp(powers[lane]);
        }
    } else {
        for lane in 0..LANES {
            all[lane] = expf(powers[lane]);
        }
    }
    all
}

/// `expf`. That of `libm` is the same on every CPU, and so is this one: the same operations in the same order, but with
/// choices instead of branches, so that the compiler does many at once and the CPU never guesses wrong. What needs other
/// branches is left to `libm`.
#[inline(always)]
pub(super) fn exp(power: f32) -> f32 {
    if is_ordinary(power) { ordinary_exp(power) } else { expf(power) }
}

/// Whether the exponential is neither subnormal nor zero nor infinite. A NaN is not ordinary.
#[inline(always)]
fn is_ordinary(power: f32) -> bool {
    (-87.0..=88.0).contains(&power)
}

/// `libm::expf` of what is ordinary (FreeBSD's e_expf.c).
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "as they stand in the original")]
fn ordinary_exp(power: f32) -> f32 {
    const LN2_HIGH: f32 = 6.9314575195e-01;
    const LN2_LOW: f32 = 1.4286067653e-06;
    const INVERSE_LN2: f32 = 1.4426950216e+00;
    const P1: f32 = 1.6666625440e-1;
    const P2: f32 = -2.7667332906e-3;
    const HALF_LN2: f32 = f32::from_bits(0x3eb1_7218);
    const THREE_HALVES_LN2: f32 = f32::from_bits(0x3f85_1592);
    const TINY: f32 = f32::from_bits(0x3900_0000);

    let magnitude = power.abs();
    let far = INVERSE_LN2 * power + 0.5f32.copysign(power);
    let near = if magnitude > HALF_LN2 { 1.0f32.copysign(power) } else { 0.0 };
    let exponent = if magnitude > THREE_HALVES_LN2 { far } else { near } as i32;
    let high = power - exponent as f32 * LN2_HIGH;
    let low = exponent as f32 * LN2_LOW;
    let rest = high - low;
    let square = rest * rest;
    let c = rest - square * (P1 + square * P2);
    let mantissa = 1.0 + (rest * c / (2.0 - c) - low + high);
    let scaled = mantissa * f32::from_bits(((127 + exponent) << 23).cast_unsigned());
    if magnitude > TINY { scaled } else { 1.0 + power }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::Level;

    /// Every 251st float from -88 to 89, and those around the borders of its cases.
    #[test]
    fn exponentials_are_those_of_libm() {
        let borders = [0x3900_0000u32, 0x3eb1_7218, 0x3f85_1592, 0x42ae_0000, 0x42ae_ac50, 0x42b0_0000, 0x42b1_7218];
        let around = borders.into_iter().flat_map(|border| border - 200..border + 200);
        let magnitudes = (0..89f32.to_bits()).step_by(251).chain(around);
        let check = |power: f32, found: f32| assert_eq!(found.to_bits(), expf(power).to_bits(), "{power:e}");
        for magnitude in magnitudes {
            let power = f32::from_bits(magnitude);
            check(power, exp(power));
            check(-power, exp(-power));
        }
        let powers: [f32; LANES] = std::array::from_fn(|lane| 0.7 * lane as f32 - 20.0);
        powers.into_iter().zip(exponentials(&powers)).for_each(|(power, found)| check(power, found));
    }

    /// Mostly ordinary logits, some that are not.
    fn logits() -> impl Strategy<Value = Vec<f32>> {
        let special = prop::sample::select(&[0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -200.0][..]);
        prop::collection::vec(prop_oneof![40 => -12.0f32..4.0, 1 => special], 1..700)
    }

    /// As the text-book has it, one after the other.
    fn plain_reaching(rows: &[f32], scan: Scan, softmax: bool) -> u64 {
        let mut reaching = 0;
        for (number, row) in rows.chunks_exact(scan.class_count).enumerate() {
            let greatest = row.iter().copied().filter(|logit| !logit.is_nan()).fold(f32::NEG_INFINITY, f32::max);
            let least = if softmax { least_of_softmax(greatest, scan.least) } else { scan.least };
            let mut classes = row.iter().enumerate().filter(|(class, _)| Some(*class) != scan.background);
            let any = classes.any(|(_, &logit)| logit >= least);
            reaching |= u64::from(any) << number;
        }
        reaching
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn every_level_finds_the_same_rows(
            logits in logits(),
            class_count in 11usize..140,
            background in prop::option::of(0usize..11),
            least in prop_oneof![-8.0f32..4.0, Just(f32::NEG_INFINITY)],
        ) {
            let scan = Scan { class_count, background, least };
            for level in Level::available() {
                let name = level.name();
                prop_assert_eq!(rows_reaching(level, &logits, scan), plain_reaching(&logits, scan, false), "{}", name);
                let found = rows_reaching_softmax(level, &logits, scan);
                // Rows that are looked at in vain cost time alone.
                let expected = plain_reaching(&logits, scan, true);
                prop_assert_eq!(found & expected, expected, "{}", name);
                prop_assert_eq!(found, rows_reaching_softmax(Level::PORTABLE, &logits, scan), "{}", name);
            }
        }

        #[test]
        fn every_level_adds_up_the_same_softmax(logits in logits()) {
            let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, greater);
            let expected: f32 = logits.iter().map(|logit| expf(logit - greatest)).sum();
            for level in Level::available() {
                let (found_greatest, found) = softmax_sum(level, &logits);
                // The greatest of 0 and -0 is either.
                prop_assert_eq!(found_greatest, greatest);
                prop_assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()));
            }
        }
    }
}
