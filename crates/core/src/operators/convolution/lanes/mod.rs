//! Vectors of sums, a lane for each output, in the instructions that CPUs have for them.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Convolution, TOGETHER, run::Image};
use crate::simd::{Kind, Level};

/// Outputs come in multiples of so many.
pub(super) const LANES: usize = 16;

/// What a lane is filled with.
///
/// # Safety
/// It is of 32 bits, each of which is a value.
pub(super) unsafe trait Lane: Copy {
    fn bytes(self) -> [u8; TOGETHER];
}

// SAFETY: four bytes.
unsafe impl Lane for [i8; TOGETHER] {
    fn bytes(self) -> [u8; TOGETHER] {
        self.map(i8::cast_unsigned)
    }
}

// SAFETY: 32 bits.
unsafe impl Lane for i32 {
    fn bytes(self) -> [u8; TOGETHER] {
        self.to_le_bytes()
    }
}

// SAFETY: 32 bits.
unsafe impl Lane for f32 {
    fn bytes(self) -> [u8; TOGETHER] {
        self.to_le_bytes()
    }
}

/// Lanes of 32 bits: sums, floats, or four bytes each.
///
/// # Safety
/// Every function may be called only where the CPU has the type's instructions.
pub(super) trait Vector: Copy {
    const LANES: usize;

    /// The first of them.
    unsafe fn load<L: Lane>(lanes: &[L]) -> Self;
    /// The same four bytes in each lane.
    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self;
    /// In each lane a byte of each row, from `at` on, and a zero.
    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self;
    /// Adds the products of a lane's unsigned `bytes` with its signed `weights`.
    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self;
    /// Sums to bytes: scaled by floats, rounded to the nearest, ties to even, moved, held within a byte.
    unsafe fn store(sums: Self, scale: Self, zero_point: u8, into: &mut [u8]);
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

    unsafe fn load<L: Lane>(lanes: &[L]) -> Self {
        Self(std::array::from_fn(|lane| lanes[lane].bytes()))
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

    unsafe fn store(sums: Self, scale: Self, zero_point: u8, into: &mut [u8]) {
        for (byte, (sum, scale)) in into.iter_mut().zip(sums.sums().into_iter().zip(scale.0)) {
            let scaled = (sum as f32 * f32::from_le_bytes(scale)).round_ties_even() as i32;
            *byte = (scaled + i32::from(zero_point)).clamp(0, 255) as u8;
        }
    }
}
