//! The simulated cameras, followed with perfect detections and with a detector's usual faults.

use crate::{
    detections::{USUAL, perfect, worsened},
    recordings,
    table::{Condition, Table},
};

const TEN_FPS: Condition = Condition { fps: 10, some_dropped: false };

#[test]
fn perfect_detections_are_followed() {
    let mut table = Table::default();
    for recording in recordings::all() {
        let detections: Vec<_> = recording.moments.iter().map(|moment| perfect(&moment.truth)).collect();
        table.measure(recording, &detections);
    }
    table.tell("Tracking with perfect detections, three days of each scene:");
    let idf1 = table.total(TEN_FPS).identity.idf1();
    assert!(idf1 >= 0.90, "IDF1 is {idf1:.3} at 10 fps with perfect detections");
}

#[test]
fn a_detector_with_the_usual_faults_is_followed() {
    let mut table = Table::default();
    for recording in recordings::all() {
        let mut random = fastrand::Rng::with_seed(recording.seed);
        let detections: Vec<_> =
            recording.moments.iter().map(|moment| worsened(&moment.truth, &USUAL, &mut random)).collect();
        table.measure(recording, &detections);
    }
    table.tell(&format!("Tracking with {USUAL:?}, three days of each scene:"));
    let idf1 = table.total(TEN_FPS).identity.idf1();
    assert!(idf1 >= 0.75, "IDF1 is {idf1:.3} at 10 fps with {USUAL:?}");
}
