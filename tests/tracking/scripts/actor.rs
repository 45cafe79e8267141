//! The language of the scripts: who goes where, when.
//!
//! `person(0.0, 0.5, 0.4).goes(3.0, 0.5, 0.8).waits(5.0)` stands on (0.5, 0.4) at the start, walks straight and evenly to
//! (0.5, 0.8), where it is three seconds later, and stands there until the fifth; then it is gone. Seconds; points of the
//! ground in fractions of the frame.

use std::ops::Range;

use sightline_core::geometry::{BoxInFrame, Point};

/// Of whom less is inside the frame is not seen.
const LEAST_VISIBLE: f64 = 0.25;

/// Somebody with a way.
#[derive(Clone, Debug)]
pub struct Actor {
    label: &'static str,
    /// Width and height of the box, in fractions of the frame.
    size: (f64, f64),
    /// Second, x and y; the first is where it appears, the last where it vanishes.
    way: Vec<(f64, f64, f64)>,
    hidden: Vec<Range<f64>>,
}

/// Somebody tall and slim who appears at this second at this point.
pub fn person(at: f64, x: f64, y: f64) -> Actor {
    Actor { label: "person", size: (0.08, 0.25), way: vec![(at, x, y)], hidden: Vec::new() }
}

/// Something long and low that appears at this second at this point.
pub fn car(at: f64, x: f64, y: f64) -> Actor {
    Actor { label: "car", size: (0.26, 0.18), way: vec![(at, x, y)], hidden: Vec::new() }
}

impl Actor {
    /// Straight and evenly to a point, to be there at this second.
    pub fn goes(mut self, until: f64, x: f64, y: f64) -> Self {
        assert!(until > self.leaves(), "time goes on");
        self.way.push((until, x, y));
        self
    }

    /// Stays where it is until this second.
    pub fn waits(self, until: f64) -> Self {
        let &(_, x, y) = self.way.last().expect("a start");
        self.goes(until, x, y)
    }

    /// Cannot be seen for a while, as behind a tree; goes on meanwhile.
    pub fn hidden(mut self, seconds: Range<f64>) -> Self {
        self.hidden.push(seconds);
        self
    }

    /// Its class.
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// When it vanishes.
    pub fn leaves(&self) -> f64 {
        self.way.last().expect("a start").0
    }

    /// The box of what is inside the frame at this second, hidden or not; `None` when that is too little, or it is not
    /// there.
    pub fn place(&self, at: f64) -> Option<BoxInFrame> {
        let (x, y) = self.ground(at)?;
        let (width, height) = self.size;
        let inside = |edge: f64| edge.clamp(0.0, 1.0);
        let (left, right) = (inside(x - 0.5 * width), inside(x + 0.5 * width));
        let (top, bottom) = (inside(y - height), inside(y));
        let visible = (right - left) * (bottom - top) / (width * height);
        let bbox = BoxInFrame::from_edges(left as f32, top as f32, right as f32, bottom as f32);
        (visible >= LEAST_VISIBLE).then_some(bbox)
    }

    /// The box of what a camera sees at this second.
    pub fn seen(&self, at: f64) -> Option<BoxInFrame> {
        let is_hidden = self.hidden.iter().any(|hidden| hidden.contains(&at));
        self.place(at).filter(|_| !is_hidden)
    }

    fn ground(&self, at: f64) -> Option<(f64, f64)> {
        let leg = self.way.windows(2).find(|leg| leg[0].0 <= at && at < leg[1].0)?;
        let ((begin, from_x, from_y), (end, to_x, to_y)) = (leg[0], leg[1]);
        let part = (at - begin) / (end - begin);
        Some((from_x + part * (to_x - from_x), from_y + part * (to_y - from_y)))
    }
}

/// A point from numbers as scripts have them.
pub fn point((x, y): (f64, f64)) -> Point {
    Point { x: x as f32, y: y as f32 }
}
