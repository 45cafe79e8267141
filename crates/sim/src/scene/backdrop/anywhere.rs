//! Places that are no scene: drawn by chance out of what streets, yards, squares, parks and rooms are made of, for the
//! training of a detector that must not learn four backdrops by heart.

use super::{Facade, WALLS, asphalt_of, door_of, hedge, kerb, lamp_post, marking, sky, slabs, tree};
use crate::{
    random::Random,
    scene::{
        paint::{Brush, Rgb, polygon, rectangle},
        view::{HEIGHT, View, WIDTH},
    },
};

/// A place by chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anywhere {
    pub(crate) view: View,
    pub(crate) indoors: bool,
    /// The row at which the ground begins, in the reference picture.
    pub(crate) ground: f32,
    seed: u64,
}

impl Anywhere {
    pub(crate) fn random(random: &mut Random) -> Self {
        let indoors = random.chance(0.15);
        let horizon = random.between(10.0, 165.0);
        let camera_metres = if indoors { random.between(1.6, 2.9) } else { random.between(1.5, 6.0) };
        let focal = random.between(420.0, 900.0);
        // Walls stand 5 to 9 metres away, houses 14 to 40.
        let metres = if indoors { random.between(5.0, 9.0) } else { random.between(14.0, 40.0) };
        let ground = (horizon + camera_metres * focal / metres).min(270.0);
        Self { view: View { horizon, camera_metres, focal }, indoors, ground, seed: random.next() }
    }

    pub(crate) fn draw(&self, brush: &mut Brush<'_>) {
        let mut random = Random::new(self.seed, 8);
        if self.indoors { self.room(brush, &mut random) } else { self.outdoors(brush, &mut random) }
    }

    fn outdoors(&self, brush: &mut Brush<'_>, random: &mut Random) {
        let ground = self.ground;
        sky(brush, (ground * 0.8).max(20.0), random);
        brush.fill(rectangle(0.0, ground * 0.8, WIDTH, ground + 2.0), Rgb(128, 136, 112));
        match random.next() % 4 {
            0 | 1 => self.houses(brush, random),
            2 => {
                let wall = random.one_of(&WALLS);
                let top = ground - random.between(30.0, 120.0);
                brush.shade(
                    rectangle(0.0, top, WIDTH, ground),
                    (0.0, top),
                    (0.0, ground),
                    &[wall.times(1.1), wall.times(0.8)],
                );
                let step = random.between(9.0, 40.0);
                for i in 0..(WIDTH / step) as usize {
                    let x = step * i as f32;
                    brush.line(&[(x, top), (x, ground)], 1.1, wall.times(0.8));
                }
                brush.fill(rectangle(0.0, top - 5.0, WIDTH, top + 2.0), wall.times(0.6));
            }
            _ => {}
        }
        let count = random.next() % 6;
        for _ in 0..count {
            let (x, size) = (random.between(0.0, WIDTH), random.between(60.0, 190.0));
            tree(brush, x, ground + random.between(0.0, 10.0), size, random);
        }
        if random.chance(0.4) {
            let high = random.between(10.0, 40.0);
            let (left, right) = (random.between(-40.0, 300.0), random.between(330.0, 680.0));
            hedge(brush, left, right, ground - high, ground + 3.0, random);
        }
        self.grounds(brush, random);
    }

    fn houses(&self, brush: &mut Brush<'_>, random: &mut Random) {
        let mut left = random.between(-80.0, 0.0);
        while left < WIDTH {
            let width = random.between(80.0, 260.0);
            let high = random.between(60.0, 230.0);
            let wall = random.one_of(&WALLS).times(random.between(0.85, 1.1));
            let columns = 2 + (random.next() % 4) as usize;
            let rows = 1 + (high / 60.0) as usize;
            let bottom = self.ground + 1.0;
            Facade { left, top: bottom - high, right: left + width, bottom, wall, columns, rows }.draw(brush, random);
            left += width + if random.chance(0.25) { random.between(5.0, 90.0) } else { 0.0 };
        }
    }

    /// Bands of ground from the houses to the camera.
    fn grounds(&self, brush: &mut Brush<'_>, random: &mut Random) {
        let vanish = (random.between(200.0, 440.0), self.view.horizon);
        let mut top = self.ground;
        while top < HEIGHT {
            let metres_down = random.between(0.08, 0.55);
            let bottom =
                if random.chance(0.3) { HEIGHT } else { (top + (HEIGHT - top) * metres_down + 12.0).min(HEIGHT) };
            match random.next() % 5 {
                0 | 1 => {
                    let tone =
                        random.one_of(&[Rgb(84, 84, 88), Rgb(108, 108, 110), Rgb(126, 122, 116), Rgb(66, 66, 70)]);
                    asphalt_of(brush, top, bottom, tone, random);
                    self.markings(brush, (top, bottom), vanish, random);
                }
                2 => slabs(
                    brush,
                    top,
                    bottom,
                    vanish,
                    random.one_of(&[Rgb(164, 160, 152), Rgb(142, 136, 130), Rgb(176, 156, 138), Rgb(186, 182, 172)]),
                ),
                3 => self.grass(brush, (top, bottom), random),
                _ => asphalt_of(
                    brush,
                    top,
                    bottom,
                    random.one_of(&[Rgb(168, 148, 118), Rgb(150, 140, 126), Rgb(190, 184, 174), Rgb(206, 208, 210)]),
                    random,
                ),
            }
            if random.chance(0.6) && top > self.ground + 1.0 {
                let thickness = 1.0 + (top - self.view.horizon) / 60.0;
                kerb(brush, top, thickness);
            }
            top = bottom;
        }
        if random.chance(0.3) {
            let (x, high) = (random.between(40.0, 600.0), random.between(120.0, 220.0));
            lamp_post(brush, x, self.ground + 6.0, high);
        }
    }

    fn grass(&self, brush: &mut Brush<'_>, (top, bottom): (f32, f32), random: &mut Random) {
        let tone = random.one_of(&[Rgb(96, 120, 62), Rgb(120, 130, 76), Rgb(78, 104, 58), Rgb(140, 132, 84)]);
        brush.shade(
            rectangle(0.0, top, WIDTH, bottom),
            (0.0, top),
            (0.0, bottom),
            &[tone.times(0.9), tone.times(1.05)],
        );
        for _ in 0..70 {
            let (x, y) = (random.between(0.0, WIDTH), random.between(top, bottom));
            let size = (1.0 + (y - self.view.horizon) / 50.0) * random.between(0.6, 1.6);
            brush.line(
                &[(x, y), (x + random.between(-1.0, 1.0) * size, y - size * 1.5)],
                size * 0.3,
                tone.times(random.between(0.7, 1.25)),
            );
        }
    }

    fn markings(&self, brush: &mut Brush<'_>, (top, bottom): (f32, f32), vanish: (f32, f32), random: &mut Random) {
        let along = |x: f32, y: f32| vanish.0 + (x - vanish.0) * (y - vanish.1) / (bottom - vanish.1).max(1.0);
        match random.next() % 4 {
            0 => {
                // Dashes across the picture.
                let y = top + (bottom - top) * random.between(0.3, 0.7);
                let high = 1.0 + (y - self.view.horizon) / 50.0;
                for i in -1..9 {
                    let x = i as f32 * 84.0 + 12.0;
                    marking(brush, [(x, y), (x + 40.0, y), (x + 40.0, y + high), (x, y + high)], 0.8);
                }
            }
            1 => {
                // Lines towards the horizon: parking places, lanes.
                let step = random.between(90.0, 300.0);
                for i in -4..8 {
                    let x = 100.0 + i as f32 * step;
                    let (t, b) = (top + 2.0, bottom - 2.0);
                    marking(
                        brush,
                        [
                            (along(x - 3.0, t), t),
                            (along(x + 3.0, t), t),
                            (along(x + 3.0, b), b),
                            (along(x - 3.0, b), b),
                        ],
                        0.75,
                    );
                }
            }
            2 => {
                let at = random.between(50.0, 450.0);
                for bar in 0..6 {
                    let x = at + bar as f32 * 40.0;
                    let (t, b) = (top + 3.0, bottom - 3.0);
                    marking(
                        brush,
                        [(along(x, t), t), (along(x + 22.0, t), t), (along(x + 22.0, b), b), (along(x, b), b)],
                        0.8,
                    );
                }
            }
            _ => {}
        }
    }

    fn room(&self, brush: &mut Brush<'_>, random: &mut Random) {
        let ground = self.ground;
        let wall = random.one_of(&[
            Rgb(206, 203, 198),
            Rgb(186, 196, 200),
            Rgb(214, 204, 184),
            Rgb(170, 178, 170),
            Rgb(196, 176, 166),
            Rgb(150, 152, 158),
        ]);
        brush.shade(
            rectangle(0.0, 0.0, WIDTH, ground),
            (0.0, 0.0),
            (WIDTH, ground),
            &[wall.times(1.08), wall, wall.times(0.84)],
        );
        for _ in 0..random.next() % 4 {
            let (left, width) = (random.between(-30.0, 560.0), random.between(50.0, 150.0));
            let (top, high) = (ground - random.between(110.0, 220.0), random.between(50.0, 100.0));
            brush.fill(rectangle(left - 4.0, top - 4.0, left + width + 4.0, top + high + 4.0), wall.times(1.2));
            let pane = random.one_of(&[
                Rgb(196, 210, 222),
                Rgb(120, 130, 140),
                Rgb(90, 110, 90),
                Rgb(180, 150, 110),
                Rgb(70, 90, 130),
            ]);
            brush.shade(
                rectangle(left, top, left + width, top + high),
                (left, top),
                (left, top + high),
                &[pane, pane.times(1.15)],
            );
            if random.chance(0.5) {
                brush.line(&[(left + width / 2.0, top), (left + width / 2.0, top + high)], 3.0, wall.times(1.15));
            }
        }
        if random.chance(0.6) {
            let left = random.between(10.0, 540.0);
            let tone = random.one_of(&[Rgb(160, 140, 118), Rgb(110, 84, 62), Rgb(206, 204, 200), Rgb(92, 104, 116)]);
            let pixels_per_metre = self.view.pixels_per_metre(ground);
            door_of(brush, left, left + 0.95 * pixels_per_metre, ground - 2.1 * pixels_per_metre, ground, tone);
        }
        let tone = random.one_of(&[
            Rgb(150, 147, 142),
            Rgb(150, 118, 84),
            Rgb(104, 108, 116),
            Rgb(184, 176, 164),
            Rgb(96, 82, 74),
            Rgb(120, 130, 122),
        ]);
        brush.shade(
            rectangle(0.0, ground, WIDTH, HEIGHT),
            (0.0, ground),
            (0.0, HEIGHT),
            &[tone.times(0.84), tone.times(1.1)],
        );
        if random.chance(0.6) {
            slabs(brush, ground, HEIGHT, (random.between(200.0, 440.0), self.view.horizon), tone);
        }
        brush.fill(rectangle(0.0, ground - 6.0, WIDTH, ground), wall.times(0.62));
        for _ in 0..random.next() % 4 {
            // Light from windows on the floor.
            let (x, y) = (random.between(0.0, 560.0), ground + random.between(15.0, 60.0));
            let pane = [(x, y), (x + 110.0, y), (x + 150.0, y + 60.0), (x + 10.0, y + 60.0)];
            brush.glaze(polygon(&pane), Rgb(240, 240, 236), 0.12);
        }
    }
}
