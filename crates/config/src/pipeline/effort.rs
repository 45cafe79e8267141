//! `motion:` and `decoding:` to their plans.

use sightline_core::plan::{DecodingPlan, MotionPlan, Switch};

use super::{
    area,
    wire::{DecodingWire, MotionWire, SwitchWire},
};
use crate::{
    defaults,
    read::{Reading, to_f32},
    yaml::field::Field,
};

/// What `motion:` asks for, or what is inherited when there is no section.
pub(super) fn motion(
    reading: Reading<'_>,
    field: &Field<MotionWire>,
    inherited: Option<&MotionPlan>,
) -> Option<MotionPlan> {
    let Some((_, wire)) = field.given() else {
        return inherited.cloned();
    };
    // Read also when switched off: a section with a problem would not switch on.
    let sensitivity = wire.sensitivity.given().and_then(|(place, value)| reading.fraction(place, value.0));
    let max_idle = wire.max_idle.given().and_then(|(place, text)| {
        reading.duration(place, &text.0, defaults::MIN_MOTION_MAX_IDLE, defaults::MAX_MOTION_MAX_IDLE)
    });
    let masks = area::masks(reading, &wire.masks);
    let adaptive = match switch(&wire.enabled).unwrap_or(Switch::Auto) {
        Switch::Off => return None,
        Switch::On => false,
        Switch::Auto => true,
    };
    Some(MotionPlan {
        sensitivity: sensitivity.unwrap_or(to_f32(defaults::MOTION_SENSITIVITY)),
        max_idle: max_idle.unwrap_or(defaults::MOTION_MAX_IDLE),
        adaptive,
        masks,
    })
}

/// Reports a camera that asks for key frames while it is idle, where nothing says when that is.
pub(super) fn check_decoding(reading: Reading<'_>, field: &Field<DecodingWire>, motion: Option<&MotionPlan>) {
    let switch = field.given().and_then(|(_, wire)| wire.key_frames_when_idle.given());
    if let (Some((place, SwitchWire::True)), None) = (switch, motion) {
        let message = "nothing says when the camera is idle: it has no motion gate";
        reading.reporter.report_with_help(place, message, "add `motion: {enabled: true}`");
    }
}

/// What `decoding:` asks for, or what is inherited when there is no section.
pub(super) fn decoding(field: &Field<DecodingWire>, inherited: DecodingPlan) -> DecodingPlan {
    let Some((_, wire)) = field.given() else {
        return inherited;
    };
    DecodingPlan {
        skip_non_reference: switch(&wire.skip_non_reference).unwrap_or(Switch::Auto),
        key_frames_when_idle: switch(&wire.key_frames_when_idle).unwrap_or(Switch::Auto),
    }
}

fn switch(field: &Field<SwitchWire>) -> Option<Switch> {
    field.given().map(|(_, switch)| match switch {
        SwitchWire::True => Switch::On,
        SwitchWire::False => Switch::Off,
        SwitchWire::Auto => Switch::Auto,
    })
}
