//! A street with a zebra crossing that runs towards the camera.

use super::{Facade, WIDTH, asphalt, hedge, kerb, lamp_post, marking, sky, slabs, tree};
use crate::{
    random::Random,
    scene::paint::{Brush, Rgb, rectangle},
};

pub(super) fn draw(brush: &mut Brush<'_>, random: &mut Random) {
    sky(brush, 130.0, random);
    let far = [(0.0, 60.0, 150.0, Rgb(172, 112, 88)), (455.0, 44.0, 660.0, Rgb(206, 190, 158))];
    for (left, top, right, wall) in far {
        Facade { left, top, right, bottom: 210.0, wall, columns: 4, rows: 3 }.draw(brush, random);
    }
    brush.shade(
        rectangle(150.0, 130.0, 455.0, 212.0),
        (0.0, 130.0),
        (0.0, 212.0),
        &[Rgb(150, 166, 128), Rgb(112, 130, 84)],
    );
    for x in [172.0, 222.0, 286.0, 368.0, 430.0] {
        let (dx, size) = (random.between(-12.0, 12.0), random.between(95.0, 130.0));
        tree(brush, x + dx, 196.0, size, random);
    }
    hedge(brush, 150.0, 455.0, 188.0, 212.0, random);
    slabs(brush, 210.0, 232.0, (WIDTH / 2.0, 100.0), Rgb(162, 160, 156));
    lamp_post(brush, 250.0, 228.0, 165.0);
    kerb(brush, 232.0, 3.0);
    asphalt(brush, 237.0, 312.0, random);
    // The bars of the crossing, wider towards the camera. Horizon at 100, the crossing about x = 345.
    let spread = |y: f32| (y - 100.0) / 200.0;
    for bar in 0..5 {
        let from = -58.0 + 26.0 * bar as f32;
        let to = from + 14.0;
        let (top, bottom) = (239.0, 309.0);
        let corner = |offset: f32, y: f32| (345.0 + offset * spread(y), y);
        marking(brush, [corner(from, top), corner(to, top), corner(to, bottom), corner(from, bottom)], 0.88);
    }
    for i in 0..3 {
        let x = i as f32 * 84.0 + 8.0;
        marking(brush, [(x, 270.0), (x + 42.0, 270.0), (x + 41.0, 273.0), (x - 1.0, 273.0)], 0.8);
        let x = 440.0 + i as f32 * 84.0;
        marking(brush, [(x, 270.0), (x + 42.0, 270.0), (x + 43.0, 273.0), (x + 1.0, 273.0)], 0.8);
    }
    kerb(brush, 312.0, 5.0);
    slabs(brush, 321.0, 360.0, (WIDTH / 2.0, 100.0), Rgb(168, 165, 160));
}
