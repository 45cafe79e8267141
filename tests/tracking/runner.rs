//! Feeds detections to the product's tracker and tells what a subscriber gets to see. The only file that knows its API.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sightline_core::{
    detection::Detection,
    event::{EndReason, EventTimes, ObjectChange, WireDetection, rounded},
    frame::{CaptureClock, FrameInfo},
    model::Labels,
    objects::ObjectObserver,
    plan::{CameraPlan, CameraSpec, DecodingPlan, LinePlan, Priority, SourceSpec, ZonePlan},
    time::WallTime,
    track::Track,
};

/// The default model's threshold: what scores less is no object of its own.
const SCORE_THRESHOLD: f32 = 0.4;

/// The classes of the simulated cameras and of the default model, by class id.
const NAMES: [&str; 5] = ["person", "bicycle", "car", "bus", "dog"];

/// The class id of a name.
pub fn class_id(name: &str) -> u16 {
    let position = NAMES.iter().position(|known| *known == name).expect("a class of the simulated cameras");
    u16::try_from(position + 1).expect("few classes")
}

/// One frame as the tracker gets it.
#[derive(Clone, Debug)]
pub struct Input {
    /// Since the recording's start.
    pub at: Duration,
    /// What the detector found.
    pub detections: Vec<Detection>,
}

/// What came of one frame.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The objects that the frame shows, by their `track`.
    pub tracked: Vec<WireDetection>,
    /// What was reported.
    pub changes: Vec<ObjectChange>,
}

/// Runs the tracker of a camera that watches these zones and lines over frames in order of time; ends all objects after
/// the last one, as the daemon does when it stops.
pub fn follow(zones: &[ZonePlan], lines: &[LinePlan], inputs: &[Input]) -> Vec<Output> {
    let names = std::iter::once(None).chain(NAMES.map(|name| Some(name.to_owned())));
    let camera = camera(zones, lines);
    let mut observer = ObjectObserver::new(&camera, &Labels::new(names.collect()), SCORE_THRESHOLD);
    let start = Instant::now();
    let mut outputs = Vec::with_capacity(inputs.len());
    for (seq, input) in (0..).zip(inputs) {
        let mut changes = Vec::new();
        let frame = FrameInfo { width: 640, height: 360, seq };
        observer.observe(&input.detections, frame, times(input.at), start + input.at, &mut |change| {
            changes.push(change);
        });
        outputs.push(Output { tracked: tracked(&observer), changes });
    }
    if let Some(last) = outputs.last_mut() {
        observer.end_all(EndReason::Shutdown, &mut |change| last.changes.push(change));
    }
    outputs
}

/// The objects that the last frame shows.
fn tracked(observer: &ObjectObserver) -> Vec<WireDetection> {
    let wire = |track: &Track| {
        Some(WireDetection {
            label: observer.label(track.class_id)?.clone(),
            score: rounded(track.score),
            r#box: track.bbox.into(),
            track: track.id,
        })
    };
    observer.tracks().filter(|track| track.is_seen()).filter_map(wire).collect()
}

fn camera(zones: &[ZonePlan], lines: &[LinePlan]) -> CameraPlan {
    CameraPlan {
        spec: CameraSpec {
            id: "camera".into(),
            source: SourceSpec::Test { pattern: "black".to_owned() },
            decoder: None,
            stall_timeout: Duration::from_secs(10),
            keep_packets: None,
        },
        fps: 10.0,
        priority: Priority::default(),
        labels: BTreeMap::new(),
        zones: zones.to_vec(),
        lines: lines.to_vec(),
        masks: Vec::new(),
        snapshots: None,
        clips: None,
        frozen_after: None,
        dark_after: None,
        motion: None,
        decoding: DecodingPlan::default(),
    }
}

fn times(at: Duration) -> EventTimes {
    let time = WallTime::from_micros(i64::try_from(at.as_micros()).expect("a short recording"));
    EventTimes { capture: time, clock: CaptureClock::Receive, decoded: time, inferred: time, published: None }
}
