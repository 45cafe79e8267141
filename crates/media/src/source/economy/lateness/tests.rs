use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const INTERVAL: Duration = Duration::from_millis(66);
const GROUP: u64 = 15;

/// A stream of fifteen pictures a second, of which each waits for so long.
struct Stream {
    lateness: Lateness,
    start: Instant,
    number: u64,
    borne: f32,
}

impl Stream {
    fn of(crowd: &Arc<Crowd>) -> Self {
        Self { lateness: Lateness::new(Arc::clone(crowd)), start: Instant::now(), number: 0, borne: 1.0 }
    }

    fn new() -> Self {
        Self::of(&Arc::default())
    }

    fn wait(&mut self, waited: Duration) -> Pressure {
        let arrived = self.start + INTERVAL * u32::try_from(self.number).unwrap();
        if self.number.is_multiple_of(GROUP) {
            self.lateness.key_frame();
        }
        self.number += 1;
        let pressure = self.lateness.note(waited, arrived + waited, self.borne);
        if pressure == Pressure::TooMuch {
            self.lateness.give_way(arrived + waited);
            self.lateness.forget();
        }
        pressure
    }

    /// How many of these are too much.
    fn wait_all(&mut self, waits: impl IntoIterator<Item = u64>) -> usize {
        waits.into_iter().filter(|wait| self.wait(Duration::from_millis(*wait)) == Pressure::TooMuch).count()
    }

    fn seconds(&mut self, seconds: u64, wait: u64) -> usize {
        self.wait_all(std::iter::repeat_n(wait, (seconds * GROUP) as usize))
    }
}

#[test]
fn pictures_that_wait_for_less_than_an_interval_are_never_too_late() {
    assert_eq!(Stream::new().seconds(60, 60), 0);
}

#[test]
fn a_hiccup_costs_nothing_be_it_short_or_worked_off() {
    let mut stream = Stream::new();
    stream.seconds(5, 5);
    assert_eq!(stream.wait_all([300; 6]), 0, "less than half a second");
    stream.seconds(1, 5);
    // Two seconds of nothing, then everything at one and a half times the speed at which it came.
    let backlog = (0..90).map(|picture| 2000u64.saturating_sub(picture * 22));
    assert_eq!(stream.wait_all(backlog), 0);
    assert!(!stream.lateness.is_closely(stream.start + Duration::from_secs(10)));
}

#[test]
fn a_backlog_that_stays_or_grows_is_too_much() {
    for growth in [0, 5, 20] {
        let mut stream = Stream::new();
        stream.seconds(5, 5);
        let backlog = (0..30).map(|picture| 100 + picture * growth);
        assert!(stream.wait_all(backlog) > 0, "{growth} ms a picture");
    }
}

#[test]
fn slow_streams_may_be_later_than_fast_ones() {
    let mut slow = Stream::new();
    // Four pictures a second.
    let late = (0..60).filter(|picture| {
        let arrived = slow.start + Duration::from_millis(250) * *picture;
        slow.lateness.note(Duration::from_millis(200), arrived + Duration::from_millis(200), 1.0) > Pressure::Nothing
    });
    assert_eq!(late.count(), 0);
    let mut fast = Stream::new();
    assert!(fast.seconds(10, 200) > 0);
}

#[test]
fn while_watched_closely_a_little_for_long_is_too_much_and_a_moment_is_not() {
    let mut stream = Stream::new();
    assert!(stream.seconds(3, 200) > 0);
    assert!(stream.seconds(3, 30) > 0);
    let alternating = (0..30).map(|picture| if picture % 2 == 0 { 30 } else { 2 });
    assert_eq!(stream.wait_all(alternating), 0);
    assert_eq!(stream.wait(Duration::from_millis(70)), Pressure::TooMuch, "more than an interval");
}

#[test]
fn it_is_watched_closely_for_twenty_seconds_and_for_longer_when_it_is_too_much_again() {
    let (mut guard, start) = (Guard::default(), Instant::now());
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    guard.raise(at(100));
    assert!(!guard.is_up(at(121)) && guard.is_up(at(119)));
    guard.raise(at(122));
    assert!(guard.is_up(at(161)) && !guard.is_up(at(163)));
    guard.raise(at(130));
    assert!(!guard.is_up(at(163)), "what is known already");
    let mut now = 163;
    for closely_for in [80, 160, 160] {
        guard.raise(at(now));
        assert!(guard.is_up(at(now + closely_for - 1)), "{closely_for}");
        now += closely_for + 1;
        assert!(!guard.is_up(at(now)), "{closely_for}");
    }
    guard.raise(at(now + 500));
    assert!(!guard.is_up(at(now + 521)), "all had fitted for long");
}

#[test]
fn what_is_too_much_for_two_cameras_puts_all_on_their_guard_and_for_one_only_that_one() {
    let crowd = Arc::default();
    let [mut first, mut second, mut third] = [(); 3].map(|()| Stream::of(&crowd));
    assert!(first.seconds(3, 200) > 0);
    assert!(first.seconds(3, 40) > 0, "it has been too much for this one");
    assert_eq!(second.seconds(3, 40), 0);
    assert!(second.seconds(3, 200) > 0);
    assert_eq!(third.seconds(3, 5), 0);
    assert!(third.seconds(3, 40) > 0);
}

#[test]
fn who_leaves_out_nothing_puts_nobody_on_their_guard() {
    let crowd = Arc::default();
    let [mut first, mut second, mut third] = [(); 3].map(|()| Stream::of(&crowd));
    for (number, stream) in [&mut first, &mut second].into_iter().enumerate() {
        let mut late = |picture: u32| {
            let now = stream.start + INTERVAL * picture;
            stream.lateness.note(Duration::from_secs(1), now, 1.0) == Pressure::TooMuch
        };
        assert!((0..60).filter(|picture| late(*picture)).count() > 0, "camera {number}");
    }
    assert_eq!(third.seconds(10, 40), 0);
}

/// One of several cameras that share a machine.
struct Crowded {
    lateness: Lateness,
    borne: f32,
    /// When its pictures arrived that wait, in intervals, and their places behind a key frame.
    waiting: VecDeque<(u64, u64)>,
    /// The rest of this group of pictures is left out.
    is_out: bool,
    decoded: u64,
}

impl Crowded {
    /// Comes to its next picture at `at` intervals that is to be decoded, past those that are left out; how long it has waited.
    fn next(&mut self, start: Instant, at: f64) -> Option<Duration> {
        while let Some((arrived, place)) = self.waiting.pop_front() {
            let waited = INTERVAL.mul_f64(at - arrived as f64);
            if place == 0 {
                self.lateness.key_frame();
                self.is_out = false;
            }
            let pressure = self.lateness.note(waited, start + INTERVAL.mul_f64(at), self.borne);
            if !self.is_out && place > 0 && pressure == Pressure::TooMuch {
                self.lateness.give_way(start + INTERVAL.mul_f64(at));
                self.lateness.forget();
                self.is_out = true;
            }
            if !self.is_out {
                return Some(waited);
            }
            self.lateness.left_out();
        }
        None
    }
}

/// Cameras whose machine has time for `budget` pictures in each interval: how many of each camera's are decoded in so many seconds,
/// and the waits of those, ascending.
fn crowded(borne: &[f32], budget: usize, seconds: u64, group_at: fn(usize) -> u64) -> (Vec<u64>, Vec<Duration>) {
    let (crowd, start) = (Arc::<Crowd>::default(), Instant::now());
    let begin = |borne: &f32| Crowded {
        lateness: Lateness::new(Arc::clone(&crowd)),
        borne: *borne,
        waiting: VecDeque::new(),
        is_out: false,
        decoded: 0,
    };
    let mut cameras: Vec<Crowded> = borne.iter().map(begin).collect();
    let (mut waits, warm_up) = (Vec::new(), 20 * GROUP);
    for tick in 0..warm_up + seconds * GROUP {
        for (index, camera) in cameras.iter_mut().enumerate() {
            camera.waiting.push_back((tick, (tick + group_at(index)) % GROUP));
        }
        // Each in turn gets a picture decoded, as an operating system would do it, and not always the same one is the first.
        let (mut done, mut turn, count) = (0, tick as usize * 7, cameras.len());
        while done < budget && cameras.iter().any(|camera| !camera.waiting.is_empty()) {
            turn += 1;
            let camera = &mut cameras[turn % count];
            let Some(waited) = camera.next(start, tick as f64 + done as f64 / budget as f64) else { continue };
            done += 1;
            if tick >= warm_up {
                camera.decoded += 1;
                waits.push(waited);
            }
        }
    }
    waits.sort();
    (cameras.iter().map(|camera| camera.decoded).collect(), waits)
}

#[test]
fn cameras_of_one_priority_get_about_as_many_pictures_and_none_is_late() {
    // In step, where all have their large load at once, and each for itself.
    for (group_at, percent) in [((|_| 0) as fn(usize) -> u64, 50), (|index| index as u64 * 7, 80)] {
        let (decoded, waits) = crowded(&[1.0; 16], 10, 60, group_at);
        let (least, most) = (*decoded.iter().min().unwrap(), *decoded.iter().max().unwrap());
        assert!(most * 2 < least * 3, "{decoded:?}");
        let p95 = waits[waits.len() * 95 / 100];
        assert!(p95 <= INTERVAL * 2, "{p95:?}");
        let all = decoded.iter().sum::<u64>();
        assert!(all > 60 * GROUP * 10 * percent / 100, "{all} of {} that could be had: {decoded:?}", 60 * GROUP * 10);
    }
}

#[test]
fn cameras_that_bear_more_are_decoded_for_longer() {
    let borne: Vec<f32> = (0..16).map(|index| if index < 8 { 0.5 } else { 2.0 }).collect();
    let (decoded, _) = crowded(&borne, 12, 60, |index| index as u64 * 7);
    let (low, high) = decoded.split_at(8);
    assert!(low.iter().max() < high.iter().min(), "{decoded:?}");
}

proptest! {
    #[test]
    fn any_waits_in_any_order_are_taken(waits in prop::collection::vec(0u64..5000, 1..300)) {
        let mut stream = Stream::new();
        stream.wait_all(waits);
        // And whatever was before, what does not wait is not late.
        prop_assert_eq!(stream.seconds(2, 0), 0);
    }

    #[test]
    fn short_waits_are_never_too_much(waits in prop::collection::vec(0u64..50, 1..300)) {
        prop_assert_eq!(Stream::new().wait_all(waits), 0);
    }
}
