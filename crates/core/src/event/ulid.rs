//! Identifiers of events and of the daemon's runs.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl std::fmt::Display for Ulid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// A text that is not an identifier as payloads have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier like 01ARZ3NDEKTSV4RRFFQ69G5FAV")]
pub struct NotAUlid;

impl std::str::FromStr for Ulid {
    type Err = NotAUlid;

    /// Reads what [`std::fmt::Display`] writes: capitals only, and not the letters that Crockford takes for digits.
    fn from_str(text: &str) -> Result<Self, NotAUlid> {
        // 26 digits of 5 bits are 130: the first one has 3.
        if text.len() != 26 || !text.starts_with(|first: char| first <= '7') {
            return Err(NotAUlid);
        }
        let digit = |byte| ALPHABET.iter().position(|letter| *letter == byte).ok_or(NotAUlid);
        text.bytes().try_fold(0, |value, byte| Ok(value << 5 | digit(byte)? as u128)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Ulid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
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
    fn what_is_written_is_read_back_and_other_texts_are_refused() {
        for ulid in [Ulid(0), Ulid(u128::MAX), Ulid(0x0123_4567_89AB_CDEF_0011_2233_4455_6677)] {
            assert_eq!(ulid.to_string().parse(), Ok(ulid));
        }
        for other in [
            "",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU",
            "01arz3ndektsv4rrffq69g5fav",
            "01ARZ3NDEKTSV4RRFFQ69G5Fü",
            "-1ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert_eq!(other.parse::<Ulid>(), Err(NotAUlid), "{other}");
        }
    }

    #[test]
    fn ulids_sort_by_time() {
        let early = Ulid::new(WallTime::from_micros(1_000_000), u128::MAX);
        let late = Ulid::new(WallTime::from_micros(2_000_000), 0);
        assert!(early < late && early.to_string() < late.to_string());
    }
}
