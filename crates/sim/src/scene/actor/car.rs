//! A saloon car from the side, driving to the right. 4.4 m long, 1.46 m high.

use crate::scene::paint::{Brush, Rgb, Xy, blob, ellipse, polygon, rectangle};

const WHEEL_X: [f32; 2] = [-1.32, 1.36];
const WHEEL_RADIUS: f32 = 0.325;
const GLASS: [Rgb; 3] = [Rgb(150, 160, 168), Rgb(72, 80, 88), Rgb(40, 46, 52)];
const BLACK: Rgb = Rgb(24, 25, 28);

/// `turned`: angle of the wheels in radians.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb, turned: f32) {
    // What is seen under the car and behind the wheels.
    brush.fill(rectangle(-1.95, -0.45, 1.98, -0.17), BLACK);
    body(brush, paint);
    windows(brush, paint);
    lines(brush, paint);
    lights(brush);
    for x in WHEEL_X {
        wheel(brush, paint, x, turned);
    }
}

fn body(brush: &mut Brush<'_>, paint: Rgb) {
    let outline: [Xy; 26] = [
        (-2.12, -0.24),
        (-2.19, -0.40),
        (-2.20, -0.62),
        (-2.17, -0.84),
        (-2.08, -0.97),
        (-1.85, -1.01),
        (-1.62, -1.04),
        (-1.32, -1.21),
        (-0.98, -1.37),
        (-0.55, -1.44),
        (-0.10, -1.455),
        (0.30, -1.42),
        (0.66, -1.26),
        (1.00, -1.04),
        (1.22, -0.97),
        (1.60, -0.91),
        (1.95, -0.80),
        (2.12, -0.68),
        (2.18, -0.50),
        (2.17, -0.32),
        (2.08, -0.22),
        (1.60, -0.20),
        (0.80, -0.19),
        (-0.20, -0.19),
        (-1.20, -0.19),
        (-1.85, -0.21),
    ];
    let colors = [
        paint.times(1.25),
        paint.times(1.12),
        paint.times(1.2),
        paint,
        paint.times(0.9),
        paint.times(0.74),
        paint.times(0.62),
    ];
    brush.shade(blob(&outline), (0.0, -1.46), (0.0, -0.19), &colors);
    // The shoulder catches the sky.
    brush.glaze(
        blob(&[
            (-2.1, -0.90),
            (-1.0, -0.95),
            (0.9, -0.94),
            (1.9, -0.79),
            (1.9, -0.76),
            (0.9, -0.89),
            (-1.0, -0.90),
            (-2.1, -0.86),
        ]),
        Rgb(225, 232, 245),
        0.35,
    );
    // Sill and bumpers are black plastic.
    brush.fill(
        polygon(&[(-2.14, -0.30), (-1.72, -0.27), (1.75, -0.26), (2.16, -0.32), (2.08, -0.21), (-2.10, -0.22)]),
        BLACK,
    );
}

fn windows(brush: &mut Brush<'_>, paint: Rgb) {
    let rear = [(-1.36, -1.045), (-1.08, -1.24), (-0.80, -1.345), (-0.42, -1.385), (-0.42, -1.035)];
    let front = [(-0.34, -1.035), (-0.34, -1.39), (0.05, -1.385), (0.36, -1.31), (0.62, -1.16), (0.80, -1.02)];
    for window in [&rear[..], &front[..]] {
        brush.shade(polygon(window), (0.0, -1.39), (0.0, -1.02), &GLASS);
        let mut rim = window.to_vec();
        rim.push(window[0]);
        brush.line(&rim, 0.035, Rgb(30, 32, 36));
    }
    // Heads of driver and seat, and the sky's reflection.
    brush.glaze(ellipse(0.02, -1.17, 0.09, 0.12), BLACK, 0.55);
    brush.glaze(ellipse(-0.86, -1.12, 0.09, 0.09), BLACK, 0.5);
    brush.glaze(polygon(&[(0.12, -1.37), (0.28, -1.335), (0.06, -1.04), (-0.12, -1.04)]), Rgb(235, 240, 245), 0.35);
    brush.glaze(polygon(&[(-0.72, -1.355), (-0.60, -1.37), (-0.80, -1.05), (-0.94, -1.05)]), Rgb(235, 240, 245), 0.3);
    // Windscreen and rear window, seen edge on.
    brush.line(&[(0.44, -1.345), (0.98, -1.015)], 0.045, Rgb(90, 98, 106));
    brush.line(&[(-1.06, -1.305), (-1.55, -1.045)], 0.04, Rgb(90, 98, 106));
    // Door mirror.
    brush.fill(blob(&[(0.62, -1.06), (0.78, -1.08), (0.80, -0.99), (0.66, -0.97)]), paint.times(0.7));
}

fn lines(brush: &mut Brush<'_>, paint: Rgb) {
    let seam = paint.times(0.45);
    brush.line(&[(-0.38, -1.02), (-0.40, -0.70), (-0.38, -0.30)], 0.02, seam);
    brush.line(&[(0.86, -0.98), (0.90, -0.72), (0.78, -0.32)], 0.02, seam);
    brush.line(&[(-1.40, -1.02), (-1.22, -0.78), (-0.98, -0.60)], 0.02, seam);
    brush.line(&[(-1.60, -0.36), (1.55, -0.36)], 0.016, seam);
    brush.line(&[(1.02, -1.00), (1.60, -0.885), (1.96, -0.775)], 0.016, seam);
    for x in [-0.62, 0.52] {
        brush.line(&[(x - 0.09, -0.855), (x + 0.07, -0.86)], 0.03, paint.times(1.3));
        brush.line(&[(x - 0.09, -0.835), (x + 0.07, -0.84)], 0.016, seam);
    }
}

fn lights(brush: &mut Brush<'_>) {
    brush.shade(
        blob(&[(1.80, -0.79), (2.06, -0.70), (2.14, -0.60), (1.96, -0.62)]),
        (1.8, 0.0),
        (2.14, 0.0),
        &[Rgb(190, 196, 202), Rgb(250, 250, 244)],
    );
    brush.fill(blob(&[(-2.18, -0.86), (-1.96, -0.90), (-1.98, -0.74), (-2.19, -0.70)]), Rgb(98, 54, 56));
    brush.fill(rectangle(2.04, -0.50, 2.17, -0.44), Rgb(60, 62, 66));
}

fn wheel(brush: &mut Brush<'_>, paint: Rgb, x: f32, turned: f32) {
    let y = -WHEEL_RADIUS;
    // The arch: a black gap and the edge of the wing over it.
    brush.fill(ellipse(x, y - 0.02, 0.405, 0.40), paint.times(0.5));
    brush.fill(ellipse(x, y - 0.01, 0.385, 0.38), Rgb(14, 14, 16));
    brush.fill(ellipse(x, y, WHEEL_RADIUS, WHEEL_RADIUS), Rgb(34, 34, 36));
    brush.fill(ellipse(x, y, 0.235, 0.235), Rgb(98, 101, 106));
    brush.fill(ellipse(x, y, 0.215, 0.215), Rgb(46, 48, 52));
    for spoke in 0..5 {
        let angle = turned + std::f32::consts::TAU * spoke as f32 / 5.0;
        let (sin, cos) = angle.sin_cos();
        brush.line(&[(x, y), (x + 0.205 * cos, y + 0.205 * sin)], 0.055, Rgb(176, 180, 186));
    }
    brush.fill(ellipse(x, y, 0.055, 0.055), Rgb(196, 200, 206));
}
