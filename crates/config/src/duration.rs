//! Durations carry a unit: `10ms`, `1.5s`, `2m`, `1h`, `7d`.

use std::time::Duration;

/// What a wrong duration is told.
pub(crate) const HELP: &str = "write a number and a unit: 10ms, 1.5s, 2m, 1h or 7d";

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
        "d" => 86_400.0,
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

/// The duration as one would write it, in the greatest unit of which it is a whole number; to the millisecond.
pub(crate) fn display(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis.is_multiple_of(length) && millis > 0 {
            return format!("{}{unit}", millis / length);
        }
    }
    format!("{millis}ms")
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
            ("7d", 7 * 86_400_000),
            ("0.5d", 43_200_000),
            (" 3 s ", 3000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "10", "s", "ten seconds", "-1s", "1.2.3s", "1 day", "1D", "1w", "1e3s", "10S", "NaNs", "infs", ".s"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("10"), Err("a duration needs a unit"));
        assert_eq!(parse("99999999h"), Err("longer than ten years"));
        assert_eq!(parse("3700d"), Err("longer than ten years"));
    }

    #[test]
    fn durations_are_shown_in_their_greatest_unit() {
        for text in ["0ms", "1ms", "1500ms", "10s", "90s", "2m", "36h", "7d"] {
            assert_eq!(parse(text).map(display).as_deref(), Ok(text));
        }
        assert_eq!(parse("168h").map(display).as_deref(), Ok("7d"));
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
        fn what_is_shown_is_what_was_meant(millis in 0u64..100_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&display(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = parse(&text);
        }
    }
}
