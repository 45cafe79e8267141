//! How many files are kept, and for how long.

use sightline_core::plan::Retention;

use super::wire::DurationText;
use crate::{defaults, read::Reading, yaml::field::Field};

/// `max_files:` and `max_age:` of a section.
pub(super) fn read(
    reading: Reading<'_>,
    max_files: &Field<u64>,
    max_age: &Field<DurationText>,
    default_files: usize,
) -> Retention {
    let max_files =
        max_files.given().and_then(|(place, value)| reading.whole_number(place, *value, 1, defaults::MAX_KEPT_FILES));
    let max_age = max_age
        .given()
        .and_then(|(place, text)| reading.duration(place, &text.0, defaults::MIN_KEPT_AGE, defaults::MAX_KEPT_AGE));
    Retention { max_files: max_files.unwrap_or(default_files), max_age: max_age.unwrap_or(defaults::KEPT_AGE) }
}
