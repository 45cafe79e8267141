//! Bytes to floats: the outputs of a network in int8, which come in parts, each with a scale of its own.
//!
//! As a node its inputs are what the bytes stand for, `[parts, 4]` (scale and zero point of the part and of the output), and the
//! parts, `[N, rows, columns]` bytes each. Its output is `[N, rows of all parts, columns]`.

use crate::simd::{Level, kernel};

/// The operator's name in a graph.
pub const NAME: &str = "JoinedOutput";

/// What bytes stand for: `scale` by what they are more than the zero point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// Of a step.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero_point: u8,
}

impl Quantisation {
    /// As ONNX's `DequantizeLinear`.
    fn float(self, byte: u8) -> f32 {
        (f32::from(byte) - f32::from(self.zero_point)) * self.scale
    }

    /// As ONNX's `QuantizeLinear`.
    fn byte(self, float: f32) -> u8 {
        ((float / self.scale).round_ties_even() + f32::from(self.zero_point)).clamp(0.0, 255.0) as u8
    }
}

/// What the bytes of a part stand for in the output.
#[derive(Clone, Debug)]
pub struct Table {
    floats: [f32; 256],
    /// The same as a formula that vectors can compute, where it gives the same for each byte.
    formula: Option<Formula>,
}

/// Of a byte: less `zero`, by `ratio`, rounded to even, held between `least` and `most`, by `scale`.
#[derive(Clone, Copy, Debug)]
struct Formula {
    zero: f32,
    ratio: f32,
    least: f32,
    most: f32,
    scale: f32,
}

impl Formula {
    #[inline(always)]
    fn float(self, byte: u8) -> f32 {
        let steps = ((f32::from(byte) - self.zero) * self.ratio).round_ties_even();
        // Not `clamp`, which has to look for NaN bounds. The zero that is added makes one of -0.
        (steps.max(self.least).min(self.most) + 0.0) * self.scale
    }
}

impl Table {
    /// Bytes of `part`, once more quantised as the `output` is: the same where both are the same.
    #[must_use]
    pub fn new(part: Quantisation, output: Quantisation) -> Self {
        let floats = std::array::from_fn(|byte| output.float(output.byte(part.float(byte as u8))));
        let zero = f32::from(output.zero_point);
        let formula = Formula {
            zero: f32::from(part.zero_point),
            ratio: part.scale / output.scale,
            least: -zero,
            most: 255.0 - zero,
            scale: output.scale,
        };
        let is_same = (0..=255).all(|byte| formula.float(byte).to_bits() == floats[usize::from(byte)].to_bits());
        Self { floats, formula: is_same.then_some(formula) }
    }

    /// What each byte stands for.
    ///
    /// # Panics
    /// Where `into` is not as long as `bytes`.
    pub fn look_up(&self, level: Level, bytes: &[u8], into: &mut [f32]) {
        assert_eq!(bytes.len(), into.len(), "as many floats as bytes");
        match self.formula {
            // Rounding is a call for each number without vectors that can.
            Some(formula) if level != Level::PORTABLE => compute(level, formula, bytes, into),
            _ => {
                for (byte, float) in bytes.iter().zip(into) {
                    *float = self.floats[usize::from(*byte)];
                }
            }
        }
    }
}

kernel! {
    fn compute(formula: Formula, bytes: &[u8], into: &mut [f32]) {
        for (byte, float) in bytes.iter().zip(into) {
            *float = formula.float(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn of(scale: f32, zero_point: u8) -> Quantisation {
        Quantisation { scale, zero_point }
    }

    fn found(table: &Table, bytes: &[u8]) -> Vec<f32> {
        let mut floats = vec![0.0; bytes.len()];
        table.look_up(Level::PORTABLE, bytes, &mut floats);
        floats
    }

    #[test]
    fn each_byte_is_what_it_stands_for() {
        let table = Table::new(of(0.5, 128), of(0.5, 128));
        assert_eq!(found(&table, &[0, 127, 128, 129, 255]), [-64.0, -0.5, 0.0, 0.5, 63.5]);
    }

    #[test]
    fn what_is_quantised_again_is_rounded_to_even_and_held_within_a_byte() {
        // Steps of 0.5 into steps of 1 from -2 to 253.
        let table = Table::new(of(0.5, 10), of(1.0, 2));
        assert_eq!(found(&table, &[0, 6, 11, 12, 13, 15]), [-2.0, -2.0, 0.0, 1.0, 2.0, 2.0]);
        assert_eq!(found(&Table::new(of(10.0, 0), of(1.0, 0)), &[255]), [255.0]);
    }

    #[test]
    fn vectors_compute_what_networks_have() {
        assert!(Table::new(of(0.031, 130), of(0.031, 130)).formula.is_some());
        assert!(Table::new(of(0.031, 130), of(0.057, 117)).formula.is_some());
    }

    proptest! {
        #[test]
        fn every_level_gives_the_same(
            scales in [1e-4f32..2.0, 1e-4f32..2.0], zero_points in any::<[u8; 2]>(),
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let table = Table::new(of(scales[0], zero_points[0]), of(scales[1], zero_points[1]));
            let expected: Vec<u32> = found(&table, &bytes).iter().map(|float| float.to_bits()).collect();
            for level in Level::available() {
                let mut floats = vec![0.0; bytes.len()];
                table.look_up(level, &bytes, &mut floats);
                let floats: Vec<u32> = floats.iter().map(|float| float.to_bits()).collect();
                prop_assert!(floats == expected, "{}", level.name());
            }
        }
    }
}
