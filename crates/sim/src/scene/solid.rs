//! Bodies made of a few kinds of parts in metres, drawn in perspective from any side, with the shadow the sun makes
//! of them.

use std::f32::consts::{PI, TAU};

use tiny_skia::{Path, PathBuilder};

use super::{
    paint::{Brush, Rgb, Xy, blob, ellipse, polygon},
    view::{Stand, Xyz},
};

/// Where the light comes from, in the world: from the upper left, in front of what the camera sees.
const LIGHT: Xyz = (-0.42, -0.48, 0.77);

/// One part of a body. Points in metres of the actor's own axes.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A round limb that tapers from one end to the other.
    Limb { from: Xyz, to: Xyz, from_radius: f32, to_radius: f32, color: Rgb },
    /// An ellipsoid by its half axes forward, aside and up.
    Ball { center: Xyz, half: Xyz, color: Rgb },
    /// A flat polygon that is part of a body around `inside`: seen only from without.
    Face { points: Vec<Xyz>, inside: Xyz, color: Rgb },
    /// A flat polygon on such a face that lies so close that it takes the face's light: a window, a number plate.
    Decal { points: Vec<Xyz>, inside: Xyz, color: Rgb, shines: bool },
    /// Upright ellipses one above the other: centre, half axis forward, half axis aside.
    Loft { levels: Vec<(Xyz, f32, f32)>, color: Rgb },
    /// A round wire through the points.
    Wire { points: Vec<Xyz>, radius: f32, color: Rgb },
    /// A flat polygon seen from both sides, through: `alpha` 0 is invisible.
    Sheet { points: Vec<Xyz>, color: Rgb, alpha: f32 },
}

fn minus(a: Xyz, b: Xyz) -> Xyz {
    (a.0 - b.0, a.1 - b.1, a.2 - b.2)
}

fn dot(a: Xyz, b: Xyz) -> f32 {
    a.0 * b.0 + a.1 * b.1 + a.2 * b.2
}

fn cross(a: Xyz, b: Xyz) -> Xyz {
    (a.1 * b.2 - a.2 * b.1, a.2 * b.0 - a.0 * b.2, a.0 * b.1 - a.1 * b.0)
}

fn middle(points: &[Xyz]) -> Xyz {
    let n = points.len().max(1) as f32;
    let sum = points.iter().fold((0.0, 0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1, s.2 + p.2));
    (sum.0 / n, sum.1 / n, sum.2 / n)
}

impl Part {
    /// Where it is, for drawing the far parts first.
    fn center(&self) -> Xyz {
        match self {
            Self::Limb { from, to, .. } => middle(&[*from, *to]),
            Self::Ball { center, .. } => *center,
            Self::Face { points, .. }
            | Self::Decal { points, .. }
            | Self::Wire { points, .. }
            | Self::Sheet { points, .. } => middle(points),
            Self::Loft { levels, .. } => {
                let points: Vec<Xyz> = levels.iter().map(|level| level.0).collect();
                middle(&points)
            }
        }
    }

    /// Everything larger or smaller around the body's origin.
    pub(crate) fn scaled(&mut self, by: f32) {
        let scale = |p: &mut Xyz| *p = (p.0 * by, p.1 * by, p.2 * by);
        match self {
            Self::Limb { from, to, from_radius, to_radius, .. } => {
                scale(from);
                scale(to);
                *from_radius *= by;
                *to_radius *= by;
            }
            Self::Ball { center, half, .. } => {
                scale(center);
                scale(half);
            }
            Self::Face { points, inside, .. } | Self::Decal { points, inside, .. } => {
                points.iter_mut().for_each(scale);
                scale(inside);
            }
            Self::Loft { levels, .. } => {
                for (center, forward, side) in levels {
                    scale(center);
                    *forward *= by;
                    *side *= by;
                }
            }
            Self::Wire { points, radius, .. } => {
                points.iter_mut().for_each(scale);
                *radius *= by;
            }
            Self::Sheet { points, .. } => points.iter_mut().for_each(scale),
        }
    }

    /// Some points that hold all of it, with the radius around each.
    fn extent(&self, out: &mut Vec<(Xyz, f32)>) {
        match self {
            Self::Limb { from, to, from_radius, to_radius, .. } => {
                out.extend([(*from, *from_radius), (*to, *to_radius)]);
            }
            Self::Ball { center, half, .. } => out.push((*center, half.0.max(half.1).max(half.2))),
            Self::Face { points, .. } | Self::Decal { points, .. } | Self::Sheet { points, .. } => {
                out.extend(points.iter().map(|&p| (p, 0.0)));
            }
            Self::Wire { points, radius, .. } => out.extend(points.iter().map(|&p| (p, *radius))),
            Self::Loft { levels, .. } => out.extend(levels.iter().map(|l| (l.0, l.1.max(l.2)))),
        }
    }
}

/// A body: its parts in the order of drawing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) parts: Vec<Part>,
}

impl Body {
    pub(crate) fn limb(&mut self, from: Xyz, to: Xyz, radii: (f32, f32), color: Rgb) {
        self.parts.push(Part::Limb { from, to, from_radius: radii.0, to_radius: radii.1, color });
    }

    pub(crate) fn ball(&mut self, center: Xyz, half: Xyz, color: Rgb) {
        self.parts.push(Part::Ball { center, half, color });
    }

    pub(crate) fn face(&mut self, points: &[Xyz], inside: Xyz, color: Rgb) {
        self.parts.push(Part::Face { points: points.to_vec(), inside, color });
    }

    pub(crate) fn decal(&mut self, points: &[Xyz], inside: Xyz, color: Rgb) {
        self.parts.push(Part::Decal { points: points.to_vec(), inside, color, shines: false });
    }

    pub(crate) fn shining(&mut self, points: &[Xyz], inside: Xyz, color: Rgb) {
        self.parts.push(Part::Decal { points: points.to_vec(), inside, color, shines: true });
    }

    pub(crate) fn loft(&mut self, levels: &[(Xyz, f32, f32)], color: Rgb) {
        self.parts.push(Part::Loft { levels: levels.to_vec(), color });
    }

    pub(crate) fn wire(&mut self, points: &[Xyz], radius: f32, color: Rgb) {
        self.parts.push(Part::Wire { points: points.to_vec(), radius, color });
    }

    pub(crate) fn sheet(&mut self, points: &[Xyz], color: Rgb, alpha: f32) {
        self.parts.push(Part::Sheet { points: points.to_vec(), color, alpha });
    }

    /// A box by two opposite corners.
    pub(crate) fn block(&mut self, low: Xyz, high: Xyz, color: Rgb) {
        let inside = middle(&[low, high]);
        let (a, b) = (low, high);
        let sides: [[Xyz; 4]; 5] = [
            [(a.0, a.1, a.2), (a.0, b.1, a.2), (a.0, b.1, b.2), (a.0, a.1, b.2)],
            [(b.0, a.1, a.2), (b.0, b.1, a.2), (b.0, b.1, b.2), (b.0, a.1, b.2)],
            [(a.0, a.1, a.2), (b.0, a.1, a.2), (b.0, a.1, b.2), (a.0, a.1, b.2)],
            [(a.0, b.1, a.2), (b.0, b.1, a.2), (b.0, b.1, b.2), (a.0, b.1, b.2)],
            [(a.0, a.1, b.2), (b.0, a.1, b.2), (b.0, b.1, b.2), (a.0, b.1, b.2)],
        ];
        for side in sides {
            self.face(&side, inside, color);
        }
    }

    /// Puts the parts from far to near.
    pub(crate) fn sorted(mut self, stand: &Stand) -> Self {
        self.parts.sort_by(|a, b| stand.world(b.center()).1.total_cmp(&stand.world(a.center()).1));
        self
    }

    /// The body's bounds in the reference picture: left, top, right, bottom.
    pub(crate) fn bounds(&self, stand: &Stand, sun: Option<Xy>) -> (f32, f32, f32, f32) {
        let mut points = Vec::with_capacity(self.parts.len() * 4);
        for part in &self.parts {
            part.extent(&mut points);
        }
        let mut bounds = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
        for (point, radius) in points {
            let ((x, y), scale) = match sun {
                Some(sun) => stand.project_shadow(point, sun),
                None => stand.project(point),
            };
            let by = radius * scale + 2.0;
            bounds = (bounds.0.min(x - by), bounds.1.min(y - by), bounds.2.max(x + by), bounds.3.max(y + by));
        }
        bounds
    }

    /// Draws it in the reference picture's units.
    pub(crate) fn draw(&self, brush: &mut Brush<'_>, stand: &Stand) {
        for part in &self.parts {
            draw_part(part, brush, stand);
        }
    }

    /// Draws the shadow that a sun makes whose light travels `sun` metres right and away for each metre down.
    pub(crate) fn draw_shadow(&self, brush: &mut Brush<'_>, stand: &Stand, sun: Xy) {
        let at = |p: Xyz| stand.project_shadow(p, sun);
        let black = Rgb(0, 0, 0);
        for part in &self.parts {
            match part {
                Part::Limb { from, to, from_radius, to_radius, .. } => {
                    let ((a, a_scale), (b, b_scale)) = (at(*from), at(*to));
                    brush.fill(capsule(a, b, from_radius * a_scale, to_radius * b_scale * 0.9), black);
                }
                Part::Ball { center, half, .. } => {
                    let ((x, y), scale) = at(*center);
                    brush.fill(ellipse(x, y, half.0.max(half.1) * scale, half.2 * 0.5 * scale), black);
                }
                Part::Face { points, .. } | Part::Sheet { points, .. } => {
                    let flat: Vec<Xy> = points.iter().map(|&p| at(p).0).collect();
                    brush.fill(polygon(&grown(&flat, 0.4 * brush.pixel())), black);
                }
                Part::Decal { .. } => {}
                Part::Loft { levels, .. } => {
                    let outline = loft_outline(levels, stand, at);
                    brush.fill(blob(&outline), black);
                }
                Part::Wire { points, radius, .. } => {
                    let flat: Vec<Xy> = points.iter().map(|&p| at(p).0).collect();
                    let scale = points.first().map_or(1.0, |&p| at(p).1);
                    brush.line(&flat, 2.0 * radius * scale, black);
                }
            }
        }
    }
}

impl Stand {
    /// Where the shadow of a point falls on the ground.
    fn project_shadow(&self, point: Xyz, sun: Xy) -> (Xy, f32) {
        let (right, away, up) = self.world(point);
        self.view_project((right + sun.0 * up.max(0.0), away + sun.1 * up.max(0.0), 0.0))
    }
}

fn draw_part(part: &Part, brush: &mut Brush<'_>, stand: &Stand) {
    match part {
        Part::Limb { from, to, from_radius, to_radius, color } => {
            let ((a, a_scale), (b, b_scale)) = (stand.project(*from), stand.project(*to));
            let (a_radius, b_radius) = (from_radius * a_scale, to_radius * b_scale);
            let path = capsule(a, b, a_radius, b_radius);
            let radius = a_radius.max(b_radius);
            // Light falls across the limb, from its upper left side.
            let (dx, dy) = (b.0 - a.0, b.1 - a.1);
            let length = dx.hypot(dy).max(0.01);
            let (mut nx, mut ny) = (-dy / length, dx / length);
            if nx * -0.7 + ny * -0.7 < 0.0 {
                (nx, ny) = (-nx, -ny);
            }
            let centre = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
            let lit = (centre.0 + nx * radius, centre.1 + ny * radius);
            let dark = (centre.0 - nx * radius, centre.1 - ny * radius);
            brush.shade(path, lit, dark, &[color.times(1.06), color.times(1.0), color.times(0.72)]);
        }
        Part::Ball { center, half, color } => {
            let ((x, y), scale) = stand.project(*center);
            let (half_width, half_height) = (stand.half_width(half.0, half.1) * scale, half.2 * scale);
            let (lit, dark) = ((x - half_width * 0.7, y - half_height), (x + half_width * 0.7, y + half_height));
            let colors = [color.times(1.1), *color, color.times(0.7)];
            brush.shade(ellipse(x, y, half_width, half_height), lit, dark, &colors);
        }
        Part::Face { points, inside, color } => {
            let Some(light) = light_on(points, *inside, stand) else { return };
            let flat: Vec<Xy> = points.iter().map(|&p| stand.project(p).0).collect();
            brush.fill(polygon(&grown(&flat, 0.45 * brush.pixel())), color.times(light));
        }
        Part::Decal { points, inside, color, shines } => {
            let Some(light) = light_on(points, *inside, stand) else { return };
            let flat: Vec<Xy> = points.iter().map(|&p| stand.project(p).0).collect();
            if *shines {
                brush.shine(polygon(&flat), *color, 1.0);
            } else {
                brush.fill(polygon(&flat), color.times(0.35 + 0.65 * light));
            }
        }
        Part::Loft { levels, color } => {
            let outline = loft_outline(levels, stand, |p| stand.project(p));
            let xs = outline.iter().map(|p| p.0);
            let (left, right) = (xs.clone().fold(f32::MAX, f32::min), xs.fold(f32::MIN, f32::max));
            let y = outline.first().map_or(0.0, |p| p.1);
            let colors = [color.times(1.0), color.times(1.07), *color, color.times(0.68)];
            brush.shade(blob(&outline), (left, y), (right, y), &colors);
        }
        Part::Wire { points, radius, color } => {
            let flat: Vec<Xy> = points.iter().map(|&p| stand.project(p).0).collect();
            let scale = points.first().map_or(1.0, |&p| stand.project(p).1);
            brush.line(&flat, 2.0 * radius * scale, *color);
        }
        Part::Sheet { points, color, alpha } => {
            let flat: Vec<Xy> = points.iter().map(|&p| stand.project(p).0).collect();
            brush.glaze(polygon(&flat), *color, *alpha);
        }
    }
}

/// How bright a face is; `None` when it looks away from the camera.
fn light_on(points: &[Xyz], inside: Xyz, stand: &Stand) -> Option<f32> {
    let (a, b, c) = (*points.first()?, *points.get(1)?, *points.get(2)?);
    let mut normal = cross(minus(b, a), minus(c, a));
    let centre = middle(points);
    if dot(normal, minus(centre, inside)) < 0.0 {
        normal = (-normal.0, -normal.1, -normal.2);
    }
    let normal = stand.turned(normal);
    let length = dot(normal, normal).sqrt().max(1e-6);
    let normal = (normal.0 / length, normal.1 / length, normal.2 / length);
    if dot(normal, minus(stand.camera(), stand.world(centre))) <= 0.0 {
        return None;
    }
    Some(0.62 + 0.16 * normal.2 + 0.42 * dot(normal, LIGHT).max(0.0))
}

/// The polygon a little larger, so that neighbours leave no seam between them.
fn grown(points: &[Xy], by: f32) -> Vec<Xy> {
    let n = points.len().max(1) as f32;
    let (sx, sy) = points.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
    let (cx, cy) = (sx / n, sy / n);
    let push = |&(x, y): &Xy| {
        let (dx, dy) = (x - cx, y - cy);
        let length = dx.hypot(dy).max(0.01);
        (x + dx / length * by, y + dy / length * by)
    };
    points.iter().map(push).collect()
}

/// The hull of two circles.
fn capsule(a: Xy, b: Xy, a_radius: f32, b_radius: f32) -> Option<Path> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy);
    if length <= (a_radius - b_radius).abs() + 0.01 {
        let (centre, radius) = if a_radius > b_radius { (a, a_radius) } else { (b, b_radius) };
        return ellipse(centre.0, centre.1, radius, radius);
    }
    let along = dy.atan2(dx);
    let lean = ((a_radius - b_radius) / length).acos();
    let mut path = PathBuilder::new();
    let on = |centre: Xy, radius: f32, angle: f32| (centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin());
    const STEPS: usize = 6;
    let arcs = [(b, b_radius, along - lean, 2.0 * lean), (a, a_radius, along + lean, TAU - 2.0 * lean)];
    for (i, (centre, radius, from, sweep)) in arcs.into_iter().enumerate() {
        for step in 0..=STEPS {
            let (x, y) = on(centre, radius, from + sweep * step as f32 / STEPS as f32);
            if i == 0 && step == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
    }
    path.close();
    path.finish()
}

/// The outline of a loft: down its left side, up its right side.
fn loft_outline(levels: &[(Xyz, f32, f32)], stand: &Stand, at: impl Fn(Xyz) -> (Xy, f32)) -> Vec<Xy> {
    let sides: Vec<(Xy, f32)> = levels
        .iter()
        .map(|&(centre, forward, side)| {
            let (point, scale) = at(centre);
            (point, stand.half_width(forward, side) * scale)
        })
        .collect();
    let left = sides.iter().map(|&((x, y), half)| (x - half, y));
    let right = sides.iter().rev().map(|&((x, y), half)| (x + half, y));
    left.chain(right).collect()
}

/// Points of a circle around `center` in the upright plane along the actor.
pub(crate) fn wheel_rim(center: Xyz, radius: f32, count: usize, turned: f32) -> Vec<Xyz> {
    (0..count)
        .map(|i| {
            let angle = turned + TAU * i as f32 / count as f32;
            (center.0 + radius * angle.cos(), center.1, center.2 + radius * angle.sin())
        })
        .collect()
}

/// Points of an ellipse on the ground around the origin.
pub(crate) fn footprint(forward: f32, side: f32) -> Vec<Xyz> {
    (0..16)
        .map(|i| {
            let (sin, cos) = (PI * i as f32 / 8.0).sin_cos();
            (forward * cos, side * sin, 0.0)
        })
        .collect()
}
