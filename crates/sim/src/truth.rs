//! What is really in a picture, and how that is written down.

use serde::Serialize;
use sightline_core::{
    event::{WireBox, rounded},
    geometry::BoxInFrame,
    time::WallTime,
};

/// One object that a picture really shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthObject {
    /// Which object: the same from its coming until its leaving, and never given to another one of that camera.
    pub id: u64,
    /// Its class, by its COCO name.
    pub label: &'static str,
    /// The tight box around its visible pixels, in fractions of the frame, clipped to it.
    pub bbox: BoxInFrame,
    /// How much of it is visible, 0.25..=1: the rest is outside the frame or behind something nearer. An object of
    /// which less than a quarter is visible is not in the ground truth at all.
    pub visible: f32,
}

/// One line of ground truth, without the line's end:
/// `{"camera":"street","frame":123,"time":"2026-…Z","objects":[{"id":7,"label":"person","visible":1.0,"box":{…}}]}`.
///
/// `frame` counts from the server's start, `time` is the moment at which the camera took the frame.
#[must_use]
pub fn truth_line(camera: &str, frame: u64, time: WallTime, objects: &[TruthObject]) -> String {
    #[derive(Serialize)]
    struct Object {
        id: u64,
        label: &'static str,
        visible: f64,
        r#box: WireBox,
    }
    let objects: Vec<Object> = objects
        .iter()
        .map(|o| Object { id: o.id, label: o.label, visible: rounded(o.visible), r#box: o.bbox.into() })
        .collect();
    // Built from a Value rather than a struct of our own serialiser: there is no error a caller could meet.
    serde_json::json!({"camera": camera, "frame": frame, "time": time, "objects": objects}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_fields_that_readers_rely_on() {
        let object = TruthObject {
            id: 7,
            label: "person",
            bbox: BoxInFrame { x: 0.25, y: 0.5, width: 0.125, height: 0.25 },
            visible: 1.0,
        };
        let line = truth_line("street", 123, WallTime::from_micros(1_700_000_000_100_000), &[object]);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["camera"], "street");
        assert_eq!(read["frame"], 123);
        assert_eq!(read["time"], "2023-11-14T22:13:20.100Z");
        assert_eq!(read["objects"][0]["id"], 7);
        assert_eq!(read["objects"][0]["label"], "person");
        assert_eq!(read["objects"][0]["box"], serde_json::json!({"x": 0.25, "y": 0.5, "w": 0.125, "h": 0.25}));
        assert!(!line.contains('\n'));
    }
}
