//! Holds the age of results at a target by taking fewer frames. Pure: `now` is an argument.
//!
//! It looks at the 95th percentile of about a second's results at a time. Over the target it makes the batches smaller, and when
//! that does not help it takes no more frames than the network has done, less a little. Well under the target it takes one step up
//! after a while; when that was too much it goes back, and waits for longer before the next one. Where a single batch takes longer than the target
//! nothing is left out. So the factor turns at most once
//! in ten seconds. When fewer frames are wished than before it gives back at once what that leaves room for.
//! Everything between the target and 85 % of it is left as it is.

use std::time::{Duration, Instant};

use sightline_core::plan::Priority;

/// The wished frame rates are never lowered further than to this share.
pub const LEAST_FACTOR: f64 = 0.05;
/// From here on to the target all is well, and nothing is given back.
const NEAR: f64 = 0.85;
/// A judgement needs so long and so many results …
const WINDOW: Duration = Duration::from_secs(1);
const ENOUGH: usize = 15;
/// … or so long and so few.
const LONG_WINDOW: Duration = Duration::from_secs(2);
const FEW: usize = 3;
/// More results than that are not kept for one judgement.
const MOST: usize = 2000;
/// What was too much is not tried again before this …
const FIRST_HOLD: Duration = Duration::from_secs(15);
/// … and at last for this.
const LAST_HOLD: Duration = Duration::from_secs(120);
/// After a step back nothing is done for so long, unless it is far too much.
const QUIET: Duration = Duration::from_secs(10);
/// A step down: of what is let through, and of what is done of it where that is less. A step up.
const DOWN: f64 = 0.85;
const UP: f64 = 1.15;
/// A step back is so much longer than the step up was.
const BACK: f64 = 0.95;
/// When so much less is wished than when it was too much, it is no longer.
const LESS_WISHED: f64 = 0.85;

/// What is to be held, between what bounds.
#[derive(Clone, Copy, Debug)]
pub struct GovernorSettings {
    /// Age that 95 % of the results are not to exceed.
    pub target: Duration,
    /// Frames in a batch when there is no need to be small.
    pub max_batch: usize,
    /// Batches that are smaller than this take no less time.
    pub min_batch: usize,
}

/// What is let through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// At most so many frames in a batch.
    pub batch: usize,
    /// Share of the wished frame rates.
    pub factor: f64,
}

/// A level that was too much.
#[derive(Clone, Copy, Debug)]
struct TooMuch {
    level: Level,
    /// When it may be tried again.
    again_at: Instant,
    /// Frames that were wished then, a second.
    wished: f64,
}

/// The results since the last judgement.
#[derive(Debug)]
struct Window {
    /// Since when wished frames are counted …
    opened: Instant,
    /// … and from when on results.
    begins: Instant,
    ages: Vec<f64>,
    wished: u32,
    largest_batch: usize,
    results: usize,
    /// The least that a batch took: no frame rate makes a result younger than that.
    fastest: Duration,
}

impl Window {
    const fn new(opened: Instant, begins: Instant) -> Self {
        Self { opened, begins, ages: Vec::new(), wished: 0, largest_batch: 0, results: 0, fastest: Duration::MAX }
    }
}

/// One engine's.
#[derive(Debug)]
pub struct Governor {
    settings: GovernorSettings,
    level: Level,
    window: Option<Window>,
    /// Judgements in a row that were over the target.
    strikes: u32,
    /// The load went up and the level is being looked for.
    is_searching: bool,
    too_much: Option<TooMuch>,
    hold: Duration,
    /// After a step back.
    quiet_until: Option<Instant>,
    /// Where it was before the last step up, while nothing is known of that.
    stepped_up_from: Option<Level>,
    /// When less was let through than before …
    lowered_at: Option<Instant>,
    /// … and for how long at least, also where the network turns out to be slower than the target.
    low_for: Duration,
}

impl Governor {
    /// One that lets everything through.
    #[must_use]
    pub const fn new(settings: GovernorSettings) -> Self {
        Self {
            settings,
            level: Level { batch: settings.max_batch, factor: 1.0 },
            window: None,
            strikes: 0,
            is_searching: true,
            too_much: None,
            hold: FIRST_HOLD,
            quiet_until: None,
            stepped_up_from: None,
            lowered_at: None,
            low_for: FIRST_HOLD,
        }
    }

    /// What is let through now.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The share of its wished frames that a camera gets: those of low priority give more, those of high one less.
    #[must_use]
    pub fn factor_of(&self, priority: Priority) -> f64 {
        let factor = self.level.factor;
        let own = match priority {
            Priority::Low => factor * factor,
            Priority::Normal => factor,
            Priority::High => factor.sqrt(),
        };
        own.max(LEAST_FACTOR)
    }

    /// A frame came that was to be inferred, whether it is let through or not. Those in which nothing moves are not.
    pub const fn wished(&mut self) {
        if let Some(window) = &mut self.window {
            window.wished += 1;
        }
    }

    /// A batch that took `took` had results of these ages.
    pub fn results(&mut self, ages: impl ExactSizeIterator<Item = Duration>, took: Duration, now: Instant) {
        let window = self.window.get_or_insert(Window::new(now, now));
        if now < window.begins {
            return;
        }
        window.largest_batch = window.largest_batch.max(ages.len());
        window.fastest = window.fastest.min(took);
        window.results += ages.len();
        let room = MOST.saturating_sub(window.ages.len());
        window.ages.extend(ages.take(room).map(|age| age.as_secs_f64()));
        let passed = now.saturating_duration_since(window.begins);
        let results = window.ages.len();
        if (passed >= WINDOW && results >= ENOUGH) || (passed >= LONG_WINDOW && results >= FEW) {
            let before = self.level;
            if let Some(window) = self.window.take() {
                self.judge(window, now);
            }
            // What was on its way under the old level says nothing about the new one.
            let rest = if self.level == before { Duration::ZERO } else { self.rest() };
            self.window = Some(Window::new(now, now + rest));
        }
    }

    fn rest(&self) -> Duration {
        (self.settings.target * 4).clamp(WINDOW / 2, WINDOW * 2)
    }

    fn judge(&mut self, mut window: Window, now: Instant) {
        let wished = f64::from(window.wished) / now.saturating_duration_since(window.opened).as_secs_f64();
        let target = self.settings.target.as_secs_f64();
        window.ages.sort_unstable_by(f64::total_cmp);
        let at = (window.ages.len() * 95).div_ceil(100).saturating_sub(1);
        let p95 = window.ages.get(at).copied().unwrap_or_default();
        if p95 > target {
            self.strikes += 1;
            // One window may be another program's fault, and the first ones after a step back are still that step's.
            let is_quiet = self.quiet_until.is_some_and(|until| now < until);
            let is_believed = self.is_searching || self.stepped_up_from.is_some() || self.strikes > 1;
            let is_far = p95 > 2.0 * target;
            // Of a few results a single late one is the 95th percentile.
            let is_certain = self.strikes > 1 || (!is_quiet && window.results >= ENOUGH);
            let is_beyond_doubt = is_certain && (is_far || (is_believed && !is_quiet));
            if is_beyond_doubt {
                self.step_down(p95 / target, &window, wished, now);
            }
            return;
        }
        self.strikes = 0;
        // The last step up was none too many.
        if self.stepped_up_from.take().is_some() {
            self.hold = FIRST_HOLD;
        }
        if p95 <= NEAR * target {
            self.step_up(wished, now);
        } else {
            self.is_searching = false;
        }
    }

    fn step_down(&mut self, excess: f64, window: &Window, wished: f64, now: Instant) {
        let level = self.level;
        if let Some(back) = self.stepped_up_from.take() {
            // A little less than it was: what goes up from there in one step is then not at the edge.
            let less = if back.factor < 1.0 { (back.factor * BACK).max(LEAST_FACTOR) } else { 1.0 };
            self.level = Level { factor: less, ..back };
            if !std::mem::replace(&mut self.is_searching, false) {
                self.hold = (self.hold * 3).min(LAST_HOLD);
            }
            self.quiet_until = Some(now + QUIET);
        } else if level.batch.min(window.largest_batch) > self.settings.min_batch {
            let smaller = level.batch.min(window.largest_batch) / if excess > 2.0 { 4 } else { 2 };
            self.level.batch = smaller.max(self.settings.min_batch);
        } else if window.fastest < self.settings.target {
            let seconds = now.saturating_duration_since(window.begins).as_secs_f64();
            let done = window.results as f64 / seconds / wished.max(f64::MIN_POSITIVE);
            self.level.factor = (level.factor.min(done) * DOWN).max(LEAST_FACTOR);
            self.lowered_at = Some(now);
            // Far from what is done the load has changed, and the next judgement is believed at once.
            self.is_searching |= done < level.factor * DOWN;
        } else {
            self.leave_nothing_out(wished, now);
            return;
        }
        if self.level != level {
            self.strikes = 0;
            self.too_much = Some(TooMuch { level, again_at: now + self.hold, wished });
        }
    }

    /// The network itself has become slower than the target: no frame rate holds that, and frames that are left out are lost for nothing.
    fn leave_nothing_out(&mut self, wished: f64, now: Instant) {
        let is_less = self.too_much.is_some_and(|it| wished < LESS_WISHED * it.wished);
        let is_held = !is_less && self.lowered_at.is_some_and(|at| now < at + self.low_for);
        if self.level.factor < 1.0 && self.strikes > 1 && !is_held {
            self.level.factor = 1.0;
            (self.strikes, self.too_much, self.is_searching) = (0, None, true);
            // Where a batch takes just about as long as the target it would go up and down.
            self.low_for = (self.low_for * 3).min(LAST_HOLD);
        }
    }

    fn step_up(&mut self, wished: f64, now: Instant) {
        let max_batch = self.settings.max_batch;
        if let Some(less) = self.too_much.take_if(|it| wished < LESS_WISHED * it.wished) {
            self.hold = FIRST_HOLD;
            // As many frames as before are no more work than before.
            self.level.factor = (self.level.factor * less.wished / wished.max(f64::MIN_POSITIVE)).min(1.0);
        }
        let known = self.too_much.filter(|it| now < it.again_at).map(|it| it.level);
        let Level { batch, factor } = self.level;
        let next = match known {
            // Half the way to what was too much, until that is not worth it.
            Some(high) if factor < 1.0 => {
                let between = (high.factor * factor).sqrt();
                let is_worth_it = self.is_searching && high.batch == batch && high.factor > factor * UP * UP;
                is_worth_it.then_some(Level { batch, factor: between })
            }
            None if factor < 1.0 => Some(Level { batch, factor: (factor * UP).min(1.0) }),
            Some(_) => None,
            _ if batch < max_batch => Some(Level { batch: (batch * 2).min(max_batch), factor }),
            _ => None,
        };
        if let (Some(next), Some(too_much), None) = (next, &mut self.too_much, known) {
            // It is tried again; the step after that one waits as this one did.
            let beyond = Level { batch: next.batch * 2, factor: next.factor * UP };
            *too_much = TooMuch { level: beyond, again_at: now + self.hold, wished };
        }
        match next {
            Some(next) => self.stepped_up_from = Some(std::mem::replace(&mut self.level, next)),
            // As good as it gets.
            None => self.is_searching = false,
        }
    }
}

#[cfg(test)]
mod tests;
