//! A small random number generator whose sequence is part of the scenes: the same seed draws the same picture, on
//! every machine and with every version of every dependency.

/// `SplitMix64`. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Two generators of different `stream` are independent although their `seed` is one.
    pub(crate) const fn new(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `low..high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        let fraction = (self.next() >> 40) as f32 / (1u32 << 24) as f32;
        low + (high - low) * fraction
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// Uniform over the elements of a list that is not empty.
    pub(crate) fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        let index = (self.next() % from.len().max(1) as u64) as usize;
        from[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // First outputs of SplitMix64 for seed 1234567, as the reference implementation prints them.
        let mut random = Random::new(1_234_567, 0);
        assert_eq!(
            [random.next(), random.next(), random.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn values_stay_in_their_range() {
        let mut random = Random::new(7, 3);
        for _ in 0..10_000 {
            let value = random.between(-2.0, 5.0);
            assert!((-2.0..5.0).contains(&value), "{value}");
        }
    }
}
