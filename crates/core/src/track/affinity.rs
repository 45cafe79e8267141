//! How well a detection fits where a track is expected.

use crate::geometry::BoxInFrame;

/// Least overlap of boxes that count as overlapping at all.
const MIN_IOU: f32 = 0.2;
/// The same for a detection with a low score, which may be anything.
const MIN_IOU_LOW: f32 = 0.4;
/// Boxes that do not overlap are widened by so much of their size on each side before they are compared: a small, fast
/// object jumps out of its own box between two frames (Yang et al., buffered IoU, arXiv 2211.14317).
const BUFFER: f32 = 0.4;
/// The same while nothing is known of a track's speed.
const FIRST_BUFFER: f32 = 0.8;

/// What the overlap with where a track was is worth, against the least with where it is expected.
const STOPPED: f32 = MIN_IOU * MIN_IOU;
/// Who is nearer than this to the frame's edge may be gone with the next step.
const EDGE: f32 = 0.01;

/// The IoU of `seen` with where the track is `predicted`; for boxes that miss each other closely a lower value, of
/// widened boxes. `None`: not the same object. `hits`: how often the track was seen.
pub(super) fn affinity(predicted: &BoxInFrame, seen: &BoxInFrame, hits: u32, is_high: bool) -> Option<f32> {
    let buffer = if hits < 2 { FIRST_BUFFER } else { BUFFER };
    if is_out_of_reach(predicted, seen, buffer) {
        return None;
    }
    let iou = predicted.iou(seen);
    let least = if is_high { MIN_IOU } else { MIN_IOU_LOW };
    if iou >= least {
        return Some(iou);
    }
    if !is_high {
        return None;
    }
    let widened = widened(predicted, buffer).iou(&self::widened(seen, buffer));
    // Below every true overlap, so that none is given up for it.
    (widened >= MIN_IOU).then_some(MIN_IOU * widened)
}

/// The same for who is not where it is expected: while frames were dropped it may have turned, stopped or started, and
/// then it is near where it `was`. Less than all of [`affinity`].
pub(super) fn affinity_where_it_was(was: &BoxInFrame, seen: &BoxInFrame, is_high: bool) -> Option<f32> {
    Some(STOPPED * affinity(was, seen, 1, is_high)?)
}

/// Whether a box reaches the frame's edge, where objects leave.
pub(super) fn is_leaving(b: &BoxInFrame) -> bool {
    b.x < EDGE || b.y < EDGE || b.right() > 1.0 - EDGE || b.bottom() > 1.0 - EDGE
}

/// Whether even the widened boxes miss each other: most pairs do, and this is the cheapest way to know.
fn is_out_of_reach(one: &BoxInFrame, other: &BoxInFrame, buffer: f32) -> bool {
    let reach = 0.5 + buffer;
    let (a, b) = (one.center(), other.center());
    (a.x - b.x).abs() > reach * (one.width + other.width) || (a.y - b.y).abs() > reach * (one.height + other.height)
}

fn widened(b: &BoxInFrame, by: f32) -> BoxInFrame {
    let (dx, dy) = (by * b.width, by * b.height);
    BoxInFrame { x: b.x - dx, y: b.y - dy, width: b.width + 2.0 * dx, height: b.height + 2.0 * dy }
}
