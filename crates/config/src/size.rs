//! Sizes carry a unit: `64KiB`, `100MiB`, `2GiB`, and decimal `100MB`.

/// What a wrong size is told.
pub(crate) const HELP: &str = "write a number and a unit: 64KiB, 100MiB or 2GiB";

/// Largest size that is taken for meant: a pebibyte.
const MAX_BYTES: f64 = (1_u64 << 50) as f64;

/// The size in bytes.
///
/// # Errors
/// In words, without quoting the text.
pub(crate) fn parse(text: &str) -> Result<u64, &'static str> {
    let text = text.trim();
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let bytes_per_unit: u32 = match unit.trim_start() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "" => return Err("a size needs a unit"),
        _ => return Err("not a size"),
    };
    let number: f64 = number.parse().map_err(|_| "not a size")?;
    let bytes = number * f64::from(bytes_per_unit);
    if bytes > MAX_BYTES {
        return Err("larger than a pebibyte");
    }
    // Whole bytes, and not negative: there is no sign in the text.
    Ok(bytes as u64)
}

/// The size as one would write it, in the greatest unit of which it is a whole number.
pub(crate) fn display(bytes: u64) -> String {
    for (unit, length) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes.is_multiple_of(length) && bytes > 0 {
            return format!("{}{unit}", bytes / length);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_unit_has_its_size() {
        for (text, bytes) in [
            ("64KiB", 65_536),
            ("1.5MiB", 1_572_864),
            (" 2 GiB ", 2_147_483_648),
            ("100MB", 100_000_000),
            ("1kB", 1000),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "10", "MiB", "-1MiB", "1mib", "1.2.3MiB", "1e3MiB", "ten MiB", "NaNMiB", ".MiB", "99999999GiB"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("10"), Err("a size needs a unit"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_the_same(kibibytes in 1_u64..1 << 39) {
            prop_assert_eq!(parse(&display(kibibytes * 1024)), Ok(kibibytes * 1024));
        }
    }
}
