//! Who moves through the scenes: how each kind looks and how much room it takes. Units: metres, origin on the ground
//! under the middle of the actor, y down (so everything stands at negative y).

mod car;
mod dog;
mod person;

use super::paint::{Brush, Rgb, ellipse};
use crate::random::Random;

/// Which way an actor looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facing {
    /// To the left of the picture.
    Left,
    /// To the right of the picture.
    Right,
    /// At the camera.
    Front,
    /// Away from the camera.
    Back,
}

/// An actor at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    /// Which way it looks.
    pub(crate) facing: Facing,
    /// Angle of the walk's cycle or of the wheels, in radians; `None` standing still.
    pub(crate) cycle: Option<f32>,
}

/// What an actor is and what it wears. Clothes, paint and fur carry the class's signature colour.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// A person in orange-red clothes.
    Person {
        /// Body height in metres.
        height: f32,
        /// Colour of the jacket.
        jacket: Rgb,
        /// Colour of the trousers.
        trousers: Rgb,
        /// Colour of the hair.
        hair: Rgb,
        /// Colour of the skin.
        skin: Rgb,
    },
    /// A blue saloon car.
    Car {
        /// Colour of the paint.
        paint: Rgb,
    },
    /// A golden dog.
    Dog {
        /// Colour of the fur.
        fur: Rgb,
    },
}

/// How far an actor reaches, in metres: half its width to either side, its height, and below the ground line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// To either side.
    pub(crate) side: f32,
    /// Up.
    pub(crate) up: f32,
    /// Down: a wheel's or shoe's edge, and the anti-aliased rim.
    pub(crate) down: f32,
}

impl Look {
    /// A person of the seed's choosing.
    pub(crate) fn person(random: &mut Random) -> Self {
        const JACKETS: [Rgb; 4] = [Rgb(232, 74, 28), Rgb(222, 52, 34), Rgb(238, 92, 34), Rgb(214, 60, 22)];
        const TROUSERS: [Rgb; 3] = [Rgb(196, 52, 24), Rgb(184, 40, 26), Rgb(204, 62, 26)];
        const HAIRS: [Rgb; 4] = [Rgb(38, 30, 26), Rgb(70, 52, 40), Rgb(96, 84, 74), Rgb(24, 22, 22)];
        const SKINS: [Rgb; 4] = [Rgb(226, 186, 160), Rgb(206, 166, 142), Rgb(160, 122, 100), Rgb(112, 86, 72)];
        Self::Person {
            height: random.between(1.66, 1.84),
            jacket: random.pick(&JACKETS).unwrap_or(JACKETS[0]),
            trousers: random.pick(&TROUSERS).unwrap_or(TROUSERS[0]),
            hair: random.pick(&HAIRS).unwrap_or(HAIRS[0]),
            skin: random.pick(&SKINS).unwrap_or(SKINS[0]),
        }
    }

    /// A car of the seed's choosing.
    pub(crate) fn car(random: &mut Random) -> Self {
        const PAINTS: [Rgb; 3] = [Rgb(30, 84, 224), Rgb(22, 70, 206), Rgb(44, 98, 236)];
        Self::Car { paint: random.pick(&PAINTS).unwrap_or(PAINTS[0]) }
    }

    /// A dog of the seed's choosing.
    pub(crate) fn dog(random: &mut Random) -> Self {
        const FURS: [Rgb; 2] = [Rgb(226, 176, 30), Rgb(216, 164, 24)];
        Self::Dog { fur: random.pick(&FURS).unwrap_or(FURS[0]) }
    }

    /// The class's COCO name.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Person { .. } => "person",
            Self::Car { .. } => "car",
            Self::Dog { .. } => "dog",
        }
    }

    /// How far it reaches in any pose; the walk's stride and the swing of the arms included.
    pub(crate) const fn reach(&self) -> Reach {
        match self {
            Self::Person { .. } => Reach { side: 0.75, up: 2.0, down: 0.1 },
            Self::Car { .. } => Reach { side: 2.4, up: 1.65, down: 0.1 },
            Self::Dog { .. } => Reach { side: 0.8, up: 0.95, down: 0.1 },
        }
    }

    /// Draws it.
    pub(crate) fn draw(&self, brush: &mut Brush<'_>, pose: Pose) {
        if pose.facing == Facing::Left {
            brush.mirror();
        }
        match *self {
            Self::Person { height, jacket, trousers, hair, skin } => {
                person::Person { height, jacket, trousers, hair, skin }.draw(brush, pose);
            }
            Self::Car { paint } => car::draw(brush, paint, pose.cycle.unwrap_or(0.0)),
            Self::Dog { fur } => dog::draw(brush, fur, pose.cycle),
        }
    }

    /// Draws the shadow it casts on the ground: soft, longer to the right, as the light comes from the upper left.
    pub(crate) fn draw_shadow(&self, brush: &mut Brush<'_>) {
        let (shift, half_width, half_height, strength) = match self {
            Self::Person { .. } => (0.12, 0.42, 0.09, 0.16),
            Self::Car { .. } => (0.05, 2.2, 0.2, 0.26),
            Self::Dog { .. } => (0.08, 0.5, 0.08, 0.16),
        };
        for grown in [1.0, 0.85, 0.68] {
            brush.glaze(ellipse(shift, -0.02, half_width * grown, half_height * grown), Rgb(12, 14, 18), strength);
        }
    }
}
