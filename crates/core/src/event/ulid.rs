//! Identifiers of events and of the daemon's runs.

use serde::{Serialize, Serializer};

use crate::time::WallTime;

/// A 128-bit identifier that sorts by time: 48 bits of milliseconds, 80 bits of randomness.
///
/// Source: the ULID specification (github.com/ulid/spec). Written in Crockford's base 32, 26 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(u128);

impl Ulid {
    /// From a moment and 80 random bits (the upper 48 bits of `random` are ignored).
    #[must_use]
    pub fn new(time: WallTime, random: u128) -> Self {
        let millis = u128::try_from(time.as_millis()).unwrap_or(0) & ((1 << 48) - 1);
        Self(millis << 80 | random & ((1 << 80) - 1))
    }

    /// The lower 80 bits.
    #[must_use]
    pub const fn random_part(self) -> u128 {
        self.0 & ((1 << 80) - 1)
    }
}

impl std::fmt::Display for Ulid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        for digit in (0..26).rev() {
            let index = (self.0 >> (5 * digit) & 31) as usize;
            write!(f, "{}", char::from(ALPHABET[index]))?;
        }
        Ok(())
    }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulids_are_written_as_the_specification_has_them() {
        // The specification's own example: 01ARZ3NDEKTSV4RRFFQ69G5FAV is 1469922850259 ms.
        let ulid = Ulid::new(WallTime::from_micros(1_469_922_850_259_000), 0xD676_4C61_EFB9_9302_BD5B);
        assert_eq!(ulid.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    }

    #[test]
    fn ulids_sort_by_time() {
        let early = Ulid::new(WallTime::from_micros(1_000_000), u128::MAX);
        let late = Ulid::new(WallTime::from_micros(2_000_000), 0);
        assert!(early < late && early.to_string() < late.to_string());
    }
}
