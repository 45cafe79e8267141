//! The queue, step by step.

use proptest::prelude::*;

use super::*;
use crate::fakes::frame_at;

const SETTINGS: QueueSettings =
    QueueSettings { max_batch: 2, min_batch: 1, max_wait: Duration::from_millis(10), latency_target: None };

const WISH: CameraWish = CameraWish { fps: 100.0, priority: Priority::Normal };

struct Bench {
    queue: FrameQueue,
    start: Instant,
    idle_workers: usize,
}

impl Bench {
    fn new(settings: QueueSettings) -> Self {
        Self { queue: FrameQueue::new(settings), start: Instant::now(), idle_workers: 1 }
    }

    fn add(&mut self, fps: f32) -> CameraKey {
        self.queue.add(CameraWish { fps, ..WISH }, FrameBalance::default())
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn put(&mut self, key: CameraKey, millis: u64) {
        let now = self.at(millis);
        if self.queue.admit(key, now) {
            drop(self.queue.put(key, frame_at(now), false, now));
        }
    }

    fn take(&mut self, millis: u64) -> (Next, Vec<CameraKey>) {
        let (mut batch, mut stale) = (Vec::new(), Vec::new());
        let next = self.queue.take(self.at(millis), self.idle_workers, &mut batch, &mut stale);
        (next, batch.iter().map(|(key, _)| *key).collect())
    }
}

#[test]
fn nothing_waits_nothing_runs() {
    assert_eq!(Bench::new(SETTINGS).take(0), (Next::Idle, vec![]));
}

#[test]
fn a_lone_camera_does_not_wait_for_company() {
    let mut bench = Bench::new(SETTINGS);
    let only = bench.add(100.0);
    bench.put(only, 0);
    assert_eq!(bench.take(0), (Next::Run, vec![only]));
}

#[test]
fn the_first_frame_waits_for_company_but_not_longer_than_told() {
    let mut bench = Bench::new(SETTINGS);
    let (a, b) = (bench.add(100.0), bench.add(100.0));
    bench.put(a, 0);
    bench.put(b, 0);
    bench.take(0);
    bench.queue.settle(a, Outcome::Inferred);
    bench.queue.settle(b, Outcome::Inferred);
    bench.put(a, 20);
    assert_eq!(bench.take(20), (Next::WaitUntil(bench.at(30)), vec![]));
    assert_eq!(bench.take(30), (Next::Run, vec![a]));
}

#[test]
fn a_silent_camera_is_not_waited_for() {
    let mut bench = Bench::new(SETTINGS);
    let (a, silent) = (bench.add(100.0), bench.add(100.0));
    bench.put(silent, 0);
    bench.take(100);
    bench.queue.settle(silent, Outcome::Inferred);
    bench.put(a, 1500);
    assert_eq!(bench.take(1500), (Next::Run, vec![a]));
}

#[test]
fn who_waits_longest_goes_first_even_when_its_frame_was_replaced() {
    let mut bench = Bench::new(QueueSettings { max_batch: 1, ..SETTINGS });
    let (a, b) = (bench.add(100.0), bench.add(100.0));
    bench.put(a, 0);
    bench.put(b, 5);
    bench.put(a, 9);
    assert_eq!(bench.take(20).1, [a]);
    assert_eq!(bench.take(20).1, [b]);
}

#[test]
fn idle_workers_share_what_waits() {
    let mut bench = Bench::new(QueueSettings { max_batch: 8, ..SETTINGS });
    let keys: Vec<_> = (0..3).map(|_| bench.add(100.0)).collect();
    keys.iter().for_each(|key| bench.put(*key, 0));
    bench.idle_workers = 2;
    assert_eq!(bench.take(0).1, keys[..2]);
    bench.idle_workers = 1;
    assert_eq!(bench.take(0).1, keys[2..]);
}

#[test]
fn a_camera_in_flight_is_not_taken_again() {
    let mut bench = Bench::new(SETTINGS);
    let a = bench.add(100.0);
    bench.put(a, 0);
    bench.take(0);
    bench.put(a, 40);
    assert_eq!(bench.take(60), (Next::Idle, vec![]));
    bench.queue.settle(a, Outcome::Inferred);
    assert_eq!(bench.take(60).1, [a]);
}

#[test]
fn a_frame_that_waited_too_long_is_dropped_and_counted() {
    let mut bench = Bench::new(SETTINGS);
    let a = bench.add(100.0);
    bench.put(a, 0);
    assert_eq!(bench.take(600), (Next::Idle, vec![]));
    assert_eq!(bench.queue.balance(a).dropped_stale, 1);
}

#[test]
fn a_frame_is_as_old_as_its_arrival_but_old_results_are_better_than_none() {
    let mut bench = Bench::new(SETTINGS);
    let a = bench.add(100.0);
    let put = |bench: &mut Bench, millis: u64| {
        let (now, arrived_at) = (bench.at(millis), bench.at(millis - 500));
        let mut frame = frame_at(now);
        frame.times.arrived_at = arrived_at;
        assert!(bench.queue.admit(a, now));
        drop(bench.queue.put(a, frame, false, now));
        let taken = bench.take(millis + 20).1;
        taken.iter().for_each(|key| bench.queue.settle(*key, Outcome::Inferred));
        taken.len()
    };
    assert_eq!((1000..1750).step_by(50).map(|millis| put(&mut bench, millis)).sum::<usize>(), 0);
    assert_eq!(put(&mut bench, 1750), 1, "nothing for three quarters of a second");
    assert_eq!(put(&mut bench, 1800), 0);
    bench.queue.left_undecoded(a, bench.at(2400));
    assert_eq!(put(&mut bench, 2600), 0, "none came meanwhile");
    assert_eq!(bench.queue.balance(a).dropped_stale, 17);
}

#[test]
fn a_camera_that_comes_back_counts_on_and_its_frames_on_the_way_are_stopped() {
    let mut bench = Bench::new(SETTINGS);
    let first = bench.add(100.0);
    bench.put(first, 0);
    assert_eq!(bench.take(0).1, [first]);
    bench.put(first, 20);
    let (frame, counts) = bench.queue.remove(first);
    assert!(frame.is_some() && counts.is_exact());
    assert_eq!((counts.decoded, counts.dropped_stopped, counts.waiting), (2, 2, 0));
    let second = bench.queue.add(WISH, counts);
    // The batch with the first one's frame comes back late.
    bench.queue.settle(first, Outcome::Inferred);
    bench.put(second, 40);
    assert_eq!((bench.queue.balance(second).decoded, bench.queue.balance(second).inferred), (3, 0));
}

/// Cameras with ten frames a second for ten seconds. Of each one's frames, one in `moving` shows something that moves and is inferred;
/// from the fifth second on, results are too old.
fn seconds_with_old_results(moving: &[u64]) -> (Bench, Vec<CameraKey>) {
    let mut bench =
        Bench::new(QueueSettings { max_batch: 1, latency_target: Some(Duration::from_millis(100)), ..SETTINGS });
    let cameras: Vec<_> = moving.iter().map(|every| (bench.add(10.0), every)).collect();
    for frame in 0..100u64 {
        let (millis, now) = (frame * 100, bench.at(frame * 100));
        for (key, every) in &cameras {
            if !bench.queue.admit(*key, now) {
                continue;
            }
            if !frame.is_multiple_of(**every) {
                bench.queue.pass_over(*key);
                continue;
            }
            drop(bench.queue.put(*key, frame_at(now), false, now));
            assert_eq!(bench.take(millis + 10).1, [*key]);
            let answered = millis + if millis < 5000 { 50 } else { 150 };
            bench.queue.answered(&[(*key, now)], bench.at(answered - 50), bench.at(answered));
            bench.queue.settle(*key, Outcome::Inferred);
        }
    }
    (bench, cameras.into_iter().map(|(key, _)| key).collect())
}

#[test]
fn how_quiet_a_scene_is_says_nothing_about_what_can_be_done() {
    let (mut bench, _) = seconds_with_old_results(&[10]);
    let factor = bench.queue.load(bench.at(10_000)).level.factor;
    assert!((0.5..1.0).contains(&factor), "all that was to be inferred was: {factor}");
}

#[test]
fn frames_left_out_of_a_still_scene_are_not_missed() {
    let (mut bench, cameras) = seconds_with_old_results(&[1, u64::MAX, u64::MAX]);
    let load = bench.queue.load(bench.at(9_999));
    let balances: Vec<_> = cameras.iter().map(|key| bench.queue.balance(*key)).collect();
    assert!(balances.iter().all(|it| it.dropped_load > 0 && it.is_exact()), "{balances:?}");
    let of_the_moving_one = balances[0].inferred as f64 / balances[0].decoded as f64;
    assert!((load.inferred_share - of_the_moving_one).abs() < 0.02, "{load:?} {balances:?}");
}

#[test]
fn pictures_that_were_left_undecoded_are_missed_as_far_as_they_were_wished_and_are_no_pause() {
    let mut bench = Bench::new(SETTINGS);
    // Of the twenty pictures of each second half are wished, and in the second half of each second none is decoded.
    let key = bench.add(10.0);
    for millis in (0..20_000).step_by(50) {
        if millis % 1000 < 500 {
            bench.put(key, millis);
            if bench.take(millis).1 == [key] {
                bench.queue.settle(key, Outcome::Inferred);
            }
        } else {
            bench.queue.left_undecoded(key, bench.at(millis));
        }
    }
    let load = bench.queue.load(bench.at(19_999));
    assert!((load.decoded_share - 0.5).abs() < 0.1, "{load:?}");
    assert_eq!(load.decoding, LoadState::Overloaded);
    assert!(bench.queue.balance(key).is_exact());
    // Ten a second, where they come: 0.1 s apart, and stale after twice that.
    assert!(bench.queue.slots[&key].stale_after(1.0) < Duration::from_millis(240));
}

#[test]
fn a_camera_in_whose_picture_nothing_moves_is_not_waited_for() {
    let mut bench = Bench::new(SETTINGS);
    let (a, still) = (bench.add(100.0), bench.add(100.0));
    assert!(bench.queue.admit(still, bench.at(0)));
    bench.queue.pass_over(still);
    bench.put(a, 5);
    assert_eq!(bench.take(5), (Next::Run, vec![a]));
    bench.queue.settle(a, Outcome::Inferred);
    bench.put(still, 20);
    assert_eq!(bench.take(20), (Next::WaitUntil(bench.at(30)), vec![]), "and its own frame waits for the other's");
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize),
    PassOver(usize),
    Take,
    Settle(Outcome),
    Empty(usize),
}

fn any_step() -> impl Strategy<Value = (u64, Step)> {
    let step = prop_oneof![
        4 => (0usize..5).prop_map(Step::Put),
        1 => (0usize..5).prop_map(Step::PassOver),
        2 => Just(Step::Take),
        2 => prop_oneof![Just(Outcome::Inferred), Just(Outcome::Failed), Just(Outcome::Stopped)].prop_map(Step::Settle),
        1 => (0usize..5).prop_map(Step::Empty),
    ];
    (0u64..60, step)
}

proptest! {
    #[test]
    fn every_frame_is_accounted_for_at_every_moment(steps in prop::collection::vec(any_step(), 1..200)) {
        let mut bench = Bench::new(SETTINGS);
        let keys: Vec<_> = (0..5).map(|_| bench.add(20.0)).collect();
        let (mut in_flight, mut clock, mut put) = (Vec::new(), 0, 0u64);
        for (pause, step) in steps {
            clock += pause;
            match step {
                Step::Put(camera) => { bench.put(keys[camera], clock); put += 1; }
                Step::PassOver(camera) => {
                    let now = bench.at(clock);
                    if bench.queue.admit(keys[camera], now) { bench.queue.pass_over(keys[camera]); }
                    put += 1;
                }
                Step::Take => {
                    let taken = bench.take(clock).1;
                    prop_assert!(taken.len() <= SETTINGS.max_batch);
                    in_flight.extend(taken);
                }
                Step::Settle(outcome) => if let Some(key) = in_flight.pop() { bench.queue.settle(key, outcome); }
                Step::Empty(camera) => drop(bench.queue.empty(keys[camera])),
            }
            let balances: Vec<_> = keys.iter().map(|key| bench.queue.balance(*key)).collect();
            prop_assert!(balances.iter().all(FrameBalance::is_exact), "{balances:?}");
            prop_assert_eq!(balances.iter().map(|b| b.decoded).sum::<u64>(), put);
        }
    }

    #[test]
    fn no_camera_starves(fast in 1usize..6) {
        // One worker, batches of two, `fast` cameras that always have a new frame, and one slow one.
        let mut bench = Bench::new(SETTINGS);
        let slow = bench.add(1000.0);
        let others: Vec<_> = (0..fast).map(|_| bench.add(1000.0)).collect();
        for key in &others { bench.put(*key, 0); }
        bench.put(slow, 1);
        let mut rounds = 0;
        for round in 0u64..20 {
            let taken = bench.take(20 + round).1;
            rounds += 1;
            for key in &taken { bench.queue.settle(*key, Outcome::Inferred); }
            if taken.contains(&slow) { break; }
            for key in &others { bench.put(*key, 20 + round); }
        }
        prop_assert!(rounds <= fast / SETTINGS.max_batch + 1, "the slow camera waited {} rounds", rounds);
    }
}
