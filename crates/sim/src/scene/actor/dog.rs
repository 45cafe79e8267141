//! A golden dog from the side, walking to the right. 1.0 m long with its tail, 0.72 m high.

use std::f32::consts::PI;

use crate::scene::paint::{Brush, Rgb, Xy, blob, ellipse};

/// `cycle`: angle of the walk in radians; `None` standing.
pub(super) fn draw(brush: &mut Brush<'_>, fur: Rgb, cycle: Option<f32>) {
    let phase = cycle.unwrap_or(0.0);
    let stride = if cycle.is_some() { 0.38 } else { 0.0 };
    let swing = |offset: f32| stride * (phase + offset).sin();
    leg(brush, fur.times(0.72), (-0.30, -0.36), swing(PI), true);
    leg(brush, fur.times(0.72), (0.22, -0.34), swing(0.0), false);
    tail(brush, fur, phase);
    let trunk: [Xy; 10] = [
        (-0.40, -0.52),
        (-0.20, -0.58),
        (0.08, -0.57),
        (0.28, -0.60),
        (0.36, -0.48),
        (0.30, -0.30),
        (0.10, -0.27),
        (-0.14, -0.30),
        (-0.32, -0.30),
        (-0.42, -0.40),
    ];
    brush.shade(blob(&trunk), (0.0, -0.6), (0.0, -0.26), &[fur.times(1.1), fur, fur.times(0.74)]);
    leg(brush, fur, (-0.33, -0.36), swing(0.0), true);
    leg(brush, fur, (0.26, -0.34), swing(PI), false);
    head(brush, fur);
}

fn leg(brush: &mut Brush<'_>, fur: Rgb, hip: Xy, angle: f32, hind: bool) {
    let knee_bend = if hind { -0.25 } else { 0.1 };
    let knee = (hip.0 + 0.17 * (angle - knee_bend * 0.5).sin(), hip.1 + 0.17 * (angle - knee_bend * 0.5).cos());
    let lower = angle + knee_bend;
    // Short of the ground by half the paw.
    let length = (-0.03 - knee.1).clamp(0.1, 0.2);
    let paw = (knee.0 + length * lower.sin(), knee.1 + length * lower.cos());
    brush.limb(&[hip, knee], if hind { 0.16 } else { 0.12 }, fur);
    brush.limb(&[knee, paw], 0.07, fur);
    brush.limb(&[paw, (paw.0 + 0.05, paw.1 + 0.005)], 0.05, fur);
}

fn tail(brush: &mut Brush<'_>, fur: Rgb, phase: f32) {
    let wag = 0.05 * (2.0 * phase).sin();
    brush.limb(&[(-0.40, -0.50), (-0.52, -0.56), (-0.60, -0.68 + wag)], 0.07, fur.times(0.95));
}

fn head(brush: &mut Brush<'_>, fur: Rgb) {
    // Neck, skull, muzzle.
    brush.shade(
        blob(&[(0.18, -0.58), (0.34, -0.78), (0.46, -0.72), (0.40, -0.52), (0.30, -0.44)]),
        (0.2, 0.0),
        (0.45, 0.0),
        &[fur, fur.times(0.86)],
    );
    let skull = [
        (0.32, -0.78),
        (0.42, -0.84),
        (0.52, -0.80),
        (0.58, -0.74),
        (0.70, -0.70),
        (0.71, -0.64),
        (0.60, -0.60),
        (0.46, -0.60),
        (0.36, -0.66),
    ];
    brush.shade(blob(&skull), (0.0, -0.84), (0.0, -0.6), &[fur.times(1.12), fur, fur.times(0.8)]);
    brush.fill(blob(&[(0.36, -0.80), (0.44, -0.80), (0.45, -0.66), (0.38, -0.58), (0.33, -0.68)]), fur.times(0.66));
    brush.fill(ellipse(0.705, -0.685, 0.026, 0.022), Rgb(28, 24, 24));
    brush.fill(ellipse(0.545, -0.745, 0.016, 0.014), Rgb(30, 24, 20));
    brush.line(&[(0.70, -0.635), (0.60, -0.625)], 0.012, fur.times(0.4));
    // Collar.
    brush.line(&[(0.30, -0.66), (0.42, -0.55)], 0.035, Rgb(60, 58, 58));
}
