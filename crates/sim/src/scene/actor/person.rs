//! A person of any build from any side: walking, standing, or on a bicycle's saddle.

use std::f32::consts::PI;

use super::{
    Pose, bicycle,
    wardrobe::{CLOTHES, HAIRS, SHOES, SKINS, TROUSERS},
};
use crate::{
    random::Random,
    scene::{
        paint::Rgb,
        solid::Body,
        view::{Stand, Xyz},
    },
};

/// Proportions are fractions of the body height, after the usual eight-heads figure.
const HIP: f32 = 0.50;
const SHOULDER: f32 = 0.815;
const THIGH: f32 = 0.24;
const SHIN: f32 = 0.225;
const UPPER_ARM: f32 = 0.165;
const FORE_ARM: f32 = 0.145;

/// What covers the legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Below {
    Trousers,
    Shorts,
    Skirt,
    Coat,
}

/// What a person carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bag {
    Nothing,
    Backpack,
    Handbag,
}

/// How the head is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Short,
    Long,
    Cap,
    Hood,
    Bald,
}

/// Build and clothes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// Body height in metres.
    height: f32,
    /// Width against the usual figure.
    build: f32,
    jacket: Rgb,
    /// The lower half of the jacket, or its sleeves: often the same.
    second: Rgb,
    sleeves_short: bool,
    trousers: Rgb,
    below: Below,
    hair: Rgb,
    head: Head,
    hat: Rgb,
    skin: Rgb,
    shoes: Rgb,
    bag: Bag,
    bag_color: Rgb,
    /// How far it swings arms and legs.
    vigour: f32,
}

impl Person {
    pub(super) fn random(random: &mut Random) -> Self {
        let jacket = random.one_of(&CLOTHES);
        let two_tone = random.chance(0.3);
        let second = if two_tone { random.one_of(&CLOTHES) } else { jacket };
        let is_child = random.chance(0.1);
        Self {
            height: if is_child { random.between(1.1, 1.5) } else { random.between(1.55, 1.92) },
            build: random.between(0.88, 1.28),
            jacket: jacket.times(random.between(0.85, 1.15)),
            second,
            sleeves_short: random.chance(0.25),
            trousers: random.one_of(&TROUSERS).times(random.between(0.85, 1.15)),
            below: random.one_of(&[
                Below::Trousers,
                Below::Trousers,
                Below::Trousers,
                Below::Trousers,
                Below::Shorts,
                Below::Skirt,
                Below::Coat,
            ]),
            hair: random.one_of(&HAIRS),
            head: random.one_of(&[Head::Short, Head::Short, Head::Long, Head::Long, Head::Cap, Head::Hood, Head::Bald]),
            hat: random.one_of(&CLOTHES),
            skin: random.one_of(&SKINS),
            shoes: random.one_of(&SHOES),
            bag: random.one_of(&[Bag::Nothing, Bag::Nothing, Bag::Nothing, Bag::Backpack, Bag::Handbag]),
            bag_color: random.one_of(&CLOTHES),
            vigour: random.between(0.75, 1.1),
        }
    }

    pub(super) const fn height(&self) -> f32 {
        self.height
    }

    /// Its parts from far to near.
    pub(super) fn body(&self, pose: Pose, stand: &Stand) -> Body {
        let mut body = Body::default();
        if pose.riding {
            self.riding(&mut body, pose.cycle.unwrap_or(0.0), stand);
        } else {
            self.upright(&mut body, pose.cycle, stand);
        }
        body
    }

    fn upright(&self, body: &mut Body, cycle: Option<f32>, stand: &Stand) {
        let h = self.height;
        let swing = cycle.map_or(0.0, f32::sin) * self.vigour;
        let leg = |side: f32, angle: Option<f32>| {
            let (thigh, bend) = angle.map_or((side * 0.05, 0.04), |angle| {
                // The knee bends while the leg swings forward, and hardly while it carries.
                (0.44 * self.vigour * angle.sin() + 0.04, 0.1 + 0.8 * self.vigour * (angle + 0.6).cos().max(0.0))
            });
            let hip = (0.0, side * 0.052 * self.build * h, HIP * h);
            let knee = (hip.0 + THIGH * h * thigh.sin(), hip.1, hip.2 - THIGH * h * thigh.cos());
            let shin = thigh - bend;
            let ankle = (knee.0 + SHIN * h * shin.sin(), knee.1, knee.2 - SHIN * h * shin.cos());
            [hip, knee, ankle]
        };
        let legs = [leg(1.0, cycle), leg(-1.0, cycle.map(|c| c + PI))];
        // The lower foot stands on the ground, so the body sinks as the legs spread.
        let sink = 0.035 * h - legs[0][2].2.min(legs[1][2].2);
        let lowered = |p: Xyz| (p.0, p.1, p.2 + sink);
        let legs = legs.map(|leg| leg.map(lowered));
        let arm = |side: f32, swing: f32| {
            let angle = 0.5 * swing;
            let shoulder = (0.0, side * 0.112 * self.build * h, SHOULDER * h - 0.035 * h + sink);
            let elbow = (
                shoulder.0 + UPPER_ARM * h * angle.sin(),
                shoulder.1 + side * 0.025 * h,
                shoulder.2 - UPPER_ARM * h * angle.cos(),
            );
            let lower = angle + 0.3;
            let hand = (elbow.0 + FORE_ARM * h * lower.sin(), elbow.1, elbow.2 - FORE_ARM * h * lower.cos());
            [shoulder, elbow, hand]
        };
        let arms = [arm(1.0, -swing), arm(-1.0, swing)];
        let lean = 0.02 * h;
        let spine = |u: f32| (lean * (u - HIP).max(0.0), 0.0, u * h + sink);
        self.assemble(body, legs, arms, &spine, stand);
    }

    fn riding(&self, body: &mut Body, cycle: f32, stand: &Stand) {
        let h = self.height;
        let leg = |side: f32, angle: f32| {
            let hip = (bicycle::SADDLE.0, side * 0.06 * self.build * h, bicycle::SADDLE.2 + 0.07);
            let pedal = bicycle::pedal(side, angle);
            let ankle = (pedal.0 - 0.03, pedal.1, pedal.2 + 0.06);
            [hip, joint(hip, ankle, THIGH * h, SHIN * h, 1.0), ankle]
        };
        let legs = [leg(1.0, cycle), leg(-1.0, cycle + PI)];
        let lean: f32 = 0.5;
        let hip_up = bicycle::SADDLE.2 + 0.07;
        let spine = |u: f32| {
            let along = (u - HIP) * h;
            (bicycle::SADDLE.0 + along * lean.sin(), 0.0, hip_up + along * lean.cos())
        };
        let shoulder_at = spine(SHOULDER - 0.035);
        let arm = |side: f32| {
            let shoulder = (shoulder_at.0, side * 0.105 * self.build * h, shoulder_at.2);
            let hand = (bicycle::GRIP.0, side * bicycle::GRIP.1, bicycle::GRIP.2 + 0.02);
            [shoulder, joint(shoulder, hand, UPPER_ARM * h, FORE_ARM * h * 1.1, -1.0), hand]
        };
        self.assemble(body, legs, [arm(1.0), arm(-1.0)], &spine, stand);
    }

    /// Puts the parts together from far to near: the far side's limbs, the trunk, the head, the near side's limbs.
    fn assemble(
        &self,
        body: &mut Body,
        legs: [[Xyz; 3]; 2],
        arms: [[Xyz; 3]; 2],
        spine: &dyn Fn(f32) -> Xyz,
        stand: &Stand,
    ) {
        let right_is_near = stand.right_side_towards_camera() > 0.0;
        let (near, far) = if right_is_near { (0, 1) } else { (1, 0) };
        let facing = stand.towards_camera();
        if facing > 0.0 {
            self.carried_behind(body, spine);
        }
        self.arm(body, arms[far], 0.84);
        self.leg(body, legs[far], 0.84);
        self.leg(body, legs[near], 1.0);
        self.trunk(body, spine, facing, legs);
        if facing > 0.35 {
            self.front_of_jacket(body, spine);
        }
        self.head(body, spine, facing);
        if facing <= 0.0 {
            self.carried_behind(body, spine);
        }
        self.arm(body, arms[near], 1.0);
        if self.bag == Bag::Handbag {
            let hand = arms[near][2];
            let (x, y, z) = (hand.0, hand.1, hand.2 - 0.2);
            body.wire(&[hand, (x, y, z + 0.1)], 0.012, self.bag_color.times(0.8));
            body.ball((x, y, z), (0.17, 0.07, 0.14), self.bag_color);
        }
    }

    fn leg(&self, body: &mut Body, [hip, knee, ankle]: [Xyz; 3], light: f32) {
        let h = self.height;
        let thick = 0.5 + 0.5 * self.build;
        let bare = matches!(self.below, Below::Shorts | Below::Skirt);
        let shin_color = if bare { self.skin } else { self.trousers };
        let toe = (ankle.0 + 0.085 * h, ankle.1, (ankle.2 - 0.018 * h).max(0.014 * h));
        let heel = (ankle.0 - 0.012 * h, ankle.1, ankle.2 - 0.012 * h);
        body.limb(heel, toe, (0.024 * h, 0.019 * h), self.shoes.times(light));
        body.limb(knee, ankle, (0.038 * h * thick, 0.026 * h * thick), shin_color.times(light));
        body.limb(hip, knee, (0.057 * h * thick, 0.041 * h * thick), self.trousers.times(light));
    }

    fn arm(&self, body: &mut Body, [shoulder, elbow, hand]: [Xyz; 3], light: f32) {
        let h = self.height;
        let thick = 0.6 + 0.4 * self.build;
        let sleeve = self.jacket.times(0.94 * light);
        let lower = if self.sleeves_short { self.skin } else { sleeve };
        body.ball(hand, (0.022 * h, 0.018 * h, 0.027 * h), self.skin.times(light));
        body.limb(elbow, hand, (0.027 * h * thick, 0.02 * h * thick), lower.times(light));
        body.limb(shoulder, elbow, (0.036 * h * thick, 0.029 * h * thick), sleeve);
    }

    fn trunk(&self, body: &mut Body, spine: &dyn Fn(f32) -> Xyz, facing: f32, legs: [[Xyz; 3]; 2]) {
        let h = self.height;
        let level = |u: f32, forward: f32, side: f32| (spine(u), forward * h * self.build, side * h * self.build);
        body.loft(
            &[level(HIP + 0.07, 0.064, 0.084), level(HIP, 0.068, 0.094), level(HIP - 0.035, 0.055, 0.08)],
            self.trousers,
        );
        if matches!(self.below, Below::Skirt | Below::Coat) {
            let color = if self.below == Below::Coat { self.second } else { self.trousers };
            let spread = (legs[0][1].0 - legs[1][1].0).abs() * 0.5;
            let knees = (legs[0][1].0 + legs[1][1].0) / 2.0;
            let hem = (knees, 0.0, legs[0][1].2.min(legs[1][1].2) - 0.01 * h);
            let waist = level(HIP + 0.05, 0.062, 0.085);
            body.loft(&[waist, level(HIP - 0.03, 0.08, 0.1), (hem, 0.075 * h + spread, 0.105 * h)], color);
        }
        let levels = [
            level(SHOULDER + 0.03, 0.022, 0.035),
            level(SHOULDER + 0.004, 0.05, 0.088),
            level(SHOULDER - 0.035, 0.064, 0.118),
            level(SHOULDER - 0.11, 0.074, 0.112),
            level(HIP + 0.11, 0.066, 0.092),
            level(HIP + 0.02, 0.07, 0.098),
            level(HIP - 0.02, 0.062, 0.09),
        ];
        body.loft(&levels, self.second);
        body.loft(&levels[..5], self.jacket);
        // A hood lies on the back.
        if self.head == Head::Hood && facing < 0.6 {
            let at = spine(SHOULDER + 0.015);
            body.ball((at.0 - 0.05 * h, 0.0, at.2), (0.035 * h, 0.07 * h, 0.04 * h), self.jacket.times(0.9));
        }
    }

    /// The zip or the shirt that an open jacket shows.
    fn front_of_jacket(&self, body: &mut Body, spine: &dyn Fn(f32) -> Xyz) {
        let h = self.height;
        let at = |u: f32, side: f32| {
            let p = spine(u);
            (p.0 + 0.07 * h, side * h, p.2)
        };
        let inside = spine(0.65);
        let (color, half) = if self.vigour > 0.95 {
            (self.second.times(1.3).mixed(self.skin, 0.15), 0.028)
        } else {
            (self.jacket.times(0.6), 0.006)
        };
        body.decal(
            &[at(SHOULDER, -half), at(SHOULDER, half), at(HIP + 0.02, half * 0.8), at(HIP + 0.02, -half * 0.8)],
            inside,
            color,
        );
    }

    fn carried_behind(&self, body: &mut Body, spine: &dyn Fn(f32) -> Xyz) {
        if self.bag != Bag::Backpack {
            return;
        }
        let h = self.height;
        let at = spine(0.68);
        let center = (at.0 - 0.1 * h, 0.0, at.2);
        body.ball(center, (0.06 * h, 0.09 * h, 0.125 * h), self.bag_color);
        body.ball(
            (center.0 - 0.035 * h, 0.0, center.2 - 0.04 * h),
            (0.035 * h, 0.065 * h, 0.06 * h),
            self.bag_color.times(0.82),
        );
    }

    fn head(&self, body: &mut Body, spine: &dyn Fn(f32) -> Xyz, facing: f32) {
        let h = self.height;
        let neck = spine(SHOULDER + 0.01);
        let top = spine(SHOULDER + 0.06);
        body.limb(neck, top, (0.03 * h, 0.028 * h), self.skin.times(0.82));
        // The head is held upright however the body leans.
        let skull = (top.0 + 0.012 * h, 0.0, top.2 + 0.055 * h);
        let at = |forward: f32, up: f32| (skull.0 + forward * h, 0.0, skull.2 + up * h);
        let ball = |body: &mut Body, center: Xyz, half: Xyz, color: Rgb| {
            body.ball(center, (half.0 * h, half.1 * h, half.2 * h), color);
        };
        let skin_half = (0.049, 0.042, 0.061);
        let hair_half = if self.head == Head::Bald { (0.0, 0.0, 0.0) } else { (0.055, 0.049, 0.056) };
        let long = self.head == Head::Long;
        let hair = |body: &mut Body| {
            if self.head == Head::Bald {
                return;
            }
            ball(body, at(-0.014, 0.016), hair_half, self.hair);
            if long {
                ball(body, at(-0.03, -0.04), (0.032, 0.048, 0.075), self.hair.times(0.9));
            }
        };
        let eyes = |body: &mut Body| {
            for side in [-1.0f32, 1.0] {
                let p = at(0.047, 0.004);
                body.ball((p.0, side * 0.017 * h, p.2), (0.006 * h, 0.007 * h, 0.005 * h), Rgb(46, 38, 34));
            }
        };
        if facing > -0.3 {
            hair(body);
            ball(body, at(0.012, -0.004), skin_half, self.skin);
            ball(body, at(0.052, -0.012), (0.012, 0.009, 0.014), self.skin.times(0.96));
            if facing > 0.25 {
                eyes(body);
            }
            if self.head != Head::Bald {
                // Hair above the forehead.
                ball(body, at(-0.004, 0.042), (0.05, 0.044, 0.026), self.hair);
                if facing < 0.5 {
                    ball(body, at(-0.026, 0.012), (0.032, 0.043, 0.048), self.hair);
                }
            }
        } else {
            ball(body, at(0.012, -0.004), skin_half, self.skin);
            hair(body);
        }
        match self.head {
            Head::Cap => {
                ball(body, at(-0.004, 0.042), (0.056, 0.05, 0.034), self.hat);
                let brim = [at(0.04, 0.034), at(0.1, 0.026)];
                body.limb(brim[0], brim[1], (0.018 * h, 0.01 * h), self.hat.times(0.8));
            }
            Head::Hood if facing < 0.1 => ball(body, at(-0.012, 0.004), (0.062, 0.056, 0.07), self.jacket.times(0.95)),
            _ => {}
        }
    }
}

/// The knee or elbow between two ends: on the side to which `bend` points (1 forward, −1 back and down).
fn joint(from: Xyz, to: Xyz, upper: f32, lower: f32, bend: f32) -> Xyz {
    let (dx, dz) = (to.0 - from.0, to.2 - from.2);
    let length = dx.hypot(dz).max(0.01);
    let along = ((upper * upper - lower * lower + length * length) / (2.0 * length)).clamp(-upper, upper);
    let away = (upper * upper - along * along).max(0.0).sqrt().min(upper);
    let (ux, uz) = (dx / length, dz / length);
    // Perpendicular to the line, turned so that `bend` decides its side.
    let (px, pz) = (-uz * bend, ux * bend);
    (from.0 + ux * along + px * away, (from.1 + to.1) / 2.0, from.2 + uz * along + pz * away)
}
