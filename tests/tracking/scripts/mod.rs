//! Scripted scenes for zones and lines: pure data, no pixels. What each must count is said twice, by hand in the script
//! and by brute force in `exact`, and then by the product from frames of several rates, some of them dropped, with boxes
//! that shake.

mod actor;
mod exact;
mod lines;
mod zones;

use std::{sync::Arc, time::Duration};

use sightline_core::{
    geometry::Polygon,
    plan::{LinePlan, ReferencePoint, ZonePlan},
};

use self::{
    actor::{Actor, point},
    exact::Counts,
};

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

    fn all() -> Vec<Self> {
        [lines::scripts(), zones::scripts()].concat()
    }
}

#[test]
fn what_scripts_expect_is_what_the_exact_ways_lead_to() {
    for script in Script::all() {
        for patience in [0.6, 1.0, 1.4] {
            assert_eq!(exact::counts(&script, patience), script.expected, "{} with patience {patience}", script.name);
        }
    }
}
