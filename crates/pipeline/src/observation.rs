//! From one camera's detections to its messages: the daemon's cameras and `sightline replay` run this very code.

use std::sync::Arc;

use sightline_core::{
    detection::Detection,
    event::{EndReason, Event, EventTimes, FrameDetections, Origin},
    frame::{FrameInfo, FrameTimes},
    model::{DetectionSettings, Labels},
    objects::{BestShot, ObjectObserver},
    plan::CameraPlan,
    ports::Offered,
    time::WallTime,
    timeline::Timeline,
};

use crate::stamp::EventLog;

/// What the network saw in one frame.
#[derive(Clone, Copy, Debug)]
pub struct SeenFrame<'a> {
    /// The frame.
    pub info: FrameInfo,
    /// Its moments.
    pub times: FrameTimes,
    /// When the network's answer was there.
    pub inferred: WallTime,
    /// What was seen, best first.
    pub detections: &'a [Detection],
}

/// One camera's objects, and where what happens to them is told.
pub struct Observation {
    observer: ObjectObserver,
    timeline: Timeline,
    origin: Arc<Origin>,
    events: Arc<EventLog>,
    publish_detections: bool,
}

impl Observation {
    /// A camera of which nothing was seen yet. `publish_detections`: each frame is published as well.
    #[must_use]
    pub fn new(
        camera: &CameraPlan,
        labels: &Labels,
        score_threshold: f32,
        origin: Arc<Origin>,
        events: Arc<EventLog>,
        publish_detections: bool,
    ) -> Self {
        let observer = ObjectObserver::new(camera, labels, score_threshold);
        Self { observer, timeline: Timeline::default(), origin, events, publish_detections }
    }

    /// Goes on where `earlier` ended, whose settings may have been others: see [`ObjectObserver::count_on_from`].
    pub fn count_on_from(&mut self, earlier: &Self) {
        self.observer.count_on_from(&earlier.observer);
    }

    /// What decoding has to keep: the pipeline's `wished` settings, down to the least score that is of use.
    #[must_use]
    pub fn decoding(&self, wished: DetectionSettings) -> DetectionSettings {
        DetectionSettings { score_threshold: self.observer.least_score(), ..wished }
    }

    /// The objects.
    #[must_use]
    pub const fn observer(&self) -> &ObjectObserver {
        &self.observer
    }

    /// Steps 8 and 9 of a frame's way: tracks, events, counts, and the frame's own message where it is wished. Each
    /// event is shown to `on_event` as it was handed on.
    pub fn see(&mut self, seen: SeenFrame<'_>, on_event: &mut dyn FnMut(&Event)) {
        let time = EventTimes::new(&seen.times, seen.inferred);
        let now = self.timeline.place(&seen.times);
        let Self { observer, origin, events, .. } = self;
        observer.observe(seen.detections, seen.info, time, now, &mut |change| {
            events.record(change, origin, on_event);
        });
        self.publish_counts();
        if !self.publish_detections {
            return;
        }
        let detections = self.observer.wire_detections();
        let message = FrameDetections { origin: self.origin.clone(), frame: seen.info, time, detections };
        // Refused while the broker is away: the sink counts it, and the next frame has newer ones.
        let _: Offered = self.events.sink().offer_detections(message);
    }

    /// Objects that the last frame shows better than any before it.
    #[must_use]
    pub fn best_shots(&self) -> &[BestShot] {
        self.observer.best_shots()
    }

    /// Ends all objects that are present.
    pub fn end_all(&mut self, reason: EndReason) {
        let Self { observer, origin, events, .. } = self;
        observer.end_all(reason, &mut |change| {
            events.record(change, origin, &mut |_| ());
        });
        self.publish_counts();
    }

    /// Publishes the counts that nobody has heard of yet: in the beginning all of them, so that none stays stale from an
    /// earlier run.
    pub fn publish_counts(&mut self) {
        let sink = self.events.sink();
        self.observer.take_counts(&mut |count| sink.retain(count));
    }
}
