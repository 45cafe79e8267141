//! A place with its backdrop drawn, on which actors are put and photographed.
//!
//! A picture is the empty backdrop, the actors' shadows, then the actors from far to near, then weather and the
//! camera. Each actor is drawn on a layer of its own, so the truth is read off the very pixels that were drawn.

use sightline_core::geometry::BoxInFrame;
use tiny_skia::{Pixmap, Point, Transform};

use super::{
    actor::{Look, Pose},
    camera,
    conditions::{Conditions, Pool},
    paint::{Brush, Xy},
    solid::{Body, footprint},
    view::{Stand, View},
};
use crate::{error::SimError, random::Random};

/// From this opacity on a pixel at an object's rim counts as the object's.
const SOLID: u8 = 110;
/// The longest motion blur, in copies of a layer.
const MOST_BLUR: f32 = 10.0;

/// Where the pixels of a picture are in the reference picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// From the reference picture to pixels.
    pub(crate) transform: Transform,
}

/// Somebody or something on the stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) look: &'a Look,
    /// Ground point in the reference picture.
    pub(crate) at: Xy,
    pub(crate) pose: Pose,
    /// Pixels of the reference picture a second.
    pub(crate) velocity: Xy,
}

/// What can be seen of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Position in the list of items.
    pub(crate) item: usize,
    pub(crate) bbox: BoxInFrame,
    /// Which part of its pixels can be seen, above 0..=1.
    pub(crate) visible: f32,
}

pub(crate) struct Stage {
    frame: Frame,
    view: View,
    conditions: Conditions,
    backdrop: Vec<u8>,
    pools: Vec<Pool>,
    camera: camera::Camera,
}

/// An actor's own pixels and where they go.
struct Layer {
    left: i64,
    top: i64,
    pixmap: Pixmap,
}

impl Stage {
    /// Draws the backdrop with the brush that it gets.
    ///
    /// # Errors
    /// When there is no memory for the picture.
    pub(crate) fn new(
        frame: Frame,
        view: View,
        conditions: Conditions,
        seed: u64,
        draw: impl FnOnce(&mut Brush<'_>),
    ) -> Result<Self, SimError> {
        let (width, height) = (frame.width, frame.height);
        let Some(mut pixmap) = Pixmap::new(width, height) else {
            return Err(SimError::Settings(format!("no memory for a picture of {width}x{height}")));
        };
        let pools = Pool::all(&conditions, view.horizon, &mut Random::new(seed, 4));
        let glass = conditions.glass(0.0, [1.0; 3]);
        draw(&mut Brush::new(&mut pixmap, frame.transform, glass).with_lamps(conditions.lamps()));
        let mut backdrop = textured(&pixmap, seed);
        light_and_haze(&mut backdrop, &frame, &view, &conditions, &pools);
        let camera = camera::Camera::new(&conditions, width, height, seed);
        Ok(Self { frame, view, conditions, backdrop, pools, camera })
    }

    /// The picture with these items, as packed RGB, and what can be seen of each that has a class.
    pub(crate) fn photograph(&self, items: &[Item<'_>], index: usize) -> (Vec<u8>, Vec<Seen>) {
        let order = far_to_near(items);
        let mut rgb = self.backdrop.clone();
        for &item in &order {
            self.put_shadow(&mut rgb, &items[item]);
        }
        let layers = self.layers(items, &order);
        for (item, layer) in &layers {
            let blurred = self.motion_blurred(layer, items[*item].velocity);
            self.blend(&mut rgb, blurred.as_ref().unwrap_or(layer), 1.0);
        }
        self.camera.expose(&mut rgb, index);
        (rgb, self.seen(items, &layers))
    }

    /// What can be seen of each item that has a class: as [`Stage::photograph`], without a picture.
    pub(crate) fn look_at(&self, items: &[Item<'_>]) -> Vec<Seen> {
        self.seen(items, &self.layers(items, &far_to_near(items)))
    }

    /// The items' own pixels in this order, with their position in the list, where any are in the picture.
    fn layers(&self, items: &[Item<'_>], order: &[usize]) -> Vec<(usize, Layer)> {
        order.iter().filter_map(|&item| Some((item, self.layer(&items[item])?))).collect()
    }

    /// What can be seen of each layer whose item has a class; far layers come first.
    fn seen(&self, items: &[Item<'_>], layers: &[(usize, Layer)]) -> Vec<Seen> {
        let owner_at = |position: usize| u8::try_from(position + 1).unwrap_or(u8::MAX);
        // Whose pixel it is: position in `layers` plus one.
        let mut owners = vec![0u8; self.pixels()];
        for (position, (_, layer)) in layers.iter().enumerate() {
            self.own(&mut owners, layer, owner_at(position));
        }
        let labelled = layers.iter().enumerate().filter(|(_, (item, _))| items[*item].look.label().is_some());
        labelled
            .filter_map(|(position, (item, layer))| self.visible_part(&owners, owner_at(position), *item, layer))
            .collect()
    }

    const fn pixels(&self) -> usize {
        self.frame.width as usize * self.frame.height as usize
    }

    fn stand(&self, item: &Item<'_>) -> Stand {
        Stand::new(self.view, item.at, item.pose.heading)
    }

    fn layer(&self, item: &Item<'_>) -> Option<Layer> {
        let stand = self.stand(item);
        let body = item.look.body(item.pose, &stand, self.conditions.lamps());
        let (mut pixmap, left, top) = self.room(body.bounds(&stand, None))?;
        let light = Pool::light_at(&self.pools, item.at);
        let glass = self.conditions.glass(stand.distance(), light);
        let transform = self.frame.transform.post_translate(-left as f32, -top as f32);
        body.draw(&mut Brush::new(&mut pixmap, transform, glass), &stand);
        Some(Layer { left, top, pixmap })
    }

    /// A pixmap for these bounds of the reference picture, at most one picture beyond each edge.
    fn room(&self, (left, top, right, bottom): (f32, f32, f32, f32)) -> Option<(Pixmap, i64, i64)> {
        let mut corners =
            [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| Point::from_xy(x, y));
        self.frame.transform.map_points(&mut corners);
        let (width, height) = (self.frame.width as f32, self.frame.height as f32);
        let least = |at: fn(&Point) -> f32, low: f32| corners.iter().map(at).fold(f32::MAX, f32::min).max(low).floor();
        let most = |at: fn(&Point) -> f32, high: f32| corners.iter().map(at).fold(f32::MIN, f32::max).min(high).ceil();
        let (left, right) = (least(|p| p.x, -width), most(|p| p.x, 2.0 * width));
        let (top, bottom) = (least(|p| p.y, -height), most(|p| p.y, 2.0 * height));
        if right <= left || bottom <= top || right < 0.0 || left > width || bottom < 0.0 || top > height {
            return None;
        }
        let pixmap = Pixmap::new((right - left) as u32, (bottom - top) as u32)?;
        Some((pixmap, left as i64, top as i64))
    }

    /// The dark under an actor, and its shadow when the sun shines.
    fn put_shadow(&self, rgb: &mut [u8], item: &Item<'_>) {
        let stand = self.stand(item);
        let (forward, side) = item.look.footprint();
        let mut contact = Body::default();
        let black = super::paint::Rgb(0, 0, 0);
        for step in 0..6 {
            let grown = 0.66 + 0.11 * step as f32;
            contact.sheet(&footprint(forward * grown, side * grown), black, 0.17);
        }
        if let Some((mut pixmap, left, top)) = self.room(contact.bounds(&stand, None)) {
            let transform = self.frame.transform.post_translate(-left as f32, -top as f32);
            contact.draw(&mut Brush::new(&mut pixmap, transform, super::paint::Glass::CLEAR), &stand);
            self.blend(rgb, &Layer { left, top, pixmap }, 0.55);
        }
        if !self.conditions.casts_shadows() {
            return;
        }
        let sun = self.conditions.sun;
        let body = item.look.body(item.pose, &stand, false);
        if let Some((mut pixmap, left, top)) = self.room(body.bounds(&stand, Some(sun))) {
            let transform = self.frame.transform.post_translate(-left as f32, -top as f32);
            body.draw_shadow(&mut Brush::new(&mut pixmap, transform, super::paint::Glass::CLEAR), &stand, sun);
            self.blend(rgb, &Layer { left, top, pixmap }, 0.42);
        }
    }

    /// The layer as an open shutter sees it; `None` when it hardly moves.
    fn motion_blurred(&self, layer: &Layer, velocity: Xy) -> Option<Layer> {
        let transform = self.frame.transform;
        let secs = self.conditions.shutter_secs;
        let dx = (transform.sx * velocity.0 + transform.kx * velocity.1) * secs;
        let dy = (transform.ky * velocity.0 + transform.sy * velocity.1) * secs;
        let length = dx.hypot(dy);
        if length < 1.2 {
            return None;
        }
        let copies = length.ceil().min(MOST_BLUR) as usize;
        let margin = length.ceil() as usize;
        let (width, height) = (layer.pixmap.width() as usize, layer.pixmap.height() as usize);
        let (wide, high) = (width + 2 * margin, height + 2 * margin);
        let mut sums = vec![0u16; wide * high * 4];
        for copy in 0..copies {
            let part = copy as f32 / copies as f32 - 0.5;
            let shift_x = (margin as f32 + dx * part).round().max(0.0) as usize;
            let shift_y = (margin as f32 + dy * part).round().max(0.0) as usize;
            for (y, row) in layer.pixmap.data().chunks_exact(width * 4).enumerate() {
                let start = ((y + shift_y) * wide + shift_x) * 4;
                for (sum, &value) in sums[start..start + width * 4].iter_mut().zip(row) {
                    *sum += u16::from(value);
                }
            }
        }
        let mut pixmap = Pixmap::new(wide as u32, high as u32)?;
        let count = copies as u16;
        for (to, sum) in pixmap.data_mut().iter_mut().zip(sums) {
            *to = (sum / count) as u8;
        }
        let margin = i64::try_from(margin).unwrap_or(0);
        Some(Layer { left: layer.left - margin, top: layer.top - margin, pixmap })
    }

    /// Calls with each pixel of the picture that a layer covers, and the layer's colour there.
    fn each_covered(&self, layer: &Layer, mut visit: impl FnMut(usize, [u8; 4])) {
        let (width, height) = (i64::from(self.frame.width), i64::from(self.frame.height));
        let layer_width = i64::from(layer.pixmap.width());
        for (row, pixels) in (layer.top..).zip(layer.pixmap.data().chunks_exact(layer.pixmap.width() as usize * 4)) {
            if !(0..height).contains(&row) {
                continue;
            }
            let from = (-layer.left).clamp(0, layer_width);
            let to = (width - layer.left).clamp(from, layer_width);
            let first = (row * width + layer.left + from) as usize;
            let span = &pixels[from as usize * 4..to as usize * 4];
            for (at, pixel) in (first..).zip(span.chunks_exact(4)) {
                if pixel[3] != 0 {
                    visit(at, [pixel[0], pixel[1], pixel[2], pixel[3]]);
                }
            }
        }
    }

    fn own(&self, owners: &mut [u8], layer: &Layer, owner: u8) {
        self.each_covered(layer, |at, [.., alpha]| {
            if alpha >= SOLID {
                owners[at] = owner;
            }
        });
    }

    /// Puts a layer over the picture.
    fn blend(&self, rgb: &mut [u8], layer: &Layer, strength: f32) {
        let strength = (strength * 256.0) as u32;
        self.each_covered(layer, |at, [red, green, blue, alpha]| {
            let keep = 255 - ((u32::from(alpha) * strength) >> 8);
            let under = &mut rgb[at * 3..at * 3 + 3];
            for (below, above) in under.iter_mut().zip([red, green, blue]) {
                // The layer's colours are premultiplied.
                let value = ((u32::from(above) * strength) >> 8) + u32::from(*below) * keep / 255;
                *below = value.min(255) as u8;
            }
        });
    }

    /// The box around an owner's pixels, and which part of all its pixels they are.
    fn visible_part(&self, owners: &[u8], owner: u8, item: usize, layer: &Layer) -> Option<Seen> {
        let (width, height) = (self.frame.width as usize, self.frame.height as usize);
        let solid = layer.pixmap.data().chunks_exact(4).filter(|pixel| pixel[3] >= SOLID).count();
        let (mut left, mut top, mut right, mut bottom, mut count) = (width, height, 0, 0, 0usize);
        let inside = |at: i64, size: usize| usize::try_from(at).unwrap_or(0).min(size);
        let columns = inside(layer.left, width)..inside(layer.left + i64::from(layer.pixmap.width()), width);
        let rows = inside(layer.top, height)..inside(layer.top + i64::from(layer.pixmap.height()), height);
        for y in rows {
            for x in columns.clone() {
                if owners[y * width + x] == owner {
                    (left, top) = (left.min(x), top.min(y));
                    (right, bottom) = (right.max(x + 1), bottom.max(y + 1));
                    count += 1;
                }
            }
        }
        if count == 0 {
            return None;
        }
        let across = |x: usize| x as f32 / width as f32;
        let down = |y: usize| y as f32 / height as f32;
        let bbox = BoxInFrame::from_edges(across(left), down(top), across(right), down(bottom));
        Some(Seen { item, bbox, visible: count as f32 / solid.max(1) as f32 })
    }
}

/// Positions in the list, what is farthest first.
fn far_to_near(items: &[Item<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|&a, &b| depth_key(&items[a]).total_cmp(&depth_key(&items[b])));
    order
}

/// Larger is nearer. A rider who comes at the camera sits behind the handlebar, one who leaves before it.
fn depth_key(item: &Item<'_>) -> f32 {
    let behind = item.pose.riding && item.pose.heading.sin() < -0.35;
    let rider = if !item.pose.riding {
        0.0
    } else if behind {
        -0.01
    } else {
        0.01
    };
    item.at.1 + rider
}

/// The backdrop's pixels with the unevenness that painted surfaces lack: blotches of several sizes, and grain.
fn textured(pixmap: &Pixmap, seed: u64) -> Vec<u8> {
    let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
    let mut unevenness = vec![0f32; width * height];
    for (stream, cell, strength) in [(10, 48, 4.0), (11, 17, 3.5), (12, 5, 3.5), (13, 2, 3.5)] {
        add_blotches(&mut unevenness, width, cell, strength, &mut Random::new(seed, stream));
    }
    let pixels = pixmap.data().chunks_exact(4).zip(&unevenness);
    pixels
        .flat_map(|(p, &by)| {
            // In the dark unevenness is dark as well.
            let brightness = 0.3 + 0.7 * f32::from(p[1]) / 160.0;
            [p[0], p[1], p[2]].map(|c| (f32::from(c) + by * brightness + 0.5).clamp(0.0, 255.0) as u8)
        })
        .collect()
}

/// Value noise: random values on a lattice of `cell` pixels, bilinear between.
fn add_blotches(to: &mut [f32], width: usize, cell: usize, strength: f32, random: &mut Random) {
    let height = to.len() / width;
    let columns = width / cell + 2;
    let lattice: Vec<f32> = (0..columns * (height / cell + 2)).map(|_| random.between(-strength, strength)).collect();
    for (y, row) in to.chunks_exact_mut(width).enumerate() {
        let down = (y % cell) as f32 / cell as f32;
        let upper = &lattice[y / cell * columns..];
        let lower = &lattice[(y / cell + 1) * columns..];
        for (x, value) in row.iter_mut().enumerate() {
            let (column, across) = (x / cell, (x % cell) as f32 / cell as f32);
            let mix = |line: &[f32]| line[column] + (line[column + 1] - line[column]) * across;
            *value += mix(upper) + (mix(lower) - mix(upper)) * down;
        }
    }
}

/// Lamplight on the ground and the air before what is far.
fn light_and_haze(rgb: &mut [u8], frame: &Frame, view: &View, conditions: &Conditions, pools: &[Pool]) {
    let (haze, range) = conditions.haze();
    // Everything above the horizon is houses and trees at about this distance.
    const FARTHEST_METRES: f32 = 70.0;
    if pools.is_empty() && range > 1000.0 {
        return;
    }
    let Some(back) = frame.transform.invert() else { return };
    let width = frame.width as usize;
    for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let at = (back.sx * px + back.kx * py + back.tx, back.ky * px + back.sy * py + back.ty);
            let metres = if at.1 > view.horizon { view.focal / view.pixels_per_metre(at.1) } else { FARTHEST_METRES };
            let air = 1.0 - (-metres.min(FARTHEST_METRES) / range).exp();
            let light = Pool::light_at(pools, at);
            for ((channel, light), haze) in pixel.iter_mut().zip(light).zip([haze.0, haze.1, haze.2]) {
                let lit = (f32::from(*channel) * light).min(255.0);
                *channel = (lit + (f32::from(haze) - lit) * air + 0.5) as u8;
            }
        }
    }
}
