//! `cameras:` and `defaults:` to [`CameraPlan`]s.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sightline_core::{
    model::Labels,
    plan::{CameraPlan, CameraSpec, LabelFilter, RtspTransport, SourceSpec},
};

use super::{
    later,
    mqtt::{credentials, report_all},
    wire::{CameraWire, DefaultsWire, DurationText, Fraction, LabelWire, LabelsWire, TransportWire},
};
use crate::{
    defaults,
    problem::PlaceId,
    read::{Reading, TOPIC_LEVEL_HELP, to_f32, wrong_topic_level},
    source::{SourceKey, SourceOptions, source_of},
    suggest::did_you_mean,
    yaml::field::{Entry, Field},
};

/// What a camera takes over when it says nothing of its own.
pub(super) struct CameraDefaults {
    fps: f32,
    transport: RtspTransport,
    labels: BTreeMap<String, LabelFilter>,
    stall_timeout: Duration,
    decoder: Option<String>,
}

impl CameraDefaults {
    /// `model_labels`: `None` when the model could not be read, so that labels cannot be checked.
    pub fn read(reading: Reading<'_>, wire: &DefaultsWire, model_labels: Option<&Labels>) -> Self {
        Self {
            fps: fps(reading, &wire.fps).unwrap_or(to_f32(defaults::FPS)),
            transport: transport(&wire.transport).unwrap_or(RtspTransport::Tcp),
            labels: labels(reading, &wire.labels, model_labels).unwrap_or_default(),
            stall_timeout: stall_timeout(reading, &wire.stall_timeout).unwrap_or(defaults::STALL_TIMEOUT),
            decoder: decoder(reading, &wire.decoder),
        }
    }
}

/// One camera. `None` after a problem without which there is no camera; others are only reported.
pub(super) fn read(
    reading: Reading<'_>,
    entry: &Entry<CameraWire>,
    inherited: &CameraDefaults,
    model_labels: Option<&Labels>,
) -> Option<CameraPlan> {
    if let Some(wrong) = wrong_topic_level(&entry.key) {
        reading.reporter.report_with_help(entry.place, format!("the camera's id {wrong}"), TOPIC_LEVEL_HELP);
    }
    let nothing = CameraWire::default();
    let camera = match &entry.value {
        Field::Given(_, camera) => camera,
        Field::Absent => &nothing,
        Field::Wrong => return None,
    };
    refuse_what_comes_later(reading, camera);
    let source = source(reading, entry.place, camera, inherited);
    let fps = fps(reading, &camera.fps).unwrap_or(inherited.fps);
    let labels = labels(reading, &camera.labels, model_labels).unwrap_or_else(|| inherited.labels.clone());
    let stall_timeout = stall_timeout(reading, &camera.stall_timeout).unwrap_or(inherited.stall_timeout);
    let decoder = decoder(reading, &camera.decoder).or_else(|| inherited.decoder.clone());
    let spec =
        CameraSpec { id: Arc::from(entry.key.as_str()), source: source?, decoder, stall_timeout, keep_packets: None };
    Some(CameraPlan {
        spec,
        fps,
        labels,
        zones: Vec::new(),
        lines: Vec::new(),
        masks: Vec::new(),
        snapshots: None,
        clips: None,
    })
}

fn refuse_what_comes_later(reading: Reading<'_>, camera: &CameraWire) {
    for (field, function) in [
        (&camera.zones, "zones"),
        (&camera.lines, "lines"),
        (&camera.masks, "masks"),
        (&camera.motion, "the motion gate"),
        (&camera.snapshots, "snapshots"),
    ] {
        later::refuse(reading.reporter, field, function);
    }
}

fn source(reading: Reading<'_>, place: PlaceId, camera: &CameraWire, inherited: &CameraDefaults) -> Option<SourceSpec> {
    let options = SourceOptions {
        transport: Some(transport(&camera.transport).unwrap_or(inherited.transport)),
        repeat: camera.r#loop.given().map(|(_, wished)| *wished),
        verify_tls: camera.verify_tls.given().map(|(_, wished)| *wished),
        credentials: credentials(reading, place, &camera.username, &camera.password),
    };
    if camera.url.is_absent() {
        reading.reporter.report_missing(place, "url", "where its frames come from, as in rtsp://10.0.0.21/stream1");
    }
    let (url_place, url) = camera.url.given()?;
    let errors = match source_of(&url.0, options, reading.surroundings) {
        Ok(source) => {
            refuse_transport_without_rtp(reading, camera, &source);
            return Some(source);
        }
        Err(errors) => errors,
    };
    for (key, error) in errors {
        let at = match key {
            SourceKey::Url => url_place,
            SourceKey::Loop => place_of(&camera.r#loop, place),
            SourceKey::VerifyTls => place_of(&camera.verify_tls, place),
            SourceKey::Username => place_of(&camera.username, place),
        };
        report_all(reading, at, vec![error]);
    }
    None
}

fn refuse_transport_without_rtp(reading: Reading<'_>, camera: &CameraWire, source: &SourceSpec) {
    if let (Some((place, _)), false) = (camera.transport.given(), matches!(source, SourceSpec::Rtsp { .. })) {
        let message = "only an rtsp:// or rtsps:// camera has a transport";
        reading.reporter.report_with_help(place, message, "remove `transport`");
    }
}

fn place_of<T>(field: &Field<T>, otherwise: PlaceId) -> PlaceId {
    field.given().map_or(otherwise, |(place, _)| place)
}

fn transport(field: &Field<TransportWire>) -> Option<RtspTransport> {
    field.given().map(|(_, transport)| match transport {
        TransportWire::Tcp => RtspTransport::Tcp,
        TransportWire::Udp => RtspTransport::Udp,
        TransportWire::Auto => RtspTransport::Auto,
    })
}

fn fps(reading: Reading<'_>, field: &Field<f64>) -> Option<f32> {
    let (place, value) = field.given()?;
    if *value <= 0.0 {
        reading.reporter.report_with_help(place, "must be greater than 0", "frames per second, such as 5 or 0.5");
        return None;
    }
    if *value > defaults::MAX_FPS {
        reading.reporter.report(place, format!("must be at most {}", defaults::MAX_FPS));
        return None;
    }
    Some(to_f32(*value))
}

fn stall_timeout(reading: Reading<'_>, field: &Field<DurationText>) -> Option<Duration> {
    let (place, text) = field.given()?;
    reading.duration(place, &text.0, defaults::MIN_STALL_TIMEOUT, defaults::MAX_STALL_TIMEOUT)
}

/// The name of a GStreamer element.
fn decoder(reading: Reading<'_>, field: &Field<String>) -> Option<String> {
    let (place, _) = field.given()?;
    let name = reading.non_empty_text(field)?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+')) {
        // It is put into a pipeline by name; anything else would not be an element.
        reading.reporter.report_with_help(place, "not the name of a GStreamer element", "as in `avdec_h264`");
        return None;
    }
    Some(name)
}

fn labels(
    reading: Reading<'_>,
    field: &Field<LabelsWire>,
    model_labels: Option<&Labels>,
) -> Option<BTreeMap<String, LabelFilter>> {
    let (_, wire) = field.given()?;
    let everything = LabelFilter::default();
    let mut filters = BTreeMap::new();
    match wire {
        LabelsWire::Sequence(names) => {
            for (place, name) in names.iter().filter_map(Field::given) {
                check_label(reading, place, name, model_labels);
                if filters.insert(name.clone(), everything).is_some() {
                    reading.reporter.report(place, "this label is in the list twice");
                }
            }
        }
        LabelsWire::Mapping(entries) => {
            for Entry { place, key, value } in &entries.0 {
                check_label(reading, *place, key, model_labels);
                let filter = value.given().map_or(everything, |(_, wire)| label_filter(reading, *place, wire));
                filters.insert(key.clone(), filter);
            }
        }
    }
    Some(filters)
}

fn label_filter(reading: Reading<'_>, place: PlaceId, wire: &LabelWire) -> LabelFilter {
    let fraction = |field: &Field<Fraction>| {
        let (place, value) = field.given()?;
        reading.fraction(place, value.0)
    };
    let filter = LabelFilter {
        min_score: fraction(&wire.score),
        min_area: fraction(&wire.min_area).unwrap_or(0.0),
        max_area: fraction(&wire.max_area).unwrap_or(1.0),
        ..LabelFilter::default()
    };
    if filter.min_area > filter.max_area {
        reading.reporter.report(place_of(&wire.min_area, place), "`min_area` is greater than `max_area`");
    }
    filter
}

fn check_label(reading: Reading<'_>, place: PlaceId, name: &str, model_labels: Option<&Labels>) {
    let Some(known) = model_labels else {
        return;
    };
    if known.id(name).is_some() {
        return;
    }
    let help = did_you_mean(name, known.names()).unwrap_or_else(|| match known.names().count() {
        few @ ..=20 => format!("it has {few}: {}", known.names().collect::<Vec<_>>().join(", ")),
        many => format!("it has {many} labels; its model.yaml lists them"),
    });
    reading.reporter.report_with_help(place, "the model has no such label", help);
}
