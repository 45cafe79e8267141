//! Whether the wished frames fit, over the last ten seconds. Pure: `now` is an argument.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use sightline_core::event::LoadState;

/// What is told of is so long ago at most.
const SPAN_SECONDS: u64 = 10;
/// After the first frame nothing is said for so long: cameras come one after the other, and first batches are slow.
const SILENT_FOR: Duration = Duration::from_secs(5);
/// Of fewer wished frames nothing is said either.
const FEWEST: u64 = 5;
/// Overloaded when more than this share of the wished frames is missed …
const TOO_MANY: f64 = 0.05;
/// … and no longer when less than this one was …
const FEW: f64 = 0.01;
/// … for so long.
const CALM_FOR: Duration = Duration::from_secs(30);
/// Steps of the ages that are told apart, in each doubling of the age.
const STEPS: f64 = 8.0;
/// The first step begins here.
const LEAST_MILLIS: f64 = 0.25;
/// The last one holds all that are beyond four minutes.
const AGES: usize = 160;

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadReading {
    /// Whether the wished frames fit.
    pub state: LoadState,
    /// When that became so; nothing before the first frame.
    pub since: Option<Instant>,
    /// Whether decoding keeps up. Where it does not the wished frames do not fit either.
    pub decoding: LoadState,
    /// Share of the wished frames that were not missed.
    pub inferred_share: f64,
    /// Share of the wished frames that were decoded.
    pub decoded_share: f64,
    /// Age that 95 % of the results did not exceed.
    pub latency_p95: Option<Duration>,
}

#[derive(Debug)]
struct Second {
    index: u64,
    wished: u64,
    missed: u64,
    /// Those among the missed that were not even decoded.
    undecoded: u64,
    ages: [u32; AGES],
}

/// Whether too much is missed, without haste.
#[derive(Debug, Default)]
struct Judge {
    state: LoadState,
    since: Option<Instant>,
    calm_since: Option<Instant>,
}

/// Counts what was wished, what was missed of it, and how old the results were.
#[derive(Debug, Default)]
pub struct LoadMeter {
    origin: Option<Instant>,
    seconds: VecDeque<Second>,
    all: Judge,
    decoding: Judge,
}

impl Judge {
    fn judge(&mut self, missed: Option<f64>, now: Instant) {
        match self.state {
            LoadState::Ok if missed.is_some_and(|missed| missed > TOO_MANY) => {
                (self.state, self.since, self.calm_since) = (LoadState::Overloaded, Some(now), None);
            }
            LoadState::Ok => {}
            // Where nothing is wished any more nothing is missed.
            LoadState::Overloaded if missed.is_some_and(|missed| missed >= FEW) => self.calm_since = None,
            LoadState::Overloaded => {
                let calm_since = *self.calm_since.get_or_insert(now);
                if now.saturating_duration_since(calm_since) >= CALM_FOR {
                    (self.state, self.since) = (LoadState::Ok, Some(now));
                }
            }
        }
    }
}

impl LoadMeter {
    /// A frame came that was wished.
    pub fn wished(&mut self, now: Instant) {
        self.second(now).wished += 1;
    }

    /// A wished frame was left out because there was no time for it.
    pub fn missed(&mut self, now: Instant) {
        self.second(now).missed += 1;
    }

    /// A wished frame was left out because there was no time to decode it.
    pub fn undecoded(&mut self, now: Instant) {
        let second = self.second(now);
        second.wished += 1;
        second.missed += 1;
        second.undecoded += 1;
    }

    /// A result came, so long after its frame.
    pub fn result(&mut self, age: Duration, now: Instant) {
        let step = (age.as_secs_f64() * 1000.0 / LEAST_MILLIS).max(1.0).log2() * STEPS;
        let index = (step as usize).min(AGES - 1);
        if let Some(count) = self.second(now).ages.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }

    /// How it is at `now`.
    pub fn read(&mut self, now: Instant) -> LoadReading {
        self.advance(now);
        LoadReading {
            state: self.all.state,
            since: self.all.since,
            decoding: self.decoding.state,
            inferred_share: 1.0 - self.share_of(|second| second.missed).unwrap_or(0.0),
            decoded_share: 1.0 - self.share_of(|second| second.undecoded).unwrap_or(0.0),
            latency_p95: self.latency_p95(),
        }
    }

    fn second(&mut self, now: Instant) -> &mut Second {
        let index = self.advance(now);
        if self.seconds.back().is_none_or(|last| last.index < index) {
            self.seconds.push_back(Second { index, wished: 0, missed: 0, undecoded: 0, ages: [0; AGES] });
        }
        let last = self.seconds.len() - 1;
        &mut self.seconds[last]
    }

    /// Forgets what is too long ago, and judges when a second has passed. The number of the current second.
    fn advance(&mut self, now: Instant) -> u64 {
        let origin = *self.origin.get_or_insert(now);
        self.all.since.get_or_insert(now);
        let index = now.saturating_duration_since(origin).as_secs();
        if self.seconds.back().is_some_and(|last| last.index >= index) {
            return index;
        }
        while self.seconds.front().is_some_and(|first| first.index + SPAN_SECONDS < index + 1) {
            self.seconds.pop_front();
        }
        if now.saturating_duration_since(origin) >= SILENT_FOR {
            self.judge(now);
        }
        index
    }

    fn judge(&mut self, now: Instant) {
        let (missed, undecoded) = (self.share_of(|second| second.missed), self.share_of(|second| second.undecoded));
        self.all.judge(missed, now);
        self.decoding.judge(undecoded, now);
    }

    /// Of the wished frames. Nothing when too few were wished to say.
    fn share_of(&self, counted: fn(&Second) -> u64) -> Option<f64> {
        let wished: u64 = self.seconds.iter().map(|second| second.wished).sum();
        let counted: u64 = self.seconds.iter().map(counted).sum();
        (wished >= FEWEST).then(|| (counted as f64 / wished as f64).min(1.0))
    }

    fn latency_p95(&self) -> Option<Duration> {
        let counts =
            |step: usize| self.seconds.iter().filter_map(|it| it.ages.get(step)).map(|it| u64::from(*it)).sum();
        let counts: Vec<u64> = (0..AGES).map(counts).collect();
        let all: u64 = counts.iter().sum();
        let mut left = (all as f64 * 0.95).ceil() as u64;
        if left == 0 {
            return None;
        }
        let step = counts.iter().position(|count| {
            let is_it = *count >= left;
            left = left.saturating_sub(*count);
            is_it
        })?;
        // The middle of the step.
        Some(Duration::from_secs_f64(LEAST_MILLIS * ((step as f64 + 0.5) / STEPS).exp2() / 1000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that sees `wished` frames in each second of which `missed` are missed.
    struct Bench {
        meter: LoadMeter,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { meter: LoadMeter::default(), now: Instant::now() }
        }

        fn run(&mut self, seconds: u64, wished: u64, missed: u64) -> LoadState {
            for _ in 0..seconds {
                (0..wished).for_each(|_| self.meter.wished(self.now));
                (0..missed).for_each(|_| self.meter.missed(self.now));
                self.now += Duration::from_secs(1);
            }
            self.meter.read(self.now).state
        }
    }

    #[test]
    fn overloaded_is_more_than_a_twentieth_and_ok_again_after_half_a_minute_without() {
        let mut bench = Bench::new();
        assert_eq!(bench.run(60, 100, 5), LoadState::Ok);
        assert_eq!(bench.run(10, 100, 7), LoadState::Overloaded);
        assert_eq!(bench.run(60, 100, 2), LoadState::Overloaded, "between the two thresholds nothing changes");
        assert_eq!(bench.run(25, 100, 0), LoadState::Overloaded);
        assert_eq!(bench.run(1, 100, 60), LoadState::Overloaded, "not calm for long enough");
        assert_eq!(bench.run(35, 100, 0), LoadState::Overloaded, "counted from when that is forgotten");
        assert_eq!(bench.run(10, 100, 0), LoadState::Ok);
    }

    #[test]
    fn nothing_is_said_of_the_first_seconds_nor_of_a_few_frames() {
        let mut bench = Bench::new();
        assert_eq!(bench.run(4, 100, 50), LoadState::Ok);
        assert_eq!(bench.run(2, 100, 50), LoadState::Overloaded);
        assert_eq!(Bench::new().run(60, 0, 0), LoadState::Ok);
        let mut bench = Bench::new();
        bench.run(10, 0, 0);
        assert_eq!(bench.run(4, 1, 1), LoadState::Ok);
    }

    #[test]
    fn an_overload_that_ends_with_all_cameras_gone_ends() {
        let mut bench = Bench::new();
        assert_eq!(bench.run(10, 100, 50), LoadState::Overloaded);
        (0..45).for_each(|_| {
            bench.run(1, 0, 0);
        });
        assert_eq!(bench.run(1, 0, 0), LoadState::Ok);
    }

    #[test]
    fn what_was_not_even_decoded_is_missed_and_told_apart() {
        let mut bench = Bench::new();
        bench.run(20, 100, 0);
        assert_eq!(bench.run(10, 100, 10), LoadState::Overloaded);
        assert_eq!(bench.meter.read(bench.now).decoding, LoadState::Ok, "that was the network's");
        let decode_less = |bench: &mut Bench, seconds: u64, undecoded: u64| {
            for _ in 0..seconds {
                (0..undecoded).for_each(|_| bench.meter.undecoded(bench.now));
                bench.run(1, 100 - undecoded, 0);
            }
            bench.meter.read(bench.now)
        };
        let reading = decode_less(&mut bench, 10, 20);
        assert_eq!((reading.state, reading.decoding), (LoadState::Overloaded, LoadState::Overloaded));
        assert!((reading.decoded_share - 0.8).abs() < 0.03, "{reading:?}");
        assert!((reading.inferred_share - 0.8).abs() < 0.03, "{reading:?}");
        assert_eq!(decode_less(&mut bench, 30, 2).decoding, LoadState::Overloaded, "between the two thresholds");
        let reading = decode_less(&mut bench, 45, 0);
        assert_eq!((reading.state, reading.decoding), (LoadState::Ok, LoadState::Ok));
    }

    #[test]
    fn shares_and_ages_are_those_of_the_last_ten_seconds() {
        let mut bench = Bench::new();
        bench.run(20, 10, 10);
        for age in 1..=100 {
            bench.meter.result(Duration::from_millis(age), bench.now);
        }
        bench.run(9, 10, 1);
        let reading = bench.meter.read(bench.now);
        assert!((reading.inferred_share - 0.9).abs() < 1e-9, "{reading:?}");
        let p95 = reading.latency_p95.unwrap().as_secs_f64() * 1000.0;
        assert!((p95 - 95.0).abs() < 95.0 * 0.1, "{p95}");
        bench.run(2, 10, 1);
        assert_eq!(bench.meter.read(bench.now).latency_p95, None);
    }
}
