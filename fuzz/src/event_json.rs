//! Events as they come back from the store and from a broker.

use sightline_core::{event::WireBox, time::WallTime};

/// Any bytes as a part of an event are refused, or mean the same once written and read again.
pub fn event_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(time) = text.parse::<WallTime>() {
        assert_eq!(time.to_string().parse(), Ok(time), "{text} is another time once written");
    }
    if let Ok(written) = serde_json::from_str::<WireBox>(text) {
        let again = serde_json::to_string(&written).unwrap_or_default();
        assert_eq!(serde_json::from_str::<WireBox>(&again).ok(), Some(written), "{text} is another box once written");
    }
}
