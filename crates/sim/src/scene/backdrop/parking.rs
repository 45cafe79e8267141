//! A yard with parking places along a hedge, seen from a first floor.

use super::{WIDTH, asphalt, hedge, kerb, lamp_post, marking, sky, slabs, tree};
use crate::{
    random::Random,
    scene::paint::{Brush, Rgb, rectangle},
};

pub(super) fn draw(brush: &mut Brush<'_>, random: &mut Random) {
    sky(brush, 80.0, random);
    // A hall of sheet metal with roller doors.
    let wall = random.one_of(&[Rgb(150, 166, 176), Rgb(176, 170, 156), Rgb(150, 160, 150)]);
    brush.shade(rectangle(0.0, 46.0, WIDTH, 168.0), (0.0, 46.0), (0.0, 168.0), &[wall.times(1.08), wall.times(0.82)]);
    for i in 0..81 {
        let x = i as f32 * 8.0;
        brush.line(&[(x, 52.0), (x, 168.0)], 1.2, wall.times(if i % 2 == 0 { 0.84 } else { 0.94 }));
    }
    brush.fill(rectangle(-2.0, 40.0, WIDTH + 2.0, 52.0), wall.times(0.62));
    for left in [52.0, 250.0, 452.0] {
        brush.fill(rectangle(left - 5.0, 88.0, left + 125.0, 168.0), wall.times(0.6));
        brush.shade(
            rectangle(left, 93.0, left + 120.0, 168.0),
            (0.0, 93.0),
            (0.0, 168.0),
            &[Rgb(186, 186, 182), Rgb(150, 150, 148)],
        );
        for slat in 1..9 {
            let y = 93.0 + 8.4 * slat as f32;
            brush.line(&[(left, y), (left + 120.0, y)], 1.0, Rgb(124, 124, 122));
        }
    }
    for x in [22.0, 212.0, 412.0, 612.0] {
        let (dx, size) = (random.between(-8.0, 8.0), random.between(92.0, 118.0));
        tree(brush, x + dx, 178.0, size, random);
    }
    asphalt(brush, 180.0, 330.0, random);
    hedge(brush, -4.0, WIDTH + 4.0, 158.0, 184.0, random);
    kerb(brush, 184.0, 3.0);
    // Places along the hedge; their lines lean towards the vanishing point at (320, 50).
    for i in -1..=3 {
        let at_bottom = 320.0 + (i as f32 - 1.0) * 272.0;
        let at = |y: f32| 320.0 + (at_bottom - 320.0) * (y - 50.0) / (248.0 - 50.0);
        marking(
            brush,
            [(at(190.0) - 1.5, 190.0), (at(190.0) + 1.5, 190.0), (at(248.0) + 2.2, 248.0), (at(248.0) - 2.2, 248.0)],
            0.8,
        );
    }
    marking(brush, [(0.0, 248.0), (WIDTH, 248.0), (WIDTH, 250.5), (0.0, 250.5)], 0.7);
    lamp_post(brush, 330.0, 186.0, 150.0);
    kerb(brush, 322.0, 5.0);
    slabs(brush, 331.0, 360.0, (WIDTH / 2.0, 50.0), Rgb(164, 162, 157));
}
