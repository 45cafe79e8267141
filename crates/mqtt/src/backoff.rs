//! How long to wait before the next try.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Jittered exponential backoff: the ceiling doubles with each failure, the wait is drawn from its upper half, so that
/// a hundred nodes do not come back to a restarted broker in one moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    greatest: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) const fn new((first, greatest): (Duration, Duration)) -> Self {
        Self { first, greatest, failures: 0 }
    }

    /// The wait before the next try. `random` is uniform.
    pub(crate) fn next_wait(&mut self, random: u64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.greatest);
        #[expect(clippy::cast_precision_loss, reason = "a fraction needs no 64 bits")]
        let fraction = random as f64 / u64::MAX as f64;
        ceiling.mul_f64(0.5 + fraction / 2.0)
    }

    /// After a connection that held.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// 64 random bits: the standard library's hasher is seeded from the operating system. Not for secrets.
pub(crate) fn random_bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_greatest_and_start_again_after_a_reset() {
        let mut backoff = Backoff::new((Duration::from_secs(1), Duration::from_secs(30)));
        let longest: Vec<u64> = (0..7).map(|_| backoff.next_wait(u64::MAX).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.next_wait(0), Duration::from_millis(500));
        assert_eq!(backoff.next_wait(0), Duration::from_secs(1));
    }

    #[test]
    fn the_ten_thousandth_failure_is_no_overflow() {
        let mut backoff = Backoff::new((Duration::from_secs(1), Duration::from_secs(30)));
        for _ in 0..10_000 {
            assert!(backoff.next_wait(random_bits()) <= Duration::from_secs(30));
        }
    }
}
