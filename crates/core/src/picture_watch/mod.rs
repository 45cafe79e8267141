//! Whether a stream that runs still shows something: frozen and black pictures.
//!
//! One look a second. What it looks at are [`ROWS`] rows of luma from the frame's top to its bottom: each pixel of them for
//! a frozen picture, every [`COLUMNS`]th part of them for a black one. That touches 1/30 of a 1080p frame's rows, no more
//! cache lines than as many single points would, and crosses a clock's line of text from end to end: a camera whose scene
//! stands still is not frozen as long as its clock runs.

mod sample;

use std::time::{Duration, Instant};

use crate::frame::FrameView;

/// Rows that are looked at.
const ROWS: usize = 36;
/// Points of a row that count for its brightness.
const COLUMNS: usize = 64;
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a picture must be the same, or black, to be told.
///
/// **Frozen** means: not one of the pixels looked at changed. A sensor's noise changes them from frame to frame, but an
/// encoder at a low bitrate removes noise and repeats the blocks of a still scene as they were, for up to its key frame
/// interval and, at night, for longer. Hence a minute. A test pattern, a paused file and a camera whose picture is drawn
/// (a map, a menu) are frozen by this definition; such a camera sets `frozen_after` to `None`. A camera whose picture
/// stands still under a clock of its own that runs is not seen.
///
/// **Dark** means: 97 of 100 points are black or nearly so, and nearly equal: a cap on the lens, no light and no infrared,
/// a sensor that has died. The rest may be a clock. A night scene in which anything can be made out is not dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureWatchSettings {
    /// The same picture for so long is frozen; never when absent.
    pub frozen_after: Option<Duration>,
    /// A black picture for so long is dark; never when absent.
    pub dark_after: Option<Duration>,
}

impl Default for PictureWatchSettings {
    /// A minute, and half a minute.
    fn default() -> Self {
        Self { frozen_after: Some(Duration::from_secs(60)), dark_after: Some(Duration::from_secs(30)) }
    }
}

/// What a stream shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PictureState {
    /// Something that changes, or has not been the same for long.
    #[default]
    Normal,
    /// The same picture all the time.
    Frozen,
    /// Black. A black picture that never changes is dark, not frozen: that says more.
    Dark,
}

/// Looks at one stream. Takes no memory beyond itself.
#[derive(Clone, Debug)]
pub struct PictureWatch {
    settings: PictureWatchSettings,
    next_look: Option<Instant>,
    /// What the last look saw, and since when it has been the same.
    same: Option<(u64, Instant)>,
    /// Since when it has been black.
    dark_since: Option<Instant>,
    state: PictureState,
}

impl PictureWatch {
    /// A watch that has not seen anything.
    #[must_use]
    pub const fn new(settings: PictureWatchSettings) -> Self {
        Self { settings, next_look: None, same: None, dark_since: None, state: PictureState::Normal }
    }

    /// Whether a frame of this moment is to be looked at: about one a second, and none when nothing is watched for.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        match self.next_look {
            Some(next_look) => now >= next_look,
            None => self.settings.frozen_after.is_some() || self.settings.dark_after.is_some(),
        }
    }

    /// What the stream shows, with this frame of moment `now`. `Frozen` and `Dark` end at the first look that sees
    /// otherwise.
    pub fn look(&mut self, view: FrameView<'_>, now: Instant) -> PictureState {
        self.next_look = Some(now + LOOK_EVERY);
        let sample = sample::take(&view);

        let same_since = match self.same {
            Some((picture, since)) if picture == sample.picture => since,
            _ => now,
        };
        self.same = Some((sample.picture, same_since));
        // What has been told as dark may flicker a little: a state that comes and goes helps nobody.
        let is_dark = sample.is_dark(self.state == PictureState::Dark);
        self.dark_since = is_dark.then_some(self.dark_since.unwrap_or(now));

        let lasts = |since: Option<Instant>, limit: Option<Duration>| {
            since.zip(limit).is_some_and(|(since, limit)| now.saturating_duration_since(since) >= limit)
        };
        self.state = if lasts(self.dark_since, self.settings.dark_after) {
            PictureState::Dark
        } else if lasts(self.same.map(|(_, since)| since), self.settings.frozen_after) {
            PictureState::Frozen
        } else {
            PictureState::Normal
        };
        self.state
    }

    /// What the last look found.
    #[must_use]
    pub const fn state(&self) -> PictureState {
        self.state
    }

    /// Forgets everything: the stream was opened anew.
    pub const fn reset(&mut self) {
        *self = Self::new(self.settings);
    }
}

#[cfg(test)]
mod tests;
