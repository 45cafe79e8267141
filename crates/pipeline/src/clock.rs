//! The wall clock, read in one place.

use sightline_core::time::WallTime;

/// Now.
#[must_use]
pub fn wall_now() -> WallTime {
    WallTime::from_system(std::time::SystemTime::now())
}
