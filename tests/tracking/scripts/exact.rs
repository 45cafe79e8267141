//! What must be counted, by brute force: from each actor's exact way, a thousand points a second, with geometry and
//! rules of its own.
//!
//! - A line is crossed when the way leads through the piece between its two ends, from clear of it on one side to clear
//!   of it on the other. Clear is further away than a tenth of the box's extent across the line; at the way's first and
//!   last point its side counts, clear or not.
//! - A zone is entered by who stays for its inertia, or is inside from its first moment on; it is left by who stays
//!   away for its inertia, or is gone.
//! - Who is hidden goes on meanwhile.

use std::collections::BTreeMap;

use sightline_core::{
    geometry::BoxInFrame,
    plan::{LinePlan, ReferencePoint, ZonePlan},
};

use super::{Script, actor::Actor};

/// What is counted how often, by names like `across in` and `yard entered`; what never happens has no entry.
pub type Counts = BTreeMap<String, u32>;

const STEPS_PER_SECOND: f64 = 1000.0;
/// Part of the box's extent across a line from which on it is clear of the line.
const CLEARANCE: f64 = 0.1;

type Xy = (f64, f64);

/// The counts of a script. With a `patience` other than 1 inertia and clearance are that much longer: a script in which
/// this makes a difference is none that frames could tell.
pub fn counts(script: &Script, patience: f64) -> Counts {
    count(script, patience, &Way::exact)
}

/// The same, of what frames at these seconds show: the way from one sighting to the next is straight.
pub fn counts_in_frames(script: &Script, patience: f64, frames: &[f64]) -> Counts {
    count(script, patience, &|actor| vec![Way::in_frames(actor, frames)])
}

fn count(script: &Script, patience: f64, ways_of: &dyn Fn(&Actor) -> Vec<Way>) -> Counts {
    let mut counts = Counts::new();
    for actor in &script.actors {
        let counts_label = |labels: &[String]| labels.is_empty() || labels.iter().any(|label| label == actor.label());
        for way in ways_of(actor).iter().filter(|way| !way.0.is_empty()) {
            for line in script.lines.iter().filter(|line| counts_label(&line.labels)) {
                count_crossings(way, line, patience, &mut counts);
            }
            for zone in script.zones.iter().filter(|zone| counts_label(&zone.labels)) {
                count_stays(way, zone, patience, &mut counts);
            }
        }
    }
    counts
}

fn add(counts: &mut Counts, name: &str, what: &str) {
    *counts.entry(format!("{name} {what}")).or_default() += 1;
}

/// The boxes of an actor from its coming into the frame until its leaving, each with its second.
struct Way(Vec<(f64, BoxInFrame)>);

impl Way {
    /// A thousand a second, hidden or not; one way for each time that it is in the frame.
    fn exact(actor: &Actor) -> Vec<Self> {
        let steps = (actor.leaves() * STEPS_PER_SECOND).ceil() as u32;
        let seconds = (0..steps).map(|step| f64::from(step) / STEPS_PER_SECOND);
        let places: Vec<_> = seconds.map(|at| Some((at, actor.place(at)?))).collect();
        places.split(Option::is_none).map(|way| Self(way.iter().flatten().copied().collect())).collect()
    }

    /// Where frames show it.
    fn in_frames(actor: &Actor, frames: &[f64]) -> Self {
        Self(frames.iter().filter_map(|&at| Some((at, actor.seen(at)?))).collect())
    }
}

fn reference(b: &BoxInFrame, which: ReferencePoint) -> Xy {
    let [x, y, width, height] = [b.x, b.y, b.width, b.height].map(f64::from);
    match which {
        ReferencePoint::Foot => (x + 0.5 * width, y + height),
        ReferencePoint::Center => (x + 0.5 * width, y + 0.5 * height),
    }
}

fn count_crossings(Way(sightings): &Way, line: &LinePlan, patience: f64, counts: &mut Counts) {
    let ends = [line.from, line.to].map(|end| (f64::from(end.x), f64::from(end.y)));
    let points: Vec<Xy> = sightings.iter().map(|(_, b)| reference(b, line.point)).collect();
    // The side it was last clear on, and how often it went through the line since: in less out.
    let mut clear_side = side(ends, points[0]) > 0.0;
    let mut through = 0;
    for (step, pair) in points.windows(2).enumerate() {
        through += passes(ends, pair[0], pair[1]);
        let distance = side(ends, pair[1]);
        let is_last = step + 2 == points.len();
        if distance.abs() <= patience * clearance(ends, &sightings[step + 1].1) && !is_last {
            continue;
        }
        let is_right = distance > 0.0;
        if is_right != clear_side && through != 0 {
            add(counts, &line.id, if through > 0 { "in" } else { "out" });
        }
        (clear_side, through) = (is_right, 0);
    }
}

/// Distance from the endless line, positive on the right of who looks along it, in a picture whose y points down.
fn side([from, to]: [Xy; 2], point: Xy) -> f64 {
    cross(from, to, point) / (to.0 - from.0).hypot(to.1 - from.1)
}

/// A tenth of the box's extent across the line.
fn clearance([from, to]: [Xy; 2], bbox: &BoxInFrame) -> f64 {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let (normal_x, normal_y) = ((to.1 - from.1) / length, (to.0 - from.0) / length);
    CLEARANCE * (normal_x.abs() * f64::from(bbox.width) + normal_y.abs() * f64::from(bbox.height))
}

/// 1 when the step goes through the piece between the ends from left to right, -1 the other way, otherwise 0.
fn passes([from, to]: [Xy; 2], before: Xy, after: Xy) -> i32 {
    let was_right = cross(from, to, before) > 0.0;
    let is_right = cross(from, to, after) > 0.0;
    let ends_apart = (cross(before, after, from) > 0.0) != (cross(before, after, to) > 0.0);
    if was_right == is_right || !ends_apart {
        return 0;
    }
    if is_right { 1 } else { -1 }
}

fn cross(a: Xy, b: Xy, c: Xy) -> f64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

fn count_stays(Way(sightings): &Way, zone: &ZonePlan, patience: f64, counts: &mut Counts) {
    let corners: Vec<Xy> = zone.polygon.corners().iter().map(|c| (f64::from(c.x), f64::from(c.y))).collect();
    let sides = sightings.iter().map(|(at, b)| (*at, winds_around(&corners, reference(b, zone.point))));
    let least = patience * zone.inertia.as_secs_f64();
    let is_short = |run: &Run| run.until - run.since < least;

    // Who is inside for a moment only was outside all the time; but who appears inside is inside.
    let mut runs = Run::joined(sides.map(|(at, inside)| Run { inside, since: at, until: at }));
    let first = runs[0].since;
    runs.retain(|run| !run.inside || !is_short(run) || run.since == first);
    // Who is outside for a moment only was inside all the time; but who vanishes outside has left.
    let mut runs = Run::joined(runs.into_iter());
    let (Some(begin), Some(end)) = (runs.first().map(|run| run.since), runs.last().map(|run| run.until)) else {
        return;
    };
    runs.retain(|run| run.inside || !is_short(run) || run.since == begin || run.until == end);
    for stay in Run::joined(runs.into_iter()).iter().filter(|run| run.inside) {
        add(counts, &zone.id, "entered");
        add(counts, &zone.id, "left");
        let seconds = stay.until - stay.since;
        if zone.loitering.is_some_and(|loitering| seconds >= loitering.as_secs_f64()) {
            add(counts, &zone.id, "loitering");
        }
    }
}

/// Sightings on one side of a zone's edge, from the first second to the last.
#[derive(Clone, Copy)]
struct Run {
    inside: bool,
    since: f64,
    until: f64,
}

impl Run {
    /// Neighbours of one side are one.
    fn joined(runs: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        for run in runs {
            match joined.last_mut() {
                Some(last) if last.inside == run.inside => last.until = run.until,
                _ => joined.push(run),
            }
        }
        joined
    }
}

/// Whether the polygon's sides, seen from the point, turn around it.
fn winds_around(corners: &[Xy], (x, y): Xy) -> bool {
    let next = corners.iter().cycle().skip(1);
    let angle = |(a, b): (&Xy, &Xy)| {
        let ((ax, ay), (bx, by)) = ((a.0 - x, a.1 - y), (b.0 - x, b.1 - y));
        (ax * by - ay * bx).atan2(ax * bx + ay * by)
    };
    corners.iter().zip(next).map(angle).sum::<f64>().abs() > std::f64::consts::PI
}
