//! How long batches take, by their size. Pure: `now` is an argument.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What was measured longer ago is not believed any more, and is tried again: it may have been another program's fault.
const BELIEVED_FOR: Duration = Duration::from_secs(30);
/// How much a new measurement counts beside the earlier ones.
const NEWS: f64 = 0.3;
/// A larger batch pays when it takes at most this share of what its frames take in small ones.
const WORTH_IT: f64 = 0.75;

/// Moving means of what batches of each size took.
#[derive(Debug, Default)]
pub struct BatchTimes {
    known: BTreeMap<usize, (f64, Instant)>,
}

impl BatchTimes {
    /// A batch of `frames` frames took so long.
    pub fn note(&mut self, frames: usize, took: Duration, now: Instant) {
        let took = took.as_secs_f64();
        let known = self.known.entry(frames).or_insert((took, now));
        let is_believed = now.saturating_duration_since(known.1) < BELIEVED_FOR;
        *known = (if is_believed { known.0 + NEWS * (took - known.0) } else { took }, now);
    }

    /// Whether `frames` frames in one batch take at most `limit`, as far as is known.
    #[must_use]
    pub fn fit(&self, frames: usize, limit: Duration, now: Instant) -> bool {
        self.expected(frames, now).is_none_or(|expected| expected <= limit.as_secs_f64())
    }

    /// Whether `frames` frames take clearly less time in one batch than in batches of `few`, as far as is known.
    #[must_use]
    pub fn pays(&self, frames: usize, few: usize, now: Instant) -> bool {
        let (Some(expected), Some(of_few)) = (self.expected(frames, now), self.expected(few, now)) else { return true };
        expected <= WORTH_IT * of_few * frames as f64 / few.max(1) as f64
    }

    /// What a batch takes. Of a size a quarter beyond the largest known one it is hoped that it takes no longer, so that it is tried:
    /// on a GPU eight frames take little longer than one. Nothing while nothing is known.
    fn expected(&self, frames: usize, now: Instant) -> Option<f64> {
        let is_believed = |(_, (_, at)): &(&usize, &(f64, Instant))| now.saturating_duration_since(*at) < BELIEVED_FOR;
        let smaller = self.known.range(..=frames).rev().find(is_believed).map(|(size, (took, _))| (*size, *took));
        let larger = self.known.range(frames..).find(is_believed).map(|(size, (took, _))| (*size, *took));
        let part = |(size, took): (usize, f64)| took * frames as f64 / size.max(1) as f64;
        Some(match (smaller, larger) {
            (None, None) => return None,
            (Some((a, at_a)), Some((b, at_b))) if b > a => at_a + (at_b - at_a) * (frames - a) as f64 / (b - a) as f64,
            (Some((_, took)), Some(_)) => took,
            (Some((size, took)), None) if frames <= size + (size / 4).max(1) => took,
            (Some(known), None) | (None, Some(known)) => part(known),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// The largest size that is used within `limit`, when batches of as many as fit are run and take `took`.
    fn learned(limit: Duration, took: impl Fn(usize) -> u64) -> usize {
        let start = Instant::now();
        let mut times = BatchTimes::default();
        let mut last = 0;
        for round in 0..20 {
            let now = start + millis(round * 100);
            last = (1..=16).take_while(|size| *size == 1 || times.fit(*size, limit, now)).count();
            times.note(last, millis(took(last)), now);
        }
        last
    }

    #[test]
    fn where_a_batch_takes_as_long_as_its_frames_it_is_as_large_as_fits() {
        assert_eq!(learned(millis(100), |frames| 30 * frames as u64), 3);
        assert_eq!(learned(millis(100), |frames| 130 * frames as u64), 1);
        assert_eq!(learned(millis(1000), |frames| 30 * frames as u64), 16);
    }

    #[test]
    fn where_a_batch_takes_little_longer_than_a_frame_it_is_full() {
        assert_eq!(learned(millis(33), |frames| 20 + frames as u64 / 2), 16);
    }

    #[test]
    fn what_was_slow_long_ago_is_tried_again() {
        let (mut times, start) = (BatchTimes::default(), Instant::now());
        times.note(1, millis(10), start);
        times.note(2, millis(500), start);
        assert!(times.fit(1, millis(50), start) && !times.fit(2, millis(50), start));
        assert!(times.fit(2, millis(50), start + BELIEVED_FOR));
    }
}
