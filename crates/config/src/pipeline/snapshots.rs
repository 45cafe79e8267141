//! `snapshots:` to a [`SnapshotPlan`].

use sightline_core::plan::SnapshotPlan;

use super::{retention, wire::SnapshotsWire};
use crate::{defaults, read::Reading, yaml::field::Field};

/// What the section asks for, or what is inherited when there is no section.
pub(super) fn read(
    reading: Reading<'_>,
    field: &Field<SnapshotsWire>,
    inherited: Option<&SnapshotPlan>,
) -> Option<SnapshotPlan> {
    let Some((place, wire)) = field.given() else {
        return inherited.cloned();
    };
    let is_on = |field: &Field<bool>| field.given().is_none_or(|(_, wished)| *wished);
    // Read also when switched off: a section with a problem would not switch on.
    let quality = wire.quality.given().and_then(|(place, value)| reading.whole_number(place, *value, 1, 100));
    let files = retention::read(reading, &wire.max_files, &wire.max_age, defaults::SNAPSHOT_FILES);
    if !is_on(&wire.enabled) {
        return None;
    }
    let (publish, save) = (is_on(&wire.publish), is_on(&wire.save));
    if !publish && !save {
        let help = "write `publish: true` or `save: true`, or `enabled: false` for no snapshots";
        reading.reporter.report_with_help(place, "neither published nor saved: this asks for nothing", help);
    }
    Some(SnapshotPlan {
        crop: is_on(&wire.crop),
        quality: quality.and_then(|value| u8::try_from(value).ok()).unwrap_or(defaults::SNAPSHOT_QUALITY),
        publish,
        files: save.then_some(files),
    })
}
