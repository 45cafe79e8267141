//! Buses in several liveries from any side.

use super::{
    Pose,
    vehicle::{BLACK, hull, patch, underside, wheel, window},
};
use crate::{
    random::Random,
    scene::{paint::Rgb, solid::Body, view::Xyz},
};

/// Lower half, upper half, stripe.
const LIVERIES: [(Rgb, Rgb, Rgb); 9] = [
    (Rgb(192, 40, 38), Rgb(192, 40, 38), Rgb(232, 228, 220)),
    (Rgb(226, 182, 52), Rgb(226, 182, 52), Rgb(36, 36, 40)),
    (Rgb(52, 104, 170), Rgb(228, 230, 230), Rgb(52, 104, 170)),
    (Rgb(60, 124, 78), Rgb(232, 230, 218), Rgb(60, 124, 78)),
    (Rgb(228, 229, 228), Rgb(228, 229, 228), Rgb(70, 120, 176)),
    (Rgb(214, 112, 44), Rgb(236, 232, 222), Rgb(120, 58, 30)),
    (Rgb(36, 52, 92), Rgb(36, 52, 92), Rgb(196, 170, 96)),
    (Rgb(118, 160, 74), Rgb(222, 224, 220), Rgb(74, 110, 52)),
    (Rgb(118, 40, 74), Rgb(214, 208, 206), Rgb(118, 40, 74)),
];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bus {
    lower: Rgb,
    upper: Rgb,
    stripe: Rgb,
    half_length: f32,
    height: f32,
    double_decker: bool,
    slanted: bool,
}

impl Bus {
    pub(super) fn random(random: &mut Random) -> Self {
        let (lower, upper, stripe) = random.one_of(&LIVERIES);
        let light = random.between(0.88, 1.1);
        let double_decker = random.chance(0.15);
        Self {
            lower: lower.times(light),
            upper: upper.times(light),
            stripe,
            half_length: random.between(3.6, 5.6),
            height: if double_decker { random.between(4.0, 4.3) } else { random.between(2.75, 3.15) },
            double_decker,
            slanted: random.chance(0.4),
        }
    }

    /// A small one of a single deck, for a place that has no room for another.
    pub(super) fn short(random: &mut Random) -> Self {
        let bus = Self::random(random);
        Self {
            half_length: 3.5 + (bus.half_length - 3.6) * 0.3,
            height: bus.height.min(2.9),
            double_decker: false,
            ..bus
        }
    }

    pub(super) const fn half_length(&self) -> f32 {
        self.half_length
    }

    pub(super) const fn height(&self) -> f32 {
        self.height
    }

    pub(super) fn body(&self, pose: Pose, lamps: bool) -> Body {
        let mut body = Body::default();
        let (l, h, w) = (self.half_length, self.height, 1.22);
        let axles = [-l + l * 0.42, l - l * 0.3];
        let radius = 0.46;
        underside(&mut body, (-l, l), &axles, w, radius, 0.3);
        let nose = if self.slanted { 0.28 } else { 0.08 };
        let belt = 1.15;
        let sections = [
            (-l, w * 0.95, 0.36, belt),
            (-l + 0.15, w, 0.3, belt),
            (l - 0.25, w, 0.3, belt),
            (l, w * 0.94, 0.34, belt),
        ];
        hull(&mut body, &sections, self.lower);
        let inside = (0.0, 0.0, h * 0.55);
        let top = h - 0.16;
        let flank_of = |side: f32| -> [Xyz; 4] {
            [
                (-l, side * w * 0.97, belt),
                (l - 0.02, side * w * 0.97, belt),
                (l - nose, side * w * 0.95, top),
                (-l + 0.06, side * w * 0.95, top),
            ]
        };
        for side in [-1.0, 1.0] {
            let flank = flank_of(side);
            body.face(&flank, inside, self.upper);
            let roof = [flank[3], flank[2], (l - nose - 0.15, side * w * 0.8, h), (-l + 0.2, side * w * 0.8, h)];
            body.face(&roof, inside, self.upper.times(1.02));
        }
        let back: [Xyz; 4] =
            [(-l, -w * 0.97, belt), (-l, w * 0.97, belt), (-l + 0.06, w * 0.95, top), (-l + 0.06, -w * 0.95, top)];
        let front: [Xyz; 4] =
            [(l, -w * 0.97, belt), (l, w * 0.97, belt), (l - nose, w * 0.95, top), (l - nose, -w * 0.95, top)];
        for (wall, x) in [(back, -l + 0.2), (front, l - nose - 0.15)] {
            body.face(&wall, inside, self.upper);
            body.face(&[wall[3], wall[2], (x, w * 0.8, h), (x, -w * 0.8, h)], inside, self.upper.times(1.02));
        }
        let roof = [
            (-l + 0.2, -w * 0.8, h),
            (l - nose - 0.15, -w * 0.8, h),
            (l - nose - 0.15, w * 0.8, h),
            (-l + 0.2, w * 0.8, h),
        ];
        body.face(&roof, inside, self.upper.times(1.04));
        for side in [-1.0, 1.0] {
            self.side_details(&mut body, &flank_of(side), side, inside, lamps);
            for x in axles {
                wheel(&mut body, x, side, w + 0.006, radius, -pose.cycle.unwrap_or(0.5), self.lower);
            }
        }
        self.end_details(&mut body, &front, &back, inside, lamps);
        body
    }

    fn side_details(&self, body: &mut Body, flank: &[Xyz; 4], side: f32, inside: Xyz, lamps: bool) {
        let (l, w) = (self.half_length, 1.23);
        let decks: &[(f32, f32)] = if self.double_decker { &[(0.02, 0.36), (0.58, 0.88)] } else { &[(0.04, 0.82)] };
        let count = (l * 2.0 / 1.45).round().max(3.0) as usize;
        for &(low, high) in decks {
            for i in 0..count {
                let from = (i as f32 + 0.08) / count as f32 * 0.97 + 0.015;
                let to = (i as f32 + 0.96) / count as f32 * 0.97 + 0.015;
                window(body, &patch(flank, (from, to), (low, high)), inside, lamps);
            }
        }
        let y = side * w;
        let strip = |x0: f32, z0: f32, x1: f32, z1: f32| [(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)];
        let below = (0.0, 0.0, 0.7);
        body.decal(&strip(-l + 0.1, 0.86, l - 0.25, 1.0), below, self.stripe);
        body.decal(&strip(-l + 0.1, 0.3, l - 0.25, 0.38), below, BLACK.times(1.6));
        if side > 0.0 {
            // Doors are on the right.
            for x in [l - 1.35, -l * 0.08] {
                let door = strip(x, 0.36, x + 1.05, 2.25_f32.min(self.height - 0.45));
                body.decal(&door, below, BLACK.times(1.5));
                for (u0, u1) in [(0.06, 0.48), (0.52, 0.94)] {
                    window(body, &patch(&door, (u0, u1), (0.08, 0.95)), below, lamps);
                }
            }
        }
    }

    fn end_details(&self, body: &mut Body, front: &[Xyz; 4], back: &[Xyz; 4], inside: Xyz, lamps: bool) {
        let l = self.half_length;
        let split = if self.double_decker { 0.42 } else { 0.76 };
        window(body, &patch(front, (0.04, 0.96), (-0.06, split)), inside, false);
        if self.double_decker {
            window(body, &patch(front, (0.06, 0.94), (0.6, 0.92)), inside, lamps);
        }
        let sign = patch(front, (0.14, 0.86), if self.double_decker { (0.45, 0.57) } else { (0.8, 0.98) });
        body.decal(&sign, inside, BLACK);
        body.shining(&patch(&sign, (0.08, 0.22), (0.2, 0.8)), inside, Rgb(240, 168, 50));
        body.shining(&patch(&sign, (0.3, 0.86), (0.25, 0.75)), inside, Rgb(226, 150, 44));
        body.decal(&patch(front, (0.58, 0.76), (-0.02, split * 0.6)), inside, BLACK.times(1.3));
        window(body, &patch(back, (0.12, 0.88), (0.25, 0.75)), inside, lamps);
        let w = 1.14;
        let x = l + 0.012;
        let face: [Xyz; 4] = [(x, -w, 0.34), (x, w, 0.34), (x, w, 1.15), (x, -w, 1.15)];
        let below = (0.0, 0.0, 0.7);
        body.decal(&patch(&face, (0.0, 1.0), (0.0, 0.16)), below, BLACK.times(1.4));
        body.decal(&patch(&face, (0.4, 0.6), (0.06, 0.2)), below, Rgb(224, 224, 216));
        body.decal(&patch(&face, (0.25, 0.75), (0.6, 0.72)), below, self.stripe);
        let x = -l - 0.012;
        let rear: [Xyz; 4] = [(x, -w, 0.36), (x, w, 0.36), (x, w, 1.15), (x, -w, 1.15)];
        body.decal(&patch(&rear, (0.15, 0.85), (0.15, 0.75)), below, self.lower.times(0.72));
        for (from, to) in [(0.03, 0.19), (0.81, 0.97)] {
            let (head, tail) = (patch(&face, (from, to), (0.26, 0.5)), patch(&rear, (from, from + 0.12), (0.3, 0.85)));
            if lamps {
                body.shining(&head, below, Rgb(255, 250, 226));
                body.shining(&tail, below, Rgb(232, 40, 32));
            } else {
                body.decal(&head, below, Rgb(220, 224, 226));
                body.decal(&tail, below, Rgb(150, 30, 30));
            }
        }
    }
}
