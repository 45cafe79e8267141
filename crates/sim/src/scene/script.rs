//! Who does what when: the actors of each scene and their ways. A scene lasts [`LOOP_SECS`] and everybody is outside
//! the picture at both of its ends, so that its end joins its start.

use std::f32::consts::TAU;

use super::{
    SceneKind,
    actor::{Facing, Look, Pose},
};
use crate::random::Random;

/// Length of every scene, in seconds.
pub const LOOP_SECS: u32 = 20;

/// Metres of one full cycle of the walk (two steps).
const STRIDE_METRES: f32 = 1.45;
const WHEEL_RADIUS_METRES: f32 = 0.325;

/// A camera above flat ground, looking level: what stands on the ground at row y has
/// (y − horizon) / camera height pixels to the metre. Rows in pixels of the reference picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) horizon: f32,
    pub(super) camera_metres: f32,
}

impl View {
    pub(super) const fn of(kind: SceneKind) -> Self {
        match kind {
            SceneKind::Street => Self { horizon: 110.0, camera_metres: 2.7 },
            SceneKind::Office => Self { horizon: 70.0, camera_metres: 2.2 },
            SceneKind::Crossing => Self { horizon: 100.0, camera_metres: 2.8 },
            SceneKind::Parking => Self { horizon: 50.0, camera_metres: 3.6 },
        }
    }

    pub(super) fn pixels_per_metre(&self, ground_y: f32) -> f32 {
        (ground_y - self.horizon) / self.camera_metres
    }
}

/// How the way to a point is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// At constant speed.
    Even,
    /// From full speed to a stop.
    Braking,
    /// From a stop to full speed.
    Starting,
    /// Stays where it is, looking this way.
    Waiting(Facing),
}

/// One leg of a way: until `until` seconds to (`x`, `y`), the ground point in pixels of the reference picture.
#[derive(Clone, Copy, Debug)]
struct Leg {
    until: f32,
    x: f32,
    y: f32,
    pace: Pace,
}

/// An actor and its way through the scene.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) look: Look,
    view: View,
    start: f32,
    from: (f32, f32),
    legs: Vec<Leg>,
}

/// Where an actor is at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Ground point, pixels of the reference picture.
    pub(super) x: f32,
    /// Ground point, pixels of the reference picture; larger is nearer to the camera.
    pub(super) y: f32,
    /// Pixels of the reference picture to the metre.
    pub(super) pixels_per_metre: f32,
    pub(super) pose: Pose,
}

impl Actor {
    fn new(look: Look, view: View, start: f32, from: (f32, f32)) -> Self {
        Self { look, view, start, from, legs: Vec::new() }
    }

    fn leg(mut self, until: f32, x: f32, y: f32, pace: Pace) -> Self {
        self.legs.push(Leg { until, x, y, pace });
        self
    }

    fn goes(self, until: f32, x: f32, y: f32) -> Self {
        self.leg(until, x, y, Pace::Even)
    }

    fn waits(self, until: f32, facing: Facing) -> Self {
        let (x, y) = self.legs.last().map_or(self.from, |leg| (leg.x, leg.y));
        self.leg(until, x, y, Pace::Waiting(facing))
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
            let metres = self.metres(from, leg, leg.until - begun);
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
            let (x, y) = (from.0 + (leg.x - from.0) * done, from.1 + (leg.y - from.1) * done);
            let pose = self.pose(from, leg, walked + metres * done);
            return Some(Place { x, y, pixels_per_metre: self.view.pixels_per_metre(y), pose });
        }
        None
    }

    /// Length of a leg. Depth is foreshortened, so a way towards the camera is told by its duration.
    fn metres(&self, from: (f32, f32), leg: &Leg, secs: f32) -> f32 {
        let middle_y = f32::midpoint(from.1, leg.y);
        let sideways = (leg.x - from.0).abs() / self.view.pixels_per_metre(middle_y);
        match leg.pace {
            Pace::Waiting(_) => 0.0,
            _ if sideways < 0.5 => 1.3 * secs,
            _ => sideways,
        }
    }

    fn pose(&self, from: (f32, f32), leg: &Leg, walked: f32) -> Pose {
        let is_car = matches!(self.look, Look::Car { .. });
        let cycle = walked / if is_car { WHEEL_RADIUS_METRES } else { STRIDE_METRES / TAU };
        if let Pace::Waiting(facing) = leg.pace {
            // A standing car keeps its wheels as they are; a standing person stands on both feet.
            return Pose { facing, cycle: is_car.then_some(cycle) };
        }
        let (dx, dy) = (leg.x - from.0, leg.y - from.1);
        let facing = if dx.abs() >= dy.abs() * 0.6 {
            if dx < 0.0 { Facing::Left } else { Facing::Right }
        } else if dy > 0.0 {
            Facing::Front
        } else {
            Facing::Back
        };
        Pose { facing, cycle: Some(cycle) }
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

/// Cars pass, persons walk on the near pavement. Quiet about 10.5 s and at the ends.
fn street(cast: &mut Cast<'_>) -> Vec<Actor> {
    let actors = vec![
        cast.car(1.2, -190.0, 300.0).goes(4.8, 830.0, 300.0),
        cast.person(4.0, 700.0, 346.0).goes(10.1, -60.0, 346.0),
        cast.car(6.3, 770.0, 259.0).goes(9.8, -140.0, 259.0),
        cast.car(11.0, -190.0, 300.0).goes(14.6, 830.0, 300.0),
        cast.person(12.9, -60.0, 350.0).goes(19.0, 700.0, 350.0),
        cast.car(15.2, 770.0, 259.0).goes(18.7, -140.0, 259.0),
    ];
    cast.delay_all(actors)
}

/// Persons come in, stop for a while, and leave. Quiet at the ends and about 12.5 s for the left half.
fn office(cast: &mut Cast<'_>) -> Vec<Actor> {
    let actors = vec![
        cast.person(1.0, -70.0, 336.0).goes(3.9, 245.0, 330.0).waits(8.6, Facing::Front).goes(11.5, -70.0, 336.0),
        cast.person(5.4, 710.0, 306.0).goes(7.8, 450.0, 302.0).waits(13.8, Facing::Front).goes(16.4, 710.0, 306.0),
        cast.person(12.9, -70.0, 344.0).goes(15.4, 205.0, 340.0).waits(16.9, Facing::Back).goes(19.3, -70.0, 344.0),
    ];
    cast.delay_all(actors)
}

/// A person walks along the far pavement, crosses and leaves; a car waits for them; then a dog and its owner.
fn crossing(cast: &mut Cast<'_>) -> Vec<Actor> {
    let actors = vec![
        cast.person(0.9, -40.0, 224.0).goes(6.2, 345.0, 224.0).goes(10.0, 345.0, 338.0).goes(12.8, 700.0, 340.0),
        cast.car(4.4, -190.0, 288.0).leg(7.2, 112.0, 288.0, Pace::Braking).waits(10.2, Facing::Right).leg(
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

/// Two cars arrive, stand, and leave; persons pass. Quiet at the ends.
fn parking(cast: &mut Cast<'_>) -> Vec<Actor> {
    let actors = vec![
        cast.car(0.7, -140.0, 236.0).leg(4.4, 462.0, 236.0, Pace::Braking).waits(13.0, Facing::Right).leg(
            15.6,
            790.0,
            236.0,
            Pace::Starting,
        ),
        cast.car(3.2, -140.0, 236.0).leg(6.4, 182.0, 236.0, Pace::Braking).waits(15.6, Facing::Right).leg(
            19.2,
            790.0,
            236.0,
            Pace::Starting,
        ),
        cast.person(6.8, 700.0, 346.0).goes(12.9, -60.0, 346.0),
        cast.person(13.2, -60.0, 350.0).goes(19.3, 700.0, 350.0),
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
