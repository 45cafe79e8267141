//! From detections to facts about objects: this one came, this one left, so many are present.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use crate::{
    detection::Detection,
    event::{EndReason, EventKind, EventTimes, ObjectChange, WireDetection, rounded},
    frame::FrameInfo,
    model::Labels,
    plan::LabelFilter,
    track::{Track, TrackChanges, Tracker, TrackerSettings},
};

/// Which classes are reported, under which name and from which score and size on.
#[derive(Clone, Debug)]
pub struct LabelRules {
    /// By class id; `None`: not reported.
    by_class: Vec<Option<LabelRule>>,
}

#[derive(Clone, Debug)]
struct LabelRule {
    name: Arc<str>,
    min_score: f32,
    min_area: f32,
    max_area: f32,
}

impl LabelRules {
    /// The rules of one camera: `filters` names the wished labels (all of the model's when empty); a filter without a
    /// score takes `score_threshold`.
    #[must_use]
    pub fn new(labels: &Labels, filters: &BTreeMap<String, LabelFilter>, score_threshold: f32) -> Self {
        let rule_of = |class_id: usize| {
            let name = labels.name(u16::try_from(class_id).ok()?)?;
            if filters.is_empty() {
                let rule = LabelRule { name: name.into(), min_score: score_threshold, min_area: 0.0, max_area: 1.0 };
                return Some(rule);
            }
            let filter = filters.get(name)?;
            let min_score = filter.min_score.unwrap_or(score_threshold);
            Some(LabelRule { name: name.into(), min_score, min_area: filter.min_area, max_area: filter.max_area })
        };
        Self { by_class: (0..labels.len()).map(rule_of).collect() }
    }

    /// The least score that any reported label asks for: what decoding has to keep.
    #[must_use]
    pub fn least_score(&self) -> f32 {
        self.by_class.iter().flatten().map(|rule| rule.min_score).fold(1.0, f32::min)
    }

    /// The names that are reported.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_class.iter().flatten().map(|rule| &rule.name)
    }

    fn rule(&self, class_id: u16) -> Option<&LabelRule> {
        self.by_class.get(usize::from(class_id))?.as_ref()
    }

    fn allows(&self, detection: &Detection) -> bool {
        self.rule(detection.class_id).is_some_and(|rule| {
            let area = detection.bbox.area();
            detection.score >= rule.min_score && area >= rule.min_area && area <= rule.max_area
        })
    }
}

/// Watches one camera's detections.
#[derive(Debug)]
pub struct ObjectObserver {
    rules: LabelRules,
    tracker: Tracker,
    changes: TrackChanges,
    allowed: Vec<Detection>,
    /// The frame in which each present object was last seen.
    last_frame: BTreeMap<u64, (FrameInfo, EventTimes)>,
    present: BTreeMap<Arc<str>, u32>,
}

impl ObjectObserver {
    /// An observer that has seen nothing yet.
    #[must_use]
    pub fn new(rules: LabelRules, settings: TrackerSettings) -> Self {
        Self {
            rules,
            tracker: Tracker::new(settings),
            changes: TrackChanges::default(),
            allowed: Vec::new(),
            last_frame: BTreeMap::new(),
            present: BTreeMap::new(),
        }
    }

    /// Takes in one frame's detections, seen at `now`; calls `on_change` for each start and end, ends first.
    pub fn observe(
        &mut self,
        detections: &[Detection],
        frame: FrameInfo,
        time: EventTimes,
        now: Instant,
        on_change: &mut dyn FnMut(ObjectChange),
    ) {
        self.allowed.clear();
        self.allowed.extend(detections.iter().filter(|detection| self.rules.allows(detection)));
        self.tracker.update(&self.allowed, now, &mut self.changes);
        self.report_ended(EndReason::Left, on_change);
        for id in self.changes.track_of_detection.iter().flatten() {
            self.last_frame.insert(*id, (frame, time));
        }
        for id in &self.changes.started {
            let Some(track) = self.tracker.object(*id) else { continue };
            let Some(rule) = self.rules.rule(track.class_id) else { continue };
            *self.present.entry(rule.name.clone()).or_default() += 1;
            on_change(change(EventKind::ObjectStarted, *id, track, &rule.name, (frame, time)));
        }
    }

    /// Ends all objects.
    pub fn end_all(&mut self, reason: EndReason, on_change: &mut dyn FnMut(ObjectChange)) {
        self.tracker.end_all(&mut self.changes);
        self.report_ended(reason, on_change);
    }

    /// Objects present of a label.
    #[must_use]
    pub fn present(&self, label: &str) -> u32 {
        self.present.get(label).copied().unwrap_or(0)
    }

    /// The names that are reported.
    pub fn labels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.names()
    }

    /// The last observed frame's detections as payloads carry them, with their tracks, best first.
    #[must_use]
    pub fn wire_detections(&self) -> Vec<WireDetection> {
        let tracks = &self.changes.track_of_detection;
        let wire = |(index, detection): (usize, &Detection)| {
            let rule = self.rules.rule(detection.class_id)?;
            Some(WireDetection {
                label: rule.name.clone(),
                score: rounded(detection.score),
                r#box: detection.bbox.into(),
                track: tracks.get(index).copied().flatten(),
            })
        };
        self.allowed.iter().enumerate().filter_map(wire).collect()
    }

    fn report_ended(&mut self, reason: EndReason, on_change: &mut dyn FnMut(ObjectChange)) {
        for track in self.changes.ended.drain(..) {
            let Some(id) = track.id else { continue };
            let Some(rule) = self.rules.rule(track.class_id) else { continue };
            let Some(last) = self.last_frame.remove(&id) else { continue };
            if let Some(count) = self.present.get_mut(&rule.name) {
                *count = count.saturating_sub(1);
            }
            on_change(change(EventKind::ObjectEnded { reason }, id, &track, &rule.name, last));
        }
    }
}

fn change(
    kind: EventKind,
    id: u64,
    track: &Track,
    label: &Arc<str>,
    (frame, time): (FrameInfo, EventTimes),
) -> ObjectChange {
    ObjectChange {
        kind,
        track: id,
        label: label.clone(),
        score: track.score,
        top_score: track.top_score,
        bbox: track.bbox,
        zones: Arc::new([]),
        stationary: false,
        age: std::time::Duration::ZERO,
        frame,
        time,
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{frame::CaptureClock, geometry::BoxInFrame, time::WallTime};

    fn labels() -> Labels {
        Labels::new(vec![None, Some("person".into()), Some("car".into())])
    }

    fn seen(class_id: u16, score: f32) -> Detection {
        Detection { class_id, score, bbox: BoxInFrame { x: 0.1, y: 0.1, width: 0.2, height: 0.2 } }
    }

    fn frame(seq: u64) -> (FrameInfo, EventTimes) {
        let time = WallTime::from_micros(i64::try_from(seq).unwrap() * 100_000);
        let clock = CaptureClock::Receive;
        let times = EventTimes { capture: time, clock, decoded: time, inferred: time, published: None };
        (FrameInfo { width: 640, height: 360, seq }, times)
    }

    /// Feeds ten frames of `detections` and then five seconds of nothing; returns all changes.
    fn life_of(rules: LabelRules, detections: &[Detection]) -> Vec<ObjectChange> {
        let mut observer = ObjectObserver::new(rules, TrackerSettings::for_fps(10.0));
        let start = Instant::now();
        let mut changes = Vec::new();
        for seq in 0..10 {
            let (info, time) = frame(seq);
            let now = start + Duration::from_millis(100 * seq);
            observer.observe(detections, info, time, now, &mut |change| changes.push(change));
        }
        for seconds in [6, 7] {
            let (info, time) = frame(seconds);
            let now = start + Duration::from_secs(seconds);
            observer.observe(&[], info, time, now, &mut |change| changes.push(change));
        }
        changes
    }

    #[test]
    fn an_object_starts_once_and_ends_once_with_its_last_frame() {
        let changes = life_of(LabelRules::new(&labels(), &BTreeMap::new(), 0.5), &[seen(1, 0.7)]);
        let kinds: Vec<_> = changes.iter().map(|c| (c.kind.clone(), c.frame.seq)).collect();
        assert_eq!(kinds, [(EventKind::ObjectStarted, 2), (EventKind::ObjectEnded { reason: EndReason::Left }, 9)]);
        assert_eq!(&*changes[0].label, "person");
    }

    #[test]
    fn filters_decide_what_is_reported() {
        let all = BTreeMap::new();
        let only = |name: &str, min_score, min_area, max_area| {
            BTreeMap::from([(
                name.to_string(),
                LabelFilter { min_score, min_area, max_area, ..LabelFilter::default() },
            )])
        };
        for (filters, detection, reported) in [
            (all.clone(), seen(1, 0.5), true),
            (all.clone(), seen(1, 0.49), false),
            (all, seen(0, 0.9), false),
            (only("car", None, 0.0, 1.0), seen(1, 0.9), false),
            (only("person", Some(0.3), 0.0, 1.0), seen(1, 0.4), true),
            (only("person", None, 0.05, 1.0), seen(1, 0.9), false),
            (only("person", None, 0.0, 0.03), seen(1, 0.9), false),
        ] {
            let rules = LabelRules::new(&labels(), &filters, 0.5);
            assert_eq!(!life_of(rules, &[detection]).is_empty(), reported, "{filters:?} {detection:?}");
        }
    }

    #[test]
    fn counts_follow_the_objects() {
        let mut observer =
            ObjectObserver::new(LabelRules::new(&labels(), &BTreeMap::new(), 0.5), TrackerSettings::for_fps(10.0));
        let start = Instant::now();
        for seq in 0..5 {
            let (info, time) = frame(seq);
            observer.observe(&[seen(1, 0.9), seen(2, 0.9)], info, time, start, &mut |_| ());
        }
        assert_eq!((observer.present("person"), observer.present("car")), (1, 1));
        assert_eq!(observer.wire_detections().len(), 2);
        let mut reasons = Vec::new();
        observer.end_all(EndReason::CameraLost, &mut |change| reasons.push(change.kind));
        assert_eq!(reasons, vec![EventKind::ObjectEnded { reason: EndReason::CameraLost }; 2]);
        assert_eq!((observer.present("person"), observer.present("car")), (0, 0));
    }

    #[test]
    fn the_least_score_is_what_decoding_must_keep() {
        let filters = BTreeMap::from([
            ("person".to_string(), LabelFilter { min_score: Some(0.2), ..LabelFilter::default() }),
            ("car".to_string(), LabelFilter::default()),
        ]);
        assert!((LabelRules::new(&labels(), &filters, 0.5).least_score() - 0.2).abs() < 1e-6);
    }
}
