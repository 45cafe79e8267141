//! Things that are none of the classes and stand about: they hide actors, and a detector must not take them for any.

use crate::{
    random::Random,
    scene::{paint::Rgb, solid::Body, view::Xyz},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bin,
    Sign,
    Bush,
    Crate,
    Chair,
    Hydrant,
    Post,
    Bench,
    Cone,
    Table,
    Bollard,
    Planter,
    Cabinet,
    Tree,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Prop {
    kind: Kind,
    color: Rgb,
    size: f32,
    seed: u64,
}

const OUTDOORS: [Kind; 14] = [
    Kind::Bin,
    Kind::Sign,
    Kind::Bush,
    Kind::Bush,
    Kind::Crate,
    Kind::Hydrant,
    Kind::Post,
    Kind::Bench,
    Kind::Cone,
    Kind::Bollard,
    Kind::Planter,
    Kind::Cabinet,
    Kind::Tree,
    Kind::Sign,
];
const INDOORS: [Kind; 7] =
    [Kind::Bin, Kind::Crate, Kind::Chair, Kind::Chair, Kind::Table, Kind::Planter, Kind::Cabinet];

impl Prop {
    pub(super) fn random(random: &mut Random, indoors: bool) -> Self {
        let kind = if indoors { random.one_of(&INDOORS) } else { random.one_of(&OUTDOORS) };
        let colors: &[Rgb] = match kind {
            Kind::Bush | Kind::Tree | Kind::Planter => {
                &[Rgb(64, 92, 48), Rgb(84, 110, 58), Rgb(58, 78, 56), Rgb(118, 120, 62), Rgb(128, 92, 50)]
            }
            Kind::Hydrant | Kind::Cone => &[Rgb(186, 44, 36), Rgb(214, 98, 36), Rgb(210, 180, 50)],
            Kind::Sign => {
                &[Rgb(40, 84, 160), Rgb(190, 40, 40), Rgb(222, 222, 218), Rgb(220, 184, 50), Rgb(50, 120, 76)]
            }
            Kind::Crate | Kind::Table | Kind::Bench => {
                &[Rgb(164, 128, 84), Rgb(122, 92, 62), Rgb(190, 184, 172), Rgb(92, 94, 98), Rgb(70, 110, 150)]
            }
            _ => &[
                Rgb(66, 84, 68),
                Rgb(58, 60, 64),
                Rgb(112, 116, 120),
                Rgb(176, 178, 178),
                Rgb(44, 78, 122),
                Rgb(156, 60, 50),
                Rgb(200, 170, 60),
                Rgb(30, 32, 36),
            ],
        };
        Self {
            kind,
            color: random.one_of(colors).times(random.between(0.85, 1.15)),
            size: random.between(0.85, 1.2),
            seed: random.next(),
        }
    }

    pub(super) fn body(&self) -> Body {
        let mut body = Body::default();
        let c = self.color;
        let steel = Rgb(116, 120, 124);
        match self.kind {
            Kind::Bin => {
                body.loft(
                    &[
                        ((0.0, 0.0, 1.0), 0.28, 0.28),
                        ((0.0, 0.0, 0.96), 0.31, 0.31),
                        ((0.0, 0.0, 0.1), 0.26, 0.26),
                        ((0.0, 0.0, 0.0), 0.24, 0.24),
                    ],
                    c,
                );
                body.ball((0.0, 0.0, 1.0), (0.32, 0.32, 0.07), c.times(0.7));
            }
            Kind::Sign => {
                body.limb((0.0, 0.0, 0.0), (0.0, 0.0, 2.5), (0.035, 0.035), steel);
                body.ball((0.03, 0.0, 2.3), (0.02, 0.33, 0.33), Rgb(226, 226, 222));
                body.ball((0.04, 0.0, 2.3), (0.02, 0.28, 0.28), c);
            }
            Kind::Bush => foliage(&mut body, (0.0, 0.0, 0.5), (0.75, 0.75, 0.5), c, self.seed, 26),
            Kind::Tree => {
                body.limb((0.0, 0.0, 0.0), (0.05, 0.0, 2.4), (0.13, 0.09), Rgb(92, 76, 62));
                foliage(&mut body, (0.0, 0.0, 3.2), (1.3, 1.3, 1.3), c, self.seed, 48);
            }
            Kind::Crate => {
                body.block((-0.32, -0.4, 0.0), (0.32, 0.4, 0.62), c);
                body.decal(
                    &[(-0.2, 0.402, 0.2), (0.2, 0.402, 0.2), (0.2, 0.402, 0.45), (-0.2, 0.402, 0.45)],
                    (0.0, 0.0, 0.3),
                    c.times(1.25),
                );
            }
            Kind::Chair => {
                for (x, y) in [(-0.2, -0.2), (-0.2, 0.2), (0.2, -0.2), (0.2, 0.2)] {
                    body.limb((x, y, 0.0), (x, y, 0.44), (0.02, 0.02), steel);
                }
                body.block((-0.23, -0.23, 0.42), (0.23, 0.23, 0.48), c);
                body.block((-0.25, -0.22, 0.55), (-0.2, 0.22, 0.95), c);
            }
            Kind::Hydrant => {
                body.loft(
                    &[((0.0, 0.0, 0.68), 0.1, 0.1), ((0.0, 0.0, 0.5), 0.14, 0.14), ((0.0, 0.0, 0.0), 0.15, 0.15)],
                    c,
                );
                body.ball((0.0, 0.0, 0.68), (0.13, 0.13, 0.1), c);
                body.limb((0.0, -0.24, 0.48), (0.0, 0.24, 0.48), (0.06, 0.06), c);
            }
            Kind::Post => {
                body.limb((0.0, 0.0, 0.0), (0.0, 0.0, 5.2), (0.075, 0.055), steel.times(0.8));
                body.limb((0.0, 0.0, 5.2), (0.9, 0.0, 5.35), (0.05, 0.05), steel.times(0.8));
            }
            Kind::Bench => {
                for x in [-0.65, 0.65] {
                    body.block((x - 0.04, -0.2, 0.0), (x + 0.04, 0.2, 0.44), steel.times(0.6));
                }
                body.block((-0.8, -0.22, 0.42), (0.8, 0.22, 0.48), c);
                body.block((-0.8, -0.26, 0.55), (0.8, -0.2, 0.9), c);
            }
            Kind::Cone => {
                body.block((-0.2, -0.2, 0.0), (0.2, 0.2, 0.04), c.times(0.8));
                body.loft(&[((0.0, 0.0, 0.7), 0.02, 0.02), ((0.0, 0.0, 0.04), 0.15, 0.15)], c);
                body.loft(&[((0.0, 0.0, 0.5), 0.07, 0.07), ((0.0, 0.0, 0.34), 0.1, 0.1)], Rgb(228, 228, 224));
            }
            Kind::Table => {
                for (x, y) in [(-0.65, -0.3), (-0.65, 0.3), (0.65, -0.3), (0.65, 0.3)] {
                    body.limb((x, y, 0.0), (x, y, 0.72), (0.03, 0.03), steel.times(0.7));
                }
                body.block((-0.75, -0.4, 0.71), (0.75, 0.4, 0.76), c);
            }
            Kind::Bollard => body.limb((0.0, 0.0, 0.0), (0.0, 0.0, 0.95), (0.08, 0.07), c),
            Kind::Planter => {
                body.loft(&[((0.0, 0.0, 0.5), 0.32, 0.32), ((0.0, 0.0, 0.0), 0.22, 0.22)], Rgb(150, 142, 130));
                foliage(&mut body, (0.0, 0.0, 0.85), (0.4, 0.4, 0.42), c, self.seed, 22);
            }
            Kind::Cabinet => {
                body.block((-0.4, -0.25, 0.0), (0.4, 0.25, 1.2), c);
                body.decal(
                    &[(-0.01, 0.252, 0.05), (0.01, 0.252, 0.05), (0.01, 0.252, 1.15), (-0.01, 0.252, 1.15)],
                    (0.0, 0.0, 0.6),
                    c.times(0.6),
                );
            }
        }
        for part in &mut body.parts {
            part.scaled(self.size);
        }
        body
    }

    pub(super) const fn height(&self) -> f32 {
        match self.kind {
            Kind::Bin | Kind::Bollard => 1.05,
            Kind::Sign => 2.65,
            Kind::Bush => 1.0,
            Kind::Crate => 0.62,
            Kind::Chair | Kind::Bench => 0.95,
            Kind::Hydrant | Kind::Cone | Kind::Table => 0.75,
            Kind::Post => 5.4,
            Kind::Planter | Kind::Cabinet => 1.25,
            Kind::Tree => 4.5,
        }
    }
}

fn foliage(body: &mut Body, center: Xyz, half: Xyz, color: Rgb, seed: u64, count: usize) {
    let mut random = Random::new(seed, 9);
    body.ball(center, (half.0 * 0.8, half.1 * 0.8, half.2 * 0.85), color.times(0.62));
    for i in 0..count {
        let angle = random.between(0.0, std::f32::consts::TAU);
        let (sin, cos) = angle.sin_cos();
        let (away, up) = (random.between(0.2, 0.8), random.between(-0.75, 0.75));
        let at = (center.0 + half.0 * away * cos, center.1 + half.1 * away * sin, center.2 + half.2 * up);
        let r = random.between(0.16, 0.34) * half.0;
        let light = 0.62 + 0.45 * i as f32 / count as f32 + 0.1 * up;
        body.ball(at, (r, r, r * 0.7), color.times(light));
    }
}
