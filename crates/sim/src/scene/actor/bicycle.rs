//! A bicycle from any side; its rider is a person of their own.

use super::Pose;
use crate::{
    random::Random,
    scene::{
        paint::Rgb,
        solid::{Body, wheel_rim},
        view::{Stand, Xyz},
    },
};

const WHEEL_RADIUS: f32 = 0.34;
const BACK: Xyz = (-0.52, 0.0, WHEEL_RADIUS);
const FRONT: Xyz = (0.54, 0.0, WHEEL_RADIUS);
const CRANK: Xyz = (-0.08, 0.0, 0.3);
const HEAD_TOP: Xyz = (0.36, 0.0, 0.86);
const HEAD_LOW: Xyz = (0.41, 0.0, 0.66);
const SEAT_TUBE: Xyz = (-0.23, 0.0, 0.84);
const TYRE: Rgb = Rgb(32, 32, 34);
const METAL: Rgb = Rgb(150, 153, 158);

/// Where its rider sits.
pub(super) const SADDLE: Xyz = (-0.27, 0.0, 0.96);
/// Where the right hand holds on.
pub(super) const GRIP: Xyz = (0.3, 0.27, 1.04);

const PAINTS: [Rgb; 10] = [
    Rgb(28, 30, 34),
    Rgb(176, 36, 36),
    Rgb(36, 78, 146),
    Rgb(218, 218, 214),
    Rgb(52, 110, 70),
    Rgb(226, 178, 48),
    Rgb(116, 118, 122),
    Rgb(78, 164, 168),
    Rgb(210, 104, 40),
    Rgb(120, 60, 110),
];

/// The pedal of one side (1 right, −1 left) at an angle of the cranks.
pub(super) fn pedal(side: f32, angle: f32) -> Xyz {
    (CRANK.0 + 0.165 * angle.cos(), side * 0.12, CRANK.2 - 0.165 * angle.sin())
}

/// Paint and kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bicycle {
    paint: Rgb,
    step_through: bool,
    mudguards: bool,
    basket: bool,
}

impl Bicycle {
    pub(super) fn random(random: &mut Random) -> Self {
        Self {
            paint: random.one_of(&PAINTS).times(random.between(0.85, 1.15)),
            step_through: random.chance(0.35),
            mudguards: random.chance(0.6),
            basket: random.chance(0.25),
        }
    }

    pub(super) fn body(&self, pose: Pose, stand: &Stand) -> Body {
        let mut body = Body::default();
        let turned = pose.cycle.unwrap_or(0.4) * -2.2;
        let towards = stand.towards_camera() > 0.0;
        let (first, second) = if towards { (BACK, FRONT) } else { (FRONT, BACK) };
        self.wheel(&mut body, first, turned);
        self.frame(&mut body, pose.cycle.unwrap_or(0.6));
        self.wheel(&mut body, second, turned);
        if self.basket {
            let color = Rgb(120, 92, 62);
            body.block((0.42, -0.16, 0.84), (0.7, 0.16, 1.05), color);
        }
        self.handlebar(&mut body);
        body
    }

    fn wheel(&self, body: &mut Body, center: Xyz, turned: f32) {
        // The thin sheet between the spokes keeps a wheel a wheel when it is small.
        body.sheet(&wheel_rim(center, WHEEL_RADIUS * 0.95, 20, 0.0), Rgb(60, 62, 66), 0.1);
        for spoke in 0..7 {
            let rim = wheel_rim(center, WHEEL_RADIUS * 0.94, 14, turned);
            if let (Some(&a), Some(&b)) = (rim.get(spoke), rim.get(spoke + 7)) {
                body.wire(&[a, b], 0.003, METAL.times(0.9));
            }
        }
        let mut tyre = wheel_rim(center, WHEEL_RADIUS - 0.02, 24, 0.0);
        if let Some(&start) = tyre.first() {
            tyre.push(start);
        }
        body.wire(&tyre, 0.024, TYRE);
        body.ball(center, (0.03, 0.05, 0.03), METAL);
        if self.mudguards {
            let guard: Vec<Xyz> = wheel_rim(center, WHEEL_RADIUS + 0.025, 24, 0.0).into_iter().take(11).collect();
            body.wire(&guard, 0.016, self.paint.times(0.7));
        }
    }

    fn frame(&self, body: &mut Body, cycle: f32) {
        let tube = |body: &mut Body, points: &[Xyz], radius: f32| body.wire(points, radius, self.paint);
        body.wire(&[CRANK, pedal(-1.0, cycle + std::f32::consts::PI)], 0.014, METAL.times(0.7));
        for side in [-0.05, 0.05] {
            let back = (BACK.0, side, BACK.2);
            tube(body, &[CRANK, back], 0.013);
            tube(body, &[SEAT_TUBE, back], 0.012);
        }
        tube(body, &[CRANK, SEAT_TUBE], 0.02);
        tube(body, &[CRANK, HEAD_LOW], 0.022);
        if self.step_through {
            tube(body, &[(-0.15, 0.0, 0.55), (0.12, 0.0, 0.5), HEAD_TOP], 0.02);
        } else {
            tube(body, &[SEAT_TUBE, HEAD_TOP], 0.02);
        }
        tube(body, &[HEAD_LOW, HEAD_TOP], 0.024);
        for side in [-0.055, 0.055] {
            tube(body, &[HEAD_LOW, (FRONT.0, side, FRONT.2)], 0.015);
        }
        body.wire(&[SEAT_TUBE, (SADDLE.0, 0.0, SADDLE.2 - 0.03)], 0.014, METAL);
        body.limb((SADDLE.0 - 0.1, 0.0, SADDLE.2), (SADDLE.0 + 0.15, 0.0, SADDLE.2), (0.05, 0.025), Rgb(34, 32, 32));
        body.ball(CRANK, (0.09, 0.03, 0.09), METAL.times(0.6));
        let foot = pedal(1.0, cycle);
        body.wire(&[CRANK, (foot.0, 0.1, foot.2)], 0.014, METAL.times(0.7));
        body.wire(&[(foot.0 - 0.05, foot.1, foot.2), (foot.0 + 0.05, foot.1, foot.2)], 0.018, TYRE);
        if self.mudguards {
            body.block((-0.72, -0.06, 0.74), (-0.36, 0.06, 0.77), METAL.times(0.5));
        }
    }

    fn handlebar(&self, body: &mut Body) {
        let stem = (0.33, 0.0, 1.0);
        body.wire(&[HEAD_TOP, stem], 0.018, METAL);
        body.wire(
            &[(GRIP.0, -GRIP.1, GRIP.2), (0.38, -0.1, 1.02), stem, (0.38, 0.1, 1.02), GRIP],
            0.014,
            METAL.times(0.8),
        );
        for side in [-1.0, 1.0] {
            body.wire(
                &[(GRIP.0 - 0.06, side * GRIP.1, GRIP.2), (GRIP.0 + 0.04, side * GRIP.1 * 0.9, GRIP.2)],
                0.02,
                TYRE,
            );
        }
        body.ball((0.44, 0.0, 0.9), (0.04, 0.035, 0.035), Rgb(214, 214, 206));
    }
}
