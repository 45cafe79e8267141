//! Things to publish.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use sightline_core::{
    event::{
        CameraState, CameraStatus, EndReason, Event, EventKind, EventTimes, FrameBalance, FrameDetections,
        LineCrossings, LoadState, LoadStatus, ModelIdentity, NodeStatus, ObjectChange, Origin, PipelineStatus,
        Retained, Ulid, UndecodedPictures, WireBox, WireDetection,
    },
    execution::{Execution, PassedOver},
    frame::{CaptureClock, FrameInfo},
    geometry::BoxInFrame,
    provider::{CudaOptions, Provider},
    time::WallTime,
};

pub const EVENTS: &str = "sightline/box-7/front-door/events";
pub const AVAILABLE: &str = "sightline/box-7/available";
pub const COUNT: &str = "sightline/box-7/front-door/count/traffic light";

static ORIGIN: LazyLock<Arc<Origin>> = LazyLock::new(|| {
    Arc::new(Origin {
        node: "box-7".into(),
        pipeline: "yard".into(),
        camera: "front-door".into(),
        model: model(),
        provider: "cpu".into(),
        execution: Some(execution().summary()),
    })
});

fn execution() -> Execution {
    let passed_over = vec![PassedOver {
        provider: Provider::Cuda(CudaOptions::default()),
        reason: "NVIDIA's driver cannot be loaded".into(),
    }];
    Execution { passed_over, ..Execution::on_cpu("ONNX Runtime 1.32", 64) }
}

fn model() -> ModelIdentity {
    ModelIdentity { name: "ssd-mobilenet-v1-coco".into(), sha256: "e4b118e5".repeat(8) }
}

pub fn a_moment() -> WallTime {
    WallTime::from_micros(1_790_000_000_123_456)
}

fn times() -> EventTimes {
    let inferred = a_moment();
    let decoded = inferred.minus_micros(20_000);
    let capture = inferred.minus_micros(60_000);
    EventTimes { capture, clock: CaptureClock::Rtcp, decoded, inferred, published: None }
}

fn frame(seq: u64) -> FrameInfo {
    FrameInfo { width: 1920, height: 1080, seq }
}

pub fn event(seq: u64) -> Event {
    let is_end = seq % 2 == 1;
    Event {
        id: Ulid::new(a_moment(), u128::from(seq)),
        seq,
        epoch: Ulid::new(a_moment(), 0xABCD),
        origin: ORIGIN.clone(),
        change: ObjectChange {
            kind: if is_end { EventKind::ObjectEnded { reason: EndReason::Left } } else { EventKind::ObjectStarted },
            track: seq / 2 + 1,
            label: "traffic light".into(),
            score: 0.873,
            top_score: 0.93,
            bbox: BoxInFrame { x: 0.412, y: 0.331, width: 0.083, height: 0.294 },
            zones: Arc::new([]),
            stationary: false,
            age: Duration::from_millis(1500),
            frame: frame(seq),
            time: times(),
        },
        replayed: false,
    }
}

pub fn detections(seq: u64, boxes: u16) -> FrameDetections {
    let detection = WireDetection {
        label: "person".into(),
        score: 0.5,
        r#box: WireBox { x: 0.1, y: 0.2, w: 0.3, h: 0.4 },
        track: Some(1),
    };
    let detections = vec![detection; usize::from(boxes)];
    FrameDetections { origin: ORIGIN.clone(), frame: frame(seq), time: times(), detections }
}

pub fn count(present: u32) -> Retained {
    Retained::Count { camera: "front-door".into(), label: "traffic light".into(), present }
}

pub fn camera_status(state: CameraState, fps: f64) -> Retained {
    let status = CameraStatus {
        state,
        code: None,
        message: None,
        since: a_moment(),
        fps,
        codec: Some("H264".into()),
        decoder: Some("avdec_h264".into()),
        idle: false,
        undecoded: UndecodedPictures::default(),
        frames: FrameBalance::default(),
    };
    Retained::Camera { camera: "front-door".into(), status }
}

pub fn zone(zone: &str, inside: u32) -> Retained {
    Retained::Zone { camera: "front-door".into(), zone: zone.into(), label: "person".into(), inside }
}

pub fn line(line: &str, r#in: u64, out: u64) -> Retained {
    Retained::Line { camera: "front-door".into(), line: line.into(), crossings: LineCrossings { r#in, out } }
}

/// Not a picture, but it begins like a JPEG.
pub fn jpeg(bytes: usize) -> Arc<[u8]> {
    let mut jpeg = vec![0x55; bytes];
    jpeg[..3].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
    jpeg.into()
}

pub fn snapshot(label: &str, bytes: usize) -> Retained {
    Retained::Snapshot { camera: "front-door".into(), label: label.into(), jpeg: jpeg(bytes) }
}

fn load() -> LoadStatus {
    LoadStatus {
        state: LoadState::Ok,
        since: a_moment(),
        inferred_share: 1.0,
        decoding: LoadState::Ok,
        decoded_share: 1.0,
        latency_ms_p95: Some(12.5),
        batch: 8,
        fps_factor: 1.0,
    }
}

pub fn node_status() -> Retained {
    let pipeline = PipelineStatus {
        name: "yard".into(),
        cameras: vec!["front-door".into()],
        model: model(),
        provider: "cpu".into(),
        execution: execution(),
        load: load(),
    };
    let epoch = Ulid::new(a_moment(), 0xABCD);
    Retained::Node(NodeStatus { version: "0.1.0".into(), since: a_moment(), epoch, pipelines: vec![pipeline] })
}
