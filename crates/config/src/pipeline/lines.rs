//! `lines:` to [`LinePlan`]s.

use std::sync::Arc;

use sightline_core::{geometry::Point, plan::LinePlan};

use super::{
    area,
    labels::{self, KnownLabels},
    wire::{LineWire, PointWire},
};
use crate::{
    problem::PlaceId,
    read::Reading,
    yaml::field::{Entries, Entry, Field},
};

/// A camera's lines, in the file's order, without those that have a problem.
pub(super) fn read(reading: Reading<'_>, field: &Field<Entries<LineWire>>, known: KnownLabels<'_>) -> Vec<LinePlan> {
    let entries = field.given().map_or(&[][..], |(_, Entries(entries))| entries);
    entries.iter().filter_map(|entry| line(reading, entry, known)).collect()
}

fn line(reading: Reading<'_>, entry: &Entry<LineWire>, known: KnownLabels<'_>) -> Option<LinePlan> {
    area::check_id(reading, entry.place, "line", &entry.key);
    let nothing = LineWire::default();
    let wire = match &entry.value {
        Field::Given(_, wire) => wire,
        Field::Absent => &nothing,
        Field::Wrong => return None,
    };
    let labels = labels::watched(reading, &wire.labels, known);
    let from = end(reading, entry.place, "from", &wire.from);
    let to = end(reading, entry.place, "to", &wire.to);
    let (from, to) = (from?, to?);
    if from == to {
        let help = "a line needs a length: write two points that differ";
        reading.reporter.report_with_help(entry.place, "`from` and `to` are the same point", help);
        return None;
    }
    Some(LinePlan { id: Arc::from(entry.key.as_str()), from, to, labels, point: area::reference_point(&wire.point) })
}

fn end(reading: Reading<'_>, line: PlaceId, key: &str, field: &Field<PointWire>) -> Option<Point> {
    if field.is_absent() {
        reading.reporter.report_missing(line, key, "a line has two ends, as in {from: [0.1, 0.5], to: [0.9, 0.5]}");
    }
    let (place, wire) = field.given()?;
    area::point(reading, place, wire)
}
