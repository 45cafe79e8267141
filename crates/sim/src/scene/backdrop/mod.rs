//! The empty places: what the camera sees when nobody is there. Units: pixels of the reference picture, 640×360.

mod anywhere;
mod crossing;
mod office;
mod parking;
mod street;

use super::{
    SceneKind,
    paint::{Brush, Rgb, blob, ellipse, polygon, rectangle},
    view::{HEIGHT, WIDTH},
};
use crate::random::Random;

pub(crate) use self::anywhere::Anywhere;

/// Brick, plaster, stone and paint of houses.
const WALLS: [Rgb; 12] = [
    Rgb(176, 108, 84),
    Rgb(150, 88, 70),
    Rgb(206, 190, 160),
    Rgb(214, 208, 196),
    Rgb(190, 160, 120),
    Rgb(160, 164, 166),
    Rgb(196, 150, 132),
    Rgb(144, 158, 164),
    Rgb(204, 184, 128),
    Rgb(132, 126, 118),
    Rgb(168, 178, 158),
    Rgb(112, 84, 72),
];

/// Paints the whole picture.
pub(crate) fn draw(kind: SceneKind, brush: &mut Brush<'_>, random: &mut Random) {
    match kind {
        SceneKind::Street => street::draw(brush, random),
        SceneKind::Office => office::draw(brush, random),
        SceneKind::Crossing => crossing::draw(brush, random),
        SceneKind::Parking => parking::draw(brush, random),
    }
}

/// An overcast sky from the top down to `bottom`, with a few clouds.
fn sky(brush: &mut Brush<'_>, bottom: f32, random: &mut Random) {
    let colors: [Rgb; 3] = random.one_of(&[
        [Rgb(112, 154, 206), Rgb(164, 194, 222), Rgb(214, 224, 230)],
        [Rgb(136, 166, 200), Rgb(184, 202, 220), Rgb(222, 226, 228)],
        [Rgb(158, 170, 184), Rgb(188, 196, 204), Rgb(216, 219, 220)],
    ]);
    brush.shade(rectangle(0.0, 0.0, WIDTH, bottom), (0.0, 0.0), (0.0, bottom), &colors);
    for _ in 0..7 {
        let (x, y) = (random.between(0.0, WIDTH), random.between(5.0, bottom * 0.6));
        for _ in 0..4 {
            let (dx, dy) = (random.between(-45.0, 45.0), random.between(-5.0, 5.0));
            brush.glaze(
                ellipse(x + dx, y + dy, random.between(25.0, 60.0), random.between(5.0, 11.0)),
                Rgb(236, 238, 240),
                0.3,
            );
        }
    }
}

/// A house front.
struct Facade {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
    wall: Rgb,
    columns: usize,
    rows: usize,
}

impl Facade {
    fn draw(&self, brush: &mut Brush<'_>, random: &mut Random) {
        let &Self { left, top, right, bottom, wall, columns, rows } = self;
        let face = rectangle(left, top, right, bottom);
        brush.shade(face, (left, 0.0), (right, 0.0), &[wall.times(1.05), wall, wall.times(0.86)]);
        brush.fill(rectangle(left - 2.0, top - 4.0, right + 2.0, top + 2.0), wall.times(0.7));
        let (cell_width, cell_height) = ((right - left) / columns as f32, (bottom - top - 30.0) / rows as f32);
        for row in 0..rows {
            for column in 0..columns {
                let x = left + cell_width * (column as f32 + 0.5);
                let y = top + 8.0 + cell_height * (row as f32 + 0.5);
                let (half_width, half_height) = (cell_width * 0.27, cell_height * 0.33);
                let lit = random.between(0.75, 1.25);
                brush.fill(
                    rectangle(x - half_width - 2.0, y - half_height - 2.0, x + half_width + 2.0, y + half_height + 2.0),
                    wall.times(1.18),
                );
                let pane = rectangle(x - half_width, y - half_height, x + half_width, y + half_height);
                if brush.lamps() && random.chance(0.35) {
                    brush.shine(pane, Rgb(214, 178, 112).times(lit * 0.9), 1.0);
                } else {
                    brush.shade(
                        pane,
                        (x - half_width, y - half_height),
                        (x + half_width, y + half_height),
                        &[Rgb(128, 138, 146).times(lit), Rgb(70, 77, 84).times(lit)],
                    );
                }
                brush.line(&[(x, y - half_height), (x, y + half_height)], 1.2, wall.times(1.1));
                brush.fill(
                    rectangle(x - half_width - 4.0, y + half_height + 2.0, x + half_width + 4.0, y + half_height + 4.5),
                    wall.times(0.68),
                );
            }
        }
        brush.shade(
            rectangle(left, bottom - 22.0, right, bottom),
            (0.0, bottom - 22.0),
            (0.0, bottom),
            &[wall.times(0.72), wall.times(0.58)],
        );
    }
}

/// A tree on the ground at (`x`, `y`), green or autumnal. Its crown hangs low: a round crown on a bare trunk is
/// a head on a body to a network that looks for persons.
fn tree(brush: &mut Brush<'_>, x: f32, y: f32, size: f32, random: &mut Random) {
    brush.limb(&[(x, y), (x - size * 0.01, y - size * 0.4)], size * 0.06, Rgb(92, 74, 58));
    let leaf: Rgb =
        random.one_of(&[Rgb(86, 116, 62), Rgb(102, 124, 66), Rgb(76, 104, 66), Rgb(126, 128, 64), Rgb(150, 116, 58)]);
    for (layer, light) in [0.66, 0.84, 1.02].into_iter().enumerate() {
        let tone = leaf.times(light);
        let lift = layer as f32 * 0.035 * size;
        for _ in 0..40 {
            let (angle, away) = (random.between(0.0, std::f32::consts::TAU), random.between(0.0, 0.34) * size);
            let (cx, cy) =
                (x + away * angle.cos() * 1.15 - lift * 0.5, y - size * 0.56 + away * angle.sin() * 1.1 - lift);
            let (half_width, half_height) = (random.between(0.03, 0.08) * size, random.between(0.02, 0.05) * size);
            brush.glaze(ellipse(cx, cy, half_width, half_height), tone.times(random.between(0.88, 1.1)), 0.75);
        }
    }
}

/// A hedge along the ground line `bottom`.
fn hedge(brush: &mut Brush<'_>, left: f32, right: f32, top: f32, bottom: f32, random: &mut Random) {
    brush.shade(
        rectangle(left, top + 3.0, right, bottom),
        (0.0, top),
        (0.0, bottom),
        &[Rgb(92, 114, 68), Rgb(46, 58, 38)],
    );
    let bushes = ((right - left) / 7.0) as usize;
    for i in 0..bushes * 3 {
        let x = left + (right - left) * (i as f32 + random.between(0.0, 1.0)) / (bushes * 3) as f32;
        let y = top + random.between(0.0, 1.0) * (bottom - top) * 0.7;
        let tone = Rgb(88, 112, 64).times(random.between(0.65, 1.2));
        brush.glaze(ellipse(x, y, random.between(4.0, 9.0), random.between(3.0, 6.0)), tone, 0.7);
    }
}

/// Asphalt between two lines, darker with distance, with stains and seams.
fn asphalt(brush: &mut Brush<'_>, top: f32, bottom: f32, random: &mut Random) {
    asphalt_of(brush, top, bottom, Rgb(110, 110, 112), random);
}

/// The same of any colour: gravel, sand, snow.
fn asphalt_of(brush: &mut Brush<'_>, top: f32, bottom: f32, tone: Rgb, random: &mut Random) {
    brush.shade(
        rectangle(0.0, top, WIDTH, bottom),
        (0.0, top),
        (0.0, bottom),
        &[tone.times(0.9), tone, tone.times(1.09)],
    );
    for _ in 0..26 {
        let (x, y) = (random.between(0.0, WIDTH), random.between(top, bottom));
        let depth = 0.4 + (y - top) / (bottom - top);
        let half_width = random.between(10.0, 60.0) * depth;
        let half_height = random.between(1.0, 5.0) * depth;
        if y - half_height < top || y + half_height > bottom {
            continue;
        }
        let stain = if random.chance(0.5) { tone.times(0.64) } else { tone.times(1.36) };
        brush.glaze(ellipse(x, y, half_width, half_height), stain, 0.12);
    }
}

/// Paving slabs between two lines, in perspective towards (`vanish_x`, `horizon`).
fn slabs(brush: &mut Brush<'_>, top: f32, bottom: f32, (vanish_x, horizon): (f32, f32), tone: Rgb) {
    brush.shade(rectangle(0.0, top, WIDTH, bottom), (0.0, top), (0.0, bottom), &[tone.times(0.92), tone.times(1.06)]);
    for i in -30..=30 {
        let at_bottom = vanish_x + i as f32 * 62.0;
        let shrink = (top - horizon) / (bottom - horizon);
        let at_top = vanish_x + (at_bottom - vanish_x) * shrink;
        brush.line(&[(at_top, top), (at_bottom, bottom)], 0.8, tone.times(0.78));
    }
    let rows = ((bottom - top) / 14.0).ceil().max(1.0) as usize;
    for row in 1..rows {
        let part = row as f32 / rows as f32;
        let y = top + (bottom - top) * part * (0.6 + 0.4 * part);
        brush.line(&[(0.0, y), (WIDTH, y)], 0.9, tone.times(0.8));
    }
}

/// A kerb stone's edge.
fn kerb(brush: &mut Brush<'_>, y: f32, thickness: f32) {
    brush.fill(rectangle(0.0, y, WIDTH, y + thickness), Rgb(172, 171, 168));
    brush.fill(rectangle(0.0, y + thickness, WIDTH, y + thickness * 1.8), Rgb(84, 84, 86));
}

/// A panelled door.
fn door_of(brush: &mut Brush<'_>, left: f32, right: f32, top: f32, bottom: f32, tone: Rgb) {
    let width = right - left;
    let frame = width * 0.08;
    brush.fill(rectangle(left - frame, top - frame, right + frame, bottom), tone.times(0.82));
    brush.shade(rectangle(left, top, right, bottom), (left, 0.0), (right, 0.0), &[tone.times(1.06), tone.times(0.9)]);
    let high = bottom - top;
    for (from, to) in [(0.07, 0.43), (0.5, 0.94)] {
        let (a, b) = (left + width * 0.17, right - width * 0.17);
        let (c, d) = (top + high * from, top + high * to);
        brush.line(&[(a, c), (b, c), (b, d), (a, d), (a, c)], width * 0.02, tone.times(0.72));
    }
    let knob = (right - width * 0.1, top + high * 0.48);
    brush.limb(&[knob, (knob.0 + width * 0.06, knob.1)], width * 0.045, Rgb(196, 196, 196));
}

/// A painted quadrilateral on the ground.
fn marking(brush: &mut Brush<'_>, corners: [(f32, f32); 4], alpha: f32) {
    brush.glaze(polygon(&corners), Rgb(222, 222, 216), alpha);
}

/// A lamp post on the ground at (`x`, `y`).
fn lamp_post(brush: &mut Brush<'_>, x: f32, y: f32, height: f32) {
    brush.limb(&[(x, y), (x, y - height), (x + height * 0.12, y - height * 1.04)], height * 0.018, Rgb(92, 94, 96));
    brush.fill(ellipse(x + height * 0.15, y - height * 1.035, height * 0.05, height * 0.018), Rgb(196, 196, 190));
    brush.fill(rectangle(x - height * 0.018, y - height * 0.12, x + height * 0.018, y), Rgb(76, 78, 80));
}

/// A potted plant on the ground at (`x`, `y`).
fn plant(brush: &mut Brush<'_>, x: f32, y: f32, size: f32, random: &mut Random) {
    for i in 0..16 {
        let lean = (i as f32 - 7.5) / 7.5;
        let tip = (x + lean * size * 0.4, y - size * (0.95 - 0.35 * lean.abs()) + random.between(-4.0, 4.0));
        let root = (x + lean * size * 0.06, y - size * 0.3);
        let middle = ((root.0 + tip.0) / 2.0 - size * 0.03, (root.1 + tip.1) / 2.0);
        let tone = Rgb(78, 116, 66).times(random.between(0.7, 1.2));
        brush.fill(
            blob(&[root, (middle.0 - size * 0.04, middle.1), tip, (middle.0 + size * 0.05, middle.1 + 2.0)]),
            tone,
        );
    }
    brush.shade(
        polygon(&[
            (x - size * 0.17, y - size * 0.32),
            (x + size * 0.17, y - size * 0.32),
            (x + size * 0.12, y),
            (x - size * 0.12, y),
        ]),
        (x - size * 0.17, 0.0),
        (x + size * 0.17, 0.0),
        &[Rgb(190, 128, 98), Rgb(122, 78, 58)],
    );
}
