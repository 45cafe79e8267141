//! The queue between simulated cameras and a simulated network, millisecond by millisecond: who gets how much, and how old it is.

use proptest::prelude::*;

use super::*;
use crate::fakes::frame_at;

/// A camera that sends at even intervals what it is wished to.
#[derive(Clone, Copy, Debug)]
struct Sender {
    fps: u64,
    priority: Priority,
    /// It sends nothing before this.
    from: u64,
    key: CameraKey,
    inferred: u64,
    next_at: u64,
    last_at: u64,
    longest_gap: u64,
    oldest: u64,
    /// Results that were older than two intervals.
    late: u64,
}

/// What a worker runs, when it began and when it ends.
#[derive(Clone)]
struct Batch {
    frames: Vec<(CameraKey, Instant)>,
    began: u64,
    ends: u64,
}

struct Simulation {
    queue: FrameQueue,
    start: Instant,
    millis: u64,
    senders: Vec<Sender>,
    frame_millis: u64,
    /// What a batch of any size takes beside that.
    batch_millis: u64,
    /// Batches that are smaller take as long as one of this size.
    min_batch: usize,
    /// Frames and answers come up to a quarter late.
    noise: Option<fastrand::Rng>,
    /// Each worker's batch.
    workers: Vec<Option<Batch>>,
}

impl Simulation {
    fn new(workers: usize, max_batch: usize, frame_millis: u64, cameras: &[(u64, Priority)]) -> Self {
        Self::with_least(1, workers, max_batch, frame_millis, cameras)
    }

    /// The same with a network that has no batches smaller than `min_batch`.
    fn with_least(
        min_batch: usize,
        workers: usize,
        max_batch: usize,
        frame_millis: u64,
        cameras: &[(u64, Priority)],
    ) -> Self {
        let settings = QueueSettings { max_batch, min_batch, max_wait: Duration::ZERO, latency_target: None };
        let mut queue = FrameQueue::new(settings);
        let sender = |&(fps, priority): &(u64, Priority)| {
            let key = queue.add(CameraWish { fps: fps as f32, priority }, FrameBalance::default());
            Sender {
                fps,
                priority,
                from: 0,
                key,
                inferred: 0,
                next_at: u64::MAX,
                last_at: 0,
                longest_gap: 0,
                oldest: 0,
                late: 0,
            }
        };
        let senders = cameras.iter().map(sender).collect();
        Self {
            queue,
            start: Instant::now(),
            millis: 0,
            senders,
            frame_millis,
            batch_millis: 0,
            min_batch,
            noise: None,
            workers: vec![None; workers],
        }
    }

    fn run(&mut self, seconds: u64) {
        let until = self.millis + seconds * 1000;
        while self.millis < until {
            self.step();
            self.millis += 1;
        }
    }

    /// From now on everything is counted anew.
    fn count_anew(&mut self) {
        for sender in &mut self.senders {
            (sender.inferred, sender.longest_gap, sender.oldest, sender.late) = (0, 0, 0, 0);
            sender.last_at = self.millis;
        }
    }

    fn step(&mut self) {
        let now = self.start + Duration::from_millis(self.millis);
        self.send(now);
        for worker in 0..self.workers.len() {
            let millis = self.millis;
            if let Some(batch) = self.workers[worker].take_if(|batch| batch.ends <= millis) {
                self.answer(&batch.frames, batch.began, now);
            }
        }
        for worker in 0..self.workers.len() {
            if self.workers[worker].is_some() {
                continue;
            }
            let idle = self.workers.iter().filter(|it| it.is_none()).count();
            let (mut batch, mut stale) = (Vec::new(), Vec::new());
            if self.queue.take(now, idle, &mut batch, &mut stale) == Next::Run {
                let takes = self.batch_millis + self.frame_millis * batch.len().max(self.min_batch) as u64;
                let late = self.noise.as_mut().map_or(0, |noise| noise.u64(0..takes / 4));
                let ends = self.millis + takes + late;
                let frames = batch.iter().map(|(key, frame)| (*key, frame.times.decoded_at)).collect();
                self.workers[worker] = Some(Batch { frames, began: self.millis, ends });
            }
        }
    }

    fn send(&mut self, now: Instant) {
        let all_are_busy = self.workers.iter().all(Option::is_some);
        for (index, sender) in self.senders.iter_mut().enumerate() {
            let interval = 1000 / sender.fps;
            let millis = self.millis + 37 * index as u64;
            if millis.is_multiple_of(interval) {
                sender.next_at = self.millis + self.noise.as_mut().map_or(0, |noise| noise.u64(0..interval / 4));
            }
            let is_time = self.millis == sender.next_at;
            if self.millis >= sender.from && is_time && self.queue.admit(sender.key, now) {
                drop(self.queue.put(sender.key, frame_at(now), all_are_busy, now));
            }
        }
    }

    fn answer(&mut self, frames: &[(CameraKey, Instant)], began: u64, now: Instant) {
        self.queue.answered(frames, self.start + Duration::from_millis(began), now);
        for (key, decoded_at) in frames {
            self.queue.settle(*key, Outcome::Inferred);
            let Some(sender) = self.senders.iter_mut().find(|sender| sender.key == *key) else { continue };
            sender.inferred += 1;
            sender.longest_gap = sender.longest_gap.max(self.millis - sender.last_at);
            sender.last_at = self.millis;
            let age = now.saturating_duration_since(*decoded_at).as_millis() as u64;
            sender.oldest = sender.oldest.max(age);
            sender.late += u64::from(age > 2000 / sender.fps);
        }
    }

    fn inferred(&self) -> Vec<u64> {
        self.senders.iter().map(|sender| sender.inferred).collect()
    }
}

use Priority::{High, Low, Normal};

#[test]
fn shares_follow_the_priorities() {
    // 20 frames a second for three cameras that wish for more.
    let mut simulation = Simulation::new(1, 1, 50, &[(20, High), (20, Normal), (20, Low)]);
    simulation.run(5);
    simulation.count_anew();
    simulation.run(60);
    let [high, normal, low] = simulation.inferred()[..] else { panic!() };
    // 16 : 4 : 1, but the least has one a second in any case.
    assert!((14 * 60..=16 * 60).contains(&high), "{high}");
    assert!((3 * 60..=4 * 60).contains(&normal), "{normal}");
    assert!((60..=90).contains(&low), "{low}");
    assert!(simulation.senders[2].longest_gap <= 1000, "{:?}", simulation.senders[2]);
}

#[test]
fn what_a_camera_does_not_wish_for_is_the_others() {
    let mut simulation = Simulation::new(1, 1, 50, &[(5, High), (20, Normal), (20, Normal), (20, Normal)]);
    simulation.run(5);
    simulation.count_anew();
    simulation.run(60);
    let inferred = simulation.inferred();
    assert!(inferred[0].abs_diff(300) <= 1, "its wish is met: {inferred:?}");
    assert!(inferred[1..].iter().all(|count| count.abs_diff(300) <= 2), "{inferred:?}");
}

#[test]
fn a_camera_that_was_idle_has_saved_up_nothing() {
    let mut simulation = Simulation::new(1, 1, 50, &[(20, Normal), (20, Normal), (20, Normal)]);
    simulation.senders[2].from = 60_000;
    simulation.run(60);
    simulation.count_anew();
    simulation.run(6);
    let inferred = simulation.inferred();
    assert!(inferred.iter().all(|count| count.abs_diff(40) <= 3), "{inferred:?}");
}

#[test]
fn who_has_had_more_while_there_was_plenty_owes_nothing() {
    let mut simulation = Simulation::new(1, 1, 20, &[(40, Normal), (20, Normal), (20, Normal)]);
    simulation.senders[1].from = 60_000;
    simulation.senders[2].from = 60_000;
    simulation.run(60);
    simulation.count_anew();
    simulation.run(6);
    // 50 a second: 16.7 each.
    let inferred = simulation.inferred();
    assert!(inferred.iter().all(|count| count.abs_diff(100) <= 2), "{inferred:?}");
}

#[test]
fn batches_are_as_large_as_leaves_no_result_older_than_two_intervals() {
    // Forty of fifty frames a second fit; eight in a batch would take longer than a camera's interval.
    let mut simulation = Simulation::new(2, 8, 50, &[(5, Normal); 10]);
    simulation.run(5);
    simulation.count_anew();
    simulation.run(30);
    // Once in half a minute a larger batch is tried.
    let late: u64 = simulation.senders.iter().map(|sender| sender.late).sum();
    assert!(late <= 8, "{:?}", simulation.senders);
    let all: u64 = simulation.inferred().iter().sum();
    assert!(all >= 1150, "the network is never idle: {all}");
}

#[test]
fn slow_cameras_and_slow_networks_have_results() {
    // A frame takes 1.5 s; the cameras send every two seconds, and ten times a second.
    let mut simulation = Simulation::new(1, 8, 1500, &[(1, Normal), (10, Normal)]);
    simulation.run(60);
    let inferred = simulation.inferred();
    assert!(inferred[0].abs_diff(inferred[1]) <= 1 && inferred[0] >= 18, "{inferred:?}");
}

#[test]
fn where_a_single_frame_takes_longer_than_an_interval_batches_are_large_if_that_helps() {
    // 45 ms for one and 90 for eight, at 25 frames a second: 22 a second one by one, 89 together.
    for (min_batch, frame_millis, batch_millis) in [(8, 11, 0), (1, 6, 39)] {
        let mut simulation = Simulation::with_least(min_batch, 1, 8, frame_millis, &[(25, Normal); 8]);
        simulation.batch_millis = batch_millis;
        simulation.run(5);
        simulation.count_anew();
        simulation.run(60);
        let all: u64 = simulation.inferred().iter().sum();
        assert!(all >= 75 * 60, "{all} of at least {min_batch} frames in a batch");
    }
}

#[test]
fn where_large_batches_take_as_long_as_their_frames_no_result_is_older_for_them() {
    // 45 ms for each, at 25 frames a second.
    let mut simulation = Simulation::new(1, 8, 45, &[(25, Normal); 8]);
    simulation.run(5);
    simulation.count_anew();
    simulation.run(60);
    let all: u64 = simulation.inferred().iter().sum();
    // A frame waits for 45 ms and takes as long; once in half a minute two in a batch are tried.
    let oldest = simulation.senders.iter().map(|sender| sender.oldest).max().unwrap_or(0);
    assert!(all >= 20 * 60 && oldest <= 3 * 45, "{all}, the oldest {oldest} ms");
}

fn any_priority() -> impl Strategy<Value = Priority> {
    prop_oneof![Just(Low), Just(Normal), Just(High)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn equal_weights_give_equal_rates(cameras in 2usize..16, frame_millis in 20u64..60, priority in any_priority()) {
        let mut simulation = Simulation::new(1, 1, frame_millis, &vec![(25, priority); cameras]);
        simulation.run(3);
        simulation.count_anew();
        simulation.run(20);
        let inferred = simulation.inferred();
        let (most, least) = (inferred.iter().max().unwrap(), inferred.iter().min().unwrap());
        prop_assert!(most - least <= 1, "{inferred:?}");
    }

    #[test]
    fn everybody_has_what_is_wished_where_it_fits(
        cameras in prop::collection::vec((1u64..10, any_priority()), 1..10), batch in 1usize..9,
    ) {
        let wished: u64 = cameras.iter().map(|(fps, _)| fps).sum();
        // Nine tenths of the time, and no camera's interval is as short as all the others' frames together are long.
        let mut simulation = Simulation::new(1, batch, (900 / wished).clamp(1, 10), &cameras);
        simulation.run(20);
        for sender in &simulation.senders {
            let balance = simulation.queue.balance(sender.key);
            prop_assert!(balance.is_exact());
            prop_assert_eq!(balance.dropped_superseded + balance.dropped_stale, 0, "{:?} {:?}", sender, balance);
        }
    }

    #[test]
    fn more_weight_is_never_less_and_nobody_goes_without(
        priorities in prop::collection::vec(any_priority(), 2..12), workers in 1usize..3, batch in 1usize..9,
    ) {
        let cameras: Vec<_> = priorities.iter().map(|priority| (10, *priority)).collect();
        let mut simulation = Simulation::new(workers, batch, 40 * workers as u64, &cameras);
        simulation.noise = Some(fastrand::Rng::with_seed(7));
        simulation.run(5);
        simulation.count_anew();
        simulation.run(30);
        for a in &simulation.senders {
            for b in &simulation.senders {
                let is_fair = a.priority > b.priority || a.inferred <= b.inferred + b.inferred / 6 + 3;
                prop_assert!(is_fair, "{:?}", simulation.senders);
            }
            // Two places for each of the others that are as hungry, in batches of as many as fit into 100 ms.
            prop_assert!(a.longest_gap <= 1000 + 2 * 50 * priorities.len() as u64, "{:?}", a);
            prop_assert!(a.oldest <= 225 + 50 * workers as u64, "{:?}", a);
        }
    }
}
