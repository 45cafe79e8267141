//! Which vector instructions the kernels use: found out at run time, so that one binary serves every CPU.
//!
//! A kernel is written once, as a plain loop. `kernel!` compiles it for each [`Level`] of the target and calls the one
//! it is told; the compiler vectorises each as far as its instructions go. All of them compute the same bits: nothing in
//! a kernel may depend on the order of float operations, and Rust never fuses a multiplication with an addition by itself.
//! Only what no compiler finds, picking bytes out of a row by a table, is written by hand ([`pick`]).

pub(crate) mod pick;

/// The vector instructions that kernels may use. One exists only for what this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Kind);

/// The levels of all targets; a target without one never makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain code for what every CPU of the target has: SSE2 on x86-64, NEON on aarch64.
    Portable,
    /// With NEON's table look-ups, which every aarch64 has.
    Neon,
    /// From Intel's Haswell (2013) and AMD's Excavator (2015) on.
    Avx2,
    /// AVX2 with products of bytes (VNNI): from Intel's Alder Lake (2021, also its N series) and AMD's Zen 5 (2024) on.
    AvxVnni,
    /// With byte permutations (VBMI) and products of bytes (VNNI): from Intel's Ice Lake (2019) and AMD's Zen 4 (2022) on.
    Avx512,
}

impl Level {
    /// Plain code for what every CPU of the target has. The others are held against it, bit for bit.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The best of this CPU. Asks it once per process; after that it costs a load.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::PORTABLE)
    }

    /// Those of this CPU, the best one last.
    pub fn available() -> impl Iterator<Item = Self> {
        let kinds = [Kind::Portable, Kind::Neon, Kind::Avx2, Kind::AvxVnni, Kind::Avx512];
        kinds.into_iter().filter(|kind| kind.is_available()).map(Self)
    }

    pub(crate) const fn kind(self) -> Kind {
        self.0
    }

    /// For benchmarks and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            Kind::Neon => "neon",
            Kind::Avx2 => "avx2",
            Kind::AvxVnni => "avx-vnni",
            Kind::Avx512 => "avx512",
        }
    }
}

impl Kind {
    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Neon => false,
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::AvxVnni => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vnni")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Portable || (self == Self::Neon && cfg!(target_arch = "aarch64"))
    }
}

/// Defines a function that takes a [`Level`] before its other arguments, and is compiled for each of them.
///
/// What its body calls has to be `#[inline(always)]`, or it is compiled for the portable level only.
macro_rules! kernel {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name(level: $crate::simd::Level, $($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($argument: $type),*) $(-> $result)? {
                    plain($($argument),*)
                }

                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    plain($($argument),*)
                }

                match level.kind() {
                    $crate::simd::Kind::Portable | $crate::simd::Kind::Neon => plain($($argument),*),
                    // SAFETY: a `Level` of this kind is made only where the CPU was asked for these features.
                    $crate::simd::Kind::Avx2 | $crate::simd::Kind::AvxVnni => unsafe { avx2($($argument),*) },
                    // SAFETY: as above.
                    $crate::simd::Kind::Avx512 => unsafe { avx512($($argument),*) },
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                let _ = level;
                plain($($argument),*)
            }
        }
    };
}

pub(crate) use kernel;
