//! Cars of several bodies from any side.

use super::{
    Pose,
    vehicle::{BLACK, Section, hull, patch, underside, wheel, window},
};
use crate::{
    random::Random,
    scene::{paint::Rgb, solid::Body, view::Xyz},
};

const PAINTS: [Rgb; 16] = [
    Rgb(212, 214, 216),
    Rgb(232, 232, 228),
    Rgb(168, 172, 176),
    Rgb(120, 124, 130),
    Rgb(72, 76, 82),
    Rgb(40, 42, 48),
    Rgb(30, 34, 44),
    Rgb(40, 62, 112),
    Rgb(72, 112, 164),
    Rgb(146, 32, 36),
    Rgb(176, 60, 44),
    Rgb(58, 82, 66),
    Rgb(178, 164, 138),
    Rgb(108, 88, 72),
    Rgb(206, 178, 72),
    Rgb(112, 150, 168),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hatchback,
    Saloon,
    Estate,
    Suv,
    Van,
    PickUp,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Car {
    kind: Kind,
    paint: Rgb,
    scale: f32,
    dark_bumpers: bool,
    roof: Rgb,
}

/// The measures of one body in metres.
struct Shape {
    sections: Vec<Section>,
    /// Belt line; cabin's foot from and to; roof from and to; roof's height; half widths at foot and roof.
    belt: f32,
    foot: (f32, f32),
    roof: (f32, f32),
    up: f32,
    half: (f32, f32),
    /// Side windows along the cabin, 0..=1 from back to front; none for a closed load room.
    panes: Vec<(f32, f32)>,
    axles: [f32; 2],
    radius: f32,
    clearance: f32,
}

impl Car {
    pub(super) fn random(random: &mut Random) -> Self {
        let paint = random.one_of(&PAINTS).times(random.between(0.85, 1.12));
        let kind = random.one_of(&[
            Kind::Hatchback,
            Kind::Hatchback,
            Kind::Saloon,
            Kind::Saloon,
            Kind::Estate,
            Kind::Suv,
            Kind::Suv,
            Kind::Van,
            Kind::PickUp,
        ]);
        let black_roof = random.chance(0.15);
        Self {
            kind,
            paint,
            scale: random.between(0.93, 1.06),
            dark_bumpers: random.chance(0.4),
            roof: if black_roof { BLACK.times(1.6) } else { paint },
        }
    }

    pub(super) const fn half_length(&self) -> f32 {
        match self.kind {
            Kind::Hatchback => 1.95,
            Kind::Saloon | Kind::Estate | Kind::Suv => 2.25,
            Kind::Van | Kind::PickUp => 2.5,
        }
    }

    pub(super) const fn height(&self) -> f32 {
        match self.kind {
            Kind::Hatchback | Kind::Saloon | Kind::Estate => 1.46,
            Kind::Suv => 1.68,
            Kind::Van => 1.98,
            Kind::PickUp => 1.75,
        }
    }

    fn shape(&self) -> Shape {
        let l = self.half_length();
        let (front, back) = (l, -l);
        match self.kind {
            Kind::Hatchback | Kind::Saloon | Kind::Estate | Kind::Suv => {
                let suv = self.kind == Kind::Suv;
                let saloon = self.kind == Kind::Saloon;
                let lift = if suv { 0.15 } else { 0.0 };
                let (belt, bonnet, nose) = (0.93 + lift, 0.86 + lift, 0.72 + lift);
                let boot = if saloon { 0.95 } else { 0.93 + lift };
                let w = if suv { 0.93 } else { 0.88 };
                let low = 0.2 + lift * 0.7;
                let sections = vec![
                    (back, w * 0.82, low + 0.18, boot - 0.14),
                    (back + 0.12, w * 0.92, low + 0.04, boot - 0.02),
                    (back + 0.6, w, low, belt),
                    (0.0, w, low, belt),
                    (front - 1.15, w, low, belt),
                    (front - 0.85, w, low, bonnet + 0.04),
                    (front - 0.28, w * 0.95, low + 0.02, bonnet - 0.06),
                    (front - 0.08, w * 0.88, low + 0.05, nose),
                    (front, w * 0.76, low + 0.12, nose - 0.12),
                ];
                let (foot_back, roof_back) = match self.kind {
                    Kind::Saloon => (back + 0.62, back + 1.3),
                    Kind::Estate => (back + 0.1, back + 0.42),
                    Kind::Suv => (back + 0.1, back + 0.5),
                    _ => (back + 0.1, back + 0.62),
                };
                Shape {
                    sections,
                    belt,
                    foot: (foot_back, front - 1.05),
                    roof: (roof_back, front - 1.95),
                    up: self.height(),
                    half: (w * 0.94, w * 0.68),
                    panes: if saloon {
                        vec![(0.16, 0.5), (0.53, 0.93)]
                    } else {
                        vec![(0.05, 0.25), (0.28, 0.58), (0.61, 0.94)]
                    },
                    axles: [back + 0.78, front - 0.85],
                    radius: if suv { 0.37 } else { 0.325 },
                    clearance: low,
                }
            }
            Kind::Van => Shape {
                sections: vec![
                    (back, 0.92, 0.34, 1.02),
                    (back + 0.1, 0.96, 0.26, 1.05),
                    (0.0, 0.97, 0.24, 1.05),
                    (front - 0.9, 0.97, 0.24, 1.05),
                    (front - 0.25, 0.93, 0.26, 0.95),
                    (front, 0.8, 0.32, 0.72),
                ],
                belt: 1.04,
                foot: (back + 0.02, front - 0.5),
                roof: (back + 0.1, front - 1.4),
                up: self.height(),
                half: (0.95, 0.84),
                panes: vec![(0.7, 0.95)],
                axles: [back + 0.95, front - 0.85],
                radius: 0.35,
                clearance: 0.26,
            },
            Kind::PickUp => Shape {
                sections: vec![
                    (back, 0.9, 0.46, 1.04),
                    (back + 0.1, 0.94, 0.4, 1.06),
                    (0.0, 0.95, 0.38, 1.06),
                    (front - 1.2, 0.95, 0.38, 1.08),
                    (front - 0.2, 0.92, 0.38, 1.0),
                    (front, 0.82, 0.44, 0.84),
                ],
                belt: 1.07,
                foot: (-0.55, front - 1.15),
                roof: (-0.35, front - 1.85),
                up: self.height(),
                half: (0.9, 0.7),
                panes: vec![(0.08, 0.46), (0.5, 0.93)],
                axles: [back + 1.05, front - 0.95],
                radius: 0.39,
                clearance: 0.42,
            },
        }
    }

    /// `lamps`: headlights and tail lights are on.
    pub(super) fn body(&self, pose: Pose, lamps: bool) -> Body {
        let mut body = Body::default();
        let shape = self.shape();
        let ends = (-self.half_length(), self.half_length());
        let half_width = shape.sections.iter().map(|s| s.1).fold(0.0, f32::max);
        underside(&mut body, ends, &shape.axles, half_width, shape.radius, shape.clearance);
        hull(&mut body, &shape.sections, self.paint);
        self.flanks(&mut body, &shape, half_width, pose);
        if self.kind == Kind::PickUp {
            let (x0, x1) = (ends.0 + 0.12, shape.foot.0 - 0.05);
            let floor = [(x0, -0.8, 1.065), (x1, -0.8, 1.065), (x1, 0.8, 1.065), (x0, 0.8, 1.065)];
            body.decal(&floor, (0.0, 0.0, 0.5), BLACK.times(1.4));
        }
        self.cabin(&mut body, &shape);
        self.ends(&mut body, &shape, lamps);
        for part in &mut body.parts {
            part.scaled(self.scale);
        }
        body
    }

    fn flanks(&self, body: &mut Body, shape: &Shape, half_width: f32, pose: Pose) {
        let seam = self.paint.times(0.5);
        let inside = (0.0, 0.0, 0.6);
        let (low, belt) = (shape.clearance, shape.belt);
        for side in [-1.0, 1.0] {
            let y = side * (half_width + 0.004);
            let strip = |x0: f32, z0: f32, x1: f32, z1: f32| [(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)];
            let sill = [shape.axles[0] + 0.4, shape.axles[1] - 0.4];
            body.decal(&strip(sill[0], low, sill[1], low + 0.1), inside, BLACK);
            let (from, to) = (shape.foot.0, shape.foot.1);
            for &(_, end) in &shape.panes {
                let x = from + (to - from) * (end + 0.012);
                if x < shape.axles[1] - 0.2 {
                    body.decal(&strip(x - 0.012, low + 0.14, x + 0.012, belt - 0.02), inside, seam);
                    body.decal(&strip(x - 0.34, belt - 0.17, x - 0.14, belt - 0.13), inside, self.paint.times(0.62));
                }
            }
            body.decal(&strip(sill[0], belt - 0.3, sill[1], belt - 0.275), inside, self.paint.times(1.18));
            for x in shape.axles {
                wheel(body, x, side, half_width + 0.006, shape.radius, -pose.cycle.unwrap_or(0.5), self.paint);
            }
            // Door mirror.
            let x = to - 0.42;
            let (a, b) = (side * (half_width - 0.02), side * (half_width + 0.16));
            body.block((x - 0.06, a.min(b), belt), (x + 0.08, a.max(b), belt + 0.14), self.paint.times(0.8));
        }
    }

    fn cabin(&self, body: &mut Body, shape: &Shape) {
        let Shape { belt, foot, roof, up, half, .. } = *shape;
        let belt = belt - 0.02;
        let shoulder = up - 0.1;
        let inside = (f32::midpoint(roof.0, roof.1), 0.0, f32::midpoint(belt, up));
        let corner = |x: f32, side: f32, width: f32, z: f32| -> Xyz { (x, side * width, z) };
        // The roof is a little narrower than the top of the windows and rounded to its edges.
        let brow = (roof.0 + (foot.0 - roof.0) * 0.2, roof.1 + (foot.1 - roof.1) * 0.2);
        let wide = half.0 + (half.1 - half.0) * 0.8;
        let front = [
            corner(foot.1, -1.0, half.0, belt),
            corner(foot.1, 1.0, half.0, belt),
            corner(brow.1, 1.0, wide, shoulder),
            corner(brow.1, -1.0, wide, shoulder),
        ];
        let back = [
            corner(foot.0, -1.0, half.0, belt),
            corner(foot.0, 1.0, half.0, belt),
            corner(brow.0, 1.0, wide, shoulder),
            corner(brow.0, -1.0, wide, shoulder),
        ];
        body.face(&back, inside, self.paint);
        body.face(&front, inside, self.paint);
        for side in [-1.0, 1.0] {
            let flank = [
                corner(foot.0, side, half.0, belt),
                corner(foot.1, side, half.0, belt),
                corner(brow.1, side, wide, shoulder),
                corner(brow.0, side, wide, shoulder),
            ];
            body.face(&flank, inside, self.paint);
            for &(start, end) in &shape.panes {
                window(body, &patch(&flank, (start, end), (0.12, 0.92)), inside, false);
            }
            let edge = [
                corner(brow.0, side, wide, shoulder),
                corner(brow.1, side, wide, shoulder),
                corner(roof.1, side, half.1, up),
                corner(roof.0, side, half.1, up),
            ];
            body.face(&edge, inside, self.roof);
        }
        for (brow, roof) in [(brow.0, roof.0), (brow.1, roof.1)] {
            let edge = [
                corner(brow, -1.0, wide, shoulder),
                corner(brow, 1.0, wide, shoulder),
                corner(roof, 1.0, half.1, up),
                corner(roof, -1.0, half.1, up),
            ];
            body.face(&edge, inside, self.roof);
        }
        let top = [
            corner(roof.0, -1.0, half.1, up),
            corner(roof.1, -1.0, half.1, up),
            corner(roof.1, 1.0, half.1, up),
            corner(roof.0, 1.0, half.1, up),
        ];
        body.face(&top, inside, self.roof);
        window(body, &patch(&front, (0.06, 0.94), (0.08, 0.98)), inside, false);
        let rear = if self.kind == Kind::Van { (0.25, 0.9) } else { (0.18, 0.94) };
        window(body, &patch(&back, (0.1, 0.9), rear), inside, false);
        // Driver and steering wheel behind the glass.
        let pane = patch(&front, (0.56, 0.74), (0.12, 0.6));
        body.decal(&pane, inside, BLACK.times(1.3));
    }

    fn ends(&self, body: &mut Body, shape: &Shape, lamps: bool) {
        let (Some(&nose), Some(&cheek)) = (shape.sections.last(), shape.sections.iter().rev().nth(1)) else { return };
        let Some(&tail) = shape.sections.first() else { return };
        let inside = (0.0, 0.0, 0.55);
        let (x, w, low, up) = (nose.0 + 0.01, nose.1, nose.2, nose.3);
        let face: [Xyz; 4] = [(x, -w, low), (x, w, low), (x, w, up), (x, -w, up)];
        let bumper = if self.dark_bumpers { BLACK } else { self.paint.times(0.8) };
        body.decal(&patch(&face, (0.0, 1.0), (0.0, 0.42)), inside, bumper);
        body.decal(&patch(&face, (0.2, 0.8), (0.52, 0.94)), inside, BLACK);
        body.decal(&patch(&face, (0.35, 0.65), (0.12, 0.34)), inside, Rgb(226, 226, 220));
        let lamp = if lamps { Rgb(255, 250, 226) } else { Rgb(222, 226, 228) };
        for side in [-1.0f32, 1.0] {
            // Headlights reach round the corner.
            let (cx, cw) = (cheek.0, cheek.1 * 1.005);
            let (z0, z1) = (up - (up - low) * 0.42, up + 0.02);
            let front =
                [(x, side * w * 0.62, z0), (x, side * w * 1.0, z0), (x, side * w * 1.0, z1), (x, side * w * 0.66, z1)];
            let round =
                [(x, side * w, z0), (cx, side * cw, z0 + 0.05), (cx - 0.12, side * cw, z1 + 0.04), (x, side * w, z1)];
            let around = (x - 0.6, 0.0, 0.5);
            if lamps {
                body.shining(&front, around, lamp);
                body.shining(&round, around, lamp);
            } else {
                body.decal(&front, around, lamp);
                body.decal(&round, around, lamp);
            }
        }
        let (x, w, low, up) = (tail.0 - 0.01, tail.1, tail.2, tail.3);
        let face: [Xyz; 4] = [(x, -w, low), (x, w, low), (x, w, up), (x, -w, up)];
        body.decal(&patch(&face, (0.0, 1.0), (0.0, 0.3)), inside, bumper);
        body.decal(&patch(&face, (0.33, 0.67), (0.4, 0.62)), inside, Rgb(220, 220, 212));
        let red = if lamps { Rgb(236, 38, 30) } else { Rgb(150, 28, 30) };
        for side in [-1.0f32, 1.0] {
            let (from, to) = if side < 0.0 { (0.0, 0.2) } else { (0.8, 1.0) };
            let lamp = patch(&face, (from, to), (0.56, 0.98));
            let second = shape.sections.get(1).copied().unwrap_or(tail);
            let round = [
                (x, side * w, low + (up - low) * 0.6),
                (second.0 + 0.1, side * second.1 * 1.01, low + (up - low) * 0.62),
                (second.0 + 0.1, side * second.1 * 1.01, up + 0.03),
                (x, side * w, up),
            ];
            let around = (x + 0.6, 0.0, 0.5);
            if lamps {
                body.shining(&lamp, around, red);
                body.shining(&round, around, red);
            } else {
                body.decal(&lamp, around, red);
                body.decal(&round, around, red);
            }
        }
    }
}
