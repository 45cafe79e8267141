//! A room: windows, a door, desks at the back wall, an empty floor in front.

use super::{HEIGHT, WIDTH, plant};
use crate::{
    random::Random,
    scene::paint::{Brush, Rgb, polygon, rectangle},
};

const FLOOR: f32 = 205.0;

pub(super) fn draw(brush: &mut Brush<'_>, random: &mut Random) {
    let wall = random.one_of(&[Rgb(206, 203, 196), Rgb(196, 204, 206), Rgb(214, 206, 188)]);
    brush.shade(
        rectangle(0.0, 0.0, WIDTH, FLOOR),
        (0.0, 0.0),
        (WIDTH, FLOOR),
        &[wall.times(1.08), wall, wall.times(0.86)],
    );
    brush.fill(rectangle(0.0, 0.0, WIDTH, 14.0), Rgb(226, 225, 222));
    for x in [120.0, 330.0, 540.0] {
        brush
            .fill(polygon(&[(x - 46.0, 2.0), (x + 46.0, 2.0), (x + 36.0, 11.0), (x - 36.0, 11.0)]), Rgb(250, 250, 246));
    }
    windows(brush, random);
    door(brush);
    floor(brush);
    for (left, top) in [(176.0, 178.0), (384.0, 178.0)] {
        desk(brush, left, top);
    }
    plant(brush, 566.0, 226.0, 92.0, random);
    // A notice board.
    brush.fill(rectangle(298.0, 62.0, 372.0, 118.0), Rgb(120, 92, 64));
    brush.fill(rectangle(302.0, 66.0, 368.0, 114.0), Rgb(198, 164, 116));
    for (x, y) in [(306.0, 70.0), (328.0, 74.0), (348.0, 70.0), (312.0, 94.0), (338.0, 92.0)] {
        let (width, height) = (random.between(13.0, 17.0), random.between(14.0, 19.0));
        brush.fill(rectangle(x, y, x + width, y + height), Rgb(234, 234, 230).times(random.between(0.85, 1.0)));
    }
}

fn windows(brush: &mut Brush<'_>, random: &mut Random) {
    for left in [150.0, 396.0] {
        brush.fill(rectangle(left - 5.0, 37.0, left + 135.0, 143.0), Rgb(236, 236, 234));
        brush.shade(
            rectangle(left, 42.0, left + 130.0, 138.0),
            (0.0, 42.0),
            (0.0, 138.0),
            &[Rgb(150, 184, 220), Rgb(212, 224, 230)],
        );
        // Roofs in the distance.
        for i in 0..6 {
            let x = left + i as f32 * 21.0;
            let top = random.between(96.0, 122.0);
            brush.fill(rectangle(x, top, x + 21.0, 138.0), Rgb(168, 170, 174).times(random.between(0.86, 1.06)));
        }
        for x in [left + 43.0, left + 87.0] {
            brush.fill(rectangle(x - 2.0, 42.0, x + 2.0, 138.0), Rgb(236, 236, 234));
        }
        brush.fill(rectangle(left - 9.0, 143.0, left + 139.0, 148.0), Rgb(214, 213, 210));
        brush.fill(rectangle(left - 9.0, 148.0, left + 139.0, 150.0), Rgb(160, 158, 154));
    }
}

fn door(brush: &mut Brush<'_>) {
    brush.fill(rectangle(44.0, 44.0, 116.0, FLOOR), Rgb(126, 98, 72));
    brush.shade(
        rectangle(50.0, 50.0, 110.0, FLOOR),
        (50.0, 0.0),
        (110.0, 0.0),
        &[Rgb(168, 132, 96), Rgb(142, 108, 76)],
    );
    for (top, bottom) in [(60.0, 116.0), (128.0, 196.0)] {
        brush.line(&[(60.0, top), (100.0, top), (100.0, bottom), (60.0, bottom), (60.0, top)], 1.4, Rgb(112, 84, 60));
    }
    brush.limb(&[(100.0, 122.0), (106.0, 122.0)], 3.0, Rgb(196, 196, 196));
}

fn floor(brush: &mut Brush<'_>) {
    let tone = Rgb(156, 134, 108);
    brush.shade(
        rectangle(0.0, FLOOR, WIDTH, HEIGHT),
        (0.0, FLOOR),
        (0.0, HEIGHT),
        &[tone.times(0.86), tone.times(1.1)],
    );
    brush.fill(rectangle(0.0, FLOOR - 7.0, WIDTH, FLOOR), Rgb(128, 124, 119));
    let (vanish_x, horizon) = (320.0, 70.0);
    for i in -14..=14 {
        let at_bottom = vanish_x + i as f32 * 84.0;
        let at_top = vanish_x + (at_bottom - vanish_x) * (FLOOR - horizon) / (HEIGHT - horizon);
        brush.line(&[(at_top, FLOOR), (at_bottom, HEIGHT)], 0.8, tone.times(0.84));
    }
    for row in 1..7 {
        let y = horizon + (HEIGHT - horizon) / (1.0 + 0.165 * row as f32);
        if y > FLOOR {
            brush.line(&[(0.0, y), (WIDTH, y)], 0.8, tone.times(0.85));
        }
    }
    // Light that falls in through the windows.
    for left in [150.0, 396.0] {
        let pane = [(left + 20.0, 225.0), (left + 150.0, 225.0), (left + 190.0, 290.0), (left + 30.0, 290.0)];
        brush.glaze(polygon(&pane), Rgb(240, 240, 236), 0.14);
    }
}

fn desk(brush: &mut Brush<'_>, left: f32, top: f32) {
    let right = left + 118.0;
    for x in [left + 6.0, right - 10.0] {
        brush.fill(rectangle(x, top, x + 5.0, top + 46.0), Rgb(96, 96, 98));
    }
    brush.fill(rectangle(left + 70.0, top + 4.0, right - 12.0, top + 40.0), Rgb(140, 138, 134));
    for y in [top + 15.0, top + 27.0] {
        brush.line(&[(left + 72.0, y), (right - 14.0, y)], 1.0, Rgb(104, 102, 99));
    }
    brush.shade(
        rectangle(left, top - 3.0, right, top + 4.0),
        (left, 0.0),
        (right, 0.0),
        &[Rgb(200, 164, 118), Rgb(170, 134, 94)],
    );
    // Screen, keyboard, a pile of paper.
    brush.fill(rectangle(left + 26.0, top - 36.0, left + 74.0, top - 8.0), Rgb(46, 47, 50));
    brush.shade(
        rectangle(left + 28.0, top - 34.0, left + 72.0, top - 11.0),
        (left + 28.0, top - 34.0),
        (left + 72.0, top - 11.0),
        &[Rgb(118, 152, 190), Rgb(64, 92, 132)],
    );
    brush.fill(rectangle(left + 46.0, top - 9.0, left + 54.0, top - 3.0), Rgb(60, 61, 64));
    brush.fill(rectangle(left + 32.0, top - 5.0, left + 68.0, top - 3.0), Rgb(70, 71, 74));
    brush.fill(rectangle(left + 88.0, top - 9.0, left + 110.0, top - 3.0), Rgb(226, 225, 220));
}
