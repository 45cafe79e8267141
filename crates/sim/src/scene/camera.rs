//! What lies between a place and its picture: rain and snow before the lens, the lens, the sensor.

use super::conditions::{Conditions, Light, Weather};
use crate::random::Random;

pub(super) struct Camera {
    conditions: Conditions,
    width: usize,
    height: usize,
    seed: u64,
    /// Values of red, green and blue after exposure, white balance and contrast.
    tones: [[u8; 256]; 3],
    /// Factor of each column and row, whose product darkens the corners; 256 is 1.
    columns: Vec<i32>,
    rows: Vec<i32>,
    noise: Vec<i8>,
}

const NOISE_TILE: usize = 65_537;

impl Camera {
    pub(super) fn new(conditions: &Conditions, width: u32, height: u32, seed: u64) -> Self {
        let (red, blue) = conditions.white_balance;
        let tone = |gain: f32| {
            std::array::from_fn(|value| {
                let exposed = value as f32 * gain * conditions.exposure;
                (118.0 + (exposed - 118.0) * conditions.contrast).round().clamp(0.0, 255.0) as u8
            })
        };
        let falloff = |size: u32| {
            let at = |i: u32| {
                let from_centre = (i as f32 + 0.5) / size as f32 * 2.0 - 1.0;
                ((1.0 - conditions.vignette * 0.5 * from_centre.powi(2)) * 256.0) as i32
            };
            (0..size).map(at).collect()
        };
        let mut random = Random::new(seed, 3);
        let amplitude = conditions.noise;
        // Roughly normal: the sum of three uniform values.
        let mut sample = || (0..3).map(|_| random.between(-amplitude, amplitude)).sum::<f32>() / 2.0;
        let noise =
            if amplitude > 0.0 { (0..NOISE_TILE).map(|_| sample().round() as i8).collect() } else { Vec::new() };
        Self {
            conditions: *conditions,
            width: width as usize,
            height: height as usize,
            seed,
            tones: [tone(red), tone(1.0), tone(blue)],
            columns: falloff(width),
            rows: falloff(height),
            noise,
        }
    }

    /// Makes the picture of what is before the lens; `index` is the frame's number.
    pub(super) fn expose(&self, rgb: &mut [u8], index: usize) {
        match self.conditions.weather {
            Weather::Rain => self.rain(rgb, index),
            Weather::Snow => self.snow(rgb, index),
            Weather::Clear | Weather::Fog => {}
        }
        let radius = self.conditions.defocus / 1000.0 * self.height as f32;
        if radius > 0.3 {
            self.blur(rgb, radius);
        }
        self.develop(rgb);
        self.add_noise(rgb, index);
    }

    fn rain(&self, rgb: &mut [u8], index: usize) {
        let mut random = Random::new(self.seed ^ (index as u64).wrapping_mul(0x9e37_79b9), 6);
        let (width, height) = (self.width as f32, self.height as f32);
        let drops = (240.0 * self.conditions.density) as usize + 20;
        let slant = random.between(-0.06, 0.14);
        for _ in 0..drops {
            let (x, y) = (random.between(0.0, width), random.between(-0.05, 1.0) * height);
            let length = random.between(0.02, 0.08) * height;
            let strength = random.between(0.1, 0.32);
            for step in 0..length as usize {
                let step = step as f32;
                self.lighten(rgb, x + slant * step, y + step, strength, 205.0);
            }
        }
    }

    fn snow(&self, rgb: &mut [u8], index: usize) {
        let mut random = Random::new(self.seed ^ (index as u64).wrapping_mul(0x9e37_79b9), 7);
        let (width, height) = (self.width as f32, self.height as f32);
        let flakes = (420.0 * self.conditions.density) as usize + 30;
        for _ in 0..flakes {
            let (x, y) = (random.between(0.0, width), random.between(0.0, height));
            let near = random.between(0.0, 1.0);
            let radius = (0.0012 + 0.006 * near.powi(4)) * height;
            let strength = random.between(0.45, 0.9) * if near > 0.85 { 0.6 } else { 1.0 };
            let reach = radius.ceil() as i32;
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    let away = (dx as f32).hypot(dy as f32);
                    let part = (radius + 0.5 - away).clamp(0.0, 1.0);
                    self.lighten(rgb, x + dx as f32, y + dy as f32, strength * part, 238.0);
                }
            }
        }
    }

    fn lighten(&self, rgb: &mut [u8], x: f32, y: f32, strength: f32, to: f32) {
        if x < 0.0 || y < 0.0 || x >= self.width as f32 || y >= self.height as f32 {
            return;
        }
        let dark = if self.conditions.lamps() { 0.6 } else { 1.0 };
        let at = (y as usize * self.width + x as usize) * 3;
        for channel in &mut rgb[at..at + 3] {
            let value = f32::from(*channel);
            *channel = (value + (to * dark - value).max(0.0) * strength) as u8;
        }
    }

    /// Two box blurs, first along rows, then along columns: near enough to a lens out of focus.
    fn blur(&self, rgb: &mut [u8], radius: f32) {
        // Weights 1, w of a three-tap or wider kernel.
        let taps = radius.ceil() as usize;
        let edge = ((radius - (taps as f32 - 1.0)) * 256.0) as u32;
        let total = 256 * (2 * taps as u32 - 1) + 2 * edge;
        let mut line = Vec::new();
        let mut pass = |rgb: &mut [u8], start: usize, stride: usize, count: usize| {
            for channel in 0..3 {
                line.clear();
                line.extend((0..count).map(|i| u32::from(rgb[start + i * stride + channel])));
                // Beyond an edge the edge's own value goes on.
                let both = |i: usize, tap: usize| line[(i + tap).min(count - 1)] + line[i.saturating_sub(tap)];
                for i in 0..count {
                    let mut sum = line[i] * 256;
                    for tap in 1..taps {
                        sum += both(i, tap) * 256;
                    }
                    sum += both(i, taps) * edge;
                    rgb[start + i * stride + channel] = (sum / total) as u8;
                }
            }
        };
        for y in 0..self.height {
            pass(rgb, y * self.width * 3, 3, self.width);
        }
        for x in 0..self.width {
            pass(rgb, x * 3, self.width * 3, self.height);
        }
    }

    fn develop(&self, rgb: &mut [u8]) {
        let grey = self.conditions.light == Light::Infrared;
        let saturation = if grey { 0 } else { (self.conditions.saturation * 256.0) as i32 };
        let keeps_tones =
            self.tones.iter().all(|tones| tones.iter().zip(0u8..=255).all(|(&tone, value)| tone == value));
        if saturation == 256 && keeps_tones {
            self.darken_corners(rgb);
            return;
        }
        for (row, &down) in rgb.chunks_exact_mut(self.width * 3).zip(&self.rows) {
            for (pixel, &across) in row.chunks_exact_mut(3).zip(&self.columns) {
                let factor = across * down;
                let mut value: [i32; 3] = std::array::from_fn(|i| (i32::from(pixel[i]) * factor) >> 16);
                // Luma of BT.601.
                let luma = (77 * value[0] + 150 * value[1] + 29 * value[2]) >> 8;
                value = value.map(|v| (luma + (((v - luma) * saturation) >> 8)).clamp(0, 255));
                for (channel, (value, tones)) in pixel.iter_mut().zip(value.into_iter().zip(&self.tones)) {
                    *channel = tones[value as usize];
                }
            }
        }
        if grey {
            // White balance has tinted the tones: the sensor has no colour filter's signal at night.
            for pixel in rgb.chunks_exact_mut(3) {
                pixel.fill(pixel[1]);
            }
        }
    }

    /// All there is to do for a scene's own conditions; plain enough for the compiler to use vector instructions.
    fn darken_corners(&self, rgb: &mut [u8]) {
        let columns: Vec<i32> = self.columns.iter().flat_map(|&column| [column; 3]).collect();
        for (row, &down) in rgb.chunks_exact_mut(self.width * 3).zip(&self.rows) {
            for (channel, &across) in row.iter_mut().zip(&columns) {
                *channel = ((i32::from(*channel) * across * down) >> 16) as u8;
            }
        }
    }

    fn add_noise(&self, rgb: &mut [u8], index: usize) {
        if self.noise.is_empty() {
            return;
        }
        let grey = self.conditions.light == Light::Infrared;
        let mut random = Random::new(index as u64 ^ self.seed.rotate_left(17), 5);
        let mut line = vec![0i16; self.width * 3];
        for row in rgb.chunks_exact_mut(self.width * 3) {
            // Another piece of the tile for each row of each frame, so that the grain never shows a pattern.
            let start = random.next() as usize % (self.noise.len() - self.width);
            let second = random.next() as usize % (self.noise.len() - self.width);
            let grain = self.noise[start..start + self.width].iter().zip(&self.noise[second..second + self.width]);
            for (pixel, (&noise, &color)) in line.chunks_exact_mut(3).zip(grain) {
                let color = if grey { 0 } else { i16::from(color / 2) };
                let noise = i16::from(noise);
                pixel[0] = noise + color;
                pixel[1] = noise;
                pixel[2] = noise - color;
            }
            // In a pass of its own, which the compiler does with vector instructions.
            for (channel, &grain) in row.iter_mut().zip(&line) {
                *channel = (i16::from(*channel) + grain).clamp(0, 255) as u8;
            }
        }
    }
}
