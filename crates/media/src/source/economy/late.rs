//! Which pictures are left out because decoding does not keep up.

use std::time::{Duration, Instant};

use sightline_core::ports::{SkippedPicture, WantedDecoding};

use super::{AWAKE, State, is_within, lateness::Pressure};

/// Pictures that stand for themselves are left out for being late while one was decoded so short a while ago.
const LATE_FOR: Duration = Duration::from_secs(1);
/// Pictures to which others refer are not left out while one to which none refers was decoded so short a while ago.
const SPARED_FOR: Duration = Duration::from_millis(500);

impl State {
    /// How much decoding lags behind. What was saved while nothing moved may be late.
    pub(super) fn pressure(&mut self, waited: Option<Duration>, now: Instant, wanted: WantedDecoding) -> Pressure {
        let (Some(waited), Some(borne)) = (waited, wanted.lateness) else { return Pressure::Nothing };
        let pressure = self.lateness.note(waited, now, borne);
        if is_within(self.last_saving, now, AWAKE) {
            self.lateness.forget();
            return Pressure::Nothing;
        }
        pressure
    }

    /// Whether a picture is left out because decoding does not keep up, and with it what refers to it.
    pub(super) fn is_too_late(&mut self, pressure: Pressure, is_key: bool, is_disposable: bool, now: Instant) -> bool {
        let was_left_out_key = is_key && std::mem::take(&mut self.left_out_key);
        if pressure == Pressure::Nothing {
            return false;
        }
        if is_disposable {
            let is_left_out = is_within(self.last_decoded, now, self.patience.min(LATE_FOR));
            if is_left_out && pressure == Pressure::TooMuch {
                self.lateness.give_way(now);
            }
            return is_left_out;
        }
        // Only where the next key frame is known to come soon; the one after that, where this one goes itself.
        let gap = if is_key { 2 } else { 1 };
        let comes_soon = self.longest_key_interval().is_some_and(|interval| interval * gap <= self.patience)
            && is_within(self.last_key, now, self.patience)
            && is_within(self.last_decoded, now, self.patience);
        // Those to which no other refers go first.
        let has_others = is_within(self.last_disposable, now, SPARED_FOR);
        if pressure < Pressure::TooMuch || !comes_soon || was_left_out_key || has_others || !self.kept.is_empty() {
            return false;
        }
        self.lateness.give_way(now);
        self.lateness.forget();
        self.needs_key = Some(SkippedPicture::Late);
        self.left_out_key = is_key;
        true
    }
}
