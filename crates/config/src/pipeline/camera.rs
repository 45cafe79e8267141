//! `cameras:` and `defaults:` to [`CameraPlan`]s.

use std::{sync::Arc, time::Duration};

use sightline_core::{
    model::Labels,
    plan::{
        CameraPlan, CameraSpec, ClipPlan, DecodingPlan, MotionPlan, Priority, RtspTransport, SnapshotPlan, SourceSpec,
    },
};

use super::{
    area, clips, effort,
    labels::{self, KnownLabels, ReportedLabels},
    lines,
    mqtt::{credentials, report_all},
    picture, snapshots,
    wire::{CameraWire, ClipsWire, DefaultsWire, DurationText, PriorityWire, TransportWire},
    zones,
};
use crate::{
    defaults,
    problem::PlaceId,
    read::{Reading, TOPIC_LEVEL_HELP, to_f32, wrong_topic_level},
    source::{SourceKey, SourceOptions, source_of},
    yaml::field::{Entry, Field},
};

/// What a camera takes over when it says nothing of its own.
pub(super) struct CameraDefaults {
    fps: f32,
    priority: Priority,
    transport: RtspTransport,
    labels: ReportedLabels,
    stall_timeout: Duration,
    frozen_after: Option<Duration>,
    dark_after: Option<Duration>,
    decoder: Option<String>,
    motion: Option<MotionPlan>,
    decoding: DecodingPlan,
    snapshots: Option<SnapshotPlan>,
    clips: Option<ClipPlan>,
}

impl CameraDefaults {
    /// `model_labels`: `None` when the model could not be read, so that labels cannot be checked.
    pub fn read(reading: Reading<'_>, wire: &DefaultsWire, model_labels: Option<&Labels>) -> Self {
        let motion = effort::motion(reading, &wire.motion, None);
        let decoding = effort::decoding(&wire.decoding, DecodingPlan::default());
        Self {
            motion,
            decoding,
            fps: fps(reading, &wire.fps).unwrap_or(to_f32(defaults::FPS)),
            priority: priority(&wire.priority).unwrap_or_default(),
            transport: transport(&wire.transport).unwrap_or(RtspTransport::Tcp),
            labels: labels::reported(reading, &wire.labels, model_labels, &ReportedLabels::all()),
            stall_timeout: stall_timeout(reading, &wire.stall_timeout).unwrap_or(defaults::STALL_TIMEOUT),
            frozen_after: picture::read(reading, &wire.frozen_after).unwrap_or(Some(defaults::FROZEN_AFTER)),
            dark_after: picture::read(reading, &wire.dark_after).unwrap_or(Some(defaults::DARK_AFTER)),
            decoder: decoder(reading, &wire.decoder),
            snapshots: snapshots::read(reading, &wire.snapshots, None),
            clips: clips::read(reading, &wire.clips, None),
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
    let source = source(reading, entry.place, camera, inherited);
    let fps = fps(reading, &camera.fps).unwrap_or(inherited.fps);
    let priority = priority(&camera.priority).unwrap_or(inherited.priority);
    let labels = labels::reported(reading, &camera.labels, model_labels, &inherited.labels);
    let stall_timeout = stall_timeout(reading, &camera.stall_timeout).unwrap_or(inherited.stall_timeout);
    let frozen_after = picture::read(reading, &camera.frozen_after).unwrap_or(inherited.frozen_after);
    let dark_after = picture::read(reading, &camera.dark_after).unwrap_or(inherited.dark_after);
    let decoder = decoder(reading, &camera.decoder).or_else(|| inherited.decoder.clone());
    let known = KnownLabels { model: model_labels, reported: &labels };
    let zones = zones::read(reading, &camera.zones, known);
    let lines = lines::read(reading, &camera.lines, known);
    let masks = area::masks(reading, &camera.masks);
    let motion = effort::motion(reading, &camera.motion, inherited.motion.as_ref());
    let decoding = effort::decoding(&camera.decoding, inherited.decoding);
    effort::check_decoding(reading, &camera.decoding, motion.as_ref());
    let snapshots = snapshots::read(reading, &camera.snapshots, inherited.snapshots.as_ref());
    let clips = clips::read(reading, &camera.clips, inherited.clips.as_ref());
    if let (Some(source), Some(_)) = (&source, &clips) {
        refuse_clips_without_packets(reading, entry.place, &camera.clips, source);
    }
    let spec = CameraSpec {
        id: Arc::from(entry.key.as_str()),
        source: source?,
        decoder,
        stall_timeout,
        keep_packets: clips.as_ref().map(|clips| clips.pre),
    };
    Some(CameraPlan {
        spec,
        fps,
        priority,
        labels: labels.filters,
        zones,
        lines,
        masks,
        motion,
        decoding,
        snapshots,
        clips,
        frozen_after,
        dark_after,
    })
}

/// A clip is what the camera sent, and these send pictures that are not encoded.
fn refuse_clips_without_packets(
    reading: Reading<'_>,
    camera: PlaceId,
    section: &Field<ClipsWire>,
    source: &SourceSpec,
) {
    let kind = match source {
        SourceSpec::V4l2 { .. } => "a v4l2:// camera",
        SourceSpec::Test { .. } => "a test:// camera",
        SourceSpec::Rtsp { .. } | SourceSpec::File { .. } | SourceSpec::Sim { .. } => return,
    };
    let message = format!("{kind} sends no encoded video that could be recorded");
    let (place, help) = match section.given() {
        Some((place, _)) => (place, "remove `clips`; rtsp://, rtsps://, file:// and sim:// cameras can have them"),
        None => {
            let place = reading.reporter.child(camera, "clips");
            (place, "`defaults` asks for clips: write `clips: {enabled: false}` for this camera")
        }
    };
    reading.reporter.report_with_help(place, message, help);
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

pub(super) fn place_of<T>(field: &Field<T>, otherwise: PlaceId) -> PlaceId {
    field.given().map_or(otherwise, |(place, _)| place)
}

fn transport(field: &Field<TransportWire>) -> Option<RtspTransport> {
    field.given().map(|(_, transport)| match transport {
        TransportWire::Tcp => RtspTransport::Tcp,
        TransportWire::Udp => RtspTransport::Udp,
        TransportWire::Auto => RtspTransport::Auto,
    })
}

fn priority(field: &Field<PriorityWire>) -> Option<Priority> {
    field.given().map(|(_, priority)| match priority {
        PriorityWire::Low => Priority::Low,
        PriorityWire::Normal => Priority::Normal,
        PriorityWire::High => Priority::High,
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
