//! The motion gate: whether a frame is worth the network's time.
//!
//! One look costs about a hundredth of what the network costs. It is made to err on one side: what might be an object is
//! looked at, so that a camera in whose picture nothing moves costs little and nothing that comes is missed.

mod background;
mod grid;

use std::time::{Duration, Instant};

use self::{background::Background, grid::Grid};
use crate::{
    frame::FrameView,
    geometry::{Point, Polygon},
    plan::{CameraPlan, MotionPlan},
};

/// How the gate looks, and what it lets through all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct MotionSettings {
    /// From 0 (only what is large and plain to see) to 1 (every flicker).
    pub sensitivity: f32,
    /// A frame goes through at least this often, whatever it shows.
    pub max_idle: Duration,
    /// Stop looking for a while where something moves nearly all the time, and let everything through.
    pub adaptive: bool,
}

/// After the last motion, and after the first frame, all go through for so long: for the tracker to see that an object stands
/// still or has left, and for the background to be learnt.
const LINGER: Duration = Duration::from_millis(3500);
/// While nothing moves in the picture and yet something is followed that does not stand still, or may become an object, a frame
/// goes through this often.
const UNSETTLED_EVERY: Duration = Duration::from_millis(400);
/// While all that is followed stands still, a frame goes through this often: often enough for it to be seen again and again
/// before it counts as gone ([`crate::track::TrackerSettings::max_age_stationary`]).
const STILL_EVERY: Duration = Duration::from_millis(1500);
/// Where more than this share of about the last minutes went through for motion, [`MotionSettings::adaptive`] stops looking …
const BUSY: f32 = 0.9;
const BUSY_MEMORY: Duration = Duration::from_secs(60);
/// … for so long.
const PAUSE: Duration = Duration::from_secs(60);

/// What the tracker follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Followed {
    /// Nothing.
    #[default]
    Nothing,
    /// Only objects that stand still.
    StillObjects,
    /// Others, or what may become an object.
    Others,
}

/// One camera's gate. Takes some 200 KB.
#[derive(Clone, Debug)]
pub struct MotionGate {
    settings: MotionSettings,
    masks: Vec<Polygon>,
    grid: Grid,
    background: Background,
    /// 1 for each cell that is not masked.
    watched: Vec<u8>,
    last_look: Option<Instant>,
    last_motion: Option<Instant>,
    last_admitted: Option<Instant>,
    /// Share of the time in which frames went through for motion.
    busy: f32,
    paused_until: Option<Instant>,
    is_idle: bool,
}

impl MotionGate {
    /// The gate that a camera's plan wishes.
    #[must_use]
    pub fn of(camera: &CameraPlan) -> Option<Self> {
        let MotionPlan { sensitivity, max_idle, adaptive, masks } = camera.motion.clone()?;
        let masks = masks.into_iter().chain(camera.masks.iter().cloned()).collect();
        Some(Self::new(MotionSettings { sensitivity, max_idle, adaptive }, masks))
    }

    /// A gate that has seen nothing yet, and does not look at what lies in `masks`.
    #[must_use]
    pub fn new(settings: MotionSettings, masks: Vec<Polygon>) -> Self {
        Self {
            settings,
            masks,
            grid: Grid::default(),
            background: Background::default(),
            watched: Vec::new(),
            last_look: None,
            last_motion: None,
            last_admitted: None,
            busy: 0.0,
            paused_until: None,
            is_idle: false,
        }
    }

    /// Whether a frame of moment `now` is to be inferred.
    pub fn admit(&mut self, view: FrameView<'_>, now: Instant, followed: Followed) -> bool {
        if self.paused_until.is_some_and(|until| now < until) {
            return self.admitted(now);
        }
        let attentive = self.look(&view, now);
        self.is_idle = !attentive && followed != Followed::Others;
        let pause = match followed {
            Followed::Nothing => self.settings.max_idle,
            Followed::StillObjects => STILL_EVERY.min(self.settings.max_idle),
            Followed::Others => UNSETTLED_EVERY,
        };
        if attentive || !within(self.last_admitted, now, pause) { self.admitted(now) } else { false }
    }

    /// Whether nothing has moved for a while, and nothing is followed but what stands still.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// Forgets what it has learnt: the stream was opened anew.
    pub fn reset(&mut self) {
        let (settings, masks) = (self.settings.clone(), std::mem::take(&mut self.masks));
        *self = Self::new(settings, masks);
    }

    fn admitted(&mut self, now: Instant) -> bool {
        self.last_admitted = Some(now);
        true
    }

    /// Looks at a frame; whether anything moves in it or has moved shortly before it.
    fn look(&mut self, view: &FrameView<'_>, now: Instant) -> bool {
        let since_last = self.last_look.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.last_look = Some(now);
        self.grid.fill(view);
        if self.watched.len() != self.grid.cells.len() {
            self.watched = watched(&self.grid, &self.masks);
            self.background.forget();
        }
        let (least, cells) = (self.least_difference(), self.least_cells());
        let differing = self.background.compare(&self.grid, &self.watched, least, since_last);
        if differing.is_none_or(|differing| differing >= cells) {
            self.last_motion = Some(now);
        }
        let attentive = within(self.last_motion, now, LINGER);

        let share = since_last.as_secs_f32() / (since_last + BUSY_MEMORY).as_secs_f32();
        self.busy += (f32::from(u8::from(attentive)) - self.busy) * share;
        if self.settings.adaptive && self.busy > BUSY {
            self.paused_until = Some(now + PAUSE);
            self.busy = 0.0;
        }
        attentive
    }

    /// Levels of luma by which a cell must differ: 24 at sensitivity 0, 8 in the middle, 3 at 1.
    fn least_difference(&self) -> f32 {
        24.0 * libm::powf(0.125, self.settings.sensitivity)
    }

    /// Cells that must differ together: 24 at sensitivity 0, 6 in the middle, 2 at 1. The smallest object that a network of
    /// 300×300 finds in a 720p frame covers some fifty.
    fn least_cells(&self) -> usize {
        (24.0 * libm::powf(1.0 / 16.0, self.settings.sensitivity)).round().max(2.0) as usize
    }
}

fn within(since: Option<Instant>, now: Instant, span: Duration) -> bool {
    since.is_some_and(|since| now.saturating_duration_since(since) < span)
}

/// 1 for each cell whose centre lies in none of `masks`.
fn watched(grid: &Grid, masks: &[Polygon]) -> Vec<u8> {
    let center = |index: usize, count: usize| (index as f32 + 0.5) / count as f32;
    let cells = (0..grid.rows).flat_map(|row| (0..grid.columns).map(move |column| (row, column)));
    cells
        .map(|(row, column)| {
            let point = Point { x: center(column, grid.columns), y: center(row, grid.rows) };
            u8::from(!masks.iter().any(|mask| mask.contains(point)))
        })
        .collect()
}

#[cfg(test)]
mod tests;
