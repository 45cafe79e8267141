//! At most so many frames per second, without losing frames to jitter.

use std::time::{Duration, Instant};

/// A token bucket two frames deep.
///
/// One frame deep, a camera that sends exactly the wished rate would lose every frame that comes a millisecond early;
/// with the second one a jitter of up to a whole frame interval is free.
#[derive(Debug)]
pub struct RateLimit {
    frames_per_second: f64,
    credit: f64,
    credited_at: Option<Instant>,
}

const DEPTH: f64 = 2.0;

impl RateLimit {
    /// A limit of `frames_per_second`.
    #[must_use]
    pub fn new(frames_per_second: f32) -> Self {
        Self { frames_per_second: f64::from(frames_per_second), credit: DEPTH, credited_at: None }
    }

    /// The same with another limit from now on.
    pub fn admit_at(&mut self, frames_per_second: f64, now: Instant) -> bool {
        self.frames_per_second = frames_per_second;
        self.admit(now)
    }

    /// The same with so much of the next frame saved up, from 0 to 1: limits that begin together otherwise let pass together.
    #[must_use]
    pub fn begun(frames_per_second: f64, credit: f64) -> Self {
        Self { frames_per_second, credit, credited_at: None }
    }

    /// Whether a frame that comes at `now` may pass.
    pub fn admit(&mut self, now: Instant) -> bool {
        if let Some(before) = self.credited_at {
            let seconds = now.saturating_duration_since(before).as_secs_f64();
            self.credit = (self.credit + seconds * self.frames_per_second).min(DEPTH);
        }
        self.credited_at = Some(now);
        if self.credit < 1.0 {
            return false;
        }
        self.credit -= 1.0;
        true
    }
}

/// How far apart a camera's frames are: a moving mean, as many send fewer than is wished, or in bursts.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<Instant>,
    mean: Option<f64>,
}

/// How much the last interval counts beside the earlier ones.
const NEWS: f64 = 0.1;
/// A longer interval is an interruption of so long.
const LONGEST_SECONDS: f64 = 2.0;

impl Pace {
    /// A frame came at `now`.
    pub fn note(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let interval = now.saturating_duration_since(last).as_secs_f64().min(LONGEST_SECONDS);
            self.mean = Some(self.mean.map_or(interval, |mean| mean + NEWS * (interval - mean)));
        }
    }

    /// Frames do not come because their pictures are left undecoded: the time until the next one is no interval.
    pub const fn pause(&mut self) {
        self.last = None;
    }

    /// The mean interval; none while nothing is known.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs_f64(self.mean.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admitted(limit: f32, arrivals: impl Iterator<Item = f64>) -> usize {
        let start = Instant::now();
        let mut rate = RateLimit::new(limit);
        arrivals.filter(|&seconds| rate.admit(start + Duration::from_secs_f64(seconds))).count()
    }

    #[test]
    fn a_faster_camera_is_thinned_to_the_wished_rate() {
        for (limit, camera, expected) in [(5.0, 15.0, 51), (5.0, 30.0, 51), (10.0, 25.0, 101), (1.0, 30.0, 11)] {
            let passed = admitted(limit, (0..10 * camera as u32).map(|n| f64::from(n) / camera));
            assert!(passed.abs_diff(expected) <= 1, "{passed} of a camera of {camera} fps at a limit of {limit}");
        }
    }

    proptest! {
        #[test]
        fn a_camera_at_the_wished_rate_loses_nothing_to_jitter(jitter in prop::collection::vec(0.0f64..0.06, 300)) {
            let arrivals = jitter.iter().enumerate().map(|(n, late)| n as f64 / 15.0 + late);
            prop_assert_eq!(admitted(15.0, arrivals), 300);
        }

        #[test]
        fn never_more_than_the_rate_and_the_bucket(arrivals in prop::collection::vec(0.0f64..20.0, 1..500)) {
            let mut arrivals = arrivals;
            arrivals.sort_by(f64::total_cmp);
            let span = arrivals.last().unwrap() - arrivals.first().unwrap();
            prop_assert!(admitted(5.0, arrivals.into_iter()) as f64 <= 5.0 * span + DEPTH);
        }
    }
}
