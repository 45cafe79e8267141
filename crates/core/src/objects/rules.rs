//! Which detections are looked at: labels with their scores and sizes, and masks.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    detection::Detection,
    frame::FrameInfo,
    geometry::{Polygon, ReferencePoint},
    model::Labels,
    plan::LabelFilter,
    track::Sighting,
};

/// A detection of this share of a label's least score keeps an object alive, though it is not reported: what is half
/// hidden is seen with half the score.
const LOW_SCORE_SHARE: f32 = 0.5;
/// Less than this is noise, whatever is wished.
const LEAST_LOW_SCORE: f32 = 0.1;

/// Which classes are reported, under which name and from which score and size on.
#[derive(Clone, Debug)]
pub struct LabelRules {
    /// By class id; `None`: not reported.
    by_class: Vec<Option<LabelRule>>,
}

#[derive(Clone, Debug)]
struct LabelRule {
    name: Arc<str>,
    filter: LabelFilter,
    min_score: f32,
}

impl LabelRule {
    fn low_score(&self) -> f32 {
        (LOW_SCORE_SHARE * self.min_score).max(LEAST_LOW_SCORE).min(self.min_score)
    }

    fn allows_size(&self, detection: &Detection, frame: FrameInfo) -> bool {
        let LabelFilter { min_area, max_area, min_aspect_ratio, max_aspect_ratio, .. } = self.filter;
        let area = detection.bbox.area();
        let (width, height) = (detection.bbox.width * frame.width as f32, detection.bbox.height * frame.height as f32);
        // Without a division: a box without height is infinitely wide.
        let has_aspect_ratio = width >= min_aspect_ratio * height
            && (max_aspect_ratio.is_infinite() || width <= max_aspect_ratio * height);
        area >= min_area && area <= max_area && has_aspect_ratio
    }
}

impl LabelRules {
    /// The rules of one camera: `filters` names the wished labels (all of the model's when empty); a filter without a
    /// score takes `score_threshold`.
    #[must_use]
    pub fn new(labels: &Labels, filters: &BTreeMap<String, LabelFilter>, score_threshold: f32) -> Self {
        let rule_of = |class_id: usize| {
            let name = labels.name(u16::try_from(class_id).ok()?)?;
            let filter = if filters.is_empty() { LabelFilter::default() } else { *filters.get(name)? };
            Some(LabelRule { name: name.into(), filter, min_score: filter.min_score.unwrap_or(score_threshold) })
        };
        Self { by_class: (0..labels.len()).map(rule_of).collect() }
    }

    /// The least score that is of use for any reported label: what decoding has to keep.
    #[must_use]
    pub fn least_score(&self) -> f32 {
        self.by_class.iter().flatten().map(LabelRule::low_score).fold(1.0, f32::min)
    }

    /// The names that are reported.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_class.iter().flatten().map(|rule| &rule.name)
    }

    /// The name of a reported class.
    #[must_use]
    pub fn name(&self, class_id: u16) -> Option<&Arc<str>> {
        Some(&self.rule(class_id)?.name)
    }

    /// What the tracker is to see of a detection; `None`: nothing.
    #[must_use]
    pub fn sighting(&self, detection: &Detection, frame: FrameInfo, masks: &[Polygon]) -> Option<Sighting> {
        let rule = self.rule(detection.class_id)?;
        if detection.score < rule.low_score() || !rule.allows_size(detection, frame) {
            return None;
        }
        let foot = detection.bbox.reference(ReferencePoint::Foot);
        if masks.iter().any(|mask| mask.contains(foot)) {
            return None;
        }
        Some(Sighting { detection: *detection, is_high: detection.score >= rule.min_score })
    }

    fn rule(&self, class_id: u16) -> Option<&LabelRule> {
        self.by_class.get(usize::from(class_id))?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{BoxInFrame, Point};

    const FRAME: FrameInfo = FrameInfo { width: 1600, height: 800, seq: 0 };

    fn labels() -> Labels {
        Labels::new(vec![None, Some("person".into()), Some("car".into())])
    }

    fn seen(class_id: u16, score: f32) -> Detection {
        Detection { class_id, score, bbox: BoxInFrame { x: 0.1, y: 0.1, width: 0.2, height: 0.2 } }
    }

    fn only(name: &str, filter: LabelFilter) -> BTreeMap<String, LabelFilter> {
        BTreeMap::from([(name.to_string(), filter)])
    }

    #[test]
    fn filters_decide_what_is_seen_and_how() {
        let everything = LabelFilter::default();
        let (sure, unsure, nothing) = (Some(true), Some(false), None);
        for (filters, detection, expected) in [
            (BTreeMap::new(), seen(1, 0.5), sure),
            (BTreeMap::new(), seen(1, 0.49), unsure),
            (BTreeMap::new(), seen(1, 0.25), unsure),
            (BTreeMap::new(), seen(1, 0.24), nothing),
            (BTreeMap::new(), seen(0, 0.9), nothing),
            (BTreeMap::new(), seen(9, 0.9), nothing),
            (only("car", everything), seen(1, 0.9), nothing),
            (only("person", LabelFilter { min_score: Some(0.3), ..everything }), seen(1, 0.4), sure),
            (only("person", LabelFilter { min_score: Some(0.05), ..everything }), seen(1, 0.06), sure),
            (only("person", LabelFilter { min_area: 0.05, ..everything }), seen(1, 0.9), nothing),
            (only("person", LabelFilter { max_area: 0.03, ..everything }), seen(1, 0.9), nothing),
            // 320 by 160 pixels.
            (only("person", LabelFilter { min_aspect_ratio: 2.1, ..everything }), seen(1, 0.9), nothing),
            (only("person", LabelFilter { min_aspect_ratio: 1.9, ..everything }), seen(1, 0.9), sure),
            (only("person", LabelFilter { max_aspect_ratio: 1.9, ..everything }), seen(1, 0.9), nothing),
            (only("person", LabelFilter { max_aspect_ratio: 2.1, ..everything }), seen(1, 0.9), sure),
        ] {
            let sighting = LabelRules::new(&labels(), &filters, 0.5).sighting(&detection, FRAME, &[]);
            assert_eq!(sighting.map(|sighting| sighting.is_high), expected, "{filters:?} {detection:?}");
        }
    }

    #[test]
    fn a_mask_hides_what_stands_in_it() {
        let mask = |top: f32, bottom: f32| {
            let corners = [(0.0, top), (1.0, top), (1.0, bottom), (0.0, bottom)];
            Polygon::new(corners.map(|(x, y)| Point { x, y }).into()).unwrap()
        };
        let rules = LabelRules::new(&labels(), &BTreeMap::new(), 0.5);
        // Its box reaches from 0.1 down to 0.3.
        for (mask, is_seen) in [(mask(0.0, 0.2), true), (mask(0.2, 0.4), false)] {
            assert_eq!(rules.sighting(&seen(1, 0.9), FRAME, &[mask]).is_some(), is_seen);
        }
    }

    #[test]
    fn the_least_score_is_what_decoding_must_keep() {
        let filters = BTreeMap::from([
            ("person".to_string(), LabelFilter { min_score: Some(0.3), ..LabelFilter::default() }),
            ("car".to_string(), LabelFilter::default()),
        ]);
        assert!((LabelRules::new(&labels(), &filters, 0.5).least_score() - 0.15).abs() < 1e-6);
    }
}
