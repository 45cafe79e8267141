//! Which frame goes into which batch: one slot per camera, by shares and by how long it has waited. Pure: `now` is an argument.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sightline_core::{
    event::{FrameBalance, LoadState},
    frame::{Frame, FrameTimes},
    plan::Priority,
};

use crate::{
    batch_times::BatchTimes,
    governor::{Governor, GovernorSettings, Level},
    load::{LoadMeter, LoadReading},
    rate::{Pace, RateLimit},
    share::{Candidate, HUNGRY_AFTER, Shares, Turn, weight},
};

/// A camera in a queue. Never used again after its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraKey(u64);

/// How batches are made.
#[derive(Clone, Copy, Debug)]
pub struct QueueSettings {
    /// At most so many frames in a batch.
    pub max_batch: usize,
    /// Batches that are smaller than this take no less time.
    pub min_batch: usize,
    /// How long the first frame of a batch waits for company.
    pub max_wait: Duration,
    /// 95 % of results are to be no older than this.
    pub latency_target: Option<Duration>,
}

/// What is wished of a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraWish {
    /// At most so many frames per second are inferred.
    pub fps: f32,
    /// Whose go first when not all can be.
    pub priority: Priority,
}

/// How much of what is wished is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Whether the wished frames fit.
    pub state: LoadState,
    /// When that became so; nothing before the first frame.
    pub since: Option<Instant>,
    /// Whether decoding keeps up.
    pub decoding: LoadState,
    /// Share of the wished frames that were not left out for want of time, over the last ten seconds.
    pub inferred_share: f64,
    /// Share of the wished frames that were decoded.
    pub decoded_share: f64,
    /// Age that 95 % of the results did not exceed.
    pub latency_p95: Option<Duration>,
    /// What is let through.
    pub level: Level,
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
    wish: CameraWish,
    rate: RateLimit,
    /// Of pictures that were left undecoded so many would have been wished. Not of those above: what is decoded next must not suffer.
    undecoded: RateLimit,
    /// While the governor lets less through than is wished.
    thinned: Option<RateLimit>,
    pace: Pace,
    turn: Turn,
    waiting: Option<Waiting>,
    /// A frame of this camera is in a batch. Its next one waits, so that results come in order.
    in_flight: bool,
    /// Since when frames have come and none was put into a batch.
    unserved_since: Option<Instant>,
    /// The network's answer for that frame is there, and on its way to the camera's task.
    answered_at: Option<Instant>,
    last_put: Option<Instant>,
    /// Nothing moved in its last admitted frame.
    is_still: bool,
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
/// A frame is not too old before that, be its camera ever so fast: a thread may be late.
const STALE_AFTER: Duration = Duration::from_millis(120);
/// A batch whose next camera has an answer on its way waits for that so long: usually it takes a tenth of a millisecond.
const HAND_OVER: Duration = Duration::from_millis(2);

impl Slot {
    /// Between two frames of this camera, of which the governor lets `factor` through.
    fn interval(&self, factor: f64) -> Duration {
        let wished = 1.0 / (f64::from(self.wish.fps) * factor).max(1e-3);
        Duration::from_secs_f64(wished).max(self.pace.interval())
    }

    /// A camera's frame says nothing about now when two more should have come since.
    fn stale_after(&self, factor: f64) -> Duration {
        (self.interval(factor) * 2).max(STALE_AFTER)
    }
}

/// The waiting frames of all cameras. Bounded: one per camera; a newer frame supersedes an older one.
#[derive(Debug)]
pub struct FrameQueue {
    settings: QueueSettings,
    slots: BTreeMap<CameraKey, Slot>,
    next_key: u64,
    shares: Shares,
    batch_times: BatchTimes,
    load: LoadMeter,
    governor: Option<Governor>,
    order: Vec<Candidate<CameraKey>>,
}

impl FrameQueue {
    /// A queue without cameras.
    #[must_use]
    pub fn new(settings: QueueSettings) -> Self {
        let QueueSettings { max_batch, min_batch, latency_target, .. } = settings;
        let governor = |target| Governor::new(GovernorSettings { target, max_batch, min_batch });
        Self {
            settings,
            slots: BTreeMap::new(),
            next_key: 0,
            shares: Shares::default(),
            batch_times: BatchTimes::default(),
            load: LoadMeter::default(),
            governor: latency_target.map(governor),
            order: Vec::new(),
        }
    }

    /// Adds a camera. Its counts go on from `counts`.
    pub fn add(&mut self, wish: CameraWish, counts: FrameBalance) -> CameraKey {
        let key = CameraKey(self.next_key);
        self.next_key += 1;
        let slot = Slot {
            wish,
            rate: RateLimit::new(wish.fps),
            undecoded: RateLimit::new(wish.fps),
            thinned: None,
            pace: Pace::default(),
            turn: Turn::default(),
            waiting: None,
            in_flight: false,
            unserved_since: None,
            answered_at: None,
            last_put: None,
            is_still: false,
            counts,
        };
        self.slots.insert(key, slot);
        key
    }

    /// Takes a camera out of the queue's work: its waiting frame is given back to be dropped. Its counts stay.
    pub fn empty(&mut self, key: CameraKey) -> Option<Frame> {
        let slot = self.slots.get_mut(&key)?;
        let waiting = slot.waiting.take()?;
        slot.counts.dropped_stopped += 1;
        self.shares.withdraw(&mut slot.turn, weight(slot.wish.priority));
        slot.turn.forget_hunger();
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

    /// Whether a frame that was decoded at `now` is within its camera's rate, and within what can be let through. One that is not is
    /// accounted for with that; what is admitted is to be [put](Self::put) or [passed over](Self::pass_over).
    pub fn admit(&mut self, key: CameraKey, now: Instant) -> bool {
        let Some(slot) = self.slots.get_mut(&key) else { return false };
        slot.last_put = Some(now);
        if !slot.rate.admit(now) {
            slot.counts.decoded += 1;
            slot.counts.dropped_rate += 1;
            return false;
        }
        slot.pace.note(now);
        let Some(governor) = &mut self.governor else { return true };
        let factor = governor.factor_of(slot.wish.priority);
        if factor >= 1.0 {
            slot.thinned = None;
            return true;
        }
        let fps = f64::from(slot.wish.fps) * factor;
        // The golden section spreads any number of cameras evenly.
        let thinned = slot.thinned.get_or_insert_with(|| RateLimit::begun(fps, (key.0 as f64 * 0.618).fract()));
        if thinned.admit_at(fps, now) {
            return true;
        }
        slot.counts.decoded += 1;
        slot.counts.dropped_load += 1;
        // Where nothing moved in the one before, this one would most likely not have been inferred either.
        if !slot.is_still {
            governor.wished();
            self.load.wished(now);
            self.load.missed(now);
        }
        false
    }

    /// A camera's picture was left out because decoding does not keep up. No frame: it is in no balance.
    pub fn left_undecoded(&mut self, key: CameraKey, now: Instant) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        // Or frames would seem to come seldom, and wait for longer before they are stale.
        slot.pace.pause();
        slot.unserved_since = None;
        if slot.undecoded.admit(now) && !slot.is_still {
            self.load.undecoded(now);
        }
    }

    /// Accounts for an admitted frame in which nothing moves.
    pub fn pass_over(&mut self, key: CameraKey) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.is_still = true;
        slot.counts.decoded += 1;
        slot.counts.dropped_idle += 1;
    }

    /// Takes in an admitted frame. What comes back is to be dropped, outside any lock: the one whose place it took. While
    /// `all_are_busy`, of the workers, that one was missed for want of time; else its camera sends in bursts or its task is slow.
    pub fn put(&mut self, key: CameraKey, frame: Frame, all_are_busy: bool, now: Instant) -> Option<Frame> {
        let Some(slot) = self.slots.get_mut(&key) else { return Some(frame) };
        slot.is_still = false;
        slot.counts.decoded += 1;
        slot.unserved_since.get_or_insert(now);
        // Not before: a frame in which nothing moves is no work, and is not among the results either.
        if let Some(governor) = &mut self.governor {
            governor.wished();
        }
        self.load.wished(now);
        let Some(waiting) = &mut slot.waiting else {
            slot.waiting = Some(Waiting { frame, since: now });
            self.shares.begin(&mut slot.turn, weight(slot.wish.priority), now);
            return None;
        };
        slot.counts.dropped_superseded += 1;
        if all_are_busy {
            self.load.missed(now);
        }
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
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let ready = self.slots.iter().filter(|(_, slot)| !slot.in_flight);
        order.extend(
            ready.filter_map(|(key, slot)| Some(Shares::candidate(*key, slot.waiting.as_ref()?.since, &slot.turn))),
        );
        self.shares.order(&mut order, self.settings.max_batch, now);
        let next = self.take_of(&order, idle_workers, batch, now);
        self.order = order;
        next
    }

    fn take_of(
        &mut self,
        order: &[Candidate<CameraKey>],
        idle_workers: usize,
        batch: &mut Vec<(CameraKey, Frame)>,
        now: Instant,
    ) -> Next {
        let (Some(first), Some(oldest)) = (order.first(), order.iter().map(|it| it.since).min()) else {
            self.shares.nothing_waits();
            return Next::Idle;
        };
        let max_batch = self.level().batch;
        let deadline = oldest + self.settings.max_wait;
        let full = order.len() >= max_batch;
        if !full && now < deadline && self.company_may_come(now) {
            return Next::WaitUntil(deadline);
        }
        if let Some(until) = self.hand_over(first, now) {
            return Next::WaitUntil(until);
        }
        let share = order.len().div_ceil(idle_workers.max(1)).min(max_batch);
        let chosen = self.as_fit(&order[..share.min(order.len())], now);
        for candidate in order.iter().take(chosen) {
            let Some(slot) = self.slots.get_mut(&candidate.key) else { continue };
            let Some(waiting) = slot.waiting.take() else { continue };
            self.shares.serve(&mut slot.turn, candidate, weight(slot.wish.priority));
            (slot.in_flight, slot.unserved_since, slot.answered_at) = (true, None, None);
            batch.push((candidate.key, waiting.frame));
        }
        Next::Run
    }

    /// How many of `chosen` are run together: so many that none of their cameras sends more than one frame meanwhile, so that a result
    /// is no older than two of its camera's intervals. As many as take no longer than one are in any case; and where already those take
    /// longer than an interval, as many as pay, or the most that the network can do would never be had.
    fn as_fit(&self, chosen: &[Candidate<CameraKey>], now: Instant) -> usize {
        let mut shortest = Duration::MAX;
        let few = self.settings.min_batch.max(1);
        let fits = chosen.iter().enumerate().take_while(|(index, candidate)| {
            if let Some(slot) = self.slots.get(&candidate.key) {
                shortest = shortest.min(slot.interval(self.factor_of(slot.wish.priority)));
            }
            let frames = index + 1;
            let is_slow = || !self.batch_times.fit(few, shortest, now) && self.batch_times.pays(frames, few, now);
            frames <= few || self.batch_times.fit(frames, shortest, now) || is_slow()
        });
        fits.count()
    }

    /// Until when to wait because a camera that goes before `first` has just got its answer, and its next frame is about to be free.
    /// With equal weights there is none: who has just been served is not the next.
    fn hand_over(&self, first: &Candidate<CameraKey>, now: Instant) -> Option<Instant> {
        let on_their_way =
            self.slots.values().filter(|slot| slot.waiting.is_some() && slot.turn.is_before(first.finish));
        let until = on_their_way.filter_map(|slot| slot.answered_at).map(|at| at + HAND_OVER);
        if first.out_of_turn { None } else { until.filter(|until| now < *until).max() }
    }

    /// A batch that was taken at `taken` has its answers: each camera, and when its frame left the decoder.
    pub fn answered(&mut self, frames: &[(CameraKey, Instant)], taken: Instant, now: Instant) {
        let took = now.saturating_duration_since(taken);
        self.batch_times.note(frames.len().max(self.settings.min_batch), took, now);
        for (key, decoded_at) in frames {
            self.load.result(now.saturating_duration_since(*decoded_at), now);
            if let Some(slot) = self.slots.get_mut(key) {
                slot.answered_at = Some(now);
            }
        }
        if let Some(governor) = &mut self.governor {
            governor.results(frames.iter().map(|(_, at)| now.saturating_duration_since(*at)), took, now);
        }
    }

    /// How much of what is wished is done.
    pub fn load(&mut self, now: Instant) -> Load {
        let LoadReading { state, since, decoding, inferred_share, decoded_share, latency_p95 } = self.load.read(now);
        Load { state, since, decoding, inferred_share, decoded_share, latency_p95, level: self.level() }
    }

    /// What is let through.
    fn level(&self) -> Level {
        let all = Level { batch: self.settings.max_batch, factor: 1.0 };
        self.governor.as_ref().map_or(all, Governor::level)
    }

    fn factor_of(&self, priority: Priority) -> f64 {
        self.governor.as_ref().map_or(1.0, |governor| governor.factor_of(priority))
    }

    /// Accounts for a frame that was taken; the camera's next one may be taken from now on.
    pub fn settle(&mut self, key: CameraKey, outcome: Outcome) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        (slot.in_flight, slot.answered_at) = (false, None);
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
        let governor = self.governor.as_ref();
        for slot in self.slots.values_mut() {
            let stale_after = slot.stale_after(governor.map_or(1.0, |it| it.factor_of(slot.wish.priority)));
            // Old results are better than none for long.
            let is_hungry =
                slot.unserved_since.is_some_and(|since| now.saturating_duration_since(since) >= HUNGRY_AFTER);
            let since = |times: &FrameTimes| if is_hungry { times.decoded_at } else { times.arrived_at };
            let old = |w: &mut Waiting| now.saturating_duration_since(since(&w.frame.times)) > stale_after;
            if let Some(waiting) = slot.waiting.take_if(old) {
                slot.counts.dropped_stale += 1;
                self.load.missed(now);
                self.shares.withdraw(&mut slot.turn, weight(slot.wish.priority));
                stale.push(waiting.frame);
            }
        }
    }

    /// Whether any camera that is sending has no frame here yet. Where nothing moves, none is expected.
    fn company_may_come(&self, now: Instant) -> bool {
        self.slots.values().any(|slot| {
            let sends = slot.last_put.is_some_and(|last| now.saturating_duration_since(last) < SILENT_AFTER);
            sends && !slot.is_still && !slot.in_flight && slot.waiting.is_none()
        })
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
