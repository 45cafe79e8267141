//! `labels:` of cameras, and of the zones and lines that watch some of them.

use std::collections::{BTreeMap, HashSet};

use sightline_core::{model::Labels, plan::LabelFilter};

use super::{
    camera::place_of,
    wire::{Fraction, LabelWire, LabelsWire, Ratio},
};
use crate::{
    defaults,
    problem::PlaceId,
    read::{Reading, to_f32},
    suggest::did_you_mean,
    yaml::field::{Entry, Field},
};

/// Which labels a camera reports; all of the model's when there is none.
#[derive(Clone, Debug)]
pub(super) struct ReportedLabels {
    pub filters: BTreeMap<String, LabelFilter>,
    /// Whether each was understood. If not, nothing can be said of a label that is missing.
    are_complete: bool,
}

impl ReportedLabels {
    pub fn all() -> Self {
        Self { filters: BTreeMap::new(), are_complete: true }
    }

    fn leaves_out(&self, name: &str) -> bool {
        self.are_complete && !self.filters.is_empty() && !self.filters.contains_key(name)
    }
}

/// The labels that a zone or a line of a camera may name. `model` is `None` when the model could not be read, so that
/// labels cannot be held against it.
#[derive(Clone, Copy)]
pub(super) struct KnownLabels<'a> {
    pub model: Option<&'a Labels>,
    pub reported: &'a ReportedLabels,
}

/// The labels that a camera reports: its own, or what it inherits.
pub(super) fn reported(
    reading: Reading<'_>,
    field: &Field<LabelsWire>,
    model: Option<&Labels>,
    inherited: &ReportedLabels,
) -> ReportedLabels {
    let wire = match field {
        Field::Given(_, wire) => wire,
        Field::Absent => return inherited.clone(),
        Field::Wrong => return ReportedLabels { filters: BTreeMap::new(), are_complete: false },
    };
    let everything = LabelFilter::default();
    let mut filters = BTreeMap::new();
    let mut are_complete = true;
    match wire {
        LabelsWire::Sequence(names) => {
            are_complete = names.iter().all(|name| name.given().is_some());
            for (place, name) in names.iter().filter_map(Field::given) {
                are_complete &= is_of_model(reading, place, name, model);
                if filters.insert(name.clone(), everything).is_some() {
                    reading.reporter.report(place, "this label is in the list twice");
                }
            }
        }
        LabelsWire::Mapping(entries) => {
            for Entry { place, key, value } in &entries.0 {
                are_complete &= is_of_model(reading, *place, key, model);
                let filter = value.given().map_or(everything, |(_, wire)| label_filter(reading, *place, wire));
                filters.insert(key.clone(), filter);
            }
        }
    }
    ReportedLabels { filters, are_complete }
}

/// The labels that a zone or a line watches; all that the camera reports when empty.
pub(super) fn watched(reading: Reading<'_>, field: &Field<Vec<Field<String>>>, known: KnownLabels<'_>) -> Vec<String> {
    let mut watched: Vec<String> = Vec::new();
    let mut earlier = HashSet::new();
    let Some((_, names)) = field.given() else {
        return watched;
    };
    for (place, name) in names.iter().filter_map(Field::given) {
        if !earlier.insert(name) {
            reading.reporter.report(place, "this label is in the list twice");
            continue;
        }
        if is_of_model(reading, place, name, known.model) && known.reported.leaves_out(name) {
            let help = "it can never count: add the label to the camera's `labels`, or remove it here";
            reading.reporter.report_with_help(place, "the camera does not report this label", help);
        }
        watched.push(name.clone());
    }
    watched
}

fn label_filter(reading: Reading<'_>, place: PlaceId, wire: &LabelWire) -> LabelFilter {
    let fraction = |field: &Field<Fraction>| {
        let (place, value) = field.given()?;
        reading.fraction(place, value.0)
    };
    let everything = LabelFilter::default();
    let filter = LabelFilter {
        min_score: fraction(&wire.score),
        min_area: fraction(&wire.min_area).unwrap_or(everything.min_area),
        max_area: fraction(&wire.max_area).unwrap_or(everything.max_area),
        min_aspect_ratio: aspect_ratio(reading, &wire.min_aspect_ratio).unwrap_or(everything.min_aspect_ratio),
        max_aspect_ratio: aspect_ratio(reading, &wire.max_aspect_ratio).unwrap_or(everything.max_aspect_ratio),
    };
    if filter.min_area > filter.max_area {
        reading.reporter.report(place_of(&wire.min_area, place), "`min_area` is greater than `max_area`");
    }
    if filter.min_aspect_ratio > filter.max_aspect_ratio {
        let message = "`min_aspect_ratio` is greater than `max_aspect_ratio`";
        reading.reporter.report(place_of(&wire.min_aspect_ratio, place), message);
    }
    filter
}

fn aspect_ratio(reading: Reading<'_>, field: &Field<Ratio>) -> Option<f32> {
    let (place, Ratio(value)) = field.given()?;
    if *value <= 0.0 || *value > defaults::MAX_ASPECT_RATIO {
        let message = format!("must be greater than 0 and at most {}, not {value}", defaults::MAX_ASPECT_RATIO);
        reading.reporter.report_with_help(place, message, "width divided by height, such as 0.4 for a standing person");
        return None;
    }
    Some(to_f32(*value))
}

/// Whether the model has the label, or is not known itself; reports it otherwise.
fn is_of_model(reading: Reading<'_>, place: PlaceId, name: &str, model: Option<&Labels>) -> bool {
    let Some(known) = model else {
        return true;
    };
    if known.id(name).is_some() {
        return true;
    }
    let help = did_you_mean(name, known.names()).unwrap_or_else(|| match known.names().count() {
        few @ ..=20 => format!("it has {few}: {}", known.names().collect::<Vec<_>>().join(", ")),
        many => format!("it has {many} labels; its model.yaml lists them"),
    });
    reading.reporter.report_with_help(place, "the model has no such label", help);
    false
}
