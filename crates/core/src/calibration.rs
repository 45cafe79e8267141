//! Ways to run a model, measured on the machine that is to run it, and which of them is taken.

use serde::{Deserialize, Serialize};

use crate::time::WallTime;

/// Less than that share of what the median says is no spread of a calm machine: there it is 0.95 and more.
const CALM: f64 = 0.8;

/// Speeds that differ by less than that are the same: one run differs from the next by nearly as much, and what is faster with all
/// cores to itself by no more than that need not be so beside decoders.
const AS_FAST: f64 = 0.05;
/// Memory that differs by less than that is the same.
const AS_SMALL: f64 = 0.25;

/// One way to run a model that gave the CPU's answers, and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The execution provider, with its device: `cpu`, `openvino:CPU`.
    pub provider: String,
    /// The library that ran it: `ONNX Runtime 1.32`.
    pub library: String,
    /// Sessions that ran side by side …
    pub sessions: usize,
    /// … each on so many threads.
    pub threads: usize,
    /// Frames in one run of the network.
    pub batch: usize,
    /// Of all sessions together, in the best round.
    pub images_per_second: f64,
    /// Median time of one batch in that round, while all sessions ran.
    pub latency_ms: f64,
    /// What the process that measured it held.
    pub memory_mib: u64,
}

/// A way that does not run, or whose answers are not the CPU's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// The execution provider, with its device.
    pub provider: String,
    /// Sessions side by side …
    pub sessions: usize,
    /// … each on so many threads.
    pub threads: usize,
    /// Why.
    pub reason: String,
}

/// What was measured, and what is taken of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// When.
    pub at: WallTime,
    /// What is taken.
    pub chosen: Candidate,
    /// Everything that ran.
    pub candidates: Vec<Candidate>,
    /// Everything that did not.
    pub not_run: Vec<NotRun>,
}

impl Candidate {
    /// Whether the machine did something else meanwhile: then some batches took far longer than the median, and all sessions
    /// together did less than it promises.
    #[must_use]
    pub fn was_disturbed(&self) -> bool {
        let undisturbed = (self.sessions * self.batch) as f64 * 1000.0 / self.latency_ms;
        self.images_per_second < undisturbed * CALM
    }
}

impl Calibration {
    /// With the best of `candidates`; `None` where there is none.
    #[must_use]
    pub fn new(at: WallTime, candidates: Vec<Candidate>, not_run: Vec<NotRun>) -> Option<Self> {
        let chosen = choose(&candidates)?.clone();
        Some(Self { at, chosen, candidates, not_run })
    }

    /// The same with the best of those that run at most `max_batch` frames at a time, where there is one.
    #[must_use]
    pub fn within(mut self, max_batch: usize) -> Self {
        if let Some(chosen) = choose(self.candidates.iter().filter(|candidate| candidate.batch <= max_batch)) {
            self.chosen = chosen.clone();
        }
        self
    }

    /// The best of one provider.
    #[must_use]
    pub fn best_of(&self, provider: &str) -> Option<&Candidate> {
        choose(self.candidates.iter().filter(|candidate| candidate.provider == provider))
    }
}

/// The one with the most images per second; of those that are as fast those with the least memory; of those that are as small
/// the one with the lowest latency. Figures that are none are no candidates.
pub fn choose<'a>(candidates: impl IntoIterator<Item = &'a Candidate>) -> Option<&'a Candidate> {
    let is_figure = |figure: f64| figure.is_finite() && figure > 0.0;
    let measured = candidates.into_iter().filter(|it| is_figure(it.images_per_second) && is_figure(it.latency_ms));
    let measured: Vec<&Candidate> = measured.collect();
    let most = measured.iter().map(|it| it.images_per_second).max_by(f64::total_cmp)?;
    let fastest: Vec<&Candidate> =
        measured.into_iter().filter(|it| it.images_per_second >= most * (1.0 - AS_FAST)).collect();
    let least = fastest.iter().map(|it| it.memory_mib).min()? as f64;
    let as_small = fastest.into_iter().filter(|it| it.memory_mib as f64 <= least * (1.0 + AS_SMALL));
    as_small.min_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms).then(a.memory_mib.cmp(&b.memory_mib)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(provider: &str, images_per_second: f64, latency_ms: f64, memory_mib: u64) -> Candidate {
        let (provider, library) = (provider.to_owned(), "a library".to_owned());
        Candidate { provider, library, sessions: 2, threads: 1, batch: 1, images_per_second, latency_ms, memory_mib }
    }

    fn chosen(candidates: &[Candidate]) -> Option<&str> {
        choose(candidates).map(|it| it.provider.as_str())
    }

    #[test]
    fn the_fastest_is_taken_and_of_equals_the_smallest_then_the_soonest() {
        let slow = candidate("slow", 94.0, 1.0, 1);
        let fast = candidate("fast", 100.0, 3.0, 166);
        let as_fast_and_smaller = candidate("smaller", 96.0, 6.0, 90);
        let as_small_and_sooner = candidate("sooner", 97.0, 5.0, 108);
        assert_eq!(chosen(&[slow.clone(), fast.clone()]), Some("fast"));
        assert_eq!(chosen(&[slow.clone(), fast.clone(), as_fast_and_smaller.clone()]), Some("smaller"));
        assert_eq!(chosen(&[slow, fast, as_fast_and_smaller, as_small_and_sooner]), Some("sooner"));
    }

    #[test]
    fn a_disturbed_machine_shows_in_what_its_median_does_not() {
        // Two sessions, 8 ms a batch: 250 images a second.
        assert!(!candidate("cpu", 240.0, 8.0, 1).was_disturbed());
        assert!(candidate("cpu", 150.0, 8.0, 1).was_disturbed());
    }

    #[test]
    fn of_nothing_nothing_is_taken() {
        let broken = [f64::NAN, f64::INFINITY, 0.0, -1.0].map(|figure| candidate("broken", figure, 1.0, 1));
        assert_eq!((chosen(&[]), chosen(&broken)), (None, None));
        assert_eq!(Calibration::new(WallTime::from_micros(0), broken.to_vec(), Vec::new()), None);
    }

    #[test]
    fn a_bound_of_batches_chooses_again_among_those_within_it() {
        let batched = Candidate { batch: 8, ..candidate("cpu", 200.0, 1.0, 1) };
        let single = candidate("cpu", 100.0, 1.0, 1);
        let calibration =
            Calibration::new(WallTime::from_micros(0), vec![batched.clone(), single.clone()], Vec::new()).unwrap();
        assert_eq!(calibration.chosen, batched);
        assert_eq!(calibration.clone().within(4).chosen, single);
        // A graph with one fixed size has nothing within a lower bound, and goes on as it is.
        assert_eq!(Calibration { candidates: vec![batched.clone()], ..calibration }.within(4).chosen, batched);
    }

    proptest! {
        #[test]
        fn what_is_taken_is_nearly_the_fastest_and_the_order_does_not_matter(
            figures in prop::collection::vec((1.0_f64..1000.0, 0.1_f64..100.0, 1_u64..1000), 1..12)
        ) {
            let mut candidates: Vec<Candidate> = figures
                .iter()
                .map(|(speed, latency, memory)| candidate("any", *speed, *latency, *memory))
                .collect();
            let most = figures.iter().map(|it| it.0).fold(0.0, f64::max);
            let taken = choose(&candidates).unwrap().clone();
            prop_assert!(taken.images_per_second >= most * (1.0 - AS_FAST));
            let dominated = candidates.iter().any(|it| {
                it.images_per_second >= taken.images_per_second
                    && it.latency_ms < taken.latency_ms
                    && it.memory_mib <= taken.memory_mib
            });
            prop_assert!(!dominated);
            candidates.reverse();
            prop_assert_eq!(choose(&candidates).unwrap().memory_mib, taken.memory_mib);
        }
    }
}
