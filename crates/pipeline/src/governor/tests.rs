//! The governor against a simulated server: cameras at even intervals, newest frame first come, one batch at a time.

use proptest::prelude::*;

use super::*;

/// Cameras and a server, in steps of a millisecond.
struct Simulation {
    governor: Governor,
    start: Instant,
    millis: u64,
    cameras: u64,
    fps: f64,
    /// What a frame takes, in a batch of any size.
    frame_millis: f64,
    /// What a batch takes beside that.
    batch_millis: f64,
    credits: Vec<f64>,
    /// When each camera's waiting frame came.
    waiting: Vec<Option<u64>>,
    running: Vec<(usize, u64)>,
    began: u64,
    ends: u64,
    noise: fastrand::Rng,
    /// Milliseconds, level, and the ages of all results.
    levels: Vec<(u64, Level)>,
    ages: Vec<(u64, u64)>,
}

impl Simulation {
    fn new(target: u64, cameras: u64, frame_millis: f64) -> Self {
        let settings = GovernorSettings { target: Duration::from_millis(target), max_batch: 8, min_batch: 1 };
        let governor = Governor::new(settings);
        Self {
            levels: vec![(0, governor.level())],
            governor,
            start: Instant::now(),
            millis: 0,
            cameras,
            fps: 10.0,
            frame_millis,
            batch_millis: 1.0,
            // As in the queue: or all cameras would give and take at the same moments.
            credits: (0..64).map(|camera| (f64::from(camera) * 0.618).fract()).collect(),
            waiting: vec![None; 64],
            running: Vec::new(),
            began: 0,
            ends: 0,
            noise: fastrand::Rng::with_seed(7),
            ages: Vec::new(),
        }
    }

    fn run(&mut self, seconds: u64) {
        let until = self.millis + seconds * 1000;
        while self.millis < until {
            self.step();
            self.millis += 1;
        }
    }

    fn step(&mut self) {
        let now = self.start + Duration::from_millis(self.millis);
        let interval = (1000.0 / self.fps) as u64;
        for camera in 0..self.cameras {
            // Each at its own moment of the interval.
            if !(self.millis + camera * 37).is_multiple_of(interval) {
                continue;
            }
            self.governor.wished();
            let at = camera as usize;
            self.credits[at] = (self.credits[at] + self.governor.factor_of(Priority::Normal)).min(2.0);
            if self.credits[at] >= 1.0 {
                self.credits[at] -= 1.0;
                self.waiting[at] = Some(self.millis);
            }
        }
        if !self.running.is_empty() && self.millis >= self.ends {
            let ages: Vec<u64> = self.running.drain(..).map(|(_, came)| self.millis - came).collect();
            self.ages.extend(ages.iter().map(|age| (self.millis, *age)));
            let took = Duration::from_millis(self.millis - self.began);
            self.governor.results(ages.iter().map(|age| Duration::from_millis(*age)), took, now);
            if self.levels.last().map(|last| last.1) != Some(self.governor.level()) {
                self.levels.push((self.millis, self.governor.level()));
            }
        }
        if self.running.is_empty() {
            let mut ready: Vec<(u64, usize)> =
                self.waiting.iter().enumerate().filter_map(|(at, came)| Some(((*came)?, at))).collect();
            ready.sort_unstable();
            ready.truncate(self.governor.level().batch);
            if ready.is_empty() {
                return;
            }
            self.running = ready.iter().map(|(came, at)| (*at, *came)).collect();
            ready.iter().for_each(|(_, at)| self.waiting[*at] = None);
            let millis = self.batch_millis + self.frame_millis * ready.len() as f64;
            self.began = self.millis;
            self.ends = self.millis + (millis * (0.9 + 0.2 * self.noise.f64())) as u64;
        }
    }

    /// Age that so many of a hundred results since `from` did not exceed.
    fn age(&self, percent: usize, from: u64) -> u64 {
        let mut ages: Vec<u64> = self.ages.iter().filter(|(at, _)| *at >= from).map(|(_, age)| *age).collect();
        ages.sort_unstable();
        ages.get((ages.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }

    /// Levels from `from` on: how often they changed, and between which factors.
    fn changes(&self, from: u64) -> Vec<(u64, Level)> {
        self.levels.iter().copied().filter(|(at, _)| *at >= from).collect()
    }

    /// Since `from`, no ten seconds see it turn more than once: up and back, and that is it.
    fn assert_calm(&self, from: u64) {
        let before = self.levels.iter().rposition(|(at, _)| *at < from).unwrap_or(0);
        let size = |level: &Level| level.factor * level.batch as f64;
        let steps: Vec<(u64, bool)> =
            self.levels[before..].windows(2).map(|pair| (pair[1].0, size(&pair[1].1) > size(&pair[0].1))).collect();
        for (index, (at, _)) in steps.iter().enumerate() {
            let soon: Vec<bool> =
                steps[index..].iter().take_while(|(other, _)| *other < at + 10_000).map(|(_, up)| *up).collect();
            let turns = soon.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(turns <= 1, "{:?}", self.changes(from));
        }
    }
}

#[test]
fn what_fits_is_left_alone() {
    let mut simulation = Simulation::new(100, 5, 10.0);
    simulation.run(60);
    assert_eq!(simulation.changes(1), []);
}

#[test]
fn batches_shrink_before_frames_are_left_out() {
    // 60 frames a second, each 12 ms: it fits, but not in batches of eight.
    let mut simulation = Simulation::new(60, 6, 12.0);
    // All at once.
    simulation.cameras = 0;
    simulation.run(1);
    simulation.cameras = 6;
    simulation.run(60);
    let levels = simulation.changes(1);
    let first_factor = levels.iter().position(|(_, level)| level.factor < 1.0);
    if let Some(at) = first_factor {
        assert!(levels[..at].iter().any(|(_, level)| level.batch < 8), "{levels:?}");
    }
}

#[test]
fn a_load_that_steps_up_and_down_is_followed_within_ten_seconds_and_nothing_swings() {
    let mut simulation = Simulation::new(100, 4, 20.0);
    simulation.run(30);
    assert_eq!(simulation.governor.level().factor, 1.0);
    // 200 frames a second where 47 can be had.
    simulation.cameras = 20;
    simulation.run(12);
    let settled = simulation.millis;
    let factor = simulation.governor.level().factor;
    assert!((0.12..0.25).contains(&factor), "{:?}", simulation.levels);
    simulation.run(60);
    let p95 = simulation.age(95, settled);
    assert!(p95 <= 105, "{p95} ms: {:?}", simulation.levels);
    simulation.assert_calm(settled);
    let after = simulation.governor.level().factor;
    assert!((after / factor - 1.0).abs() < 0.35, "{:?}", simulation.levels);
    simulation.cameras = 4;
    let left = simulation.millis;
    simulation.run(20);
    assert_eq!(simulation.governor.level().factor, 1.0, "{:?}", simulation.changes(left));
}

#[test]
fn a_network_that_is_slower_than_the_target_is_not_slowed_further() {
    let mut simulation = Simulation::new(50, 3, 80.0);
    simulation.run(60);
    assert_eq!(simulation.governor.level(), Level { batch: 1, factor: 1.0 });
}

#[test]
fn a_network_that_becomes_slower_than_the_target_gets_all_frames_again_and_is_held_when_it_is_fast_again() {
    let mut simulation = Simulation::new(100, 20, 20.0);
    simulation.run(40);
    assert!(simulation.governor.level().factor < 0.3, "{:?}", simulation.levels);
    let slow = simulation.millis;
    simulation.frame_millis = 150.0;
    simulation.run(30);
    assert_eq!(simulation.governor.level().factor, 1.0, "{:?}", simulation.changes(slow));
    simulation.assert_calm(slow);
    simulation.frame_millis = 20.0;
    simulation.run(15);
    let settled = simulation.millis;
    simulation.run(40);
    let (p90, levels) = (simulation.age(90, settled), simulation.changes(settled));
    assert!(p90 <= 120, "{p90} ms: {levels:?}");
    simulation.assert_calm(settled);
}

#[test]
fn where_a_slow_network_is_wished_less_of_all_frames_are_let_through_at_once() {
    let mut simulation = Simulation::new(100, 4, 20.0);
    simulation.run(30);
    simulation.cameras = 20;
    simulation.run(8);
    assert!(simulation.governor.level().factor < 0.5, "{:?}", simulation.levels);
    let slow = simulation.millis;
    simulation.frame_millis = 150.0;
    simulation.cameras = 5;
    simulation.run(9);
    assert_eq!(simulation.governor.level().factor, 1.0, "{:?}", simulation.changes(slow - 8000));
}

#[test]
fn a_network_that_is_about_as_slow_as_the_target_does_not_make_it_swing() {
    for frame_millis in [90.0, 95.0, 100.0, 105.0, 110.0, 115.0] {
        let mut simulation = Simulation::new(100, 20, frame_millis);
        simulation.run(300);
        simulation.assert_calm(0);
        assert!(simulation.changes(0).len() < 40, "{frame_millis} ms: {:?}", simulation.levels);
    }
}

#[test]
fn one_late_result_of_a_few_changes_nothing() {
    let target = Duration::from_millis(100);
    let (mut governor, start) =
        (Governor::new(GovernorSettings { target, max_batch: 1, min_batch: 1 }), Instant::now());
    let second = |governor: &mut Governor, at: u64, age: u64| {
        governor.wished();
        let ages = [Duration::from_millis(age)];
        governor.results(ages.into_iter(), Duration::from_millis(20), start + Duration::from_secs(at));
    };
    (0..20).for_each(|at| second(&mut governor, at, if at == 10 { 1000 } else { 30 }));
    assert_eq!(governor.level(), Level { batch: 1, factor: 1.0 });
    (20..30).for_each(|at| second(&mut governor, at, 1000));
    assert!(governor.level().factor < 1.0, "what stays late is believed");
}

#[test]
fn cameras_of_low_priority_give_first() {
    let mut governor = Governor::new(GovernorSettings { target: Duration::from_secs(1), max_batch: 1, min_batch: 1 });
    let of = |governor: &Governor| [Priority::Low, Priority::Normal, Priority::High].map(|it| governor.factor_of(it));
    assert_eq!(of(&governor), [1.0; 3]);
    governor.level.factor = 0.25;
    assert_eq!(of(&governor), [0.0625, 0.25, 0.5]);
    governor.level.factor = LEAST_FACTOR;
    assert_eq!(of(&governor)[0], LEAST_FACTOR);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_the_load_the_target_is_held_and_nothing_swings(
        cameras in 1u64..40, frame_millis in 5.0f64..40.0, frames in 5u64..12, later in 1u64..40,
    ) {
        // Five frames' time: less room than that, and those that come by chance together are too many.
        let target = 30 + frames * frame_millis as u64;
        let mut simulation = Simulation::new(target, cameras, frame_millis);
        for cameras in [cameras, later] {
            simulation.cameras = cameras;
            simulation.run(20);
            let settled = simulation.millis;
            simulation.run(40);
            // While more is tried, for a second or three in fifteen at most, it may be exceeded.
            let p90 = simulation.age(90, settled);
            prop_assert!(p90 * 10 <= target * 12, "{p90} ms: {:?}", simulation.levels);
            simulation.assert_calm(settled);
            // What is left out is not more than need be: four tenths of what the server can do are used, or everything is taken.
            let done = simulation.ages.iter().filter(|(at, _)| *at >= settled).count() as f64 / 40.0;
            let can = 1000.0 / (frame_millis + 1.0);
            let wished = cameras as f64 * 10.0;
            prop_assert!(done >= 0.4 * can.min(wished), "{done} of {} wished and {can} possible: {:?}", wished, simulation.levels);
        }
    }
}
