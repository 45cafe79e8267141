//! Boxes as fractions of the frame.

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

    /// Intersection over union in 0..=1; 0 when either box is empty.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        if width <= 0.0 || height <= 0.0 {
            return 0.0;
        }
        let intersection = width * height;
        let union = self.area() + other.area() - intersection;
        if union <= 0.0 { 0.0 } else { (intersection / union).min(1.0) }
    }
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
}
