//! A two-lane street with houses behind it and a pavement on either side.

use super::{Facade, WALLS, WIDTH, asphalt, kerb, lamp_post, marking, sky, slabs, tree};
use crate::{
    random::Random,
    scene::paint::{Brush, Rgb},
};

pub(super) fn draw(brush: &mut Brush<'_>, random: &mut Random) {
    sky(brush, 120.0, random);
    let start = random.next() as usize;
    let walls: [Rgb; 5] = std::array::from_fn(|i| WALLS[(start % WALLS.len() + i * 5) % WALLS.len()]);
    let mut left = -20.0;
    for (i, &wall) in walls.iter().enumerate() {
        let width = random.between(128.0, 158.0);
        let top = random.between(18.0, 62.0);
        let columns = if i % 2 == 0 { 4 } else { 3 };
        Facade { left, top, right: left + width, bottom: 214.0, wall, columns, rows: 3 }.draw(brush, random);
        left += width;
    }
    slabs(brush, 213.0, 230.0, (WIDTH / 2.0, 110.0), Rgb(158, 156, 152));
    for x in [96.0, 330.0, 560.0] {
        let shift = random.between(-18.0, 18.0);
        tree(brush, x + shift, 224.0, 120.0, random);
    }
    lamp_post(brush, 215.0 + random.between(-10.0, 10.0), 226.0, 150.0);
    kerb(brush, 230.0, 3.0);
    asphalt(brush, 235.0, 318.0, random);
    // Dashes between the lanes, drifting sideways with the perspective.
    for i in -1..9 {
        let x = i as f32 * 84.0 + 12.0;
        marking(brush, [(x, 270.0), (x + 40.0, 270.0), (x + 40.5, 273.5), (x - 1.0, 273.5)], 0.85);
    }
    marking(brush, [(0.0, 239.0), (WIDTH, 239.0), (WIDTH, 240.5), (0.0, 240.5)], 0.6);
    marking(brush, [(0.0, 310.0), (WIDTH, 310.0), (WIDTH, 313.0), (0.0, 313.0)], 0.6);
    kerb(brush, 317.0, 6.0);
    slabs(brush, 327.0, 360.0, (WIDTH / 2.0, 110.0), Rgb(166, 163, 158));
}
