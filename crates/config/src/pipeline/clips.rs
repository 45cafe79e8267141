//! `clips:` to a [`ClipPlan`].

use std::time::Duration;

use sightline_core::{event::EventKind, plan::ClipPlan};

use super::{
    retention,
    wire::{ClipsWire, DurationText, EventName},
};
use crate::{defaults, read::Reading, suggest::did_you_mean, yaml::field::Field};

/// What the section asks for, or what is inherited when there is no section.
pub(super) fn read(reading: Reading<'_>, field: &Field<ClipsWire>, inherited: Option<&ClipPlan>) -> Option<ClipPlan> {
    let Some((_, wire)) = field.given() else {
        return inherited.cloned();
    };
    let up_to = |field: &Field<DurationText>, most: Duration| {
        let (place, text) = field.given()?;
        reading.duration(place, &text.0, Duration::ZERO, most)
    };
    // Read also when switched off: a section with a problem would not switch on.
    let plan = ClipPlan {
        events: events(reading, &wire.events),
        pre: up_to(&wire.pre, defaults::MAX_CLIP_PRE).unwrap_or(defaults::CLIP_PRE),
        post: up_to(&wire.post, defaults::MAX_CLIP_POST).unwrap_or(defaults::CLIP_POST),
        files: retention::read(reading, &wire.max_files, &wire.max_age, defaults::CLIP_FILES),
    };
    let is_enabled = wire.enabled.given().is_none_or(|(_, wished)| *wished);
    is_enabled.then_some(plan)
}

fn events(reading: Reading<'_>, field: &Field<Vec<Field<EventName>>>) -> Vec<String> {
    let Some((place, names)) = field.given() else {
        return defaults::CLIP_EVENTS.map(str::to_owned).to_vec();
    };
    if names.is_empty() {
        let help = "write [object_started], or `enabled: false` for no clips";
        reading.reporter.report_with_help(place, "names no type of event", help);
    }
    let mut events = Vec::new();
    for (place, EventName(name)) in names.iter().filter_map(Field::given) {
        if !EventKind::NAMES.contains(&name.as_str()) {
            let help = did_you_mean(name, EventKind::NAMES)
                .unwrap_or_else(|| format!("there are {}", EventKind::NAMES.join(", ")));
            reading.reporter.report_with_help(place, "there is no such type of event", help);
            continue;
        }
        if events.contains(name) {
            reading.reporter.report(place, "this type of event is in the list twice");
            continue;
        }
        events.push(name.clone());
    }
    events
}
