//! Wall-clock time as a plain value. The core never reads a clock; whoever does hands the value in.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment of wall-clock time: microseconds since 1970-01-01T00:00:00Z.
///
/// Displayed and serialised as RFC 3339 in UTC with milliseconds, as every payload has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(i64);

impl WallTime {
    /// From microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From the operating system's clock value. Times before 1970 become 1970.
    #[must_use]
    pub fn from_system(time: std::time::SystemTime) -> Self {
        let since_epoch = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `self` less `span`, in microseconds; used to turn "so long ago" into a moment.
    #[must_use]
    pub const fn minus_micros(self, span: i64) -> Self {
        Self(self.0.saturating_sub(span))
    }

    /// Time from `earlier` to here; zero when that is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let days = millis.div_euclid(86_400_000);
        let of_day = millis.rem_euclid(86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", of_day % 1000)
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WallTime {
    /// Reads exactly what is serialised: a text that would be written differently is refused, `2026-02-30` too.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let time: Self = text.parse().map_err(de::Error::custom)?;
        if time.to_string() == text { Ok(time) } else { Err(de::Error::custom(NotATime)) }
    }
}

/// A span as files and answers write it: `1.5s`, `10ms`.
///
/// # Errors
/// The serializer's.
pub fn serialize_span<S: Serializer>(span: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{span:?}"))
}

/// A text that is not a time as payloads have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time like 2026-11-23T20:15:03.120Z")]
pub struct NotATime;

impl std::str::FromStr for WallTime {
    type Err = NotATime;

    /// Reads what [`fmt::Display`] writes, and the same without milliseconds.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        if text.len() == "2026-11-23T20:15:03Z".len()
            && let Some(whole_seconds) = text.strip_suffix('Z')
        {
            return format!("{whole_seconds}.000Z").parse();
        }
        const FORM: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
        let is_as_in_form = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
        if text.len() != FORM.len() || !text.bytes().zip(FORM).all(is_as_in_form) {
            return Err(NotATime);
        }
        let part = |range: std::ops::Range<usize>, least: i64, most: i64| -> Result<i64, NotATime> {
            let number = text.get(range).and_then(|digits| digits.parse().ok());
            number.filter(|number| (least..=most).contains(number)).ok_or(NotATime)
        };
        let (year, month, day) = (part(0..4, 0, 9999)?, part(5..7, 1, 12)?, part(8..10, 1, 31)?);
        let days = days_from_civil(year, month, day);
        if civil_from_days(days) != (year, month, day) {
            return Err(NotATime); // The 31st of a month of 30 days.
        }
        let seconds = ((days * 24 + part(11..13, 0, 23)?) * 60 + part(14..16, 0, 59)?) * 60 + part(17..19, 0, 59)?;
        Ok(Self((seconds * 1000 + part(20..23, 0, 999)?) * 1000))
    }
}

/// The inverse of [`civil_from_days`], by the same source's `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Days since 1970-01-01 to (year, month, day) in the proleptic Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0i64..4_102_444_800_000) {
            let time = WallTime::from_micros(millis * 1000);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn other_texts_are_refused(text in "[0-9TZ:. -]{0,30}") {
            prop_assume!(text.len() != 24 && text.len() != 20);
            prop_assert_eq!(text.parse::<WallTime>(), Err(NotATime));
        }
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in [
            "9999-99-99T99:99:99.999Z",
            "2026-02-29T00:00:00.000Z",
            "2026-04-31T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:00:60.000Z",
            "2026x01x01x00x00x00x000Z",
            "-001-01-01T00:00:00.000Z",
            "2026-01-01T00:00:00.+12Z",
        ] {
            assert_eq!(text.parse::<WallTime>(), Err(NotATime), "{text}");
        }
        assert!("2028-02-29T23:59:59.999Z".parse::<WallTime>().is_ok());
    }

    #[test]
    fn milliseconds_may_be_left_out() {
        assert_eq!("2023-11-14T22:13:20Z".parse(), Ok(WallTime::from_micros(1_700_000_000_000_000)));
    }

    #[test]
    fn known_moments_are_written_as_rfc_3339() {
        for (micros, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123_456, "2023-11-14T22:13:20.123Z"),
            (4_102_444_799_999_999, "2099-12-31T23:59:59.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(WallTime::from_micros(micros).to_string(), written);
        }
    }
}
