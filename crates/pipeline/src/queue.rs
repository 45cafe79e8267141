//! Which frame goes into which batch: one slot per camera, oldest wait first. Pure: `now` is an argument.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sightline_core::{event::FrameBalance, frame::Frame};

use crate::rate::RateLimit;

/// A camera in a queue. Never used again after its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraKey(u64);

/// How batches are made.
#[derive(Clone, Copy, Debug)]
pub struct QueueSettings {
    /// At most so many frames in a batch.
    pub max_batch: usize,
    /// How long the first frame of a batch waits for company.
    pub max_wait: Duration,
    /// A frame that left the decoder longer ago is not worth a look any more.
    pub max_age: Duration,
}

/// What became of a frame that was taken into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its detections reached the camera's task.
    Inferred,
    /// The session failed, or the worker did.
    Failed,
    /// The camera's task was gone.
    Stopped,
}

/// What a worker is to do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Run the batch.
    Run,
    /// Ask again at that moment, or when a frame came.
    WaitUntil(Instant),
    /// Nothing waits.
    Idle,
}

/// One camera's place: its newest frame, and what became of all others.
#[derive(Debug)]
struct Slot {
    rate: RateLimit,
    waiting: Option<Waiting>,
    /// A frame of this camera is in a batch. Its next one waits, so that results come in order.
    in_flight: bool,
    last_put: Option<Instant>,
    counts: FrameBalance,
}

#[derive(Debug)]
struct Waiting {
    frame: Frame,
    /// Since when the camera waits for its turn: a newer frame takes the place of an older one but keeps its place
    /// in the line, or a fast camera would never be the oldest.
    since: Instant,
}

/// A camera that has not sent for so long is silent: no batch waits for it.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// The waiting frames of all cameras. Bounded: one per camera; a newer frame supersedes an older one.
#[derive(Debug)]
pub struct FrameQueue {
    settings: QueueSettings,
    slots: BTreeMap<CameraKey, Slot>,
    next_key: u64,
    order: Vec<(Instant, CameraKey)>,
}

impl FrameQueue {
    /// A queue without cameras.
    #[must_use]
    pub const fn new(settings: QueueSettings) -> Self {
        Self { settings, slots: BTreeMap::new(), next_key: 0, order: Vec::new() }
    }

    /// Adds a camera of which at most `fps` frames per second are inferred. Its counts go on from `counts`.
    pub fn add(&mut self, fps: f32, counts: FrameBalance) -> CameraKey {
        let key = CameraKey(self.next_key);
        self.next_key += 1;
        let slot = Slot { rate: RateLimit::new(fps), waiting: None, in_flight: false, last_put: None, counts };
        self.slots.insert(key, slot);
        key
    }

    /// Takes a camera out of the queue's work: its waiting frame is given back to be dropped. Its counts stay.
    pub fn empty(&mut self, key: CameraKey) -> Option<Frame> {
        let slot = self.slots.get_mut(&key)?;
        let waiting = slot.waiting.take()?;
        slot.counts.dropped_stopped += 1;
        Some(waiting.frame)
    }

    /// Forgets a camera: its waiting frame, to be dropped, and its last counts. Frames that wait or are in a batch are
    /// counted as stopped.
    pub fn remove(&mut self, key: CameraKey) -> (Option<Frame>, FrameBalance) {
        let mut counts = self.balance(key);
        counts.dropped_stopped += std::mem::take(&mut counts.waiting);
        let waiting = self.slots.remove(&key).and_then(|slot| slot.waiting);
        (waiting.map(|waiting| waiting.frame), counts)
    }

    /// Whether a frame that was decoded at `now` is within its camera's rate. One that is not is accounted for with that; what
    /// is admitted is to be [put](Self::put) or [passed over](Self::pass_over).
    pub fn admit(&mut self, key: CameraKey, now: Instant) -> bool {
        let Some(slot) = self.slots.get_mut(&key) else { return false };
        slot.last_put = Some(now);
        if slot.rate.admit(now) {
            return true;
        }
        slot.counts.decoded += 1;
        slot.counts.dropped_rate += 1;
        false
    }

    /// Accounts for an admitted frame in which nothing moves.
    pub fn pass_over(&mut self, key: CameraKey) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.counts.decoded += 1;
        slot.counts.dropped_idle += 1;
    }

    /// Takes in an admitted frame. What comes back is to be dropped, outside any lock: the one whose place it took.
    pub fn put(&mut self, key: CameraKey, frame: Frame, now: Instant) -> Option<Frame> {
        let Some(slot) = self.slots.get_mut(&key) else { return Some(frame) };
        slot.counts.decoded += 1;
        let Some(waiting) = &mut slot.waiting else {
            slot.waiting = Some(Waiting { frame, since: now });
            return None;
        };
        slot.counts.dropped_superseded += 1;
        Some(std::mem::replace(&mut waiting.frame, frame))
    }

    /// Fills `batch` with the frames that are to be run now: as many as `max_batch` allows, but no more than this one of
    /// `idle_workers` workers' share, or one would run all while the others stand by. Frames too old to be run go to `stale`, to be dropped
    /// outside any lock. Both are empty unless the answer says otherwise.
    pub fn take(
        &mut self,
        now: Instant,
        idle_workers: usize,
        batch: &mut Vec<(CameraKey, Frame)>,
        stale: &mut Vec<Frame>,
    ) -> Next {
        self.drop_stale(now, stale);
        self.order.clear();
        let ready = self.slots.iter().filter(|(_, slot)| !slot.in_flight);
        self.order.extend(ready.filter_map(|(key, slot)| Some((slot.waiting.as_ref()?.since, *key))));
        self.order.sort_unstable();
        let Some(&(oldest, _)) = self.order.first() else { return Next::Idle };

        let deadline = oldest + self.settings.max_wait;
        let full = self.order.len() >= self.settings.max_batch;
        if !full && now < deadline && self.company_may_come(now) {
            return Next::WaitUntil(deadline);
        }
        let share = self.order.len().div_ceil(idle_workers.max(1));
        for (_, key) in self.order.iter().take(share.min(self.settings.max_batch)) {
            let Some(slot) = self.slots.get_mut(key) else { continue };
            let Some(waiting) = slot.waiting.take() else { continue };
            slot.in_flight = true;
            batch.push((*key, waiting.frame));
        }
        Next::Run
    }

    /// Accounts for a frame that was taken; the camera's next one may be taken from now on.
    pub fn settle(&mut self, key: CameraKey, outcome: Outcome) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.in_flight = false;
        match outcome {
            Outcome::Inferred => slot.counts.inferred += 1,
            Outcome::Failed => slot.counts.dropped_failed += 1,
            Outcome::Stopped => slot.counts.dropped_stopped += 1,
        }
    }

    /// What became of a camera's frames.
    #[must_use]
    pub fn balance(&self, key: CameraKey) -> FrameBalance {
        let Some(slot) = self.slots.get(&key) else { return FrameBalance::default() };
        let waiting = u64::from(slot.waiting.is_some()) + u64::from(slot.in_flight);
        FrameBalance { waiting, ..slot.counts }
    }

    /// Whether any frame waits or is in a batch.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.slots.values().any(|slot| slot.in_flight || slot.waiting.is_some())
    }

    /// When a camera's last frame came.
    #[must_use]
    pub fn last_put(&self, key: CameraKey) -> Option<Instant> {
        self.slots.get(&key)?.last_put
    }

    fn drop_stale(&mut self, now: Instant, stale: &mut Vec<Frame>) {
        let max_age = self.settings.max_age;
        for slot in self.slots.values_mut() {
            let old = |w: &mut Waiting| now.saturating_duration_since(w.frame.times.decoded_at) > max_age;
            if let Some(waiting) = slot.waiting.take_if(old) {
                slot.counts.dropped_stale += 1;
                stale.push(waiting.frame);
            }
        }
    }

    /// Whether any camera that is sending has no frame here yet.
    fn company_may_come(&self, now: Instant) -> bool {
        self.slots.values().any(|slot| {
            let sends = slot.last_put.is_some_and(|last| now.saturating_duration_since(last) < SILENT_AFTER);
            sends && !slot.in_flight && slot.waiting.is_none()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fakes::frame_at;

    const SETTINGS: QueueSettings =
        QueueSettings { max_batch: 2, max_wait: Duration::from_millis(10), max_age: Duration::from_millis(500) };

    struct Bench {
        queue: FrameQueue,
        start: Instant,
        idle_workers: usize,
    }

    impl Bench {
        fn new(settings: QueueSettings) -> Self {
            Self { queue: FrameQueue::new(settings), start: Instant::now(), idle_workers: 1 }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        fn put(&mut self, key: CameraKey, millis: u64) {
            let now = self.at(millis);
            if self.queue.admit(key, now) {
                drop(self.queue.put(key, frame_at(now), now));
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
        let only = bench.queue.add(100.0, FrameBalance::default());
        bench.put(only, 0);
        assert_eq!(bench.take(0), (Next::Run, vec![only]));
    }

    #[test]
    fn the_first_frame_waits_for_company_but_not_longer_than_told() {
        let mut bench = Bench::new(SETTINGS);
        let (a, b) = (bench.queue.add(100.0, FrameBalance::default()), bench.queue.add(100.0, FrameBalance::default()));
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
        let (a, silent) =
            (bench.queue.add(100.0, FrameBalance::default()), bench.queue.add(100.0, FrameBalance::default()));
        bench.put(silent, 0);
        bench.take(100);
        bench.queue.settle(silent, Outcome::Inferred);
        bench.put(a, 1500);
        assert_eq!(bench.take(1500), (Next::Run, vec![a]));
    }

    #[test]
    fn who_waits_longest_goes_first_even_when_its_frame_was_replaced() {
        let mut bench = Bench::new(QueueSettings { max_batch: 1, ..SETTINGS });
        let (a, b) = (bench.queue.add(100.0, FrameBalance::default()), bench.queue.add(100.0, FrameBalance::default()));
        bench.put(a, 0);
        bench.put(b, 5);
        bench.put(a, 9);
        assert_eq!(bench.take(20).1, [a]);
        assert_eq!(bench.take(20).1, [b]);
    }

    #[test]
    fn idle_workers_share_what_waits() {
        let mut bench = Bench::new(QueueSettings { max_batch: 8, ..SETTINGS });
        let keys: Vec<_> = (0..3).map(|_| bench.queue.add(100.0, FrameBalance::default())).collect();
        keys.iter().for_each(|key| bench.put(*key, 0));
        bench.idle_workers = 2;
        assert_eq!(bench.take(0).1, keys[..2]);
        bench.idle_workers = 1;
        assert_eq!(bench.take(0).1, keys[2..]);
    }

    #[test]
    fn a_camera_in_flight_is_not_taken_again() {
        let mut bench = Bench::new(SETTINGS);
        let a = bench.queue.add(100.0, FrameBalance::default());
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
        let a = bench.queue.add(100.0, FrameBalance::default());
        bench.put(a, 0);
        assert_eq!(bench.take(600), (Next::Idle, vec![]));
        assert_eq!(bench.queue.balance(a).dropped_stale, 1);
    }

    #[test]
    fn a_camera_that_comes_back_counts_on_and_its_frames_on_the_way_are_stopped() {
        let mut bench = Bench::new(SETTINGS);
        let first = bench.queue.add(100.0, FrameBalance::default());
        bench.put(first, 0);
        assert_eq!(bench.take(0).1, [first]);
        bench.put(first, 20);
        let (frame, counts) = bench.queue.remove(first);
        assert!(frame.is_some() && counts.is_exact());
        assert_eq!((counts.decoded, counts.dropped_stopped, counts.waiting), (2, 2, 0));
        let second = bench.queue.add(100.0, counts);
        // The batch with the first one's frame comes back late.
        bench.queue.settle(first, Outcome::Inferred);
        bench.put(second, 40);
        assert_eq!((bench.queue.balance(second).decoded, bench.queue.balance(second).inferred), (3, 0));
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
            let keys: Vec<_> = (0..5).map(|_| bench.queue.add(20.0, FrameBalance::default())).collect();
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
            let slow = bench.queue.add(1000.0, FrameBalance::default());
            let others: Vec<_> = (0..fast).map(|_| bench.queue.add(1000.0, FrameBalance::default())).collect();
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
}
