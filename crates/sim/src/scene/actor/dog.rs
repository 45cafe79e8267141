//! A dog of one of several breeds from any side. Its measures are fractions of its shoulder height.

use std::f32::consts::PI;

use super::Pose;
use crate::{
    random::Random,
    scene::{
        paint::Rgb,
        solid::Body,
        view::{Stand, Xyz},
    },
};

const FURS: [Rgb; 11] = [
    Rgb(206, 164, 104),
    Rgb(222, 196, 150),
    Rgb(48, 42, 40),
    Rgb(30, 29, 30),
    Rgb(112, 74, 46),
    Rgb(160, 104, 58),
    Rgb(226, 222, 214),
    Rgb(140, 134, 128),
    Rgb(92, 84, 78),
    Rgb(184, 134, 82),
    Rgb(72, 52, 40),
];
const COLLARS: [Rgb; 4] = [Rgb(160, 40, 40), Rgb(40, 60, 120), Rgb(40, 40, 42), Rgb(60, 120, 70)];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dog {
    /// Shoulder height in metres.
    shoulder: f32,
    /// Trunk length, leg length, thickness: fractions of the shoulder height.
    length: f32,
    legs: f32,
    thick: f32,
    muzzle: f32,
    ears_up: bool,
    tail_up: f32,
    bushy: f32,
    fur: Rgb,
    /// Belly, legs, muzzle.
    second: Rgb,
    /// A darker back.
    saddle: Rgb,
    collar: Rgb,
}

impl Dog {
    pub(super) fn random(random: &mut Random) -> Self {
        let fur = random.one_of(&FURS).times(random.between(0.85, 1.12));
        // Shoulder height, length, leg length, thickness, muzzle, ears up, bushiness: retriever, shepherd, terrier,
        // dachshund, greyhound, spitz, bulldog.
        let breeds = [
            (0.57, 1.08, 0.52, 0.2, 0.2, false, 1.3),
            (0.62, 1.12, 0.54, 0.19, 0.24, true, 1.4),
            (0.36, 1.0, 0.5, 0.2, 0.18, true, 1.0),
            (0.26, 1.7, 0.34, 0.25, 0.26, false, 0.8),
            (0.68, 1.0, 0.6, 0.14, 0.24, false, 0.6),
            (0.42, 0.98, 0.46, 0.26, 0.14, true, 2.0),
            (0.38, 1.1, 0.42, 0.27, 0.1, false, 0.7),
            (0.5, 1.05, 0.52, 0.2, 0.18, false, 1.2),
        ];
        let (shoulder, length, legs, thick, muzzle, ears_up, bushy) = random.one_of(&breeds);
        let patched = random.chance(0.4);
        let saddled = random.chance(0.35);
        Self {
            shoulder: shoulder * random.between(0.88, 1.12),
            length: length * random.between(0.94, 1.06),
            legs,
            thick: thick * random.between(0.9, 1.12),
            muzzle,
            ears_up,
            tail_up: random.between(-0.5, 1.1),
            bushy,
            fur,
            second: if patched {
                random.one_of(&[Rgb(228, 222, 212), Rgb(196, 158, 110), Rgb(60, 50, 46)])
            } else {
                fur
            },
            saddle: if saddled { random.one_of(&[Rgb(40, 36, 34), Rgb(92, 62, 42), Rgb(220, 214, 204)]) } else { fur },
            collar: random.one_of(&COLLARS),
        }
    }

    pub(super) const fn height(&self) -> f32 {
        self.shoulder * 1.3
    }

    pub(super) const fn half_length(&self) -> f32 {
        self.shoulder * self.length * 0.5
    }

    pub(super) fn body(&self, pose: Pose, stand: &Stand) -> Body {
        let mut body = Body::default();
        let s = self.shoulder;
        let phase = pose.cycle.unwrap_or(0.0);
        let stride = if pose.cycle.is_some() { 0.5 } else { 0.0 };
        let front = self.length * 0.42;
        let rump = -self.length * 0.42;
        let back_up = 1.0 - self.thick * 0.9;
        let at = |x: f32, y: f32, z: f32| (x * s, y * s, z * s);

        let near_side = if stand.right_side_towards_camera() > 0.0 { 1.0 } else { -1.0 };
        let towards = stand.towards_camera() > 0.0;
        let spread = self.thick * 0.55;
        let leg = |body: &mut Body, x: f32, side: f32, offset: f32, hind: bool| {
            let swing = stride * (phase + offset).sin();
            let color = self.second.times(if side == near_side { 0.95 } else { 0.72 });
            let top = at(x, side * spread, self.legs + self.thick * 0.4);
            let bend = if hind { 0.28 } else { -0.06 };
            let half = self.legs * 0.55;
            let knee =
                (top.0 + (swing * 0.8 + bend * 0.6).sin() * half * s, top.1, top.2 - (half + self.thick * 0.3) * s);
            let lift = 0.08 * (phase + offset).cos().max(0.0) * stride;
            let paw = at((knee.0 / s) + (swing - bend * 0.8).sin() * half, side * spread, 0.04 + lift);
            let thigh = if hind { 0.11 } else { 0.085 };
            body.limb(top, knee, (thigh * s, 0.05 * s), color);
            body.limb(knee, paw, (0.048 * s, 0.036 * s), color);
            body.limb(paw, (paw.0 + 0.07 * s, paw.1, paw.2 - 0.008 * s), (0.04 * s, 0.034 * s), color);
        };
        let legs_of = |body: &mut Body, side: f32| {
            let shift = if side > 0.0 { 0.0 } else { PI };
            leg(body, rump + 0.06, side, shift, true);
            leg(body, front - 0.06, side, shift + PI, false);
        };
        let tail = |body: &mut Body| {
            let root = at(rump - 0.06, 0.0, back_up + self.thick * 0.45);
            let wag = 0.12 * (2.0 * phase).sin();
            let middle = at(rump - 0.24, wag, back_up + self.thick * 0.45 + 0.16 * self.tail_up);
            let tip = at(
                rump - 0.32 + 0.12 * self.tail_up.max(0.0),
                wag * 2.0,
                back_up + self.thick * 0.4 + 0.42 * self.tail_up,
            );
            body.limb(root, middle, (0.045 * s, 0.04 * s * self.bushy), self.saddle.times(0.95));
            body.limb(middle, tip, (0.04 * s * self.bushy, 0.02 * s), self.saddle.times(0.95));
        };
        legs_of(&mut body, -near_side);
        if towards {
            tail(&mut body);
        } else {
            self.head(&mut body, front, back_up, stand);
        }
        let chest = at(front - 0.02, 0.0, back_up - 0.04);
        let hips = at(rump, 0.0, back_up + 0.02);
        let (t, chest_first) = (self.thick * s, !towards);
        let parts = [(chest, t * 1.12), (hips, t)];
        let order = if chest_first { [0, 1] } else { [1, 0] };
        for i in order {
            let (center, radius) = parts[i];
            body.ball(center, (radius, radius * 0.9, radius * 1.08), if i == 0 { self.fur } else { self.saddle });
            if i == order[0] {
                body.limb(chest, hips, (t * 1.05, t * 0.94), self.fur);
                body.limb(
                    (chest.0, 0.0, chest.2 + 0.1 * t),
                    (hips.0, 0.0, hips.2 + 0.16 * t),
                    (t * 0.9, t * 0.82),
                    self.saddle,
                );
            }
        }
        legs_of(&mut body, near_side);
        if towards {
            self.head(&mut body, front, back_up, stand);
        } else {
            tail(&mut body);
        }
        body
    }

    fn head(&self, body: &mut Body, front: f32, back_up: f32, stand: &Stand) {
        let s = self.shoulder;
        let at = |x: f32, y: f32, z: f32| (x * s, y * s, z * s);
        let skull = at(front + 0.3, 0.0, back_up + 0.36);
        let big = 0.135 + 0.2 * self.thick;
        let chest = at(front + 0.02, 0.0, back_up + 0.02);
        let head = |body: &mut Body| {
            body.ball(skull, (big * s * 0.62, big * s * 0.58, big * s * 0.6), self.fur);
        };
        let muzzle = |body: &mut Body| {
            let tip: Xyz = (skull.0 + (0.08 + self.muzzle) * s, 0.0, skull.2 - 0.06 * s);
            body.limb((skull.0 + 0.03 * s, 0.0, skull.2 - 0.025 * s), tip, (0.075 * s, 0.05 * s), self.second);
            body.ball((tip.0 + 0.04 * s, 0.0, tip.2 + 0.025 * s), (0.022 * s, 0.028 * s, 0.022 * s), Rgb(28, 24, 24));
        };
        let ears = |body: &mut Body| {
            for side in [-1.0f32, 1.0] {
                let root = (skull.0 - 0.02 * s, side * 0.075 * s, skull.2 + 0.08 * s);
                let color = self.saddle.times(0.8);
                if self.ears_up {
                    body.limb(
                        root,
                        (root.0 - 0.01 * s, root.1 + side * 0.015 * s, root.2 + 0.15 * s),
                        (0.045 * s, 0.012 * s),
                        color,
                    );
                } else {
                    body.limb(
                        root,
                        (root.0 - 0.02 * s, root.1 + side * 0.045 * s, root.2 - 0.17 * s),
                        (0.035 * s, 0.05 * s),
                        color,
                    );
                }
            }
        };
        let towards = stand.towards_camera();
        let neck = |body: &mut Body| {
            body.limb(chest, skull, (self.thick * s * 0.85, 0.1 * s), self.fur);
            let mid = ((chest.0 + skull.0 * 2.0) / 3.0, 0.0, (chest.2 + skull.2 * 2.0) / 3.0);
            body.ball(mid, (0.1 * s, 0.11 * s, 0.045 * s), self.collar);
        };
        if towards > -0.2 {
            neck(body);
            head(body);
            if towards > 0.7 {
                ears(body);
                muzzle(body);
            } else {
                muzzle(body);
                ears(body);
            }
            for side in [-1.0f32, 1.0] {
                let eye = (skull.0 + big * s * 0.55, side * 0.055 * s, skull.2 + 0.03 * s);
                if side * stand.right_side_towards_camera() > -0.35 {
                    body.ball(eye, (0.017 * s, 0.017 * s, 0.015 * s), Rgb(26, 22, 20));
                }
            }
        } else {
            muzzle(body);
            head(body);
            ears(body);
            neck(body);
        }
    }
}
