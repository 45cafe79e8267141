//! A person from the side (walking) or from the front or back (standing, or walking to or from the camera).

use std::f32::consts::PI;

use super::{Facing, Pose};
use crate::scene::paint::{Brush, Rgb, Xy, blob, ellipse};

/// Proportions are fractions of the body height, after the usual eight-heads figure.
const HIP: f32 = -0.49;
const SHOULDER: f32 = -0.815;
const THIGH: f32 = 0.235;
const SHIN: f32 = 0.225;
const UPPER_ARM: f32 = 0.165;
const FORE_ARM: f32 = 0.15;
const SHOE: Rgb = Rgb(44, 40, 40);

/// What a person wears.
pub(super) struct Person {
    pub(super) height: f32,
    pub(super) jacket: Rgb,
    pub(super) trousers: Rgb,
    pub(super) hair: Rgb,
    pub(super) skin: Rgb,
}

/// A leg from hip to ankle.
struct Leg {
    hip: Xy,
    knee: Xy,
    ankle: Xy,
}

impl Leg {
    /// At one angle of the walk's cycle, seen from the side, walking to the right.
    fn walking(cycle: f32) -> Self {
        let thigh = 0.42 * cycle.sin();
        // The knee bends while the leg swings forward, and hardly while it carries.
        let bend = 0.12 + 0.75 * (cycle + 0.6).cos().max(0.0);
        let hip = (0.0, HIP);
        let knee = (hip.0 + THIGH * thigh.sin(), hip.1 + THIGH * thigh.cos());
        let shin = thigh - bend;
        Self { hip, knee, ankle: (knee.0 + SHIN * shin.sin(), knee.1 + SHIN * shin.cos()) }
    }

    fn lowered(&self, by: f32) -> Self {
        let down = |(x, y): Xy| (x, y + by);
        Self { hip: down(self.hip), knee: down(self.knee), ankle: down(self.ankle) }
    }
}

impl Person {
    pub(super) fn draw(&self, brush: &mut Brush<'_>, pose: Pose) {
        match pose.facing {
            Facing::Left | Facing::Right => self.side_view(brush, pose.cycle),
            Facing::Front => self.front_view(brush, pose.cycle, true),
            Facing::Back => self.front_view(brush, pose.cycle, false),
        }
    }

    /// Fractions of the height to metres.
    fn m(&self, (x, y): Xy) -> Xy {
        (x * self.height, y * self.height)
    }

    fn points(&self, points: &[Xy]) -> Vec<Xy> {
        points.iter().map(|&p| self.m(p)).collect()
    }

    fn limb(&self, brush: &mut Brush<'_>, points: &[Xy], width: f32, color: Rgb) {
        brush.limb(&self.points(points), width * self.height, color);
    }

    fn shape(&self, brush: &mut Brush<'_>, points: &[Xy], from: Xy, to: Xy, colors: &[Rgb]) {
        brush.shade(blob(&self.points(points)), self.m(from), self.m(to), colors);
    }

    fn oval(&self, brush: &mut Brush<'_>, center: Xy, half: Xy, color: Rgb) {
        let ((x, y), (half_width, half_height)) = (self.m(center), self.m(half));
        brush.fill(ellipse(x, y, half_width, half_height), color);
    }

    fn side_view(&self, brush: &mut Brush<'_>, cycle: Option<f32>) {
        let (near, far, swing) = match cycle {
            Some(cycle) => (Leg::walking(cycle), Leg::walking(cycle + PI), cycle.sin()),
            None => {
                let straight = |x: f32| Leg { hip: (0.0, HIP), knee: (x, HIP + THIGH), ankle: (x, HIP + THIGH + SHIN) };
                (straight(0.015), straight(-0.015), 0.0)
            }
        };
        // The lower foot stands on the ground, so the body sinks as the legs spread.
        let sink = -0.03 - near.ankle.1.max(far.ankle.1);
        let (near, far) = (near.lowered(sink), far.lowered(sink));
        let arm = |swing: f32| {
            let angle = -0.45 * swing;
            let shoulder = (-0.005, SHOULDER + 0.035 + sink);
            let elbow = (shoulder.0 + UPPER_ARM * angle.sin(), shoulder.1 + UPPER_ARM * angle.cos());
            let lower = angle + 0.35;
            let hand = (elbow.0 + FORE_ARM * lower.sin(), elbow.1 + FORE_ARM * lower.cos());
            [shoulder, elbow, hand]
        };

        self.arm(brush, arm(-swing), self.jacket.times(0.72));
        self.leg(brush, &far, self.trousers.times(0.76), true);
        self.leg(brush, &near, self.trousers, true);
        let torso = [
            (-0.058, SHOULDER - 0.008),
            (0.022, SHOULDER - 0.022),
            (0.07, SHOULDER + 0.05),
            (0.082, SHOULDER + 0.15),
            (0.076, HIP - 0.03),
            (0.08, HIP + 0.06),
            (-0.08, HIP + 0.06),
            (-0.08, HIP - 0.04),
            (-0.07, SHOULDER + 0.18),
            (-0.084, SHOULDER + 0.07),
        ]
        .map(|(x, y)| (x, y + sink));
        self.shape(
            brush,
            &torso,
            (-0.08, 0.0),
            (0.08, 0.0),
            &[self.jacket.times(1.08), self.jacket, self.jacket.times(0.74)],
        );
        let hem = [(-0.08, HIP + 0.055 + sink), (0.08, HIP + 0.055 + sink)];
        brush.line(&self.points(&hem), 0.008 * self.height, self.jacket.times(0.6));
        self.neck(brush, sink);
        self.head_side_view(brush, sink);
        self.arm(brush, arm(swing), self.jacket.times(0.95));
    }

    fn front_view(&self, brush: &mut Brush<'_>, cycle: Option<f32>, face: bool) {
        let swing = cycle.map_or(0.0, f32::sin);
        // A leg that swings towards or from the camera looks shorter.
        let leg = |side: f32, lift: f32| Leg {
            hip: (side * 0.045, HIP),
            knee: (side * 0.052, HIP + THIGH - lift * 0.3),
            ankle: (side * 0.05, HIP + THIGH + SHIN - lift),
        };
        let (left_lift, right_lift) = (0.06 * swing.max(0.0), 0.06 * (-swing).max(0.0));
        let sink = 0.0;
        for (side, lift) in [(-1.0, left_lift), (1.0, right_lift)] {
            self.leg(brush, &leg(side, lift), self.trousers.times(if lift > 0.0 { 0.85 } else { 1.0 }), false);
        }
        for (side, swing) in [(-1.0f32, swing), (1.0, -swing)] {
            let shoulder = (side * 0.112, SHOULDER + 0.03);
            let elbow = (side * 0.138, SHOULDER + 0.03 + UPPER_ARM - 0.02 * swing.max(0.0));
            let hand = (side * 0.135, elbow.1 + FORE_ARM - 0.05 * swing.max(0.0));
            self.arm(brush, [shoulder, elbow, hand], self.jacket.times(if side < 0.0 { 1.0 } else { 0.84 }));
        }
        let torso = [
            (0.0, SHOULDER - 0.025),
            (0.09, SHOULDER - 0.005),
            (0.13, SHOULDER + 0.04),
            (0.105, SHOULDER + 0.15),
            (0.09, HIP - 0.07),
            (0.098, HIP + 0.045),
            (-0.098, HIP + 0.045),
            (-0.09, HIP - 0.07),
            (-0.105, SHOULDER + 0.15),
            (-0.13, SHOULDER + 0.04),
            (-0.09, SHOULDER - 0.005),
        ];
        self.shape(
            brush,
            &torso,
            (-0.13, 0.0),
            (0.13, 0.0),
            &[self.jacket.times(1.06), self.jacket, self.jacket.times(0.76)],
        );
        if face {
            // Zip and hem of the jacket.
            brush.line(
                &self.points(&[(0.0, SHOULDER), (0.0, HIP + 0.04)]),
                0.008 * self.height,
                self.jacket.times(0.6),
            );
        }
        brush.line(
            &self.points(&[(-0.092, HIP + 0.045), (0.092, HIP + 0.045)]),
            0.01 * self.height,
            self.jacket.times(0.6),
        );
        self.neck(brush, sink);
        self.head_front_view(brush, face);
    }

    fn leg(&self, brush: &mut Brush<'_>, leg: &Leg, color: Rgb, sideways: bool) {
        let toe = if sideways { 0.068 } else { 0.0 };
        let sole = (leg.ankle.0 + toe, leg.ankle.1 + 0.012);
        brush.line(
            &self.points(&[(leg.ankle.0 - if sideways { 0.012 } else { 0.0 }, leg.ankle.1 + 0.008), sole]),
            0.046 * self.height,
            SHOE,
        );
        self.limb(brush, &[leg.knee, leg.ankle], 0.07, color);
        self.limb(brush, &[leg.hip, leg.knee], 0.1, color);
    }

    fn arm(&self, brush: &mut Brush<'_>, [shoulder, elbow, hand]: [Xy; 3], color: Rgb) {
        self.oval(brush, hand, (0.024, 0.03), self.skin);
        self.limb(
            brush,
            &[elbow, (elbow.0 + (hand.0 - elbow.0) * 0.85, elbow.1 + (hand.1 - elbow.1) * 0.85)],
            0.048,
            color,
        );
        self.limb(brush, &[shoulder, elbow], 0.066, color);
    }

    fn neck(&self, brush: &mut Brush<'_>, sink: f32) {
        self.limb(
            brush,
            &[(0.003, SHOULDER - 0.045 + sink), (0.0, SHOULDER - 0.01 + sink)],
            0.05,
            self.skin.times(0.85),
        );
    }

    fn head_side_view(&self, brush: &mut Brush<'_>, sink: f32) {
        let skull = (0.016, -0.925 + sink);
        let face = [
            (skull.0 - 0.03, skull.1 - 0.055),
            (skull.0 + 0.035, skull.1 - 0.045),
            (skull.0 + 0.052, skull.1 - 0.01),
            (skull.0 + 0.064, skull.1 + 0.018),
            (skull.0 + 0.05, skull.1 + 0.045),
            (skull.0 + 0.03, skull.1 + 0.064),
            (skull.0 - 0.02, skull.1 + 0.05),
            (skull.0 - 0.05, skull.1),
        ];
        self.shape(brush, &face, (-0.03, 0.0), (0.06, 0.0), &[self.skin.times(0.82), self.skin, self.skin.times(1.05)]);
        let hair = [
            (skull.0 + 0.046, skull.1 - 0.035),
            (skull.0 + 0.02, skull.1 - 0.068),
            (skull.0 - 0.03, skull.1 - 0.066),
            (skull.0 - 0.062, skull.1 - 0.02),
            (skull.0 - 0.055, skull.1 + 0.035),
            (skull.0 - 0.028, skull.1 + 0.04),
            (skull.0 - 0.012, skull.1 - 0.005),
            (skull.0 + 0.012, skull.1 - 0.034),
        ];
        self.shape(brush, &hair, (0.0, -1.0), (0.0, -0.88), &[self.hair.times(1.35), self.hair]);
        self.oval(brush, (skull.0 - 0.006, skull.1 + 0.012), (0.01, 0.015), self.skin.times(0.75));
        self.oval(brush, (skull.0 + 0.036, skull.1 - 0.004), (0.006, 0.005), Rgb(40, 34, 32));
    }

    fn head_front_view(&self, brush: &mut Brush<'_>, face: bool) {
        let (x, y) = (0.0, -0.925);
        let skull = [
            (x, y - 0.066),
            (x + 0.046, y - 0.04),
            (x + 0.05, y + 0.005),
            (x + 0.034, y + 0.05),
            (x, y + 0.068),
            (x - 0.034, y + 0.05),
            (x - 0.05, y + 0.005),
            (x - 0.046, y - 0.04),
        ];
        let (left, right) = ((-0.05, 0.0), (0.05, 0.0));
        if !face {
            self.shape(brush, &skull, left, right, &[self.hair.times(1.4), self.hair]);
            return;
        }
        self.shape(brush, &skull, left, right, &[self.skin.times(1.05), self.skin, self.skin.times(0.8)]);
        let hair = [
            (x, y - 0.072),
            (x + 0.05, y - 0.045),
            (x + 0.054, y + 0.01),
            (x + 0.04, y - 0.022),
            (x, y - 0.036),
            (x - 0.04, y - 0.022),
            (x - 0.054, y + 0.01),
            (x - 0.05, y - 0.045),
        ];
        self.shape(brush, &hair, (0.0, -1.0), (0.0, -0.9), &[self.hair.times(1.35), self.hair]);
        for side in [-1.0f32, 1.0] {
            self.oval(brush, (side * 0.02, y - 0.002), (0.007, 0.005), Rgb(40, 34, 32));
        }
        let mouth = [(-0.014, y + 0.036), (0.014, y + 0.036)];
        brush.line(&self.points(&mouth), 0.007 * self.height, self.skin.times(0.62));
    }
}
