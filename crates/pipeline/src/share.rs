//! Whose frames go first when not all can be run: shares by weight. Pure: `now` is an argument.
//!
//! Self-clocked fair queueing. A frame's finish is the virtual time at which its camera has had its share with it: the camera's
//! last finish, or the virtual time less [`CREDIT`] frames if that is later, plus one over its weight. The least finish goes first,
//! and the virtual time is the greatest finish that went. So cameras that always have a frame waiting are served in proportion to
//! their weights, a camera whose wish is met leaves the rest to the others, and who had nothing waiting for a while has saved up
//! no more than those few frames: without them a camera would lose its place whenever its turn comes a moment before its frame.
//!
//! With weights alone a light camera among heavy ones could wait for long. Who has gone without for [`HUNGRY_AFTER`] goes first
//! whatever its weight, the longest waiting first, in at most every other place: it waits for that time and for two places of each
//! who is hungry before it, which is within a second while those take less than a quarter of one.

use std::time::{Duration, Instant};

use sightline_core::plan::Priority;

/// A camera that has waited for so long goes before its turn.
pub const HUNGRY_AFTER: Duration = Duration::from_millis(750);

/// A camera's share of so many of its frames is kept for it while it has none waiting.
const CREDIT: f64 = 2.0;

/// How many frames one of a priority gets for each that one of weight 1 gets.
#[must_use]
pub const fn weight(priority: Priority) -> f64 {
    match priority {
        Priority::Low => 1.0,
        Priority::Normal => 4.0,
        Priority::High => 16.0,
    }
}

/// How much later than others' the pictures of a camera of that priority may be before some are left undecoded.
#[must_use]
pub const fn lateness_borne(priority: Priority) -> f32 {
    match priority {
        Priority::Low => 0.5,
        Priority::Normal => 1.0,
        // Less than the two intervals after which its frames are stale.
        Priority::High => 1.5,
    }
}

/// What one camera has had, and since when it wants more.
#[derive(Debug, Default)]
pub struct Turn {
    /// Of the frame that waits, or of the last one that was served.
    finish: f64,
    unserved_since: Option<Instant>,
}

impl Turn {
    /// Whether its waiting frame goes before one with that finish.
    #[must_use]
    pub fn is_before(&self, finish: f64) -> bool {
        self.finish < finish
    }

    /// It wants nothing any more.
    pub const fn forget_hunger(&mut self) {
        self.unserved_since = None;
    }
}

/// A camera whose frame may be taken.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<K> {
    /// The camera.
    pub key: K,
    /// Since when it waits for its turn.
    pub since: Instant,
    /// See [`Turn`].
    pub finish: f64,
    /// It goes before its turn, because it has waited for too long.
    pub out_of_turn: bool,
    unserved_since: Option<Instant>,
}

/// The virtual time of one queue.
#[derive(Debug, Default)]
pub struct Shares {
    time: f64,
    furthest: f64,
    /// The last place went to a camera out of turn.
    out_of_turn_last: bool,
}

impl Shares {
    /// A camera without a frame has one now.
    pub fn begin(&self, turn: &mut Turn, weight: f64, now: Instant) {
        turn.finish = (self.time - CREDIT / weight).max(turn.finish) + 1.0 / weight;
        turn.unserved_since.get_or_insert(now);
    }

    /// A camera's frame is gone without having been served: it pays nothing for it.
    pub fn withdraw(&self, turn: &mut Turn, weight: f64) {
        turn.finish -= 1.0 / weight;
    }

    /// A camera whose frame waits.
    #[must_use]
    pub const fn candidate<K>(key: K, since: Instant, turn: &Turn) -> Candidate<K> {
        Candidate { key, since, finish: turn.finish, out_of_turn: false, unserved_since: turn.unserved_since }
    }

    /// Puts the first `places` of `candidates` in the order in which they are to be served.
    pub fn order<K: Copy + Ord>(&self, candidates: &mut [Candidate<K>], places: usize, now: Instant) {
        candidates
            .sort_unstable_by(|a, b| a.finish.total_cmp(&b.finish).then(a.since.cmp(&b.since)).then(a.key.cmp(&b.key)));
        let hungry_since = |(at, it): (usize, &Candidate<K>)| {
            let since = it.unserved_since?;
            (now.saturating_duration_since(since) >= HUNGRY_AFTER).then_some((since, at))
        };
        let mut out_of_turn = !self.out_of_turn_last;
        for place in 0..places.min(candidates.len()) {
            let rest = &mut candidates[place..];
            let Some((_, longest)) = rest.iter().enumerate().filter_map(hungry_since).min() else { break };
            if out_of_turn {
                rest[..=longest].rotate_right(1);
                rest[0].out_of_turn = true;
            }
            out_of_turn = !out_of_turn;
        }
    }

    /// A candidate's frame is taken.
    pub fn serve<K>(&mut self, turn: &mut Turn, candidate: &Candidate<K>, weight: f64) {
        if candidate.out_of_turn {
            // It got this one because it had waited, so that it owes no more than this one.
            turn.finish = turn.finish.min(self.time + 1.0 / weight);
        } else {
            self.time = self.time.max(turn.finish);
        }
        self.out_of_turn_last = candidate.out_of_turn;
        self.furthest = self.furthest.max(turn.finish);
        turn.forget_hunger();
    }

    /// Nothing waits that could be run: whoever has had more than others has taken nothing from them.
    pub const fn nothing_waits(&mut self) {
        self.time = self.time.max(self.furthest);
    }
}
