//! Whether a camera's pictures wait for their decoder, and when some have to be left out for it. Pure: `now` is an argument.
//!
//! A machine that cannot decode all that its cameras send is told from one that is busy for a moment by how long it lasts: a picture
//! may wait for a frame interval, and be it for half a second on end, or while what waits is being worked off. Where that was not
//! enough for two of them, all cameras are watched closely for a while: then none may even lag behind a little for long, or decoders
//! would always have something left to do and take the network's time. After that it is tried whether all fits again, and the longer it does not,
//! the less often.
//!
//! Cameras that are late together must not all leave out pictures at one moment, or all of them would do nothing and then all too
//! much. So each bears a little more or less than others, and in the next group of pictures less or more: whoever is first relieves
//! the others. Who has left out more than others bears more.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Pictures may wait for a frame interval of their stream, and for so long at least: a thread may be late …
const LEAST_LIMIT: Duration = Duration::from_millis(50);
/// … and at most, also where the interval is not known.
const MOST_LIMIT: Duration = Duration::from_millis(500);
/// Late for so long on end is more than a hiccup …
const ON_END: Duration = Duration::from_millis(500);
/// … of which at least so many pictures tell.
const ON_END_PICTURES: u32 = 4;
/// What waits is being worked off where the wait has fallen by so much in [`LOOK_BACK`].
const WORKED_OFF: Duration = Duration::from_millis(15);
const LOOK_BACK: Duration = Duration::from_millis(250);
/// Cameras are watched closely for so long at first, and at last when it was too much again soon after that.
const CLOSELY: Duration = Duration::from_secs(20);
const CLOSELY_AT_LAST: Duration = Duration::from_secs(160);
/// Two cameras for which it is too much within so long have a machine in common that is too slow.
const TOGETHER: Duration = Duration::from_secs(10);
/// While one is watched closely this share of the limit is lagging behind, but not less than that …
const BEHIND: f32 = 0.33;
const LEAST_BEHIND: Duration = Duration::from_millis(10);
/// … which is borne for so long, and by so much longer by those who bear more at the moment.
const BEHIND_FOR: Duration = Duration::from_millis(50);
const BEHIND_SPREAD: Duration = Duration::from_millis(150);
/// Of the limit so much is borne then, and so much more.
const OVER: f32 = 0.5;
const OVER_SPREAD: f32 = 0.75;
/// The golden section spreads any number of turns evenly.
const GOLDEN: f32 = 0.618_034;
/// Who has left out everything, where others have left out nothing, bears so much more.
const COMPENSATION: f32 = 2.0;
const MOST_BORNE: f32 = 2.0;
/// Weight of the newest interval between pictures in what is usual.
const INTERVAL_WEIGHT: f32 = 1.0 / 16.0;
/// Weight of a group of pictures in what a camera, and in what all have left out lately.
const OWN_WEIGHT: f32 = 1.0 / 8.0;
const CROWD_WEIGHT: f32 = 1.0 / 128.0;

/// For how long it is watched closely after it was too much.
#[derive(Debug)]
struct Guard {
    until: Option<Instant>,
    span: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Self { until: None, span: CLOSELY }
    }
}

impl Guard {
    fn raise(&mut self, now: Instant) {
        if self.is_up(now) {
            return;
        }
        let is_again = self.until.is_some_and(|until| now.saturating_duration_since(until) < self.span);
        self.span = if is_again { (self.span * 2).min(CLOSELY_AT_LAST) } else { CLOSELY };
        self.until = Some(now + self.span);
    }

    fn is_up(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

/// What the cameras of a machine know of each other. Were each on its own, those that began to leave out pictures would give way to
/// the others for good.
#[derive(Debug, Default)]
pub struct Crowd {
    /// How many cameras there have been.
    cameras: AtomicU64,
    /// Looked at once for each picture; held for a comparison.
    watch: Mutex<Watch>,
    /// Share of the pictures that was left out lately, as the bits of a float.
    left_out: AtomicU32,
}

#[derive(Debug, Default)]
struct Watch {
    guard: Guard,
    /// The camera for which it was last too much.
    last: Option<(u64, Instant)>,
}

impl Crowd {
    /// It was too much for camera `number`. One that is too much for its own decoder is no reason to watch the others.
    fn too_much(&self, number: u64, now: Instant) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let before = watch.last.replace((number, now));
        if before.is_some_and(|(other, at)| other != number && now.saturating_duration_since(at) < TOGETHER) {
            watch.guard.raise(now);
        }
    }

    fn is_closely(&self, now: Instant) -> bool {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).guard.is_up(now)
    }

    /// One of them has left out that share of a group of pictures. What two say at once may be lost: it is a mean.
    fn note(&self, share: f32) {
        let mean = self.left_out();
        self.left_out.store((mean + (share - mean) * CROWD_WEIGHT).to_bits(), Ordering::Relaxed);
    }

    fn left_out(&self) -> f32 {
        f32::from_bits(self.left_out.load(Ordering::Relaxed))
    }
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Nothing.
    Nothing,
    /// Pictures to which no other refers are better left out.
    Little,
    /// Decoding does not keep up.
    TooMuch,
}

/// One camera's.
#[derive(Debug)]
pub struct Lateness {
    crowd: Arc<Crowd>,
    /// Its number among them.
    number: u64,
    /// Whether this one is watched closely, be it alone.
    guard: Guard,
    /// Between pictures of the stream, in seconds.
    interval: Option<f32>,
    last_arrival: Option<Instant>,
    /// Since when every picture was over the limit, and how many.
    late: Option<(Instant, u32)>,
    /// Since when every picture lagged behind.
    behind_since: Option<Instant>,
    /// The least wait since that moment, and in the time before it.
    looking: Option<(Instant, Duration)>,
    before: Option<Duration>,
    /// How much it bears at the moment, from 0 to 1.
    turn: f32,
    /// Pictures of this group so far, and how many of them were left out.
    pictures: (u32, u32),
    /// Share of its pictures that was left out lately.
    left_out: f32,
}

impl Lateness {
    /// Each camera has its turn at another time.
    pub fn new(crowd: Arc<Crowd>) -> Self {
        let number = crowd.cameras.fetch_add(1, Ordering::Relaxed);
        Self {
            number,
            crowd,
            guard: Guard::default(),
            interval: None,
            last_arrival: None,
            late: None,
            behind_since: None,
            looking: None,
            before: None,
            turn: (number as f64 * f64::from(GOLDEN)).fract() as f32,
            pictures: (0, 0),
            left_out: 0.0,
        }
    }

    /// A picture that has waited for so long is about to be decoded at `now`. `borne`: how much more than usual its camera
    /// may be late.
    pub fn note(&mut self, waited: Duration, now: Instant, borne: f32) -> Pressure {
        self.pictures.0 = self.pictures.0.saturating_add(1);
        self.learn_interval(now.checked_sub(waited));
        self.look(waited, now);
        let interval = self.interval.map_or(MOST_LIMIT, Duration::from_secs_f32);
        let limit = interval.clamp(LEAST_LIMIT, MOST_LIMIT).mul_f32(borne);
        let (is_late, is_behind) = (waited > limit, waited > limit.mul_f32(BEHIND).max(LEAST_BEHIND));
        self.behind_since = if is_behind { self.behind_since.or(Some(now)) } else { None };
        self.late = if is_late { Some(self.late.map_or((now, 1), |(since, count)| (since, count + 1))) } else { None };
        if self.is_closely(now) {
            return self.when_watched_closely(waited, limit, now, borne);
        }
        let is_long = self.late.is_some_and(|(since, pictures)| {
            now.saturating_duration_since(since) >= ON_END && pictures >= ON_END_PICTURES
        });
        let is_worked_off = self.before.is_some_and(|before| waited + WORKED_OFF < before);
        if is_long && !is_worked_off { Pressure::TooMuch } else { Pressure::Nothing }
    }

    /// Pictures are left out because it was too much.
    pub fn give_way(&mut self, now: Instant) {
        if !self.is_closely(now) {
            self.guard.raise(now);
            self.crowd.too_much(self.number, now);
        }
    }

    fn is_closely(&self, now: Instant) -> bool {
        self.guard.is_up(now) || self.crowd.is_closely(now)
    }

    fn when_watched_closely(&self, waited: Duration, limit: Duration, now: Instant, borne: f32) -> Pressure {
        let Some(behind_since) = self.behind_since else { return Pressure::Nothing };
        let compensation = (self.left_out - self.crowd.left_out()) * COMPENSATION;
        let turn = (self.turn + compensation).clamp(0.0, MOST_BORNE);
        let is_over = waited > limit.mul_f32(OVER + OVER_SPREAD * turn.min(1.0));
        let borne_for = (BEHIND_FOR + BEHIND_SPREAD.mul_f32(turn)).mul_f32(borne);
        let is_long = now.saturating_duration_since(behind_since) >= borne_for;
        if is_over || is_long { Pressure::TooMuch } else { Pressure::Little }
    }

    /// A picture was left out for it.
    pub fn left_out(&mut self) {
        self.pictures.1 = self.pictures.1.saturating_add(1);
    }

    /// A group of pictures begins.
    pub fn key_frame(&mut self) {
        self.turn = (self.turn + GOLDEN).fract();
        let (pictures, left_out) = std::mem::take(&mut self.pictures);
        if pictures > 0 {
            // Of pictures whose wait is not known only the number of those that were left out is.
            let share = (left_out as f32 / pictures as f32).min(1.0);
            self.left_out += (share - self.left_out) * OWN_WEIGHT;
            self.crowd.note(share);
        }
    }

    /// What was seen so far says nothing about what follows.
    pub fn forget(&mut self) {
        (self.late, self.behind_since, self.looking, self.before) = (None, None, None, None);
    }

    fn learn_interval(&mut self, arrival: Option<Instant>) {
        let (Some(arrival), Some(last)) = (arrival, self.last_arrival) else {
            self.last_arrival = arrival;
            return;
        };
        self.last_arrival = Some(arrival);
        let new = arrival.saturating_duration_since(last).min(2 * MOST_LIMIT).as_secs_f32();
        let usual = self.interval.get_or_insert(new);
        *usual += (new - *usual) * INTERVAL_WEIGHT;
    }

    fn look(&mut self, waited: Duration, now: Instant) {
        match &mut self.looking {
            Some((since, least)) if now.saturating_duration_since(*since) < LOOK_BACK => *least = waited.min(*least),
            looking => self.before = looking.replace((now, waited)).map(|(_, least)| least),
        }
    }
}

#[cfg(test)]
mod tests;
