//! What one look takes from a frame.

use super::{COLUMNS, ROWS};
use crate::frame::{ColorRange, FrameView, PixelFormat};

/// So many of a hundred points may be bright in a black picture: a camera's clock and name, in the smallest streams.
const BRIGHT_PERCENT: usize = 3;
/// So many of a hundred may be darker than what counts as the darkest.
const DARKEST_PERCENT: usize = 3;

/// How bright a black picture may be, in thousandths of the way from black to white.
struct DarkLimits {
    brightest: usize,
    /// From the darkest to the brightest.
    spread: usize,
}

/// A sensor without light gives up to a twentieth of white when its gain is at its highest, and noise of about as much.
const BECOMES_DARK: DarkLimits = DarkLimits { brightest: 100, spread: 60 };
/// What is dark already stays it up to here.
const STAYS_DARK: DarkLimits = DarkLimits { brightest: 140, spread: 100 };

/// One look.
pub struct Sample {
    /// Equal for equal pictures, and for hardly any others.
    pub picture: u64,
    /// Luma of the points, 0..=255.
    histogram: [u16; 256],
    points: usize,
    range: ColorRange,
}

/// Looks at `view`. What lies outside of its planes counts as absent.
pub fn take(view: &FrameView<'_>) -> Sample {
    match view.format {
        PixelFormat::Nv12 | PixelFormat::I420 => take_as(view, view.colorimetry.range, |[luma]| luma),
        PixelFormat::Rgb => take_as(view, ColorRange::Full, luma_of_rgb),
    }
}

/// Of a plane whose pixels have `BYTES` each, which `luma` makes one of.
fn take_as<const BYTES: usize>(view: &FrameView<'_>, range: ColorRange, luma: impl Fn([u8; BYTES]) -> u8) -> Sample {
    let plane = &view.planes[0];
    let mut hash = RowHash::new(view.width, view.height);
    let mut sample = Sample { picture: 0, histogram: [0; 256], points: 0, range };
    for index in 0..ROWS {
        let start = middle_of_part::<ROWS>(index, view.height) * plane.stride;
        let Some(row) = plane.data.get(start..start + view.width * BYTES) else { continue };
        hash.add(row);
        let (pixels, _) = row.as_chunks::<BYTES>();
        for index in 0..COLUMNS {
            let Some(pixel) = pixels.get(middle_of_part::<COLUMNS>(index, view.width)) else { continue };
            sample.histogram[usize::from(luma(*pixel))] += 1;
            sample.points += 1;
        }
    }
    sample.picture = hash.value();
    sample
}

/// The middle of part `index` of `PARTS` equal ones of `0..length`.
const fn middle_of_part<const PARTS: usize>(index: usize, length: usize) -> usize {
    (2 * index + 1) * length / (2 * PARTS)
}

/// By the weights of BT.601, in 256ths.
fn luma_of_rgb([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    (sum >> 8) as u8
}

impl Sample {
    /// Whether the picture is black. What `was_dark` needs more light to be no longer.
    pub fn is_dark(&self, was_dark: bool) -> bool {
        if self.points == 0 {
            return false;
        }
        let limits = if was_dark { STAYS_DARK } else { BECOMES_DARK };
        let darkest = self.brightness_above(self.points * DARKEST_PERCENT / 100);
        let brightest = self.brightness_above(self.points - 1 - self.points * BRIGHT_PERCENT / 100);
        brightest <= limits.brightest && brightest - darkest <= limits.spread
    }

    /// In thousandths, of the point that `points` others are not brighter than.
    fn brightness_above(&self, points: usize) -> usize {
        let mut seen = 0;
        let above = |count: &u16| {
            seen += usize::from(*count);
            seen > points
        };
        let luma = self.histogram.iter().position(above).unwrap_or_default();
        match self.range {
            ColorRange::Full => luma * 1000 / 255,
            // Black is 16, and what a decoder gives below it is no blacker.
            ColorRange::Limited => luma.saturating_sub(16) * 1000 / 219,
        }
    }
}

/// Four sums side by side, because each step of one waits for its multiplication.
struct RowHash([u64; 4]);

impl RowHash {
    /// An odd number without a pattern (2^64 divided by the golden section), as multiplicative hashes want it.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

    fn new(width: usize, height: usize) -> Self {
        let mut hash = Self([1, 2, 3, 4]);
        hash.step([width as u64, height as u64, 0, 0]);
        hash
    }

    fn step(&mut self, words: [u64; 4]) {
        for (sum, word) in self.0.iter_mut().zip(words) {
            *sum = (sum.rotate_left(29) ^ word).wrapping_mul(Self::FACTOR);
        }
    }

    fn add(&mut self, row: &[u8]) {
        let (blocks, rest) = row.as_chunks::<32>();
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            self.step([0, 1, 2, 3].map(|word| u64::from_le_bytes(words[word])));
        }
        for byte in rest {
            self.step([u64::from(*byte), 0, 0, 0]);
        }
    }

    fn value(&self) -> u64 {
        self.0.iter().fold(0, |value: u64, sum| (value.rotate_left(31) ^ sum).wrapping_mul(Self::FACTOR))
    }
}
