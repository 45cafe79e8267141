//! Names of files and folders: safe everywhere, and in the order of time.

use sightline_core::time::WallTime;

/// Longest part of a name that is not shortened, in bytes; file systems take 255 for the whole.
const LONGEST: usize = 80;
/// Length of [`time`]'s text.
const TIME_LENGTH: usize = "20261124T023548.123Z".len();

/// A camera's id, a label or whatever else as a part of a name: letters, digits, `-`, `_` and `.` stay. When anything had
/// to be replaced, a hash keeps different texts apart: `Türe 1` and `Türe-1` are two cameras.
pub fn safe(text: &str) -> String {
    let stays = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name: String = text.chars().map(|c| if stays(c) { c } else { '_' }).take(LONGEST).collect();
    // A leading point would hide it, or be `..`.
    if name.starts_with('.') || name.is_empty() {
        name.insert(0, '_');
    }
    if name == text { name } else { format!("{name}~{:08x}", hash(text)) }
}

/// FNV-1a of 64 bits, folded to 32: the same in every version of this program, which std's hashers do not promise.
///
/// Source: draft-eastlake-fnv.
fn hash(text: &str) -> u32 {
    let mixed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (mixed >> 32) as u32 ^ mixed as u32
}

/// `20261124T023548.123Z`: the form of ISO 8601 that holds no colon, which some file systems refuse.
pub fn time(time: WallTime) -> String {
    time.to_string().replace(['-', ':'], "")
}

/// The time that a file's name begins with; `None` when the file is none of ours.
pub fn time_of(file_name: &str) -> Option<WallTime> {
    let text = file_name.get(..TIME_LENGTH).filter(|_| file_name[TIME_LENGTH..].starts_with('-'))?;
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let [year, month, day] = [part(0..4), part(4..6), part(6..8)];
    let [hour, minute, rest] = [part(9..11), part(11..13), part(13..20)];
    format!("{year}-{month}-{day}T{hour}:{minute}:{rest}").parse().ok().filter(|_| text.as_bytes()[8] == b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe_stays_and_the_rest_is_replaced_and_kept_apart() {
        assert_eq!(safe("front-door_2.b"), "front-door_2.b");
        for text in
            ["traffic light", "../../etc", "..", ".", "", "a/b", "türe", "a:b", "CON?", &"x".repeat(300), "a\0b"]
        {
            let name = safe(text);
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)), "{name}");
            assert!(!name.starts_with('.') && !name.is_empty() && name.len() < 100, "{name}");
            assert_ne!(name, text);
        }
        assert!(safe("traffic light").starts_with("traffic_light~"));
        assert_ne!(safe("a/b"), safe("a:b"));
        assert_ne!(safe(&"x".repeat(300)), safe(&"x".repeat(301)));
    }

    #[test]
    fn hashes_are_those_of_fnv_1a() {
        // The 64-bit test vectors of the draft: "" and "foobar".
        assert_eq!(hash(""), 0xcbf2_9ce4 ^ 0x8422_2325);
        assert_eq!(hash("foobar"), 0x8594_4171 ^ 0xf739_67e8);
    }

    #[test]
    fn times_are_written_sortably_and_read_back() {
        let moment = WallTime::from_micros(1_700_000_000_123_000);
        assert_eq!(time(moment), "20231114T221320.123Z");
        assert_eq!(time_of("20231114T221320.123Z-person-17.jpg"), Some(moment));
        for other in ["", "person.jpg", "20231114T221320.123Z", "20231114-221320.123Z-a.jpg", "2023111üT221320.123Z-a"]
        {
            assert_eq!(time_of(other), None, "{other}");
        }
        assert!(time(moment) < time(WallTime::from_micros(1_700_000_000_124_000)));
    }
}
