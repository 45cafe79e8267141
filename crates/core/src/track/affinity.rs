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
