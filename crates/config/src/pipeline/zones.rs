//! `zones:` to [`ZonePlan`]s.

use std::{sync::Arc, time::Duration};

use sightline_core::plan::ZonePlan;

use super::{
    area,
    labels::{self, KnownLabels},
    wire::ZoneWire,
};
use crate::{
    defaults,
    read::Reading,
    yaml::field::{Entries, Entry, Field},
};

/// A camera's zones, in the file's order, without those that have a problem.
pub(super) fn read(reading: Reading<'_>, field: &Field<Entries<ZoneWire>>, known: KnownLabels<'_>) -> Vec<ZonePlan> {
    let entries = field.given().map_or(&[][..], |(_, Entries(entries))| entries);
    entries.iter().filter_map(|entry| zone(reading, entry, known)).collect()
}

fn zone(reading: Reading<'_>, entry: &Entry<ZoneWire>, known: KnownLabels<'_>) -> Option<ZonePlan> {
    area::check_id(reading, entry.place, "zone", &entry.key);
    let nothing = ZoneWire::default();
    let wire = match &entry.value {
        Field::Given(_, wire) => wire,
        Field::Absent => &nothing,
        Field::Wrong => return None,
    };
    if wire.polygon.is_absent() {
        let help = "the area's corners, as in `polygon: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]`";
        reading.reporter.report_missing(entry.place, "polygon", help);
    }
    let labels = labels::watched(reading, &wire.labels, known);
    let inertia = wire
        .inertia
        .given()
        .and_then(|(place, text)| reading.duration(place, &text.0, Duration::ZERO, defaults::MAX_ZONE_INERTIA));
    let loitering = wire
        .loitering
        .given()
        .and_then(|(place, text)| reading.duration(place, &text.0, defaults::MIN_LOITERING, defaults::MAX_LOITERING));
    let (place, corners) = wire.polygon.given()?;
    Some(ZonePlan {
        id: Arc::from(entry.key.as_str()),
        polygon: area::polygon(reading, place, corners)?,
        labels,
        point: area::reference_point(&wire.point),
        inertia: inertia.unwrap_or(defaults::ZONE_INERTIA),
        loitering,
    })
}
