//! How long pictures wait between their arrival and their decoder.
//!
//! rtspsrc reads packets on one thread and hands them on, to the decoder, on another. What the second has no time for waits in
//! rtpjitterbuffer. Presentation times do not tell for how long: they are smoothed arrival times, wrong by up to 0.1 s in both
//! directions on a busy machine and by more at a stream's start, and in TCP nothing keeps the arrival itself. So it is noted here, by
//! the RTP timestamp that all packets of a picture share.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use gstreamer as gst;

/// Pictures that may wait: four seconds at 60 frames per second, and before that the decoder skips ([`super::watch`]).
const MOST_PICTURES: usize = 256;

/// One camera's. The lock is held for a look at one picture.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// RTP timestamps of the pictures that have arrived, and when their last packet did so far.
    waiting: VecDeque<(u32, Instant)>,
    /// When the picture arrived whose packets are handed on.
    handed_on: Option<Instant>,
    /// For so long the jitterbuffer itself may hold packets back, for one that is missing.
    held: Duration,
}

impl Arrivals {
    /// A packet of RTP timestamp `time` arrived.
    fn arrived(&self, time: u32, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, arrival)) = state.waiting.back_mut()
            && *last == time
        {
            *arrival = now;
            return;
        }
        if state.waiting.len() == MOST_PICTURES {
            state.waiting.pop_front();
        }
        state.waiting.push_back((time, now));
    }

    /// A packet of RTP timestamp `time` is handed on.
    fn handed_on(&self, time: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of one out of order, or that was never seen to arrive, nothing is known, and nothing of others is lost.
        let at = state.waiting.iter().position(|(waiting, _)| *waiting == time);
        state.waiting.drain(..at.unwrap_or_default());
        state.handed_on = state.waiting.front().filter(|_| at.is_some()).map(|(_, arrival)| *arrival);
    }

    /// For how long the picture has waited for its decoder that is being handed on; `None` where arrivals are not known.
    pub fn waited(&self, now: Instant) -> Option<Duration> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.handed_on.map(|arrival| now.saturating_duration_since(arrival).saturating_sub(state.held))
    }

    /// Notes what arrives at a jitterbuffer.
    pub fn note_arriving(&self, info: &gst::PadProbeInfo<'_>) {
        let now = Instant::now();
        each_time(info, |time| self.arrived(time, now));
    }

    /// Notes what it hands on.
    pub fn note_handed_on(&self, info: &gst::PadProbeInfo<'_>) {
        each_time(info, |time| self.handed_on(time));
    }

    /// Another jitterbuffer, which holds packets back for so long at most: another sender has times of its own.
    pub fn begin(&self, held: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { held, ..State::default() };
    }
}

/// The RTP timestamp of each packet (RFC 3550, 5.1: the second word of its header).
fn each_time(info: &gst::PadProbeInfo<'_>, mut each: impl FnMut(u32)) {
    let mut read = |packet: &gst::BufferRef| {
        let mut time = [0; 4];
        if packet.copy_to_slice(4, &mut time).is_ok() {
            each(u32::from_be_bytes(time));
        }
    };
    match &info.data {
        Some(gst::PadProbeData::Buffer(packet)) => read(packet),
        Some(gst::PadProbeData::BufferList(packets)) => packets.iter().for_each(read),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn a_picture_has_waited_since_its_last_packet_arrived() {
        let (arrivals, start) = (Arrivals::default(), Instant::now());
        assert_eq!(arrivals.waited(start), None);
        // Three pictures, the first of two packets; times begin anew in between.
        for (time, millis) in [(u32::MAX - 2999, 0), (u32::MAX - 2999, 5), (0, 33), (3000, 66)] {
            arrivals.arrived(time, at(start, millis));
        }
        arrivals.handed_on(u32::MAX - 2999);
        assert_eq!(arrivals.waited(at(start, 100)), Some(Duration::from_millis(95)));
        arrivals.handed_on(3000);
        assert_eq!(arrivals.waited(at(start, 100)), Some(Duration::from_millis(34)));
        arrivals.handed_on(0);
        assert_eq!(arrivals.waited(at(start, 100)), None, "nothing is known of it any more");
        arrivals.handed_on(3000);
        assert_eq!(arrivals.waited(at(start, 100)), Some(Duration::from_millis(34)));
        arrivals.begin(Duration::ZERO);
        assert_eq!(arrivals.waited(at(start, 100)), None);
    }

    #[test]
    fn what_a_jitterbuffer_holds_back_does_not_wait_for_a_decoder() {
        let (arrivals, start) = (Arrivals::default(), Instant::now());
        arrivals.begin(Duration::from_millis(200));
        arrivals.arrived(1, start);
        arrivals.handed_on(1);
        assert_eq!(arrivals.waited(at(start, 199)), Some(Duration::ZERO));
        assert_eq!(arrivals.waited(at(start, 250)), Some(Duration::from_millis(50)));
    }

    #[test]
    fn what_is_known_of_a_decoder_that_stands_still_is_bounded() {
        let (arrivals, start) = (Arrivals::default(), Instant::now());
        (0..1000).for_each(|number| arrivals.arrived(number * 3000, at(start, u64::from(number))));
        assert_eq!(arrivals.0.lock().unwrap().waiting.len(), MOST_PICTURES);
        arrivals.handed_on(999 * 3000);
        assert_eq!(arrivals.waited(at(start, 1009)), Some(Duration::from_millis(10)));
        assert_eq!(arrivals.0.lock().unwrap().waiting.len(), 1);
    }
}
