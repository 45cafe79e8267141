//! The pure core of Sightline: frames, model specifications, preprocessing, SSD decoding, NMS, tracks and events.
//!
//! Nothing here asks the time, starts a thread, opens a file or a socket: `now` is an argument and bytes come from
//! the caller. Each awkward neighbour (GStreamer, ONNX Runtime, MQTT, YAML) is owned by a crate of its own, which
//! sees only this one, through the traits of [`ports`].

pub mod agreement;
pub mod anchors;
pub mod calibration;
pub mod decode;
pub mod detection;
pub mod detector;
pub mod event;
pub mod execution;
pub mod frame;
pub mod geometry;
pub mod histogram;
pub mod line;
pub mod model;
pub mod motion;
pub mod network;
pub mod nms;
pub mod objects;
pub mod operations;
pub mod operators;
pub mod outbox;
pub mod picture;
pub mod picture_watch;
pub mod plan;
pub mod ports;
pub mod preprocess;
pub mod provider;
pub mod recovery;
pub mod secret;
pub mod simd;
pub mod stream_url;
pub mod tensor;
pub mod time;
pub mod timeline;
pub mod track;
pub mod zone;
