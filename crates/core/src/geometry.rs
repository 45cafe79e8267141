//! Boxes, points and polygons as fractions of the frame.

use serde::{Serialize, Serializer};

/// An axis-aligned box in fractions of the frame, origin top left. Not clipped unless [`BoxInFrame::clipped`] was called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxInFrame {
    /// Left edge, 0 at the left of the frame.
    pub x: f32,
    /// Top edge, 0 at the top of the frame.
    pub y: f32,
    /// Width, 1 for the whole frame.
    pub width: f32,
    /// Height, 1 for the whole frame.
    pub height: f32,
}

impl BoxInFrame {
    /// From the edges; a right edge left of the left one gives zero width.
    #[must_use]
    pub fn from_edges(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self { x: left, y: top, width: (right - left).max(0.0), height: (bottom - top).max(0.0) }
    }

    /// Right edge.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// Bottom edge.
    #[must_use]
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The middle of the bottom edge: where an object stands.
    #[must_use]
    pub fn foot(&self) -> Point {
        Point { x: self.x + 0.5 * self.width, y: self.bottom() }
    }

    /// The middle.
    #[must_use]
    pub fn center(&self) -> Point {
        Point { x: self.x + 0.5 * self.width, y: self.y + 0.5 * self.height }
    }

    /// The point that stands for the object, inside the frame: who is cut off at the bottom of the picture stands on its
    /// last line, and so inside of a zone that reaches down to it.
    #[must_use]
    pub fn reference(&self, point: ReferencePoint) -> Point {
        const LAST: f32 = 1.0 - f32::EPSILON;
        let Point { x, y } = match point {
            ReferencePoint::Foot => self.foot(),
            ReferencePoint::Center => self.center(),
        };
        Point { x: x.clamp(0.0, LAST), y: y.clamp(0.0, LAST) }
    }

    /// Area as a fraction of the frame's.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The part of the box that lies inside the frame.
    #[must_use]
    pub fn clipped(&self) -> Self {
        let edge = |v: f32| v.clamp(0.0, 1.0);
        Self::from_edges(edge(self.x), edge(self.y), edge(self.right()), edge(self.bottom()))
    }

    /// Area that both boxes cover.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        if width <= 0.0 || height <= 0.0 { 0.0 } else { width * height }
    }

    /// The share of the smaller box that both cover, in 0..=1; 0 when either box is empty.
    #[must_use]
    pub fn shared(&self, other: &Self) -> f32 {
        let smaller = self.area().min(other.area());
        if smaller <= 0.0 { 0.0 } else { (self.intersection(other) / smaller).min(1.0) }
    }

    /// Intersection over union in 0..=1; 0 when either box is empty.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let intersection = self.intersection(other);
        let union = self.area() + other.area() - intersection;
        if union <= 0.0 { 0.0 } else { (intersection / union).min(1.0) }
    }
}

/// Which point of an object's box is held against zones and lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferencePoint {
    /// The middle of the bottom edge: where it stands.
    #[default]
    Foot,
    /// The middle of the box.
    Center,
}

/// A point in fractions of the frame, origin top left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
}

impl Serialize for Point {
    /// `[x, y]`, as pipeline files have it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.x, self.y].serialize(serializer)
    }
}

/// A simple polygon in fractions of the frame: at least three corners, no side crosses another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Polygon {
    corners: Vec<Point>,
}

/// Why some points are no polygon. Corners are counted from 1, as a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolygonError {
    /// Fewer than three.
    #[error("a polygon has at least 3 points, this one has {0}")]
    TooFewPoints(usize),
    /// Two neighbours are one point.
    #[error("point {0} is the same as the one after it")]
    RepeatedPoint(usize),
    /// Two sides meet where they should not.
    #[error("the side from point {0} crosses or touches the side from point {1}")]
    CrossesItself(usize, usize),
    /// All on one line.
    #[error("its points lie on one line, so that nothing is inside")]
    NoArea,
}

impl Polygon {
    /// A polygon with these corners in order; the last one is joined to the first.
    ///
    /// # Errors
    /// When it has fewer than three corners, encloses nothing, or crosses or touches itself.
    pub fn new(corners: Vec<Point>) -> Result<Self, PolygonError> {
        let count = corners.len();
        if count < 3 {
            return Err(PolygonError::TooFewPoints(count));
        }
        let side = |index: usize| (corners[index], corners[(index + 1) % count]);
        if let Some(repeated) = (0..count).find(|&index| side(index).0 == side(index).1) {
            return Err(PolygonError::RepeatedPoint(repeated + 1));
        }
        if (1..count).all(|index| turn(corners[0], corners[1], corners[index]) == 0.0) {
            return Err(PolygonError::NoArea);
        }
        for first in 0..count {
            for second in first + 1..count {
                let are_neighbours = second == first + 1 || (first == 0 && second == count - 1);
                if sides_clash(side(first), side(second), are_neighbours) {
                    return Err(PolygonError::CrossesItself(first + 1, second + 1));
                }
            }
        }
        Ok(Self { corners })
    }

    /// Its corners, in order.
    #[must_use]
    pub fn corners(&self) -> &[Point] {
        &self.corners
    }

    /// Whether a point lies inside. Of a side that two polygons share, each point belongs to exactly one of them.
    ///
    /// Source: the crossing-number test of W. R. Franklin, PNPOLY.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        let mut inside = false;
        let mut previous = self.corners[self.corners.len() - 1];
        for &corner in &self.corners {
            let spans = (corner.y > point.y) != (previous.y > point.y);
            if spans {
                let along = (point.y - corner.y) / (previous.y - corner.y);
                let side_x = corner.x + along * (previous.x - corner.x);
                inside ^= point.x < side_x;
            }
            previous = corner;
        }
        inside
    }
}

/// Twice the area of the triangle, in double precision: positive where `c` lies to the right of the way from `a` to
/// `b`, in a picture whose y points down.
#[must_use]
pub fn turn(a: Point, b: Point, c: Point) -> f64 {
    let [ax, ay, bx, by, cx, cy] = [a.x, a.y, b.x, b.y, c.x, c.y].map(f64::from);
    (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
}

/// Whether two sides of a polygon share a point that they should not. Neighbours share their corner and nothing else.
fn sides_clash((a, b): (Point, Point), (c, d): (Point, Point), are_neighbours: bool) -> bool {
    let sign = |value: f64| if value > 0.0 { 1 } else { -i32::from(value < 0.0) };
    let [abc, abd, cda, cdb] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)].map(sign);
    if are_neighbours {
        // They clash only when one folds back onto the other.
        let (shared, one, other) = if b == c { (b, a, d) } else { (a, b, c) };
        let same_way = f64::from(one.x - shared.x) * f64::from(other.x - shared.x)
            + f64::from(one.y - shared.y) * f64::from(other.y - shared.y)
            > 0.0;
        return turn(shared, one, other) == 0.0 && same_way;
    }
    if abc != abd && cda != cdb {
        return true;
    }
    let lies_on = |p: Point, from: Point, to: Point, side: i32| {
        side == 0
            && p.x >= from.x.min(to.x)
            && p.x <= from.x.max(to.x)
            && p.y >= from.y.min(to.y)
            && p.y <= from.y.max(to.y)
    };
    lies_on(c, a, b, abc) || lies_on(d, a, b, abd) || lies_on(a, c, d, cda) || lies_on(b, c, d, cdb)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_box() -> impl Strategy<Value = BoxInFrame> {
        (-0.5f32..1.5, -0.5f32..1.5, 0.0f32..1.0, 0.0f32..1.0).prop_map(|(x, y, width, height)| BoxInFrame {
            x,
            y,
            width,
            height,
        })
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_a_fraction(a in any_box(), b in any_box()) {
            let iou = a.iou(&b);
            prop_assert!((0.0..=1.0).contains(&iou));
            prop_assert!((iou - b.iou(&a)).abs() < 1e-6);
        }

        #[test]
        fn iou_with_itself_is_one(a in any_box()) {
            prop_assume!(a.area() > 1e-4);
            prop_assert!((a.iou(&a) - 1.0).abs() < 1e-3);
        }

        #[test]
        fn clipping_stays_inside_the_frame(a in any_box()) {
            let c = a.clipped();
            prop_assert!(c.x >= 0.0 && c.y >= 0.0 && c.right() <= 1.0 + 1e-6 && c.bottom() <= 1.0 + 1e-6);
        }
    }

    #[test]
    fn boxes_that_only_touch_do_not_overlap() {
        let left = BoxInFrame { x: 0.0, y: 0.0, width: 0.5, height: 1.0 };
        let right = BoxInFrame { x: 0.5, y: 0.0, width: 0.5, height: 1.0 };
        assert_eq!(left.iou(&right), 0.0);
    }

    fn polygon(corners: &[(f32, f32)]) -> Result<Polygon, PolygonError> {
        Polygon::new(corners.iter().map(|&(x, y)| Point { x, y }).collect())
    }

    #[test]
    fn what_is_no_polygon_is_refused_with_its_reason() {
        use PolygonError::{CrossesItself, NoArea, RepeatedPoint, TooFewPoints};
        for (corners, reason) in [
            (&[(0.0, 0.0), (1.0, 0.0)][..], TooFewPoints(2)),
            (&[(0.0, 0.0), (0.0, 0.0), (1.0, 1.0)], RepeatedPoint(1)),
            (&[(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)], NoArea),
            (&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)], CrossesItself(1, 3)),
            (&[(0.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.5, 1.0)], CrossesItself(1, 2)),
            (&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.0), (0.0, 1.0)], CrossesItself(1, 3)),
        ] {
            assert_eq!(polygon(corners), Err(reason), "{corners:?}");
        }
    }

    #[test]
    fn a_point_is_inside_or_outside() {
        // An arrow head: the notch at (0.5, 0.5) is outside.
        let arrow = polygon(&[(0.0, 0.0), (0.5, 0.4), (1.0, 0.0), (0.5, 1.0)]).unwrap();
        for (x, y, inside) in
            [(0.5, 0.6, true), (0.5, 0.3, false), (0.2, 0.2, true), (0.0, 0.9, false), (0.5, 1.5, false)]
        {
            assert_eq!(arrow.contains(Point { x, y }), inside, "({x}, {y})");
        }
    }

    #[test]
    fn who_is_cut_off_at_the_frames_edge_is_inside_a_zone_that_reaches_it() {
        let lower_half = polygon(&[(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]).unwrap();
        for (x, height) in [(0.4, 0.5), (0.4, 0.55), (0.95, 0.5), (-0.05, 0.5)] {
            let cut_off = BoxInFrame { x, y: 0.5, width: 0.1, height };
            assert!(lower_half.contains(cut_off.reference(ReferencePoint::Foot)), "{cut_off:?}");
        }
    }

    proptest! {
        #[test]
        fn of_two_zones_side_by_side_a_point_is_in_exactly_one(x in 0.0f32..1.0, y in 0.0f32..1.0, cut in 0.1f32..0.9) {
            prop_assume!(x > 0.0 && y > 0.0);
            let left = polygon(&[(0.0, 0.0), (cut, 0.0), (1.0 - cut, 1.0), (0.0, 1.0)]).unwrap();
            let right = polygon(&[(cut, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0 - cut, 1.0)]).unwrap();
            let point = Point { x, y };
            prop_assert!(left.contains(point) != right.contains(point));
        }

        #[test]
        fn a_rectangle_contains_what_lies_between_its_edges(
            b in any_box(), x in -0.5f32..2.5, y in -0.5f32..2.5,
        ) {
            prop_assume!(b.width > 1e-3 && b.height > 1e-3);
            let corners = [(b.x, b.y), (b.right(), b.y), (b.right(), b.bottom()), (b.x, b.bottom())];
            let between = x >= b.x && x < b.right() && y >= b.y && y < b.bottom();
            prop_assert_eq!(polygon(&corners).unwrap().contains(Point { x, y }), between);
        }
    }
}
