//! One object and one zone: outside, coming in, inside, going out. The table is in docs/objects.md.

use std::time::{Duration, Instant};

/// Where the object is, as far as its sightings tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    /// Seen inside, but not for long enough to believe it.
    Entering {
        since: Instant,
    },
    Inside {
        since: Instant,
        loitering_told: bool,
    },
    /// Seen outside, but not for long enough to believe it.
    Leaving {
        since: Instant,
        loitering_told: bool,
        outside_since: Instant,
    },
}

/// What happened between an object and a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneChange {
    /// It is inside.
    Entered,
    /// It is outside again, after so long inside.
    Left(Duration),
    /// It has been inside for so long.
    Loitering(Duration),
}

/// One object's stay in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneStay {
    state: State,
    inertia: Duration,
    loitering: Option<Duration>,
}

impl ZoneStay {
    /// An object that was never seen in the zone. `inertia`: how long it must be seen on the other side of the edge
    /// before it has changed sides; `loitering`: how long a stay is told as loitering.
    #[must_use]
    pub const fn new(inertia: Duration, loitering: Option<Duration>) -> Self {
        Self { state: State::Outside, inertia, loitering }
    }

    /// Whether the object counts as inside.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        matches!(self.state, State::Inside { .. } | State::Leaving { .. })
    }

    /// The object was seen at `now`, inside or outside. Hands what that means to `on_change`, in order.
    pub fn see(&mut self, inside: bool, now: Instant, on_change: &mut dyn FnMut(ZoneChange)) {
        self.state = match (self.state, inside) {
            (State::Outside, true) => State::Entering { since: now },
            (State::Entering { .. }, false) => State::Outside,
            (State::Inside { since, loitering_told }, false) => {
                State::Leaving { since, loitering_told, outside_since: now }
            }
            (State::Leaving { since, loitering_told, .. }, true) => State::Inside { since, loitering_told },
            (unchanged, _) => unchanged,
        };
        match self.state {
            State::Entering { since } if now.saturating_duration_since(since) >= self.inertia => {
                self.enter(since, on_change);
            }
            State::Leaving { since, outside_since, .. }
                if now.saturating_duration_since(outside_since) >= self.inertia =>
            {
                self.state = State::Outside;
                on_change(ZoneChange::Left(outside_since.saturating_duration_since(since)));
            }
            _ => {}
        }
        self.tell_loitering(now, on_change);
    }

    /// What is seen inside is inside from now on: for an object whose first sightings were it, which have shown
    /// already that it is no flicker.
    pub fn settle(&mut self, on_change: &mut dyn FnMut(ZoneChange)) {
        if let State::Entering { since } = self.state {
            self.enter(since, on_change);
        }
    }

    /// The object is gone; it was last seen at `last_seen`. Who has come in goes out.
    pub fn end(&mut self, last_seen: Instant, on_change: &mut dyn FnMut(ZoneChange)) {
        let (since, until) = match self.state {
            State::Outside | State::Entering { .. } => return,
            State::Inside { since, .. } => (since, last_seen),
            State::Leaving { since, outside_since, .. } => (since, outside_since),
        };
        self.state = State::Outside;
        on_change(ZoneChange::Left(until.saturating_duration_since(since)));
    }

    fn enter(&mut self, since: Instant, on_change: &mut dyn FnMut(ZoneChange)) {
        self.state = State::Inside { since, loitering_told: false };
        on_change(ZoneChange::Entered);
    }

    fn tell_loitering(&mut self, now: Instant, on_change: &mut dyn FnMut(ZoneChange)) {
        let (State::Inside { since, loitering_told: false }, Some(loitering)) = (self.state, self.loitering) else {
            return;
        };
        let dwell = now.saturating_duration_since(since);
        if dwell >= loitering {
            self.state = State::Inside { since, loitering_told: true };
            on_change(ZoneChange::Loitering(dwell));
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn secs(tenths: u64) -> Duration {
        Duration::from_millis(100 * tenths)
    }

    /// Sightings every tenth of a second, `i` inside and `o` outside, `.` not seen; `|` ends the object. What happened, with the tenth.
    fn story(sightings: &str, inertia: u64, loitering: Option<u64>) -> Vec<(u64, ZoneChange)> {
        let start = Instant::now();
        let mut stay = ZoneStay::new(secs(inertia), loitering.map(secs));
        let (mut told, mut last_seen) = (Vec::new(), start);
        for (tenth, sighting) in (0..).zip(sightings.chars()) {
            let now = start + secs(tenth);
            let mut tell = |change| told.push((tenth, change));
            match sighting {
                'i' | 'o' => {
                    stay.see(sighting == 'i', now, &mut tell);
                    last_seen = now;
                }
                '!' => stay.settle(&mut tell),
                '|' => stay.end(last_seen, &mut tell),
                _ => {}
            }
        }
        told
    }

    #[test]
    fn the_table_of_states() {
        use ZoneChange::{Entered, Left, Loitering};
        for (sightings, inertia, loitering, expected) in [
            ("oooo", 2, None, vec![]),
            // Entering and back: flicker at the edge.
            ("oioiio", 2, None, vec![]),
            ("oiii", 2, None, vec![(3, Entered)]),
            ("oi", 0, None, vec![(1, Entered)]),
            // Leaving and back.
            ("oiiioiooi", 2, None, vec![(3, Entered)]),
            // The stay is counted from the first sighting inside to the first one outside.
            ("oiiiiooo", 2, None, vec![(3, Entered), (7, Left(secs(4)))]),
            ("oiiiio|", 2, None, vec![(3, Entered), (6, Left(secs(4)))]),
            ("oiiii|", 2, None, vec![(3, Entered), (5, Left(secs(3)))]),
            ("oi|", 2, None, vec![]),
            // Sparse sightings: the time counts, not the number.
            ("oi...i", 2, None, vec![(5, Entered)]),
            ("iiio...o", 2, None, vec![(2, Entered), (7, Left(secs(3)))]),
            // Loitering is told once a stay, and again in the next one.
            ("iiiiiiii", 2, Some(5), vec![(2, Entered), (5, Loitering(secs(5)))]),
            ("iiiioiii", 2, Some(5), vec![(2, Entered), (5, Loitering(secs(5)))]),
            (
                "iiiioooiiii",
                2,
                Some(3),
                vec![(2, Entered), (3, Loitering(secs(3))), (6, Left(secs(4))), (9, Entered), (10, Loitering(secs(3)))],
            ),
            // Nobody loiters while going out.
            ("iiiiooo", 2, Some(4), vec![(2, Entered), (6, Left(secs(4)))]),
            // A new object that was inside from its first sighting on is inside at once.
            ("i!iooo", 2, None, vec![(1, Entered), (5, Left(secs(3)))]),
            ("o!iii", 2, None, vec![(4, Entered)]),
        ] {
            assert_eq!(story(sightings, inertia, loitering), expected, "{sightings}");
        }
    }

    proptest! {
        #[test]
        fn in_and_out_take_turns(sightings in "[io.]{0,60}\\|", inertia in 0u64..6, loitering in prop::option::of(0u64..20)) {
            let told = story(&sightings, inertia, loitering);
            let mut is_inside = false;
            for (_, change) in told {
                match change {
                    ZoneChange::Entered => prop_assert!(!std::mem::replace(&mut is_inside, true)),
                    ZoneChange::Left(_) => prop_assert!(std::mem::replace(&mut is_inside, false)),
                    ZoneChange::Loitering(dwell) => prop_assert!(is_inside && Some(dwell) >= loitering.map(secs)),
                }
            }
            prop_assert!(!is_inside, "the end of the object ends its stay");
        }
    }
}
