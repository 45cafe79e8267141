//! One object and one line: on which side it is, and whether its way there led through the line. The table is in
//! docs/objects.md.
//!
//! The sides are those of the endless straight line; what counts is the way through the piece between the two ends. A
//! crossing is told once the object is clear of the line, so that who turns back on it, or shakes while standing on it,
//! has not crossed. Between two sightings the way is straight, so who jumps over the line has crossed it.

use crate::{
    event::LineDirection,
    geometry::{BoxInFrame, Point, turn},
    plan::{LinePlan, ReferencePoint},
};

/// An object is clear of the line when its point is further from it than this share of the box's extent across the line.
const CLEARANCE: f64 = 0.1;

/// A line, ready to be held against points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    from: Point,
    to: Point,
    point: ReferencePoint,
}

impl From<&LinePlan> for Line {
    fn from(plan: &LinePlan) -> Self {
        Self { from: plan.from, to: plan.to, point: plan.point }
    }
}

impl Line {
    /// Greater than 0 to the right of the line for who looks from `from` to `to`. In units of [`Self::clearance`].
    fn offset(&self, point: Point) -> f64 {
        turn(self.from, self.to, point)
    }

    /// The offset from which on a box is clear of the line.
    fn clearance(&self, bbox: &BoxInFrame) -> f64 {
        let (dx, dy) = (f64::from(self.to.x - self.from.x), f64::from(self.to.y - self.from.y));
        CLEARANCE * (dy.abs() * f64::from(bbox.width) + dx.abs() * f64::from(bbox.height))
    }

    /// +1 when the straight way from `a` to `b` passes the line from its left to its right, -1 the other way, 0 when it
    /// stays on one side or passes beyond one of the ends. A point on the line itself belongs to its right side.
    fn passes(&self, a: Point, b: Point) -> i32 {
        let (before, after) = (self.offset(a), self.offset(b));
        let (was_right, is_right) = (before >= 0.0, after >= 0.0);
        if was_right == is_right {
            return 0;
        }
        let share = before / (before - after);
        let at = |one: f32, other: f32| f64::from(one) + share * (f64::from(other) - f64::from(one));
        let (x, y) = (at(a.x, b.x), at(a.y, b.y));
        let (dx, dy) = (f64::from(self.to.x - self.from.x), f64::from(self.to.y - self.from.y));
        let along = ((x - f64::from(self.from.x)) * dx + (y - f64::from(self.from.y)) * dy) / (dx * dx + dy * dy);
        if !(0.0..=1.0).contains(&along) {
            return 0;
        }
        if is_right { 1 } else { -1 }
    }

    fn point_of(&self, bbox: &BoxInFrame) -> Point {
        bbox.reference(self.point)
    }
}

/// One object's way with respect to one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineWatch {
    /// The side that it was last clear on, or first seen on.
    is_right: bool,
    last: Point,
    /// Passes through the line since then: to the right less to the left.
    passes: i32,
    /// It was clear of the line once. Who never was has only shaken on it.
    was_clear: bool,
}

impl LineWatch {
    /// An object that is seen for the first time.
    #[must_use]
    pub fn new(line: &Line, bbox: &BoxInFrame) -> Self {
        let last = line.point_of(bbox);
        let offset = line.offset(last);
        Self { is_right: offset >= 0.0, last, passes: 0, was_clear: offset.abs() > line.clearance(bbox) }
    }

    /// The object was seen again. The direction when that shows that it has crossed.
    pub fn see(&mut self, line: &Line, bbox: &BoxInFrame) -> Option<LineDirection> {
        let point = line.point_of(bbox);
        self.passes += line.passes(self.last, point);
        self.last = point;
        if line.offset(point).abs() <= line.clearance(bbox) {
            return None;
        }
        self.was_clear = true;
        self.settle(line)
    }

    /// The object is gone: where it was last seen decides, clear of the line or not, unless it never was clear of it.
    pub fn end(&mut self, line: &Line) -> Option<LineDirection> {
        if self.was_clear { self.settle(line) } else { None }
    }

    fn settle(&mut self, line: &Line) -> Option<LineDirection> {
        let is_right = line.offset(self.last) >= 0.0;
        let passes = std::mem::take(&mut self.passes);
        let has_changed = std::mem::replace(&mut self.is_right, is_right) != is_right;
        // The other side without a pass: around one of the ends.
        match (has_changed, is_right) {
            (true, true) if passes > 0 => Some(LineDirection::In),
            (true, false) if passes < 0 => Some(LineDirection::Out),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn point(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    /// From left to right in the middle of the picture: `in` is downwards.
    const ACROSS: Line = Line { from: point(0.2, 0.5), to: point(0.8, 0.5), point: ReferencePoint::Foot };
    /// From the bottom to the top: `in` is to the right.
    const UPWARDS: Line = Line { from: point(0.5, 0.8), to: point(0.5, 0.2), point: ReferencePoint::Foot };

    /// A box of a tenth of the frame that stands there: clear of `ACROSS` from 0.01 on.
    fn standing(x: f32, y: f32) -> BoxInFrame {
        BoxInFrame { x: x - 0.05, y: y - 0.1, width: 0.1, height: 0.1 }
    }

    fn way(line: &Line, feet: &[(f32, f32)]) -> Vec<LineDirection> {
        let mut watch = LineWatch::new(line, &standing(feet[0].0, feet[0].1));
        let mut told: Vec<_> = feet[1..].iter().filter_map(|&(x, y)| watch.see(line, &standing(x, y))).collect();
        told.extend(watch.end(line));
        told
    }

    #[test]
    fn the_table_of_ways() {
        use LineDirection::{In, Out};
        for (why, line, feet, expected) in [
            ("straight down", ACROSS, &[(0.5, 0.3), (0.5, 0.45), (0.5, 0.55)][..], vec![In]),
            ("straight up", ACROSS, &[(0.5, 0.7), (0.5, 0.52), (0.5, 0.48)], vec![Out]),
            ("to the right", UPWARDS, &[(0.3, 0.5), (0.7, 0.5)], vec![In]),
            ("to the left", UPWARDS, &[(0.7, 0.5), (0.3, 0.5)], vec![Out]),
            ("in one jump", ACROSS, &[(0.5, 0.1), (0.5, 0.9)], vec![In]),
            ("stays before it", ACROSS, &[(0.5, 0.1), (0.5, 0.49), (0.6, 0.49)], vec![]),
            ("turns back on it", ACROSS, &[(0.5, 0.4), (0.5, 0.505), (0.5, 0.495), (0.5, 0.4)], vec![]),
            ("shakes on it", ACROSS, &[(0.5, 0.4), (0.5, 0.505), (0.5, 0.495), (0.5, 0.504), (0.5, 0.496)], vec![]),
            ("shakes, then goes on", ACROSS, &[(0.5, 0.4), (0.5, 0.505), (0.5, 0.495), (0.5, 0.6)], vec![In]),
            ("over and back", ACROSS, &[(0.5, 0.4), (0.5, 0.6), (0.5, 0.4)], vec![In, Out]),
            ("beyond its end", ACROSS, &[(0.9, 0.4), (0.9, 0.6)], vec![]),
            (
                "around its end and back through it",
                ACROSS,
                &[(0.5, 0.4), (0.9, 0.4), (0.9, 0.6), (0.5, 0.6), (0.5, 0.4)],
                vec![Out],
            ),
            (
                "through it and back around its end",
                ACROSS,
                &[(0.5, 0.4), (0.5, 0.6), (0.9, 0.6), (0.9, 0.4), (0.5, 0.4)],
                vec![In],
            ),
            ("starts on it", ACROSS, &[(0.5, 0.5), (0.5, 0.6)], vec![]),
            ("starts on it and goes back", ACROSS, &[(0.5, 0.5), (0.5, 0.4)], vec![Out]),
            ("vanishes right behind it", ACROSS, &[(0.5, 0.4), (0.5, 0.505)], vec![In]),
            ("vanishes right before it", ACROSS, &[(0.5, 0.4), (0.5, 0.505), (0.5, 0.499)], vec![]),
            ("through its very end", ACROSS, &[(0.2, 0.4), (0.2, 0.6)], vec![In]),
            ("along it", ACROSS, &[(0.1, 0.495), (0.4, 0.505), (0.6, 0.495), (0.9, 0.495)], vec![]),
            (
                "along it, shaking from one side to the other",
                ACROSS,
                &[(0.1, 0.505), (0.5, 0.505), (0.6, 0.495)],
                vec![],
            ),
        ] {
            assert_eq!(way(&line, feet), expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn in_and_out_take_turns_where_nobody_can_go_around(
            feet in prop::collection::vec((0.0f32..1.0, 0.0f32..1.0), 1..40),
        ) {
            let endless = Line { from: point(-1.0, 0.4), to: point(2.0, 0.6), point: ReferencePoint::Foot };
            let told = way(&endless, &feet);
            prop_assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
            let side = |(x, y): (f32, f32)| endless.offset(endless.point_of(&standing(x, y))) >= 0.0;
            let net: i32 = told.iter().map(|way| if *way == LineDirection::In { 1 } else { -1 }).sum();
            prop_assert_eq!(net, i32::from(side(feet[feet.len() - 1])) - i32::from(side(feet[0])));
        }

        #[test]
        fn the_other_way_round_in_is_out(feet in prop::collection::vec((0.0f32..1.0, 0.0f32..1.0), 1..40)) {
            // Points on the line itself belong to one side, so that this holds for all others.
            prop_assume!(feet.iter().all(|(_, y)| (y - 0.5).abs() > 1e-3));
            let turned = Line { from: ACROSS.to, to: ACROSS.from, ..ACROSS };
            let other = |way: &LineDirection| if *way == LineDirection::In { LineDirection::Out } else { LineDirection::In };
            prop_assert_eq!(way(&turned, &feet), way(&ACROSS, &feet).iter().map(other).collect::<Vec<_>>());
        }
    }
}
