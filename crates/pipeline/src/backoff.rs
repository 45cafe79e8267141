//! How long to wait before the next try.

use std::time::Duration;

use sightline_core::recovery::Recovery;

/// Exponential backoff with jitter, by kind of error: from 1 s to 30 s for what comes back by itself, from 10 s to
/// 5 min for what somebody must mend (a wrong password: trying it often locks the account on some cameras).
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure. `random` in 0..1 spreads the tries of many cameras over a range of ±20 %.
    pub fn next(&mut self, recovery: Recovery, random: f64) -> Duration {
        let (first, most) = match recovery {
            Recovery::Retry => (1.0, 30.0),
            _ => (10.0, 300.0),
        };
        let doublings = self.failures.min(16);
        self.failures += 1;
        let seconds = (first * f64::from(1u32 << doublings)).min(most);
        Duration::from_secs_f64(seconds * (0.8 + 0.4 * random))
    }

    /// It worked for a while: the next failure is a first one again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_auth_is_slower() {
        for (recovery, waits) in
            [(Recovery::Retry, [1, 2, 4, 8, 16, 30, 30]), (Recovery::RetrySlowly, [10, 20, 40, 80, 160, 300, 300])]
        {
            let mut backoff = Backoff::default();
            for wait in waits {
                assert_eq!(backoff.next(recovery, 0.5), Duration::from_secs(wait));
            }
            backoff.reset();
            assert_eq!(backoff.next(recovery, 0.5), Duration::from_secs(waits[0]));
        }
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for (random, millis) in [(0.0, 800), (1.0, 1200)] {
            assert_eq!(Backoff::default().next(Recovery::Retry, random), Duration::from_millis(millis));
        }
    }
}
