//! What cars and buses share: a body drawn over cross-sections, a cabin with windows, wheels, lights.

use crate::scene::{
    paint::Rgb,
    solid::{Body, wheel_rim},
    view::Xyz,
};

pub(super) const GLASS: Rgb = Rgb(52, 60, 68);
pub(super) const GLASS_LIGHT: Rgb = Rgb(128, 144, 158);
pub(super) const BLACK: Rgb = Rgb(22, 23, 26);
const TYRE: Rgb = Rgb(30, 30, 32);

/// A cross-section: how far forward, half the width, lower and upper edge.
pub(super) type Section = (f32, f32, f32, f32);

/// The skin over cross-sections from the back to the front.
pub(super) fn hull(body: &mut Body, sections: &[Section], color: Rgb) {
    let middle_up = sections.iter().map(|s| f32::midpoint(s.2, s.3)).sum::<f32>() / sections.len().max(1) as f32;
    for pair in sections.windows(2) {
        let [(x0, w0, low0, up0), (x1, w1, low1, up1)] = [pair[0], pair[1]];
        let inside = (f32::midpoint(x0, x1), 0.0, middle_up.min(f32::midpoint(up0, up1) - 0.05));
        let mid = |low: f32, up: f32| low + (up - low) * 0.62;
        for side in [-1.0, 1.0] {
            // The flank leans inwards below and above its widest line.
            let (m0, m1) = (mid(low0, up0), mid(low1, up1));
            let (a, b) = (side * w0, side * w1);
            let lower = [(x0, a * 0.95, low0), (x1, b * 0.95, low1), (x1, b, m1), (x0, a, m0)];
            let upper = [(x0, a, m0), (x1, b, m1), (x1, b * 0.95, up1), (x0, a * 0.95, up0)];
            body.face(&lower, inside, color.times(0.9));
            body.face(&upper, inside, color);
        }
        let top = [(x0, -w0 * 0.95, up0), (x1, -w1 * 0.95, up1), (x1, w1 * 0.95, up1), (x0, w0 * 0.95, up0)];
        body.face(&top, inside, color.times(1.04));
    }
    if let (Some(&first), Some(&last)) = (sections.first(), sections.last()) {
        for (end, inwards) in [(first, 0.3), (last, -0.3)] {
            let (x, w, low, up) = end;
            let inside = (x + inwards, 0.0, f32::midpoint(low, up));
            let mid = low + (up - low) * 0.62;
            let points = [
                (x, -w * 0.95, low),
                (x, w * 0.95, low),
                (x, w, mid),
                (x, w * 0.95, up),
                (x, -w * 0.95, up),
                (x, -w, mid),
            ];
            body.face(&points, inside, color);
        }
    }
}

/// A quadrilateral's inner points: `u` along its first edge, `v` from that edge to the opposite one, both 0..=1.
pub(super) fn on(quad: &[Xyz; 4], u: f32, v: f32) -> Xyz {
    let mix = |a: Xyz, b: Xyz, t: f32| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t, a.2 + (b.2 - a.2) * t);
    mix(mix(quad[0], quad[1], u), mix(quad[3], quad[2], u), v)
}

/// The part of a quadrilateral between two `u` and two `v`.
pub(super) fn patch(quad: &[Xyz; 4], u: (f32, f32), v: (f32, f32)) -> [Xyz; 4] {
    [on(quad, u.0, v.0), on(quad, u.1, v.0), on(quad, u.1, v.1), on(quad, u.0, v.1)]
}

/// A window with the sky's reflection in its upper part.
pub(super) fn window(body: &mut Body, quad: &[Xyz; 4], inside: Xyz, lit: bool) {
    if lit {
        body.shining(quad, inside, Rgb(226, 208, 160));
        return;
    }
    body.decal(quad, inside, GLASS);
    body.decal(&patch(quad, (0.0, 1.0), (0.62, 1.0)), inside, GLASS.mixed(GLASS_LIGHT, 0.45));
    body.decal(
        &[on(quad, 0.25, 0.0), on(quad, 0.45, 0.0), on(quad, 0.68, 1.0), on(quad, 0.48, 1.0)],
        inside,
        GLASS_LIGHT,
    );
}

/// A wheel at `x` on one side (1 right, −1 left) of a body whose flank is `half_width` away.
pub(super) fn wheel(body: &mut Body, x: f32, side: f32, half_width: f32, radius: f32, turned: f32, paint: Rgb) {
    let out = side * half_width;
    let inside = (x, 0.0, radius);
    let disc =
        |body: &mut Body, y: f32, r: f32, color: Rgb| body.decal(&wheel_rim((x, y, radius), r, 18, 0.0), inside, color);
    disc(body, out, radius * 1.2, paint.times(0.55));
    disc(body, out, radius * 1.14, Rgb(14, 14, 16));
    disc(body, out, radius, TYRE.times(1.15));
    disc(body, out, radius * 0.68, Rgb(172, 175, 180));
    disc(body, out, radius * 0.6, Rgb(96, 99, 104));
    for spoke in 0..5 {
        let angle = turned + std::f32::consts::TAU * spoke as f32 / 5.0;
        let (sin, cos) = angle.sin_cos();
        let (dx, dz) = (-sin * radius * 0.09, cos * radius * 0.09);
        let (ex, ez) = (cos * radius * 0.62, sin * radius * 0.62);
        let points = [
            (x + dx, out, radius + dz),
            (x - dx, out, radius - dz),
            (x + ex - dx, out, radius + ez - dz),
            (x + ex + dx, out, radius + ez + dz),
        ];
        body.decal(&points, inside, Rgb(186, 189, 194));
    }
}

/// The tyres as they are seen under the bumpers, and the dark below the body.
pub(super) fn underside(
    body: &mut Body,
    ends: (f32, f32),
    axles: &[f32],
    half_width: f32,
    radius: f32,
    clearance: f32,
) {
    let w = half_width * 0.93;
    for &x in axles {
        for side in [-1.0, 1.0] {
            let (outer, inner) = (side * w, side * (w - 0.22));
            let (low, high) = (outer.min(inner), outer.max(inner));
            body.block((x - radius * 0.8, low, 0.0), (x + radius * 0.8, high, radius * 1.2), TYRE);
        }
    }
    body.block((ends.0 + 0.15, -w * 0.97, clearance * 0.75), (ends.1 - 0.15, w * 0.97, clearance + 0.3), BLACK);
}
