//! Who does what when: the actors of each scene and their ways. A scene lasts [`LOOP_SECS`] and everybody is outside
//! the picture at both of its ends, so that its end joins its start.

use std::f32::consts::{FRAC_PI_2, TAU};

use super::{
    SceneKind,
    actor::{Look, Pose},
    view::View,
};
use crate::random::Random;

/// Length of every scene, in seconds.
pub const LOOP_SECS: u32 = 20;

/// Metres of one full cycle of the walk (two steps), of a person and of a dog.
const STRIDE_METRES: f32 = 1.45;
const TROT_METRES: f32 = 0.95;
/// Metres of the way for one radian of wheels or cranks.
const WHEEL_RADIUS_METRES: f32 = 0.34;
const CRANK_METRES: f32 = 0.34 * 2.2;

/// Headings: at the camera, to the right of the picture.
const FRONT: f32 = -FRAC_PI_2;
const BACK: f32 = FRAC_PI_2;
const RIGHT: f32 = 0.0;

/// How the way to a point is gone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// At constant speed.
    Even,
    /// From full speed to a stop.
    Braking,
    /// From a stop to full speed.
    Starting,
    /// Stays where it is, with this heading.
    Waiting(f32),
}

/// One leg of a way: until `until` seconds to (`x`, `y`), the ground point in pixels of the reference picture.
#[derive(Clone, Copy, Debug)]
struct Leg {
    until: f32,
    x: f32,
    y: f32,
    pace: Pace,
    riding: bool,
}

/// An actor and its way through the scene.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) look: Look,
    view: View,
    start: f32,
    from: (f32, f32),
    legs: Vec<Leg>,
    /// Whether the legs that follow are gone on a bicycle's saddle.
    riding: bool,
}

/// Where an actor is at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Ground point, pixels of the reference picture.
    pub(super) x: f32,
    /// Ground point, pixels of the reference picture; larger is nearer to the camera.
    pub(super) y: f32,
    /// Pixels of the reference picture a second.
    pub(super) velocity: (f32, f32),
    pub(super) pose: Pose,
}

impl Actor {
    fn new(look: Look, view: View, start: f32, from: (f32, f32)) -> Self {
        Self { look, view, start, from, legs: Vec::new(), riding: false }
    }

    fn leg(mut self, until: f32, x: f32, y: f32, pace: Pace) -> Self {
        self.legs.push(Leg { until, x, y, pace, riding: self.riding });
        self
    }

    fn goes(self, until: f32, x: f32, y: f32) -> Self {
        self.leg(until, x, y, Pace::Even)
    }

    fn waits(self, until: f32, heading: f32) -> Self {
        let (x, y) = self.legs.last().map_or(self.from, |leg| (leg.x, leg.y));
        self.leg(until, x, y, Pace::Waiting(heading))
    }

    const fn mounts(mut self) -> Self {
        self.riding = true;
        self
    }

    const fn dismounts(mut self) -> Self {
        self.riding = false;
        self
    }

    /// Everything this much later, so that two seeds are two recordings of one place.
    fn delayed(mut self, secs: f32) -> Self {
        self.start += secs;
        for leg in &mut self.legs {
            leg.until += secs;
        }
        self
    }

    /// Where it is `time` seconds into the scene; `None` before it comes and after it left.
    pub(super) fn at(&self, time: f32) -> Option<Place> {
        if time < self.start {
            return None;
        }
        let (mut begun, mut from, mut walked) = (self.start, self.from, 0.0);
        for leg in &self.legs {
            let metres = self.metres(from, leg);
            if time >= leg.until {
                (begun, from, walked) = (leg.until, (leg.x, leg.y), walked + metres);
                continue;
            }
            let part = (time - begun) / (leg.until - begun);
            let done = match leg.pace {
                Pace::Even => part,
                Pace::Braking => 1.0 - (1.0 - part) * (1.0 - part),
                Pace::Starting => part * part,
                Pace::Waiting(_) => 0.0,
            };
            let (dx, dy) = (leg.x - from.0, leg.y - from.1);
            let (x, y) = (from.0 + dx * done, from.1 + dy * done);
            let pose = self.pose(from, leg, walked + metres * done);
            let rate = match leg.pace {
                Pace::Even => 1.0,
                Pace::Braking => 2.0 * (1.0 - part),
                Pace::Starting => 2.0 * part,
                Pace::Waiting(_) => 0.0,
            } / (leg.until - begun);
            return Some(Place { x, y, velocity: (dx * rate, dy * rate), pose });
        }
        None
    }

    /// Length of a leg on the ground.
    fn metres(&self, from: (f32, f32), leg: &Leg) -> f32 {
        let (a, b) = (self.view.ground(from), self.view.ground((leg.x, leg.y)));
        (b.0 - a.0).hypot(b.1 - a.1)
    }

    fn pose(&self, from: (f32, f32), leg: &Leg, walked: f32) -> Pose {
        let per_radian = match self.look {
            _ if leg.riding => CRANK_METRES,
            Look::Bicycle(_) => CRANK_METRES,
            Look::Car(_) | Look::Bus(_) => WHEEL_RADIUS_METRES,
            Look::Dog(_) => TROT_METRES / TAU,
            Look::Person(_) | Look::Prop(_) => STRIDE_METRES / TAU,
        };
        let cycle = walked / per_radian;
        if let Pace::Waiting(heading) = leg.pace {
            // What stands on wheels keeps them as they are; a standing person stands on both feet.
            let keeps = self.look.rolls() || leg.riding;
            return Pose { heading, cycle: keeps.then_some(cycle), riding: leg.riding };
        }
        let (a, b) = (self.view.ground(from), self.view.ground((leg.x, leg.y)));
        let heading = (b.1 - a.1).atan2(b.0 - a.0);
        Pose { heading, cycle: Some(cycle), riding: leg.riding }
    }
}

/// The actors of a scene, in an order that is their number in the ground truth.
pub(super) fn actors(kind: SceneKind, random: &mut Random) -> Vec<Actor> {
    let mut cast = Cast { view: View::of(kind), random };
    match kind {
        SceneKind::Street => street(&mut cast),
        SceneKind::Office => office(&mut cast),
        SceneKind::Crossing => crossing(&mut cast),
        SceneKind::Parking => parking(&mut cast),
    }
}

struct Cast<'a> {
    view: View,
    random: &'a mut Random,
}

impl Cast<'_> {
    fn person(&mut self, start: f32, x: f32, y: f32) -> Actor {
        let look = Look::person(self.random);
        Actor::new(look, self.view, start, (x, y))
    }

    fn car(&mut self, start: f32, x: f32, y: f32) -> Actor {
        let look = Look::car(self.random);
        Actor::new(look, self.view, start, (x, y))
    }

    fn bus(&mut self, start: f32, x: f32, y: f32) -> Actor {
        let look = Look::short_bus(self.random);
        Actor::new(look, self.view, start, (x, y))
    }

    /// A bicycle and who rides it, both from the same point.
    fn cyclist(&mut self, start: f32, x: f32, y: f32) -> (Actor, Actor) {
        let (bicycle, rider) = (Look::bicycle(self.random), Look::person(self.random));
        let bicycle = Actor::new(bicycle, self.view, start, (x, y));
        (bicycle, Actor::new(rider, self.view, start, (x, y)).mounts())
    }

    fn dog(&mut self, start: f32, x: f32, y: f32) -> Actor {
        let look = Look::dog(self.random);
        Actor::new(look, self.view, start, (x, y))
    }

    /// One delay for the whole scene: the timing of the actors among each other is the scene's design.
    fn delay_all(&mut self, actors: Vec<Actor>) -> Vec<Actor> {
        let secs = self.random.between(-0.3, 0.3);
        actors.into_iter().map(|actor| actor.delayed(secs)).collect()
    }
}

/// Cars, a bus and a cyclist pass, persons walk on the near pavement. Quiet about 10.5 s and at the ends.
fn street(cast: &mut Cast<'_>) -> Vec<Actor> {
    let (bicycle, rider) = cast.cyclist(14.9, 740.0, 252.0);
    let actors = vec![
        cast.car(1.2, -190.0, 300.0).goes(4.8, 830.0, 300.0),
        cast.person(4.0, 700.0, 346.0).goes(10.1, -60.0, 346.0),
        cast.car(6.3, 770.0, 259.0).goes(9.8, -140.0, 259.0),
        cast.bus(10.9, -300.0, 300.0).goes(14.9, 990.0, 300.0),
        cast.person(12.9, -60.0, 350.0).goes(19.0, 700.0, 350.0),
        bicycle.goes(19.3, -100.0, 252.0),
        rider.goes(19.3, -100.0, 252.0),
    ];
    cast.delay_all(actors)
}

/// Persons come in, stop for a while, and leave. Quiet at the ends and about 12.5 s for the left half.
fn office(cast: &mut Cast<'_>) -> Vec<Actor> {
    let actors = vec![
        cast.person(1.0, -70.0, 336.0).goes(3.9, 245.0, 330.0).waits(8.6, FRONT).goes(11.5, -70.0, 336.0),
        cast.person(5.4, 710.0, 306.0).goes(7.8, 450.0, 302.0).waits(13.8, FRONT).goes(16.4, 710.0, 306.0),
        cast.person(12.9, -70.0, 344.0).goes(15.4, 205.0, 340.0).waits(16.9, BACK).goes(19.3, -70.0, 344.0),
    ];
    cast.delay_all(actors)
}

/// A person walks along the far pavement, crosses and leaves; a car waits for them; then a dog and its owner.
fn crossing(cast: &mut Cast<'_>) -> Vec<Actor> {
    let actors = vec![
        cast.person(0.9, -40.0, 224.0).goes(6.2, 345.0, 224.0).goes(10.0, 345.0, 338.0).goes(12.8, 700.0, 340.0),
        cast.car(4.4, -190.0, 288.0).leg(7.2, 112.0, 288.0, Pace::Braking).waits(10.2, RIGHT).leg(
            13.4,
            830.0,
            288.0,
            Pace::Starting,
        ),
        cast.dog(12.4, 720.0, 350.0).goes(18.5, -80.0, 350.0),
        cast.person(13.3, 700.0, 348.0).goes(19.3, -60.0, 348.0),
    ];
    cast.delay_all(actors)
}

/// Two cars arrive, stand, and leave; a cyclist parks a bicycle and comes back for it; persons pass. Quiet at the
/// ends.
fn parking(cast: &mut Cast<'_>) -> Vec<Actor> {
    let (bicycle, rider) = cast.cyclist(0.8, -80.0, 296.0);
    let returning = Actor::new(rider.look, cast.view, 11.6, (-60.0, 308.0));
    let actors = vec![
        cast.car(0.7, -140.0, 236.0).leg(4.4, 462.0, 236.0, Pace::Braking).waits(13.0, RIGHT).leg(
            15.6,
            790.0,
            236.0,
            Pace::Starting,
        ),
        cast.car(3.2, -140.0, 236.0).leg(6.4, 182.0, 236.0, Pace::Braking).waits(15.6, RIGHT).leg(
            19.2,
            790.0,
            236.0,
            Pace::Starting,
        ),
        cast.person(6.8, 700.0, 346.0).goes(12.9, -60.0, 346.0),
        cast.person(13.2, -60.0, 350.0).goes(19.3, 700.0, 350.0),
        bicycle.leg(3.6, 290.0, 296.0, Pace::Braking).waits(14.6, RIGHT).leg(18.6, 740.0, 296.0, Pace::Starting),
        rider.leg(3.6, 290.0, 296.0, Pace::Braking).dismounts().goes(7.2, -60.0, 312.0),
        returning.goes(14.6, 290.0, 296.0).mounts().leg(18.6, 740.0, 296.0, Pace::Starting),
    ];
    cast.delay_all(actors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_away_at_both_ends_of_the_loop() {
        for kind in SceneKind::ALL {
            for seed in 0..50 {
                for actor in actors(kind, &mut Random::new(seed, 1)) {
                    assert!(actor.at(0.0).is_none(), "{kind:?} seed {seed}");
                    assert!(actor.at(LOOP_SECS as f32 - 0.05).is_none(), "{kind:?} seed {seed}");
                }
            }
        }
    }

    #[test]
    fn nobody_jumps() {
        for kind in SceneKind::ALL {
            for actor in actors(kind, &mut Random::new(3, 1)) {
                let mut before: Option<Place> = None;
                for step in 0..LOOP_SECS * 100 {
                    let now = actor.at(step as f32 / 100.0);
                    if let (Some(a), Some(b)) = (before, now) {
                        // 600 pixels a second is a car at full speed.
                        assert!((a.x - b.x).abs() < 6.0 && (a.y - b.y).abs() < 1.0, "{kind:?} {a:?} {b:?}");
                    }
                    before = now;
                }
            }
        }
    }
}
