//! Events for the unit tests.

use std::{sync::Arc, time::Duration};

use sightline_core::{
    event::{Event, EventKind, EventTimes, FrameDetections, ModelIdentity, ObjectChange, Origin, Ulid},
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    time::WallTime,
};

/// An event that differs from others by its `seq`.
pub(crate) fn event(seq: u64) -> Event {
    let time = WallTime::from_micros(1_700_000_000_000_000);
    let model = ModelIdentity { name: "test".into(), sha256: "0".repeat(64) };
    let origin = Origin {
        node: "n".into(),
        pipeline: "p".into(),
        camera: "c".into(),
        model,
        provider: "cpu".into(),
        execution: None,
    };
    Event {
        id: Ulid::new(time, u128::from(seq)),
        seq,
        epoch: Ulid::new(time, 0),
        origin: Arc::new(origin),
        change: ObjectChange {
            kind: EventKind::ObjectStarted,
            track: 1,
            label: "person".into(),
            score: 0.5,
            top_score: 0.5,
            bbox: BoxInFrame { x: 0.1, y: 0.1, width: 0.2, height: 0.2 },
            zones: Arc::new([]),
            stationary: false,
            age: Duration::ZERO,
            frame: FrameInfo { width: 640, height: 480, seq },
            time: EventTimes {
                capture: time,
                clock: CaptureClock::Receive,
                decoded: time,
                inferred: time,
                published: None,
            },
        },
        replayed: false,
    }
}

/// Detections of a frame in which there was nothing.
pub(crate) fn detections(seq: u64) -> FrameDetections {
    let Event { origin, change, .. } = event(seq);
    FrameDetections { origin, frame: change.frame, time: change.time, detections: Vec::new() }
}
