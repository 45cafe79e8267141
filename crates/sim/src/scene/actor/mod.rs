//! Who moves through the scenes: how each kind looks from every side. Units: metres, origin on the ground under the
//! middle of the actor.

mod bicycle;
mod bus;
mod car;
mod dog;
mod person;
mod prop;
mod vehicle;
mod wardrobe;

use self::{bicycle::Bicycle, bus::Bus, car::Car, dog::Dog, person::Person, prop::Prop};
use super::{solid::Body, view::Stand};
use crate::random::Random;

/// An actor at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    /// Which way it looks, in radians: 0 to the right of the picture, a quarter turn away from the camera.
    pub(crate) heading: f32,
    /// Angle of the walk's cycle, of the cranks or of the wheels, in radians; `None` standing still.
    pub(crate) cycle: Option<f32>,
    /// A person on a bicycle's saddle.
    pub(crate) riding: bool,
}

/// What an actor is and what it wears.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    Person(Person),
    Bicycle(Bicycle),
    Car(Car),
    Bus(Bus),
    Dog(Dog),
    /// None of the classes: it is never in the ground truth.
    Prop(Prop),
}

impl Look {
    pub(crate) fn person(random: &mut Random) -> Self {
        Self::Person(Person::random(random))
    }

    pub(crate) fn bicycle(random: &mut Random) -> Self {
        Self::Bicycle(Bicycle::random(random))
    }

    pub(crate) fn car(random: &mut Random) -> Self {
        Self::Car(Car::random(random))
    }

    pub(crate) fn bus(random: &mut Random) -> Self {
        Self::Bus(Bus::random(random))
    }

    /// A bus for a place where a long one would fill the picture.
    pub(crate) fn short_bus(random: &mut Random) -> Self {
        Self::Bus(Bus::short(random))
    }

    pub(crate) fn dog(random: &mut Random) -> Self {
        Self::Dog(Dog::random(random))
    }

    pub(crate) fn prop(random: &mut Random, indoors: bool) -> Self {
        Self::Prop(Prop::random(random, indoors))
    }

    /// The class's COCO name; `None` of what is none of the classes.
    pub(crate) const fn label(&self) -> Option<&'static str> {
        match self {
            Self::Person(_) => Some("person"),
            Self::Bicycle(_) => Some("bicycle"),
            Self::Car(_) => Some("car"),
            Self::Bus(_) => Some("bus"),
            Self::Dog(_) => Some("dog"),
            Self::Prop(_) => None,
        }
    }

    /// Height above the ground in metres, about.
    pub(crate) const fn height(&self) -> f32 {
        match self {
            Self::Person(person) => person.height(),
            Self::Bicycle(_) => 1.05,
            Self::Car(car) => car.height(),
            Self::Bus(bus) => bus.height(),
            Self::Dog(dog) => dog.height(),
            Self::Prop(prop) => prop.height(),
        }
    }

    /// Half axes of the room it takes on the ground, forward and aside, in metres.
    pub(crate) const fn footprint(&self) -> (f32, f32) {
        match self {
            Self::Person(_) => (0.3, 0.3),
            Self::Bicycle(_) => (0.9, 0.2),
            Self::Car(car) => (car.half_length(), 0.95),
            Self::Bus(bus) => (bus.half_length(), 1.25),
            Self::Dog(dog) => (dog.half_length(), 0.18),
            Self::Prop(_) => (0.4, 0.4),
        }
    }

    /// Whether it rolls on wheels rather than walks.
    pub(crate) const fn rolls(&self) -> bool {
        matches!(self, Self::Bicycle(_) | Self::Car(_) | Self::Bus(_))
    }

    /// Its parts in the order of drawing. `lamps`: lights of vehicles are on.
    pub(crate) fn body(&self, pose: Pose, stand: &Stand, lamps: bool) -> Body {
        match self {
            Self::Person(person) => person.body(pose, stand),
            Self::Bicycle(bicycle) => bicycle.body(pose, stand),
            Self::Car(car) => car.body(pose, lamps),
            Self::Bus(bus) => bus.body(pose, lamps),
            Self::Dog(dog) => dog.body(pose, stand),
            Self::Prop(prop) => prop.body().sorted(stand),
        }
    }
}
