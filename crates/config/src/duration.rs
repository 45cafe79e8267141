//! Durations carry a unit: `10ms`, `1.5s`, `2m`, `1h`.

use std::time::Duration;

/// What a wrong duration is told.
pub(crate) const HELP: &str = "write a number and a unit: 10ms, 1.5s, 2m or 1h";

/// Longest duration that is taken for meant: ten years.
const MAX_SECONDS: f64 = 10.0 * 366.0 * 86_400.0;

/// The duration, rounded to nanoseconds.
///
/// # Errors
/// In words, without quoting the text.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let seconds_per_unit = match unit.trim_start() {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" => return Err("a duration needs a unit"),
        _ => return Err("not a duration"),
    };
    let number: f64 = number.parse().map_err(|_| "not a duration")?;
    let seconds = number * seconds_per_unit;
    if seconds > MAX_SECONDS {
        return Err("longer than ten years");
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a duration")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_unit_has_its_length() {
        for (text, millis) in [
            ("0ms", 0),
            ("10ms", 10),
            ("10s", 10_000),
            ("1.5s", 1500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            (" 3 s ", 3000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "s", "ten seconds", "-1s", "1.2.3s", "1 day", "1e3s", "10S", "NaNs", "infs", ".s"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("10"), Err("a duration needs a unit"));
        assert_eq!(parse("99999999h"), Err("longer than ten years"));
    }

    proptest! {
        #[test]
        fn whole_milliseconds_are_exact(millis in 0u64..100_000_000) {
            prop_assert_eq!(parse(&format!("{millis}ms")), Ok(Duration::from_millis(millis)));
        }

        #[test]
        fn whole_seconds_and_minutes_agree(minutes in 0u64..100_000) {
            prop_assert_eq!(parse(&format!("{minutes}m")), parse(&format!("{}s", minutes * 60)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = parse(&text);
        }
    }
}
