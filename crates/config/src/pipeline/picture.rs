//! `frozen_after` and `dark_after`: when a stream's picture is told to be wrong.

use std::time::Duration;

use super::wire::DurationOrOffText;
use crate::{defaults, read::Reading, yaml::field::Field};

/// The text that switches it off.
const OFF: &str = "off";

/// What the key says: `Some(None)` is off; `None`: nothing, or nothing usable.
#[expect(clippy::option_option, reason = "left out and switched off are two things")]
pub(super) fn read(reading: Reading<'_>, field: &Field<DurationOrOffText>) -> Option<Option<Duration>> {
    let (place, text) = field.given()?;
    if text.0.trim() == OFF {
        return Some(None);
    }
    reading.duration(place, &text.0, defaults::MIN_PICTURE_WRONG, defaults::MAX_PICTURE_WRONG).map(Some)
}
