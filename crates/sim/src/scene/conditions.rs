//! Light, weather and what the camera adds: everything that changes a picture and not what is in it.

use super::{
    SceneKind,
    paint::{Glass, Rgb, Xy},
};
use crate::random::Random;

/// Where the light comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// The sun shines: hard shadows.
    Day,
    /// A grey sky: soft shadows.
    Overcast,
    /// The sun is down, lamps are on.
    Dusk,
    /// Dark but for street lamps and headlights.
    Night,
    /// The camera's own infrared lamp at night: a grey picture.
    Infrared,
    /// Lamps in a room.
    Indoors,
}

/// What falls from the sky or hangs in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Clear,
    /// Streaks over the picture.
    Rain,
    /// What is far is pale.
    Fog,
    /// Flakes over the picture.
    Snow,
}

/// Under which conditions a picture is taken. They never move an object's box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Where the light comes from.
    pub light: Light,
    /// What is in the air.
    pub weather: Weather,
    /// How much of it, 0..=1.
    pub density: f32,
    /// Metres right and away that sunlight travels for each metre down.
    pub sun: (f32, f32),
    /// Amplitude of the sensor's noise, in steps of 8-bit colour.
    pub noise: f32,
    /// Seconds that the shutter is open: what moves is blurred along its way.
    pub shutter_secs: f32,
    /// Radius of the lens's blur, in thousandths of the picture's height.
    pub defocus: f32,
    /// Factor of all colours.
    pub exposure: f32,
    /// Factors of red and blue.
    pub white_balance: (f32, f32),
    /// Contrast around the middle grey; 1 changes nothing.
    pub contrast: f32,
    /// Saturation of colours; 1 changes nothing.
    pub saturation: f32,
    /// How much darker the corners are, 0..=1.
    pub vignette: f32,
}

impl Conditions {
    /// A perfect camera under a grey sky: nothing but what was drawn.
    pub const PLAIN: Self = Self {
        light: Light::Overcast,
        weather: Weather::Clear,
        density: 0.0,
        sun: (0.0, 0.0),
        noise: 0.0,
        shutter_secs: 0.0,
        defocus: 0.0,
        exposure: 1.0,
        white_balance: (1.0, 1.0),
        contrast: 1.0,
        saturation: 1.0,
        vignette: 0.0,
    };

    /// A scene's own: each its light and weather, the noise and blur of a good camera.
    #[must_use]
    pub const fn of(kind: SceneKind) -> Self {
        let usual = Self { noise: 2.4, shutter_secs: 0.012, vignette: 0.12, ..Self::PLAIN };
        match kind {
            SceneKind::Street => Self { light: Light::Day, sun: (0.55, 0.3), ..usual },
            SceneKind::Office => Self { light: Light::Indoors, ..usual },
            SceneKind::Crossing => Self { weather: Weather::Rain, density: 0.3, ..usual },
            SceneKind::Parking => Self { light: Light::Dusk, noise: 3.0, ..usual },
        }
    }

    /// Of any day and any camera.
    pub(crate) fn random(random: &mut Random, indoors: bool) -> Self {
        let light = if indoors {
            random.one_of(&[Light::Indoors, Light::Indoors, Light::Indoors, Light::Infrared])
        } else {
            random.one_of(&[
                Light::Day,
                Light::Day,
                Light::Day,
                Light::Overcast,
                Light::Overcast,
                Light::Overcast,
                Light::Dusk,
                Light::Night,
                Light::Infrared,
            ])
        };
        let weather = if indoors || random.chance(0.62) {
            Weather::Clear
        } else {
            random.one_of(&[Weather::Rain, Weather::Fog, Weather::Snow])
        };
        let is_dark = matches!(light, Light::Night | Light::Infrared);
        let noise = random.between(0.0, 1.0);
        let blurred = random.chance(0.35);
        Self {
            light,
            weather,
            density: random.between(0.15, 0.9),
            sun: (random.between(-1.3, 1.3), random.between(-0.5, 0.9)),
            noise: 1.0 + 6.0 * noise * noise + if is_dark { random.between(0.0, 4.0) } else { 0.0 },
            shutter_secs: random.between(0.0, if is_dark { 0.03 } else { 0.02 }),
            defocus: if blurred { random.between(0.5, 3.6) } else { 0.0 },
            exposure: random.between(0.8, 1.25),
            white_balance: (random.between(0.92, 1.08), random.between(0.9, 1.1)),
            contrast: random.between(0.82, 1.2),
            saturation: random.between(0.6, 1.2),
            vignette: random.between(0.0, 0.35),
        }
    }

    /// Whether lamps of vehicles and windows are on.
    pub(crate) const fn lamps(&self) -> bool {
        matches!(self.light, Light::Dusk | Light::Night | Light::Infrared)
    }

    /// Whether the sun makes shadows.
    pub(crate) const fn casts_shadows(&self) -> bool {
        matches!(self.light, Light::Day) && matches!(self.weather, Weather::Clear)
    }

    pub(crate) const fn tint(&self) -> [f32; 3] {
        match self.light {
            Light::Day => [1.04, 1.02, 0.97],
            Light::Overcast => [0.92, 0.94, 0.96],
            Light::Dusk => [0.76, 0.66, 0.66],
            Light::Night => [0.3, 0.3, 0.36],
            Light::Infrared => [0.5, 0.5, 0.5],
            Light::Indoors => [1.0, 0.98, 0.94],
        }
    }

    /// The air's colour, and metres after which two thirds of what is seen is air.
    pub(crate) fn haze(&self) -> (Rgb, f32) {
        let air = match self.light {
            Light::Day => Rgb(206, 214, 224),
            Light::Overcast | Light::Indoors => Rgb(196, 200, 204),
            Light::Dusk => Rgb(126, 112, 116),
            Light::Night => Rgb(52, 54, 62),
            Light::Infrared => Rgb(90, 90, 90),
        };
        let range = match self.weather {
            Weather::Fog => 60.0 - 42.0 * self.density,
            Weather::Rain | Weather::Snow => 160.0 - 90.0 * self.density,
            Weather::Clear => 900.0,
        };
        (air, if matches!(self.light, Light::Indoors) { 1e6 } else { range })
    }

    /// How a colour at that distance is seen, in this light.
    pub(crate) fn glass(&self, metres: f32, light: [f32; 3]) -> Glass {
        let (haze, range) = self.haze();
        let tint = self.tint();
        Glass {
            tint: [tint[0] * light[0], tint[1] * light[1], tint[2] * light[2]],
            haze,
            haze_amount: 1.0 - (-metres / range).exp(),
        }
    }
}

/// A round patch of lamplight on the ground, in the reference picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) at: Xy,
    pub(crate) half: Xy,
    /// Factor of red, green and blue that it adds to 1 at its middle.
    pub(crate) gain: [f32; 3],
}

impl Pool {
    /// The lamps of a place at dusk and at night, and the camera's own.
    pub(crate) fn all(conditions: &Conditions, horizon: f32, random: &mut Random) -> Vec<Self> {
        let warm = |gain: f32| [gain, gain * 0.86, gain * 0.6];
        let mut lamps = |gain: f32| {
            let from = random.between(60.0, 200.0);
            let step = random.between(190.0, 280.0);
            let row = horizon + random.between(130.0, 190.0);
            let lamp =
                |i: usize| Self { at: (from + step * i as f32, row), half: (step * 0.62, 110.0), gain: warm(gain) };
            (0..3).map(lamp).collect()
        };
        match conditions.light {
            Light::Night => lamps(1.9),
            Light::Dusk => lamps(0.35),
            Light::Infrared => {
                vec![Self { at: (320.0, horizon + 150.0), half: (330.0, 190.0), gain: [0.9; 3] }]
            }
            Light::Day | Light::Overcast | Light::Indoors => Vec::new(),
        }
    }

    /// Factors that all pools together give at a point.
    pub(crate) fn light_at(pools: &[Self], (x, y): Xy) -> [f32; 3] {
        let mut light = [1.0; 3];
        for pool in pools {
            let (dx, dy) = ((x - pool.at.0) / pool.half.0, (y - pool.at.1) / pool.half.1);
            let square = dx * dx + dy * dy;
            if square < 4.0 {
                let part = (1.0 - square / 4.0).powi(3);
                for (total, gain) in light.iter_mut().zip(pool.gain) {
                    *total += gain * part;
                }
            }
        }
        light
    }
}
