//! VNNI, in vectors of AVX-512 and of AVX2.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si64, _mm_loadu_si128, _mm_packs_epi32, _mm_packus_epi16, _mm_storeu_si64,
    _mm_storeu_si128, _mm256_add_epi32, _mm256_adds_epi16, _mm256_castsi128_si256, _mm256_castsi256_ps,
    _mm256_castsi256_si128, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_cvtps_epi32, _mm256_dpbusd_avx_epi32,
    _mm256_extracti128_si256, _mm256_inserti128_si256, _mm256_loadu_si256, _mm256_mul_ps, _mm256_or_si256,
    _mm256_packs_epi32, _mm256_packus_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_slli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8,
    _mm256_unpacklo_epi16, _mm512_add_epi32, _mm512_adds_epi16, _mm512_castsi256_si512, _mm512_castsi512_ps,
    _mm512_castsi512_si256, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtps_epi32, _mm512_cvtusepi32_epi8,
    _mm512_dpbusd_epi32, _mm512_inserti64x4, _mm512_loadu_si512, _mm512_max_epi32, _mm512_mul_ps, _mm512_or_si512,
    _mm512_packs_epi32, _mm512_packus_epi16, _mm512_permutex2var_epi8, _mm512_permutexvar_epi32, _mm512_set1_epi16,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_zextsi256_si512,
};

use super::{super::run::run, Convolution, Image, Lane, TOGETHER, Vector};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) fn avx512(layer: &Convolution, image: &Image<'_>, output: &mut [u8]) {
    let outputs = layer.outputs();
    let in_pairs = outputs - outputs % Pair::LANES;
    // SAFETY: this function's features are those of the vectors.
    unsafe {
        run::<Pair>(layer, image, 0..in_pairs, output);
        if in_pairs < outputs {
            run::<__m512i>(layer, image, in_pairs..outputs, output);
        }
    }
}

#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn avx_vnni(layer: &Convolution, image: &Image<'_>, output: &mut [u8]) {
    let outputs = layer.outputs();
    let in_fours = outputs - outputs % Four::LANES;
    // SAFETY: this function's features are those of the vectors.
    unsafe {
        run::<Four>(layer, image, 0..in_fours, output);
        if in_fours < outputs {
            run::<__m256i>(layer, image, in_fours..outputs, output);
        }
    }
}

/// Two vectors of AVX-512 with VNNI and VBMI.
#[derive(Clone, Copy)]
struct Pair(__m512i, __m512i);

/// Where bytes of three rows go: of the first 32 of two rows that lie one behind the other, and of the third (64 and on), behind
/// which there are zeros, four each to 16 lanes from `first` on.
const fn interleaved(first: u8) -> [[u8; TOGETHER]; 16] {
    let mut lanes = [[0; TOGETHER]; 16];
    let mut lane = 0;
    while lane < 16 {
        let byte = first + lane as u8;
        lanes[lane] = [byte, 32 + byte, 64 + byte, 64 + 32];
        lane += 1;
    }
    lanes
}

const LOWER: [[u8; TOGETHER]; 16] = interleaved(0);
const UPPER: [[u8; TOGETHER]; 16] = interleaved(16);
/// Packing works within each 128 bits: brings their lower halves to where they belong.
const UNPACKED: [i32; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0];

impl Vector for Pair {
    const LANES: usize = 32;

    #[inline(always)]
    unsafe fn load<L: Lane>(lanes: &[L]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self(__m512i::load(lanes), __m512i::load(&lanes[16..])) }
    }

    #[inline(always)]
    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self {
        // SAFETY: the caller's promise.
        let same = unsafe { __m512i::bytes(bytes) };
        Self(same, same)
    }

    #[inline(always)]
    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self {
        // SAFETY: the slices have the 32 bytes that are read of each, the tables their 64; the caller's promise.
        unsafe {
            let above = _mm256_loadu_si256(rows[0][at..at + 32].as_ptr().cast());
            let here = _mm256_loadu_si256(rows[1][at..at + 32].as_ptr().cast());
            let below = _mm256_loadu_si256(rows[2][at..at + 32].as_ptr().cast());
            let two = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(above), here);
            let third = _mm512_zextsi256_si512(below);
            let lower = _mm512_loadu_si512(LOWER.as_ptr().cast());
            let upper = _mm512_loadu_si512(UPPER.as_ptr().cast());
            Self(_mm512_permutex2var_epi8(two, lower, third), _mm512_permutex2var_epi8(two, upper, third))
        }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Self(_mm512_dpbusd_epi32(sums.0, bytes.0, weights.0), _mm512_dpbusd_epi32(sums.1, bytes.1, weights.1))
        }
    }

    #[inline(always)]
    unsafe fn store(sums: Self, scale: Self, zero_point: u8, into: &mut [u8]) {
        let into = &mut into[..32];
        // SAFETY: the caller's promise; the slice has the 32 bytes that are written, the table its 64.
        unsafe {
            let lower = scaled_512(sums.0, scale.0);
            let upper = scaled_512(sums.1, scale.1);
            // Whatever leaves 16 bits leaves a byte as well, on the same side.
            let words = _mm512_adds_epi16(_mm512_packs_epi32(lower, upper), _mm512_set1_epi16(i16::from(zero_point)));
            let bytes = _mm512_packus_epi16(words, words);
            let order = _mm512_loadu_si512(UNPACKED.as_ptr().cast());
            let bytes = _mm512_castsi512_si256(_mm512_permutexvar_epi32(order, bytes));
            _mm256_storeu_si256(into.as_mut_ptr().cast(), bytes);
        }
    }
}

/// # Safety
/// The CPU has AVX-512, and the bits of `scale` are those of `f32`.
#[inline(always)]
unsafe fn scaled_512(sums: __m512i, scale: __m512i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_castsi512_ps(scale))) }
}

/// A vector of AVX-512 with VNNI.
impl Vector for __m512i {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load<L: Lane>(lanes: &[L]) -> Self {
        let lanes = &lanes[..16];
        // SAFETY: the slice has the 64 bytes that are read.
        unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(i32::from_le_bytes(bytes)) }
    }

    #[inline(always)]
    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self {
        // SAFETY: the slices have the 16 bytes that are read of each; the caller's promise.
        unsafe {
            let above = _mm512_cvtepu8_epi32(_mm_loadu_si128(rows[0][at..at + 16].as_ptr().cast()));
            let here = _mm512_cvtepu8_epi32(_mm_loadu_si128(rows[1][at..at + 16].as_ptr().cast()));
            let below = _mm512_cvtepu8_epi32(_mm_loadu_si128(rows[2][at..at + 16].as_ptr().cast()));
            let two = _mm512_or_si512(above, _mm512_slli_epi32::<8>(here));
            _mm512_or_si512(two, _mm512_slli_epi32::<16>(below))
        }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_dpbusd_epi32(sums, bytes, weights) }
    }

    #[inline(always)]
    unsafe fn store(sums: Self, scale: Self, zero_point: u8, into: &mut [u8]) {
        let into = &mut into[..16];
        // SAFETY: the caller's promise; the slice has the 16 bytes that are written.
        unsafe {
            let scaled = scaled_512(sums, scale);
            let moved = _mm512_add_epi32(scaled, _mm512_set1_epi32(i32::from(zero_point)));
            let moved = _mm512_max_epi32(moved, _mm512_setzero_si512());
            _mm_storeu_si128(into.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(moved));
        }
    }
}

/// Four vectors of AVX2 with VNNI, as interleaving the bytes of 32 channels leaves them: of each the lower half has four of the
/// first sixteen channels, the upper half the same four of the others.
#[derive(Clone, Copy)]
struct Four(__m256i, __m256i, __m256i, __m256i);

/// Four lanes from `at` on, and four from 16 further on.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn halves<L: Lane>(lanes: &[L], at: usize) -> __m256i {
    let (lower, upper) = (&lanes[at..at + 4], &lanes[at + 16..at + 20]);
    // SAFETY: the slices have the 16 bytes that are read of each; the caller's promise.
    unsafe {
        let lower = _mm256_castsi128_si256(_mm_loadu_si128(lower.as_ptr().cast()));
        _mm256_inserti128_si256::<1>(lower, _mm_loadu_si128(upper.as_ptr().cast()))
    }
}

impl Vector for Four {
    const LANES: usize = 32;

    #[inline(always)]
    unsafe fn load<L: Lane>(lanes: &[L]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self(halves(lanes, 0), halves(lanes, 4), halves(lanes, 8), halves(lanes, 12)) }
    }

    #[inline(always)]
    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self {
        // SAFETY: the caller's promise.
        let same = unsafe { __m256i::bytes(bytes) };
        Self(same, same, same, same)
    }

    #[inline(always)]
    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self {
        // SAFETY: the slices have the 32 bytes that are read of each; the caller's promise.
        unsafe {
            let above = _mm256_loadu_si256(rows[0][at..at + 32].as_ptr().cast());
            let here = _mm256_loadu_si256(rows[1][at..at + 32].as_ptr().cast());
            let below = _mm256_loadu_si256(rows[2][at..at + 32].as_ptr().cast());
            let zero = _mm256_setzero_si256();
            let (lower, upper) = (_mm256_unpacklo_epi8(above, here), _mm256_unpackhi_epi8(above, here));
            let (lower_third, upper_third) = (_mm256_unpacklo_epi8(below, zero), _mm256_unpackhi_epi8(below, zero));
            Self(
                _mm256_unpacklo_epi16(lower, lower_third),
                _mm256_unpackhi_epi16(lower, lower_third),
                _mm256_unpacklo_epi16(upper, upper_third),
                _mm256_unpackhi_epi16(upper, upper_third),
            )
        }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Self(
                _mm256_dpbusd_avx_epi32(sums.0, bytes.0, weights.0),
                _mm256_dpbusd_avx_epi32(sums.1, bytes.1, weights.1),
                _mm256_dpbusd_avx_epi32(sums.2, bytes.2, weights.2),
                _mm256_dpbusd_avx_epi32(sums.3, bytes.3, weights.3),
            )
        }
    }

    #[inline(always)]
    unsafe fn store(sums: Self, scale: Self, zero_point: u8, into: &mut [u8]) {
        let into = &mut into[..32];
        // SAFETY: the caller's promise; the slice has the 32 bytes that are written.
        unsafe {
            let (first, second) = (scaled_256(sums.0, scale.0), scaled_256(sums.1, scale.1));
            let (third, fourth) = (scaled_256(sums.2, scale.2), scaled_256(sums.3, scale.3));
            // Whatever leaves 16 bits leaves a byte as well, on the same side. Packing undoes the interleaving.
            let zero_point = _mm256_set1_epi16(i16::from(zero_point));
            let lower = _mm256_adds_epi16(_mm256_packs_epi32(first, second), zero_point);
            let upper = _mm256_adds_epi16(_mm256_packs_epi32(third, fourth), zero_point);
            _mm256_storeu_si256(into.as_mut_ptr().cast(), _mm256_packus_epi16(lower, upper));
        }
    }
}

/// # Safety
/// The CPU has AVX2, and the bits of `scale` are those of `f32`.
#[inline(always)]
unsafe fn scaled_256(sums: __m256i, scale: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_castsi256_ps(scale))) }
}

/// A vector of AVX2 with VNNI.
impl Vector for __m256i {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn load<L: Lane>(lanes: &[L]) -> Self {
        let lanes = &lanes[..8];
        // SAFETY: the slice has the 32 bytes that are read.
        unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn bytes(bytes: [u8; TOGETHER]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_epi32(i32::from_le_bytes(bytes)) }
    }

    #[inline(always)]
    unsafe fn columns(rows: [&[u8]; 3], at: usize) -> Self {
        // SAFETY: the slices have the 8 bytes that are read of each; the caller's promise.
        unsafe {
            let above = _mm256_cvtepu8_epi32(_mm_loadu_si64(rows[0][at..at + 8].as_ptr()));
            let here = _mm256_cvtepu8_epi32(_mm_loadu_si64(rows[1][at..at + 8].as_ptr()));
            let below = _mm256_cvtepu8_epi32(_mm_loadu_si64(rows[2][at..at + 8].as_ptr()));
            let two = _mm256_or_si256(above, _mm256_slli_epi32::<8>(here));
            _mm256_or_si256(two, _mm256_slli_epi32::<16>(below))
        }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, bytes: Self, weights: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_dpbusd_avx_epi32(sums, bytes, weights) }
    }

    #[inline(always)]
    unsafe fn store(sums: Self, scale: Self, zero_point: u8, into: &mut [u8]) {
        let into = &mut into[..8];
        // SAFETY: the caller's promise; the slice has the 8 bytes that are written.
        unsafe {
            let moved = _mm256_add_epi32(scaled_256(sums, scale), _mm256_set1_epi32(i32::from(zero_point)));
            // Signed, as the second packing reads them.
            let words = _mm_packs_epi32(_mm256_castsi256_si128(moved), _mm256_extracti128_si256::<1>(moved));
            _mm_storeu_si64(into.as_mut_ptr(), _mm_packus_epi16(words, words));
        }
    }
}
