//! Y'CbCr to R'G'B' for a row of blended samples.

use super::axis::{LANES, Lanes, SAMPLE_BITS, upper_half};
use crate::{
    frame::{ColorMatrix, ColorRange, Colorimetry},
    simd::kernel,
};

/// The matrix as numbers on the 0..=255 scale. Sources: ITU-R BT.601-7 and BT.709-6, sections 2.5.1 and 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix {
    /// Luma of black.
    pub black: f64,
    /// Factor of luma.
    pub luma: f64,
    /// Factor of Cr in red.
    pub red_cr: f64,
    /// Factor of Cb in green (negative).
    pub green_cb: f64,
    /// Factor of Cr in green (negative).
    pub green_cr: f64,
    /// Factor of Cb in blue.
    pub blue_cb: f64,
}

impl Matrix {
    pub(super) const fn new(colorimetry: Colorimetry) -> Self {
        let (red_weight, blue_weight) = match colorimetry.matrix {
            ColorMatrix::Bt601 => (0.299, 0.114),
            ColorMatrix::Bt709 => (0.2126, 0.0722),
        };
        let green_weight = 1.0 - red_weight - blue_weight;
        let (black, luma, chroma) = match colorimetry.range {
            ColorRange::Limited => (16.0, 255.0 / 219.0, 255.0 / 224.0),
            ColorRange::Full => (0.0, 1.0, 1.0),
        };
        let red_cr = 2.0 * (1.0 - red_weight) * chroma;
        let blue_cb = 2.0 * (1.0 - blue_weight) * chroma;
        Self {
            black,
            luma,
            red_cr,
            green_cb: -blue_cb * blue_weight / green_weight,
            green_cr: -red_cr * red_weight / green_weight,
            blue_cb,
        }
    }
}

/// Fractional bits of a converted value before rounding.
const RESULT_BITS: u32 = 5;

/// The matrix in fixed point.
struct Conversion {
    /// Luma of black in Q6.
    black: i16,
    /// Q14: the largest is 1.164.
    luma: i16,
    /// Q13: the largest is 2.112.
    red_cr: i16,
    green_cb: i16,
    green_cr: i16,
    blue_cb: i16,
}

impl Conversion {
    const fn new(matrix: ColorMatrix, range: ColorRange) -> Self {
        let matrix = Matrix::new(Colorimetry { matrix, range });
        Self {
            black: fixed(matrix.black, SAMPLE_BITS),
            luma: fixed(matrix.luma, 14),
            red_cr: fixed(matrix.red_cr, 13),
            green_cb: fixed(matrix.green_cb, 13),
            green_cr: fixed(matrix.green_cr, 13),
            blue_cb: fixed(matrix.blue_cb, 13),
        }
    }
}

const fn fixed(value: f64, bits: u32) -> i16 {
    (value * (1u32 << bits) as f64).round() as i16
}

kernel! {
    /// Converts one row of Y, U and V (Q6) to rounded R, G and B.
    pub(super) fn convert(colorimetry: Colorimetry, yuv: [&Lanes<i16>; 3], into: &mut [Vec<[u8; LANES]>; 3]) {
        // One loop for each matrix, with its factors as constants: see `upper_half`.
        match (colorimetry.matrix, colorimetry.range) {
            (ColorMatrix::Bt601, ColorRange::Limited) => {
                convert_by(const { &Conversion::new(ColorMatrix::Bt601, ColorRange::Limited) }, yuv, into);
            }
            (ColorMatrix::Bt601, ColorRange::Full) => {
                convert_by(const { &Conversion::new(ColorMatrix::Bt601, ColorRange::Full) }, yuv, into);
            }
            (ColorMatrix::Bt709, ColorRange::Limited) => {
                convert_by(const { &Conversion::new(ColorMatrix::Bt709, ColorRange::Limited) }, yuv, into);
            }
            (ColorMatrix::Bt709, ColorRange::Full) => {
                convert_by(const { &Conversion::new(ColorMatrix::Bt709, ColorRange::Full) }, yuv, into);
            }
        }
    }
}

#[inline(always)]
fn convert_by(by: &Conversion, [y, u, v]: [&Lanes<i16>; 3], [red, green, blue]: &mut [Vec<[u8; LANES]>; 3]) {
    let samples = y.iter().zip(u).zip(v);
    for (((red, green), blue), ((y, u), v)) in red.iter_mut().zip(green).zip(blue).zip(samples) {
        for lane in 0..LANES {
            // Luma to Q7 and chroma to Q8, the most that fits 16 bits; with factors in Q14 and Q13 both products' upper
            // halves are in Q5.
            let luma = upper_half((y[lane] - by.black) << 1, by.luma);
            let cb = (u[lane] - (128 << SAMPLE_BITS)) << 2;
            let cr = (v[lane] - (128 << SAMPLE_BITS)) << 2;
            red[lane] = rounded(luma + upper_half(cr, by.red_cr));
            green[lane] = rounded(luma + upper_half(cb, by.green_cb) + upper_half(cr, by.green_cr));
            blue[lane] = rounded(luma + upper_half(cb, by.blue_cb));
        }
    }
}

/// A Q5 value to the nearest of 0..=255.
#[inline(always)]
fn rounded(value: i16) -> u8 {
    const HALF: i16 = 1 << (RESULT_BITS - 1);
    ((value + HALF) >> RESULT_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_those_of_the_recommendations() {
        let limited_601 = Matrix::new(Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Limited });
        for (found, known) in [
            (limited_601.luma, 1.164),
            (limited_601.red_cr, 1.596),
            (limited_601.green_cb, -0.392),
            (limited_601.green_cr, -0.813),
            (limited_601.blue_cb, 2.017),
        ] {
            assert!((found - known).abs() < 1e-3, "{found} is not {known}");
        }
        let full_709 = Matrix::new(Colorimetry { matrix: ColorMatrix::Bt709, range: ColorRange::Full });
        for (found, known) in [
            (full_709.luma, 1.0),
            (full_709.red_cr, 1.5748),
            (full_709.green_cb, -0.1873),
            (full_709.green_cr, -0.4681),
            (full_709.blue_cb, 1.8556),
        ] {
            assert!((found - known).abs() < 1e-4, "{found} is not {known}");
        }
    }
}
