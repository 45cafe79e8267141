//! What retained values look like on their topics.

use sightline_core::event::Retained;

/// JSON, a plain integer, or a JPEG file.
pub(super) fn of_retained(value: &Retained) -> Result<Vec<u8>, serde_json::Error> {
    match value {
        Retained::Node(status) => serde_json::to_vec(status),
        Retained::Camera { status, .. } => serde_json::to_vec(status),
        Retained::Line { crossings, .. } => serde_json::to_vec(crossings),
        Retained::Count { present: number, .. } | Retained::Zone { inside: number, .. } => {
            Ok(number.to_string().into_bytes())
        }
        Retained::Snapshot { jpeg, .. } => Ok(jpeg.to_vec()),
    }
}
