//! The numbers in a FlexBuffers map, which is how TensorFlow Lite stores the options of custom operators. Every offset
//! is checked. Source: <https://flatbuffers.dev/flexbuffers/> and `flexbuffers.h`.

use std::collections::BTreeMap;

use super::flatbuffer::Damaged;

/// More options than any operator has.
const MOST_ENTRIES: usize = 64;
/// Longer than any option's name.
const LONGEST_KEY: usize = 64;

const INT: u8 = 1;
const UINT: u8 = 2;
const FLOAT: u8 = 3;
const MAP: u8 = 9;
const BOOL: u8 = 26;

/// The numbers and truth values (1 and 0) of the map by their keys; other values are passed over.
pub(super) fn numbers(bytes: &[u8]) -> Result<BTreeMap<&str, f64>, Damaged> {
    read_map(bytes).ok_or(Damaged { what: "the options of TFLite_Detection_PostProcess", at: 0 })
}

fn read_map(bytes: &[u8]) -> Option<BTreeMap<&str, f64>> {
    // At the end: the root's value, its type, its width.
    let (&root_width, rest) = bytes.split_last()?;
    let (&root_type, rest) = rest.split_last()?;
    let root_width = usize::from(root_width);
    let root = rest.len().checked_sub(root_width)?;
    if root_type >> 2 != MAP {
        return None;
    }
    let width = 1usize << (root_type & 3);
    let values = back(bytes, root, root_width)?;
    // Before a map's values: the offset of its keys, their width, its size.
    let size = unsigned(bytes, values.checked_sub(width)?, width)?;
    let keys_width = unsigned(bytes, values.checked_sub(2 * width)?, width)?;
    let keys = back(bytes, values.checked_sub(3 * width)?, width)?;
    if size > MOST_ENTRIES || !matches!(keys_width, 1 | 2 | 4 | 8) {
        return None;
    }
    let types = values.checked_add(size * width)?;
    let mut numbers = BTreeMap::new();
    for entry in 0..size {
        let key = text(bytes, back(bytes, keys.checked_add(entry * keys_width)?, keys_width)?)?;
        let kind = bytes.get(types.checked_add(entry)?)? >> 2;
        if let Some(number) = number(bytes, values.checked_add(entry * width)?, width, kind)? {
            numbers.insert(key, number);
        }
    }
    Some(numbers)
}

/// An offset, followed. Offsets point backwards.
fn back(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    at.checked_sub(unsigned(bytes, at, width)?)
}

fn unsigned(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    let value = match width {
        1 => u64::from(bytes[0]),
        2 => u64::from(u16::from_le_bytes(bytes.try_into().ok()?)),
        4 => u64::from(u32::from_le_bytes(bytes.try_into().ok()?)),
        8 => u64::from_le_bytes(bytes.try_into().ok()?),
        _ => return None,
    };
    usize::try_from(value).ok()
}

/// A value in the map itself. The outer `None`: damaged; the inner one: no number.
fn number(bytes: &[u8], at: usize, width: usize, kind: u8) -> Option<Option<f64>> {
    let value = bytes.get(at..at.checked_add(width)?)?;
    Some(match (kind, width) {
        (FLOAT, 4) => Some(f64::from(f32::from_le_bytes(value.try_into().ok()?))),
        (FLOAT, 8) => Some(f64::from_le_bytes(value.try_into().ok()?)),
        // The options are small and not negative.
        (INT | UINT | BOOL, _) => Some(unsigned(bytes, at, width)? as f64),
        _ => None,
    })
}

fn text(bytes: &[u8], at: usize) -> Option<&str> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(LONGEST_KEY).position(|&byte| byte == 0)?;
    std::str::from_utf8(&rest[..length]).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// {"a": 3, "b": 0.5}, values of four bytes, keys of one.
    const SMALL: [u8; 33] = [
        b'a',
        0,
        b'b',
        0, // the keys' texts
        2,
        5,
        4, // the keys: how many, and where
        0, // filled up
        3,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        2,
        0,
        0,
        0, // the map: its keys are 3 bytes back, 1 byte wide; two values
        3,
        0,
        0,
        0,
        0,
        0,
        0,
        0x3f, // the values
        4 + 2,
        12 + 2, // their types and widths
        10,
        38,
        1, // the root: 10 bytes back, a map of 4 bytes' width, 1 byte wide
    ];

    #[test]
    fn numbers_are_found_by_their_keys() {
        assert_eq!(numbers(&SMALL), Ok(BTreeMap::from([("a", 3.0), ("b", 0.5)])));
    }

    #[test]
    fn what_is_no_map_is_damaged() {
        assert!(numbers(&[]).is_err());
        for end in 0..SMALL.len() {
            assert!(numbers(&SMALL[..end]).is_err(), "cut to {end}");
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(index in 0..SMALL.len(), byte in any::<u8>()) {
            let mut bytes = SMALL;
            bytes[index] = byte;
            let _ = numbers(&bytes);
        }

        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            let _ = numbers(&bytes);
        }
    }
}
