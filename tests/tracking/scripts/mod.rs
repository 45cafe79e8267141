//! Scripted scenes for zones and lines: pure data, no pixels. What each must count is said twice, by hand in the script
//! and by brute force in `exact`, and then by the product from frames of several rates, some of them dropped, with boxes
//! that shake.

mod actor;
mod exact;
mod lines;
mod zones;

use std::{sync::Arc, time::Duration};

use sightline_core::{
    detection::Detection,
    event::{EventKind, LineDirection},
    geometry::Polygon,
    plan::{LinePlan, ReferencePoint, ZonePlan},
};

use self::{
    actor::{Actor, point},
    exact::Counts,
};
use crate::{
    detections::shaken,
    recordings::{RATES, kept},
    runner::{self, Input, Output, class_id},
};

/// Each edge of a box is off by up to this part of its width or height.
const JITTER: f32 = 0.03;
/// Whether somebody has crossed or entered must not depend on whether clearance and inertia are a little longer.
const PATIENCE: [f64; 3] = [0.7, 1.0, 1.3];
/// How often each script is seen under each condition: with other frames dropped, and at other moments.
const SEEDS: std::ops::Range<u64> = 0..10;

/// A scene and what is to be counted in it.
#[derive(Clone, Debug)]
pub struct Script {
    name: &'static str,
    actors: Vec<Actor>,
    zones: Vec<ZonePlan>,
    lines: Vec<LinePlan>,
    expected: Counts,
}

impl Script {
    fn new(name: &'static str) -> Self {
        Self { name, actors: Vec::new(), zones: Vec::new(), lines: Vec::new(), expected: Counts::new() }
    }

    fn line(mut self, id: &str, [from, to]: [(f64, f64); 2]) -> Self {
        let (from, to) = (point(from), point(to));
        let point = ReferencePoint::Foot;
        self.lines.push(LinePlan { id: id.into(), from, to, labels: Vec::new(), point });
        self
    }

    fn zone(mut self, id: &str, corners: &[(f64, f64)]) -> Self {
        let polygon = Polygon::new(corners.iter().copied().map(point).collect()).expect("a polygon");
        self.zones.push(ZonePlan {
            id: Arc::from(id),
            polygon,
            labels: Vec::new(),
            point: ReferencePoint::Foot,
            inertia: Duration::from_millis(500),
            loitering: None,
        });
        self
    }

    /// The centre of the boxes counts for the zones.
    fn by_centre(mut self) -> Self {
        self.zones.iter_mut().for_each(|zone| zone.point = ReferencePoint::Center);
        self
    }

    fn loitering(mut self, seconds: f64) -> Self {
        self.zones.iter_mut().for_each(|zone| zone.loitering = Some(Duration::from_secs_f64(seconds)));
        self
    }

    /// Only these labels count.
    fn only(mut self, labels: &[&str]) -> Self {
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        self.zones.iter_mut().for_each(|zone| zone.labels.clone_from(&labels));
        self.lines.iter_mut().for_each(|line| line.labels.clone_from(&labels));
        self
    }

    fn with(mut self, actor: Actor) -> Self {
        self.actors.push(actor);
        self
    }

    fn expect(mut self, what: &str, times: u32) -> Self {
        self.expected.insert(what.to_owned(), times);
        self
    }

    /// What a camera sees of it at these seconds.
    fn seen(&self, view: &View, frames: &[f64]) -> Vec<Input> {
        let mut random = fastrand::Rng::with_seed(view.seed);
        let mut detection = |actor: &Actor, at: f64| {
            let bbox = shaken(actor.seen(at)?, view.jitter, &mut random);
            Some(Detection { class_id: class_id(actor.label()), score: 0.9, bbox })
        };
        let mut input = |at: f64| Input {
            at: Duration::from_secs_f64(at),
            detections: self.actors.iter().filter_map(|actor| detection(actor, at)).collect(),
        };
        frames.iter().map(|&at| input(at)).collect()
    }

    /// The seconds of the frames that reach the tracker, until everybody is given up for gone.
    fn frames(&self, view: &View) -> Vec<f64> {
        let mut random = fastrand::Rng::with_seed(view.seed);
        let fps = f64::from(view.fps);
        // The first frame comes at any moment, the others at the camera's rate.
        let phase = random.f64() / fps;
        let end = self.actors.iter().map(Actor::leaves).fold(0.0, f64::max) + 12.0;
        let kept = kept((end * fps).ceil() as usize, view.some_dropped, random.u64(..));
        let indices = kept.iter().enumerate().filter(|(_, kept)| **kept);
        indices.map(|(index, _)| phase + index as f64 / fps).collect()
    }

    /// Whether these frames show what happens: of who is hardly seen while inside a zone, nobody can say how long it
    /// stayed.
    fn is_shown(&self, frames: &[f64]) -> bool {
        PATIENCE.iter().all(|&patience| exact::counts_in_frames(self, patience, frames) == self.expected)
    }

    fn all() -> Vec<Self> {
        [lines::scripts(), zones::scripts()].concat()
    }
}

/// How a camera sees a script.
#[derive(Clone, Copy, Debug)]
struct View {
    fps: u32,
    some_dropped: bool,
    jitter: f32,
    seed: u64,
}

impl View {
    fn all() -> Vec<Self> {
        let mut views = Vec::new();
        for fps in RATES {
            for some_dropped in [false, true] {
                for jitter in [0.0, JITTER] {
                    views.extend(SEEDS.map(|seed| Self { fps, some_dropped, jitter, seed }));
                }
            }
        }
        views
    }
}

/// What the product counted.
fn told(outputs: &[Output]) -> Counts {
    let mut counts = Counts::new();
    for change in outputs.iter().flat_map(|output| &output.changes) {
        let name = match &change.kind {
            EventKind::ZoneEntered { zone } => format!("{zone} entered"),
            EventKind::ZoneLeft { zone, .. } => format!("{zone} left"),
            EventKind::ZoneLoitering { zone, .. } => format!("{zone} loitering"),
            EventKind::LineCrossed { line, direction: LineDirection::In } => format!("{line} in"),
            EventKind::LineCrossed { line, direction: LineDirection::Out } => format!("{line} out"),
            EventKind::ObjectStarted | EventKind::ObjectUpdated | EventKind::ObjectEnded { .. } => continue,
        };
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[test]
fn zones_and_lines_are_counted_exactly() {
    let (mut shown, mut hidden, mut wrong) = (0, 0, Vec::new());
    for script in Script::all() {
        for view in View::all() {
            let frames = script.frames(&view);
            if !script.is_shown(&frames) {
                assert!(view.some_dropped, "{}: all frames are there and do not show it: {view:?}", script.name);
                hidden += 1;
                continue;
            }
            shown += 1;
            let counted = told(&runner::follow(&script.zones, &script.lines, &script.seen(&view, &frames)));
            if counted != script.expected {
                wrong.push(format!("{}: {counted:?} instead of {:?} with {view:?}", script.name, script.expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {shown}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(hidden * 50 < shown, "in {hidden} cases, and only {shown} others, the frames do not show what happens");
}

#[test]
fn what_scripts_expect_is_what_the_exact_ways_lead_to() {
    for script in Script::all() {
        for patience in PATIENCE {
            assert_eq!(exact::counts(&script, patience), script.expected, "{} with patience {patience}", script.name);
        }
    }
}
