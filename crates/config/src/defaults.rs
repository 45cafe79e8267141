//! What a setting is when it is left out, and the bounds that the schema states and the reader enforces.

use std::time::Duration;

pub(crate) const FPS: f64 = 5.0;
pub(crate) const MAX_FPS: f64 = 120.0;
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const MIN_STALL_TIMEOUT: Duration = Duration::from_millis(100);
pub(crate) const MAX_STALL_TIMEOUT: Duration = Duration::from_secs(3600);
/// A quiet scene in a strong compression may stay the same for many seconds; a camera's noise changes every picture.
pub(crate) const FROZEN_AFTER: Duration = Duration::from_secs(60);
pub(crate) const DARK_AFTER: Duration = Duration::from_secs(30);
/// The picture is looked at about once a second.
pub(crate) const MIN_PICTURE_WRONG: Duration = Duration::from_secs(2);
pub(crate) const MAX_PICTURE_WRONG: Duration = Duration::from_secs(24 * 3600);
pub(crate) const MOTION_SENSITIVITY: f64 = 0.5;
pub(crate) const MOTION_MAX_IDLE: Duration = Duration::from_secs(10);
pub(crate) const MIN_MOTION_MAX_IDLE: Duration = Duration::from_secs(1);
pub(crate) const MAX_MOTION_MAX_IDLE: Duration = Duration::from_secs(3600);
/// A batch of 256 frames of 300×300 floats is 276 MB: more is a slip of the keyboard.
pub(crate) const MAX_MAX_BATCH: usize = 256;
/// Batches form by themselves while all sessions are busy. Waiting for company costs its whole length in latency, and
/// on a CPU a batch of eight takes eight times as long as one (measured: 5.2 ms and 41.8 ms).
pub(crate) const MAX_WAIT: Duration = Duration::ZERO;
pub(crate) const MAX_MAX_WAIT: Duration = Duration::from_secs(10);
/// Less is no time for any network to answer in.
pub(crate) const MIN_LATENCY_TARGET: Duration = Duration::from_millis(5);
pub(crate) const MAX_LATENCY_TARGET: Duration = Duration::from_secs(10);
/// More threads or sessions than that is a slip of the keyboard.
pub(crate) const MAX_THREADS: usize = 256;
pub(crate) const MAX_GPU: u32 = 63;
/// A model of this kind does not fit into less.
pub(crate) const MIN_GPU_MEMORY: u64 = 64 * 1024 * 1024;
pub(crate) const MAX_GPU_MEMORY: u64 = 1 << 40;
pub(crate) const MQTT_URL: &str = "mqtt://127.0.0.1:1883";
pub(crate) const MQTT_PORT: u16 = 1883;
pub(crate) const MQTTS_PORT: u16 = 8883;
/// Some hundred events.
pub(crate) const MIN_OUTBOX_BYTES: u64 = 256 * 1024;
pub(crate) const MAX_OUTBOX_BYTES: u64 = 1 << 40;
pub(crate) const MQTT_PREFIX: &str = "sightline";
pub(crate) const IOU_THRESHOLD: f64 = 0.6;
pub(crate) const MAX_DETECTIONS: usize = 100;
/// What flickers at a zone's edge for a frame or two at 5 frames per second neither enters nor leaves.
pub(crate) const ZONE_INERTIA: Duration = Duration::from_millis(400);
pub(crate) const MAX_ZONE_INERTIA: Duration = Duration::from_secs(60);
pub(crate) const MIN_LOITERING: Duration = Duration::from_millis(1);
pub(crate) const MAX_LOITERING: Duration = Duration::from_secs(24 * 3600);
/// No object is a thousand times as wide as it is high.
pub(crate) const MAX_ASPECT_RATIO: f64 = 1000.0;
pub(crate) const SNAPSHOT_QUALITY: u8 = 85;
pub(crate) const SNAPSHOT_FILES: usize = 500;
pub(crate) const CLIP_EVENTS: [&str; 1] = ["object_started"];
pub(crate) const CLIP_PRE: Duration = Duration::from_secs(5);
/// Held in memory for every camera: a minute of 8 Mbit/s is 60 MB.
pub(crate) const MAX_CLIP_PRE: Duration = Duration::from_secs(60);
pub(crate) const CLIP_POST: Duration = Duration::from_secs(10);
pub(crate) const MAX_CLIP_POST: Duration = Duration::from_secs(600);
pub(crate) const CLIP_FILES: usize = 200;
pub(crate) const MAX_KEPT_FILES: usize = 1_000_000;
pub(crate) const KEPT_AGE: Duration = Duration::from_secs(7 * 86_400);
pub(crate) const MIN_KEPT_AGE: Duration = Duration::from_secs(1);
pub(crate) const MAX_KEPT_AGE: Duration = Duration::from_secs(3650 * 86_400);
