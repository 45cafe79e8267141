//! Places that look like what a camera sees, with exact ground truth: a pure function of (scene, seed, frame index).
//!
//! A picture is an empty backdrop, the actors' shadows, then the actors from far to near, then a camera's noise. Each
//! actor is drawn on a layer of its own, so the truth is read off the very pixels that were drawn.

mod actor;
mod backdrop;
mod paint;
mod script;

use std::str::FromStr;

use sightline_core::geometry::BoxInFrame;
use tiny_skia::{Pixmap, Transform};

pub use self::script::LOOP_SECS;
use self::{
    paint::Brush,
    script::{Actor, Place},
};
use crate::{error::SimError, random::Random, truth::TruthObject};

/// An object of which less is visible is left out of the ground truth.
const LEAST_VISIBLE: f32 = 0.25;
/// From this opacity on a pixel at an object's rim counts as the object's.
const SOLID: u8 = 128;
/// Amplitude of a camera's noise, in steps of 8-bit colour.
const NOISE: f32 = 2.6;

/// Which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SceneKind {
    /// Cars pass, persons walk on the pavement.
    Street,
    /// Persons come in, stop, and leave.
    Office,
    /// A person crosses, a car waits, a dog is walked.
    Crossing,
    /// Cars arrive, stand, and leave; persons pass.
    Parking,
}

impl SceneKind {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Street, Self::Office, Self::Crossing, Self::Parking];

    /// The name in `sim://NAME` and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Street => "street",
            Self::Office => "office",
            Self::Crossing => "crossing",
            Self::Parking => "parking",
        }
    }
}

impl FromStr for SceneKind {
    type Err = SimError;

    fn from_str(name: &str) -> Result<Self, SimError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| SimError::UnknownScene(name.to_owned()))
    }
}

/// Size, rate and seed of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SceneOptions {
    /// Width in pixels: even, 64..=3840.
    pub width: u32,
    /// Height in pixels: even, 64..=2160.
    pub height: u32,
    /// Frames per second, 1..=60.
    pub fps: u32,
    /// Another seed is another day: other clothes, other houses, slightly other times.
    pub seed: u64,
}

impl Default for SceneOptions {
    fn default() -> Self {
        Self { width: 640, height: 360, fps: 10, seed: 1 }
    }
}

/// One picture of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Packed 8-bit R, G, B, `width * height * 3` bytes.
    pub rgb: Vec<u8>,
    /// What it shows, far to near.
    pub truth: Vec<TruthObject>,
}

/// A scene with its backdrop drawn and its actors cast.
pub struct Scene {
    kind: SceneKind,
    options: SceneOptions,
    backdrop: Vec<u8>,
    noise: Vec<i8>,
    actors: Vec<Actor>,
}

/// Draws one frame; [`Scene`] is cheaper for more than one.
///
/// # Errors
/// When the options are out of range.
pub fn render(kind: SceneKind, options: &SceneOptions, index: usize) -> Result<Picture, SimError> {
    Ok(Scene::new(kind, options)?.render(index))
}

impl Scene {
    /// Draws the backdrop and casts the actors.
    ///
    /// # Errors
    /// When the options are out of range.
    pub fn new(kind: SceneKind, options: &SceneOptions) -> Result<Self, SimError> {
        let &SceneOptions { width, height, fps, seed } = options;
        let size_fits = (64..=3840).contains(&width) && (64..=2160).contains(&height);
        if !size_fits || width % 2 != 0 || height % 2 != 0 {
            let message = format!("size {width}x{height} must be even and between 64x64 and 3840x2160");
            return Err(SimError::Settings(message));
        }
        if !(1..=60).contains(&fps) {
            return Err(SimError::Settings(format!("fps {fps} must be between 1 and 60")));
        }
        let Some(mut pixmap) = Pixmap::new(width, height) else {
            return Err(SimError::Settings(format!("no memory for a picture of {width}x{height}")));
        };
        let transform = Transform::from_scale(width as f32 / backdrop::WIDTH, height as f32 / backdrop::HEIGHT);
        backdrop::draw(kind, &mut Brush::new(&mut pixmap, transform), &mut Random::new(seed, 2));
        let actors = script::actors(kind, &mut Random::new(seed, 1));
        Ok(Self { kind, options: *options, backdrop: textured(&pixmap, seed), noise: noise_tile(seed), actors })
    }

    /// Which place.
    #[must_use]
    pub const fn kind(&self) -> SceneKind {
        self.kind
    }

    /// Size, rate and seed.
    #[must_use]
    pub const fn options(&self) -> &SceneOptions {
        &self.options
    }

    /// Frames until the scene begins again.
    #[must_use]
    pub const fn frames(&self) -> usize {
        (LOOP_SECS * self.options.fps) as usize
    }

    /// How many objects come and go in one round; ids are 1..= this.
    #[must_use]
    pub const fn objects(&self) -> usize {
        self.actors.len()
    }

    /// Draws frame `index` (any index: the scene repeats).
    #[must_use]
    pub fn render(&self, index: usize) -> Picture {
        let present = self.present(index % self.frames());
        let mut rgb = self.backdrop.clone();
        for (_, actor, place) in &present {
            if let Some(shadow) = self.layer(actor, *place, true) {
                self.blend(&mut rgb, &shadow, |_| {});
            }
        }
        // Whose pixel it is: position in `present` plus one.
        let mut owners = vec![0u8; self.pixels()];
        let mut layers = Vec::with_capacity(present.len());
        for (position, (_, actor, place)) in present.iter().enumerate() {
            let Some(layer) = self.layer(actor, *place, false) else { continue };
            let owner = u8::try_from(position + 1).unwrap_or(u8::MAX);
            self.blend(&mut rgb, &layer, |pixel| owners[pixel] = owner);
            layers.push((owner, layer));
        }
        let truth = layers
            .iter()
            .filter_map(|(owner, layer)| {
                let (number, actor, _) = present[usize::from(*owner) - 1];
                let (bbox, visible) = self.visible_part(&owners, *owner, layer)?;
                let id = u64::try_from(number + 1).unwrap_or(u64::MAX);
                Some(TruthObject { id, label: actor.look.label(), bbox, visible })
            })
            .collect();
        self.add_noise(&mut rgb, index % self.frames());
        Picture { width: self.options.width, height: self.options.height, rgb, truth }
    }

    /// Draws frame `index` with nobody in it: the same noise over the backdrop alone.
    #[must_use]
    pub fn render_empty(&self, index: usize) -> Vec<u8> {
        let mut rgb = self.backdrop.clone();
        self.add_noise(&mut rgb, index % self.frames());
        rgb
    }

    const fn pixels(&self) -> usize {
        self.options.width as usize * self.options.height as usize
    }

    /// Who is on the stage, far to near, with their number in the cast.
    fn present(&self, index: usize) -> Vec<(usize, &Actor, Place)> {
        let time = index as f32 / self.options.fps as f32;
        let mut present: Vec<_> = self
            .actors
            .iter()
            .enumerate()
            .filter_map(|(number, actor)| actor.at(time).map(|place| (number, actor, place)))
            .collect();
        present.sort_by(|(_, _, a), (_, _, b)| a.y.total_cmp(&b.y));
        present
    }

    /// Draws an actor, or its shadow, on a pixmap just large enough.
    fn layer(&self, actor: &Actor, place: Place, shadow: bool) -> Option<Layer> {
        let scale_x = self.options.width as f32 / backdrop::WIDTH;
        let scale_y = self.options.height as f32 / backdrop::HEIGHT;
        let (x, y) = (place.x * scale_x, place.y * scale_y);
        let (metre_x, metre_y) = (place.pixels_per_metre * scale_x, place.pixels_per_metre * scale_y);
        let reach = actor.look.reach();
        let (up, down) = if shadow { (0.5, 0.5) } else { (reach.up, reach.down) };
        let left = (x - reach.side * metre_x).floor();
        let top = (y - up * metre_y).floor();
        let width = (x + reach.side * metre_x).ceil() - left;
        let height = (y + down * metre_y).ceil() - top;
        let mut pixmap = Pixmap::new(width as u32, height as u32)?;
        let transform = Transform::from_row(metre_x, 0.0, 0.0, metre_y, x - left, y - top);
        let mut brush = Brush::new(&mut pixmap, transform);
        if shadow {
            actor.look.draw_shadow(&mut brush);
        } else {
            actor.look.draw(&mut brush, place.pose);
        }
        Some(Layer { left: left as i64, top: top as i64, pixmap })
    }

    /// Puts a layer over the picture and names each pixel inside the frame that it covers.
    fn blend(&self, rgb: &mut [u8], layer: &Layer, mut covered: impl FnMut(usize)) {
        let (width, height) = (i64::from(self.options.width), i64::from(self.options.height));
        let layer_width = i64::from(layer.pixmap.width());
        for (row, pixels) in (layer.top..).zip(layer.pixmap.data().chunks_exact(layer.pixmap.width() as usize * 4)) {
            if !(0..height).contains(&row) {
                continue;
            }
            let from = (-layer.left).clamp(0, layer_width);
            let to = (width - layer.left).clamp(from, layer_width);
            for column in from..to {
                let at = column as usize * 4;
                let [red, green, blue, alpha] = [pixels[at], pixels[at + 1], pixels[at + 2], pixels[at + 3]];
                if alpha == 0 {
                    continue;
                }
                let pixel = (row * width + layer.left + column) as usize;
                let under = &mut rgb[pixel * 3..pixel * 3 + 3];
                for (below, above) in under.iter_mut().zip([red, green, blue]) {
                    // The layer's colours are premultiplied.
                    let kept = u16::from(*below) * (255 - u16::from(alpha)) / 255;
                    *below = (u16::from(above) + kept).min(255) as u8;
                }
                if alpha >= SOLID {
                    covered(pixel);
                }
            }
        }
    }

    /// The box around an owner's pixels, and which part of all its pixels they are.
    fn visible_part(&self, owners: &[u8], owner: u8, layer: &Layer) -> Option<(BoxInFrame, f32)> {
        let (width, height) = (self.options.width as usize, self.options.height as usize);
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
        let visible = count as f32 / solid.max(1) as f32;
        if count == 0 || visible < LEAST_VISIBLE {
            return None;
        }
        let across = |x: usize| x as f32 / width as f32;
        let down = |y: usize| y as f32 / height as f32;
        Some((BoxInFrame::from_edges(across(left), down(top), across(right), down(bottom)), visible))
    }

    fn add_noise(&self, rgb: &mut [u8], index: usize) {
        let width = self.options.width as usize;
        let mut random = Random::new(index as u64, 5);
        for row in rgb.chunks_exact_mut(width * 3) {
            // Another piece of the tile for each row of each frame, so that the grain never shows a pattern.
            let start = random.next() as usize % (self.noise.len() - width);
            let grain = &self.noise[start..start + width];
            for (pixel, &noise) in row.chunks_exact_mut(3).zip(grain) {
                pixel[0] = pixel[0].saturating_add_signed(noise);
                pixel[1] = pixel[1].saturating_add_signed(noise);
                pixel[2] = pixel[2].saturating_add_signed(noise);
            }
        }
    }
}

/// An actor's own pixels and where they go.
struct Layer {
    left: i64,
    top: i64,
    pixmap: Pixmap,
}

/// Roughly normal: the sum of three uniform values.
fn noise_tile(seed: u64) -> Vec<i8> {
    let mut random = Random::new(seed, 3);
    let mut sample = || (0..3).map(|_| random.between(-NOISE, NOISE)).sum::<f32>() / 2.0;
    (0..65_537).map(|_| sample().round() as i8).collect()
}

/// The backdrop's pixels with the unevenness that painted surfaces lack: blotches of several sizes, and grain.
fn textured(pixmap: &Pixmap, seed: u64) -> Vec<u8> {
    let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
    let mut unevenness = vec![0f32; width * height];
    for (stream, cell, strength) in [(10, 48, 3.0), (11, 17, 3.0), (12, 5, 3.5), (13, 2, 3.5)] {
        add_blotches(&mut unevenness, width, cell, strength, &mut Random::new(seed, stream));
    }
    let pixels = pixmap.data().chunks_exact(4).zip(&unevenness);
    pixels
        .flat_map(|(p, &by)| [p[0], p[1], p[2]].map(|c| (f32::from(c) + by).round().clamp(0.0, 255.0) as u8))
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
