//! Events as they come back from the store and from a broker.

use sightline_core::{
    event::{Event, ObjectChange},
    geometry::BoxInFrame,
    time::WallTime,
};

/// Any bytes as an event, or as a moment, are refused, or mean the same once written and read again.
pub fn event_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(time) = text.parse::<WallTime>() {
        assert_eq!(time.to_string().parse(), Ok(time), "{text} is another time once written");
    }
    let Ok(event) = serde_json::from_str::<Event>(text) else { return };
    let written = match serde_json::to_string(&event) {
        Ok(written) => written,
        Err(error) => panic!("what was read cannot be written: {error}\n{event:?}"),
    };
    let again: Event = match serde_json::from_str(&written) {
        Ok(again) => again,
        Err(error) => panic!("what was written cannot be read: {error}\n{written}"),
    };
    assert_eq!(again, rounded_as(&event, &again), "another event once written");
    // Written once, a number is as payloads have it, and stays.
    assert_eq!(serde_json::to_string(&again).ok(), Some(written), "written in another way the second time");
}

/// `event` with the numbers of `written`, which are its own but for the rounding.
fn rounded_as(event: &Event, written: &Event) -> Event {
    let (change, rounded) = (&event.change, &written.change);
    for (before, after) in numbers(change).into_iter().zip(numbers(rounded)) {
        // Floats from 1024 on lie further apart than what is rounded away, and come back as they were.
        let most = if before.abs() < 1024.0 { 1e-4 } else { 0.0 };
        assert!((before - after).abs() <= most, "{before} became {after}");
    }
    let &ObjectChange { score, top_score, bbox, .. } = rounded;
    Event { change: ObjectChange { score, top_score, bbox, ..change.clone() }, ..event.clone() }
}

fn numbers(change: &ObjectChange) -> [f32; 6] {
    let BoxInFrame { x, y, width, height } = change.bbox;
    [change.score, change.top_score, x, y, width, height]
}
