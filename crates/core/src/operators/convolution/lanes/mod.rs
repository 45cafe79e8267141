//! Vectors of sums, a lane for each output, in the instructions that CPUs have for them.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Convolution, TOGETHER, run::Image};
use crate::simd::{Kind, Level};

/// Outputs come in multiples of so many.
pub(super) const LANES: usize = 16;

/// Lanes of 32 bits: sums, or four bytes each.
///
/// # Safety
/// Every function may be called only where the CPU has the type's instructions.
pub(super) trait Vector: Copy {
    const LANES: usize;
    /// As many `f32`.
    type Floats: Copy;

    /// The first lanes.
    unsafe fn weights(weights: &[[i8; TOGETHER]]) -> Self;
    unsafe fn integers(integers: &[i32]) -> Self;
    unsafe fn floats(floats: &[f32]) -> Self::Floats;
    /// The same four bytes in each lane.
    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self;
    /// In each lane a byte of each row, from `at` on, and a zero.
    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self;
    /// Adds the products of a lane's unsigned `bytes` with its signed `weights`.
    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self;
    /// Sums to bytes: scaled, rounded to the nearest, ties to even, moved, held within a byte.
    unsafe fn store(sums: Self, scale: Self::Floats, zero_point: u8, into: &mut [u8]);
}

pub(super) fn is_fast(level: Level) -> bool {
    matches!(level.kind(), Kind::AvxVnni | Kind::Avx512)
}

pub(super) fn run(layer: &Convolution, level: Level, image: &Image<'_>, output: &mut [u8]) {
    match level.kind() {
        // SAFETY: a `Level` of this kind is made only where the CPU was asked for these features.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { x86::avx512(layer, image, output) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::AvxVnni => unsafe { x86::avx_vnni(layer, image, output) },
        // SAFETY: this one needs no instructions of its own.
        _ => unsafe { super::run::run::<Plain>(layer, image, 0..layer.outputs(), output) },
    }
}

/// For every CPU; the others are held against it.
#[derive(Clone, Copy)]
struct Plain([[u8; TOGETHER]; LANES]);

impl Plain {
    fn sums(self) -> [i32; LANES] {
        self.0.map(i32::from_le_bytes)
    }
}

impl Vector for Plain {
    const LANES: usize = LANES;
    type Floats = [f32; LANES];

    unsafe fn weights(weights: &[[i8; TOGETHER]]) -> Self {
        Self(std::array::from_fn(|lane| weights[lane].map(i8::cast_unsigned)))
    }

    unsafe fn integers(integers: &[i32]) -> Self {
        Self(std::array::from_fn(|lane| integers[lane].to_le_bytes()))
    }

    unsafe fn floats(floats: &[f32]) -> Self::Floats {
        std::array::from_fn(|lane| floats[lane])
    }

    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self {
        Self([bytes; LANES])
    }

    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self {
        Self(std::array::from_fn(|lane| {
            let [above, here, below] = rows.map(|row| row[at + lane]);
            [above, here, below, 0]
        }))
    }

    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self {
        let mut sums = sums.sums();
        for (sum, (bytes, weights)) in sums.iter_mut().zip(bytes.0.iter().zip(weights.0)) {
            *sum += bytes.iter().zip(weights).map(|(b, w)| i32::from(*b) * i32::from(w.cast_signed())).sum::<i32>();
        }
        Self(sums.map(i32::to_le_bytes))
    }

    unsafe fn store(sums: Self, scale: Self::Floats, zero_point: u8, into: &mut [u8]) {
        for (byte, (sum, scale)) in into.iter_mut().zip(sums.sums().into_iter().zip(scale)) {
            let scaled = (sum as f32 * scale).round_ties_even() as i32;
            *byte = (scaled + i32::from(zero_point)).clamp(0, 255) as u8;
        }
    }
}
