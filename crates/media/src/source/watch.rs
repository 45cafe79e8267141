//! What goes into the decoder against what comes out of it: undecodable streams and overload.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::SourceErrorCode;

use super::stream::Stream;
use crate::elements::source_error;

/// A live frame that leaves the decoder this late after its time means that decoding does not keep up: what waits in the
/// jitterbuffer grows without end, and every detection grows as old as it.
const TOO_LATE: gst::ClockTime = gst::ClockTime::from_seconds(2);
/// How much later than "now" the first frame after a jump may be.
const JUMP_MARGIN: gst::ClockTime = gst::ClockTime::from_mseconds(200);
const NONE: u64 = u64::MAX;

/// Counts and moments, all atomic: the input side and the output side may be different threads.
pub struct Watch {
    started: Instant,
    /// Milliseconds since `started` of the first data that no frame has followed; [`NONE`] when a frame has.
    data_since: AtomicU64,
    /// Data without a frame for longer than this cannot be decoded.
    patience: Duration,
    /// Data before this presentation time are thrown away undecoded; 0 when decoding keeps up.
    skip_before: AtomicU64,
    warned: AtomicBool,
}

impl Watch {
    /// `stall_timeout` is when the caller gives up waiting for frames. This must come first, because it knows why there
    /// are none.
    pub fn new(stall_timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            data_since: AtomicU64::new(NONE),
            patience: stall_timeout.mul_f32(0.8),
            skip_before: AtomicU64::new(0),
            warned: AtomicBool::new(false),
        }
    }

    /// A frame came out.
    pub fn frame(&self) {
        self.data_since.store(NONE, Ordering::Relaxed);
    }

    /// Data went in; returns for how long that has gone on without a frame, when that is too long.
    fn data(&self) -> Option<Duration> {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(NONE - 1);
        let since = match self.data_since.compare_exchange(NONE, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => now,
            Err(since) => since,
        };
        let without_frame = Duration::from_millis(now.saturating_sub(since));
        (without_frame > self.patience).then_some(without_frame)
    }

    /// A live frame of presentation time `pts` came out, `late` after its time.
    pub fn lateness(&self, pts: gst::ClockTime, late: gst::ClockTime, camera: &str) {
        if late < TOO_LATE {
            return;
        }
        self.skip_before.store((pts + late).saturating_sub(JUMP_MARGIN).nseconds(), Ordering::Relaxed);
        if !self.warned.swap(true, Ordering::Relaxed) {
            let late_secs = late.seconds_f32();
            tracing::warn!(camera, late_secs, "decoding does not keep up; skipping to the next keyframe");
        }
    }

    /// Whether this data are too old to be worth decoding.
    ///
    /// Jumps over whole groups of pictures only: from the first thrown-away delta unit on, all go until a keyframe.
    fn is_skipped(&self, buffer: &gst::BufferRef, intra_only: bool) -> bool {
        let skip_before = self.skip_before.load(Ordering::Relaxed);
        if skip_before == 0 {
            return false;
        }
        let is_delta = buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let is_old = buffer.pts().is_some_and(|pts| pts.nseconds() < skip_before);
        // Every frame of an intra-only codec is a keyframe, and stopping at the first would skip nothing. With others
        // the next keyframe is taken even when it is old: the one after it may be ten seconds away.
        let skipped = if intra_only { is_old } else { is_delta };
        if !skipped {
            self.skip_before.store(0, Ordering::Relaxed);
        }
        skipped
    }
}

/// Watches the encoded data that pass `pad`. `live` data may be skipped when decoding does not keep up.
pub fn attach(pad: &gst::Pad, stream: &Arc<Stream>, codec: &str, live: bool) {
    let stream = Arc::clone(stream);
    let intra_only = codec == "JPEG";
    let codec = codec.to_owned();
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        data_arrived(&stream, &codec);
        let skip = live && info.buffer().is_some_and(|buffer| stream.watch.is_skipped(buffer, intra_only));
        if skip { gst::PadProbeReturn::Drop } else { gst::PadProbeReturn::Ok }
    });
}

/// Data of `codec` arrived, as packets or as pictures. Fails `stream` when that has gone on for too long without a frame.
pub fn data_arrived(stream: &Stream, codec: &str) {
    let Some(without_frame) = stream.watch.data() else { return };
    let (address, seconds) = (&stream.address, without_frame.as_secs_f32());
    let damage = stream.damage().map_or_else(String::new, |damage| format!(" ({damage})"));
    let message = format!("{address}: {codec} data arrive, but none could be decoded for {seconds:.0} s{damage}");
    stream.reporter.fail(source_error(SourceErrorCode::Codec, message));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(pts_secs: u64, delta: bool) -> gst::Buffer {
        gst::init().unwrap();
        let mut buffer = gst::Buffer::new();
        let unit = buffer.get_mut().unwrap();
        unit.set_pts(gst::ClockTime::from_seconds(pts_secs));
        if delta {
            unit.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
        buffer
    }

    #[test]
    fn data_without_frames_are_undecodable_after_the_patience_and_a_frame_clears_that() {
        let watch = Watch::new(Duration::ZERO);
        assert_eq!(watch.data(), None, "the first data");
        while watch.data().is_none() {
            assert!(watch.started.elapsed() < Duration::from_secs(5));
            std::thread::yield_now();
        }
        watch.frame();
        assert_eq!(watch.data(), None);
    }

    #[test]
    fn lateness_skips_delta_units_up_to_the_next_keyframe() {
        let watch = Watch::new(Duration::from_secs(10));
        watch.lateness(gst::ClockTime::from_seconds(10), gst::ClockTime::from_seconds(1), "c");
        assert!(!watch.is_skipped(&unit(10, true), false), "one second is tolerable");
        watch.lateness(gst::ClockTime::from_seconds(10), gst::ClockTime::from_seconds(5), "c");
        assert!(watch.is_skipped(&unit(11, true), false));
        assert!(watch.is_skipped(&unit(16, true), false), "what refers to a skipped unit cannot be decoded");
        assert!(!watch.is_skipped(&unit(17, false), false));
        assert!(!watch.is_skipped(&unit(18, true), false), "caught up");
    }

    #[test]
    fn intra_only_codecs_skip_to_now() {
        let watch = Watch::new(Duration::from_secs(10));
        watch.lateness(gst::ClockTime::from_seconds(10), gst::ClockTime::from_seconds(5), "c");
        assert!(watch.is_skipped(&unit(11, false), true));
        assert!(!watch.is_skipped(&unit(15, false), true));
    }
}
