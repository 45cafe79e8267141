//! The numbers that are kept up to date beside the events: objects present, objects inside zones, crossings of lines.

use std::sync::Arc;

use crate::event::{LineCrossings, LineDirection, Retained};

/// One number with its name.
#[derive(Clone, Debug, PartialEq)]
enum Tally {
    Present { label: Arc<str>, count: u32 },
    Inside { zone_index: usize, zone: Arc<str>, label: Arc<str>, count: u32 },
    Crossings { line: Arc<str>, crossings: LineCrossings },
}

/// All numbers of one camera, and which of them nobody has heard of yet.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    slots: Vec<(Tally, bool)>,
}

impl Tallies {
    pub(super) fn add_label(&mut self, label: &Arc<str>) {
        self.slots.push((Tally::Present { label: label.clone(), count: 0 }, true));
    }

    pub(super) fn add_zone(&mut self, zone_index: usize, zone: &Arc<str>, label: &Arc<str>) {
        self.slots.push((Tally::Inside { zone_index, zone: zone.clone(), label: label.clone(), count: 0 }, true));
    }

    pub(super) fn add_line(&mut self, line: &Arc<str>) {
        self.slots.push((Tally::Crossings { line: line.clone(), crossings: LineCrossings::default() }, true));
    }

    /// Counts anew rather than up and down: a count cannot drift from the objects that it counts. `count` is asked for
    /// the objects of a label that are present, or inside a zone.
    pub(super) fn recount(&mut self, count: &dyn Fn(Option<usize>, &Arc<str>) -> u32) {
        for (tally, is_news) in &mut self.slots {
            let (known, now) = match tally {
                Tally::Present { label, count: known } => (known, count(None, label)),
                Tally::Inside { zone_index, label, count: known, .. } => (known, count(Some(*zone_index), label)),
                Tally::Crossings { .. } => continue,
            };
            *is_news |= std::mem::replace(known, now) != now;
        }
    }

    pub(super) fn crossed(&mut self, over: &str, direction: LineDirection) {
        for (tally, is_news) in &mut self.slots {
            if let Tally::Crossings { line, crossings } = tally
                && **line == *over
            {
                match direction {
                    LineDirection::In => crossings.r#in += 1,
                    LineDirection::Out => crossings.out += 1,
                }
                *is_news = true;
            }
        }
    }

    /// Counts the crossings of lines on from `earlier`.
    pub(super) fn take_crossings(&mut self, earlier: &Self) {
        for (tally, _) in &mut self.slots {
            let Tally::Crossings { line, crossings } = tally else { continue };
            let known = earlier.slots.iter().find_map(|(known, _)| match known {
                Tally::Crossings { line: name, crossings } if name == line => Some(*crossings),
                _ => None,
            });
            *crossings = known.unwrap_or_default();
        }
    }

    /// Hands out what has changed since the last call; the first call hands out everything.
    pub(super) fn take_news(&mut self, camera: &Arc<str>, tell: &mut dyn FnMut(Retained)) {
        for (tally, is_news) in &mut self.slots {
            if std::mem::take(is_news) {
                tell(tally.retained(camera.clone()));
            }
        }
    }

    /// All of them, as they are.
    pub(super) fn all(&self, camera: &Arc<str>) -> impl Iterator<Item = Retained> {
        self.slots.iter().map(|(tally, _)| tally.retained(camera.clone()))
    }
}

impl Tally {
    fn retained(&self, camera: Arc<str>) -> Retained {
        match self.clone() {
            Self::Present { label, count } => Retained::Count { camera, label, present: count },
            Self::Inside { zone, label, count, .. } => Retained::Zone { camera, zone, label, inside: count },
            Self::Crossings { line, crossings } => Retained::Line { camera, line, crossings },
        }
    }
}
