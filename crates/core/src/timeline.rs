//! When frames were taken, on a clock that never goes back: what tracks, dwell times and updates are measured by.

use std::time::{Duration, Instant};

use crate::frame::FrameTimes;

/// A camera's clock and this machine's may part by so much before they are brought together again: no stream is decoded
/// so late, so it was the camera's clock that was set.
const LARGEST_DRIFT: Duration = Duration::from_secs(2);

/// Places frames in time by their capture time: it does not shake, as the moment of decoding does when the network or
/// the box hiccups. Whatever the camera's clock does, time goes on, and stays near this machine's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline {
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    capture_micros: i64,
    moment: Instant,
}

impl Timeline {
    /// When the frame was taken: not before any frame placed earlier.
    pub fn place(&mut self, times: &FrameTimes) -> Instant {
        let moment = self.last.map_or(times.decoded_at, |last| last.next(times));
        self.last = Some(Last { capture_micros: times.capture.as_micros(), moment });
        moment
    }
}

impl Last {
    fn next(&self, times: &FrameTimes) -> Instant {
        let elapsed = u64::try_from(times.capture.as_micros() - self.capture_micros).map(Duration::from_micros);
        let by_capture = elapsed.ok().and_then(|elapsed| self.moment.checked_add(elapsed));
        let is_near = |moment: &Instant| distance(*moment, times.decoded_at) <= LARGEST_DRIFT;
        by_capture.filter(is_near).unwrap_or(times.decoded_at).max(self.moment)
    }
}

fn distance(one: Instant, other: Instant) -> Duration {
    one.max(other).saturating_duration_since(one.min(other))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{frame::CaptureClock, time::WallTime};

    fn times(start: Instant, capture_millis: i64, decoded_millis: u64) -> FrameTimes {
        FrameTimes {
            capture: WallTime::from_micros(1_700_000_000_000_000 + 1000 * capture_millis),
            clock: CaptureClock::Rtcp,
            decoded: WallTime::from_micros(0),
            decoded_at: start + Duration::from_millis(decoded_millis),
            arrived_at: start + Duration::from_millis(decoded_millis),
        }
    }

    /// (capture, decoded) in milliseconds to where the frames are placed, in milliseconds from the first one.
    fn placed(frames: &[(i64, u64)]) -> Vec<u64> {
        let (start, mut timeline) = (Instant::now(), Timeline::default());
        let mut moments = frames.iter().map(|&(capture, decoded)| timeline.place(&times(start, capture, decoded)));
        let moments: Vec<_> = moments.by_ref().collect();
        moments.iter().map(|moment| moment.duration_since(moments[0]).as_millis().try_into().unwrap()).collect()
    }

    #[test]
    fn frames_stand_where_they_were_taken() {
        for (why, frames, expected) in [
            ("a burst after a hiccup", &[(0, 0), (100, 300), (200, 301), (300, 302)][..], vec![0, 100, 200, 300]),
            ("a wrong clock is as good", &[(-90_000, 0), (-89_900, 100)], vec![0, 100]),
            (
                "the clock is set forward",
                &[(0, 0), (100, 100), (9_000_200, 200), (9_000_300, 300)],
                vec![0, 100, 200, 300],
            ),
            (
                "the clock is set back",
                &[(0, 0), (100, 100), (-9_000_000, 200), (-8_999_900, 300)],
                vec![0, 100, 200, 300],
            ),
            ("one frame twice", &[(0, 0), (0, 0), (100, 100)], vec![0, 0, 100]),
            ("a camera that was away", &[(0, 0), (60_000, 60_000)], vec![0, 60_000]),
        ] {
            assert_eq!(placed(frames), expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn time_goes_on_and_stays_near(steps in prop::collection::vec((-5000i64..20_000, 0u64..3000), 1..60)) {
            let (start, mut timeline, mut capture, mut decoded) = (Instant::now(), Timeline::default(), 0, 0);
            let (mut last, mut latest_decoded) = (None, start);
            for (capture_step, decoded_step) in steps {
                capture += capture_step;
                decoded += decoded_step;
                let frame = times(start, capture, decoded);
                let moment = timeline.place(&frame);
                latest_decoded = latest_decoded.max(frame.decoded_at);
                prop_assert!(last.is_none_or(|last| moment >= last));
                prop_assert!(distance(moment, latest_decoded) <= LARGEST_DRIFT);
                last = Some(moment);
            }
        }
    }
}
