//! What an earlier run of this node may have left on the broker. Pure.
//!
//! Topics alone do not tell. A node whose prefix is our `<base>` publishes below us: `<base>/<node>/status` looks like a
//! camera's, `<base>/<node>/count/status` like a count, `<base>/<node>/zone/count/person` like a zone. So the payload
//! has to be what we would have published there, too; what looks otherwise is somebody else's and is left alone.

use serde_json::Value;

/// A status or a line's crossings take far less.
const MAX_JSON_BYTES: usize = 64 * 1024;
/// How a JPEG file begins (ITU-T T.81, B.1.1.3: SOI, and the next marker's first byte).
const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];

/// A retained message of the kind that we publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leftover<'a> {
    /// The camera's level of the topic.
    pub(crate) camera: &'a str,
    /// It may as well be a count of another node's, whose prefix is our base and whose camera is called `zone`.
    pub(crate) is_ambiguous: bool,
}

impl<'a> Leftover<'a> {
    /// `None` for what we would not have published below `base`.
    pub(crate) fn recognise(base: &str, topic: &'a str, payload: &[u8]) -> Option<Self> {
        if topic.contains(['+', '#']) {
            return None; // No topic name (MQTT 3.1.1, 3.3.2.1): nothing that could be published on.
        }
        let levels: Vec<&str> = topic.strip_prefix(base)?.strip_prefix('/')?.split('/').collect();
        let (camera, is_like_ours, is_ambiguous) = match *levels.as_slice() {
            [camera, "status"] => (camera, is_camera_status(payload), false),
            [camera, "count", _] => (camera, is_integer(payload), false),
            [camera, "zone", zone, _] => (camera, is_integer(payload), zone == "count"),
            [camera, "line", _] => (camera, is_crossings(payload), false),
            [camera, "snapshot", _] => (camera, payload.starts_with(JPEG), false),
            _ => return None,
        };
        (is_like_ours && !camera.is_empty()).then_some(Self { camera, is_ambiguous })
    }
}

fn is_integer(payload: &[u8]) -> bool {
    !payload.is_empty() && payload.len() <= 20 && payload.iter().all(u8::is_ascii_digit)
}

fn json(payload: &[u8]) -> Option<Value> {
    if payload.len() > MAX_JSON_BYTES {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

fn is_camera_status(payload: &[u8]) -> bool {
    json(payload).is_some_and(|status| status["state"].is_string() && status["since"].is_string())
}

fn is_crossings(payload: &[u8]) -> bool {
    json(payload).is_some_and(|crossings| crossings["in"].is_u64() && crossings["out"].is_u64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = br#"{"state":"streaming","since":"2026-01-01T00:00:00.000Z"}"#;
    const NODE_STATUS: &[u8] = br#"{"version":"1","since":"2026-01-01T00:00:00.000Z","pipelines":[]}"#;
    const CROSSINGS: &[u8] = br#"{"in":3,"out":1}"#;

    #[test]
    fn each_kind_of_ours_is_recognised() {
        for (topic, payload) in [
            ("p/n/yard/status", STATUS),
            ("p/n/yard/count/traffic light", b"12"),
            ("p/n/yard/zone/drive/person", b"0"),
            ("p/n/yard/line/gate", CROSSINGS),
            ("p/n/yard/snapshot/person", b"\xFF\xD8\xFF\xE0..."),
        ] {
            let leftover = Leftover { camera: "yard", is_ambiguous: false };
            assert_eq!(Leftover::recognise("p/n", topic, payload), Some(leftover), "{topic}");
        }
    }

    #[test]
    fn other_topics_and_other_payloads_are_somebody_else_s() {
        for (topic, payload) in [
            ("p/n/status", STATUS),
            ("p/n//status", STATUS),
            ("p/n/+/status", STATUS),
            ("p/n2/yard/status", STATUS),
            ("p/n/a/b/status", STATUS),
            ("p/n/yard/available", b"online"),
            ("p/n/yard/enabled", b"ON"),
            ("p/n/yard/count/person/more", b"1"),
            ("p/n/yard/count/person", b""),
            ("p/n/yard/count/person", b"-1"),
            ("p/n/yard/count/person", b"one"),
            ("p/n/yard/snapshot/person", b"GIF89a"),
        ] {
            assert_eq!(Leftover::recognise("p/n", topic, payload), None, "{topic}");
        }
    }

    #[test]
    fn nodes_below_our_base_are_not_our_cameras() {
        for (topic, payload) in [
            ("p/n/other/status", NODE_STATUS),
            ("p/n/other/count/status", STATUS),
            ("p/n/other/line/status", STATUS),
            ("p/n/other/snapshot/status", STATUS),
            ("p/n/other/zone/line/gate", CROSSINGS),
            ("p/n/other/zone/snapshot/person", b"\xFF\xD8\xFF\xE0..."),
            ("p/n/a/line/status", NODE_STATUS),
            ("p/n/a/count/available", b"online"),
        ] {
            assert_eq!(Leftover::recognise("p/n", topic, payload), None, "{topic}");
        }
        let either = Leftover::recognise("p/n", "p/n/other/zone/count/person", b"3").unwrap();
        assert!(either.is_ambiguous);
    }
}
