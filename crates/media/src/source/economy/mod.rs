//! Pictures that are not decoded because nobody needs them: what stands between a camera's parser and its decoder.
//!
//! Two kinds. Pictures to which no other one refers are left out one by one. While nothing moves, everything but key frames
//! is; it is kept until the next key frame, and when something happens the decoder is given all of it at once, as if it had
//! never been held back. Decoding one group of pictures takes less time than it takes to be sent.

mod reference;
mod sizes;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SkipNonReference, SkippedPicture, WantedDecoding};

use self::{
    reference::{Layout, References},
    sizes::SizeWatch,
};
use super::stream::Stream;

/// When a picture's size has stood out everything is decoded for so long at least: for the motion gate to see it.
const AWAKE: Duration = Duration::from_secs(2);
/// Key frames that are further apart than this are no way to watch a scene.
const MOST_KEY_INTERVAL: Duration = Duration::from_secs(12);
/// What is kept of one camera, at most: twelve seconds of 5 Mbit/s.
const MOST_KEPT_BYTES: usize = 8 << 20;
/// So many more than the wished frames per second are decoded, because they come unevenly.
const MARGIN: f32 = 1.25;
/// Pictures that may be decoded on credit, for the same reason.
const MOST_CREDIT: f32 = 2.0;

/// One camera's. Only its streaming thread comes here, so the lock is never contended.
#[derive(Debug)]
pub struct Economy {
    state: Mutex<State>,
    /// Decoded frames that are of no use any more: those before this presentation time, in nanoseconds …
    catch_up_to: AtomicU64,
    /// … and no more than so many.
    catch_up: AtomicU64,
}

#[derive(Debug)]
struct State {
    references: Option<References>,
    /// Longest time between frames that can be borne.
    patience: Duration,
    key_interval: Option<Duration>,
    last_key: Option<Instant>,
    /// Everything is decoded until then.
    awake_until: Option<Instant>,
    sizes: SizeWatch,
    /// What was held back since the last picture that was decoded.
    kept: Vec<gst::Buffer>,
    kept_bytes: usize,
    /// Pictures that may be decoded, and when that was reckoned.
    credit: f32,
    credited_at: Option<Instant>,
}

/// What is to be done with a picture.
#[derive(Debug)]
enum Verdict {
    Decode,
    /// It is not needed.
    LeaveOut,
    /// It is kept for a while.
    Keep,
    /// Decode it after these.
    CatchUp(Vec<gst::Buffer>),
}

impl Economy {
    /// `stall_timeout`: without a frame for so long the camera counts as stalled.
    pub fn new(stall_timeout: Duration) -> Self {
        let state = State {
            references: None,
            patience: MOST_KEY_INTERVAL.min(stall_timeout / 2),
            key_interval: None,
            last_key: None,
            awake_until: None,
            sizes: SizeWatch::default(),
            kept: Vec::new(),
            kept_bytes: 0,
            credit: MOST_CREDIT,
            credited_at: None,
        };
        Self { state: Mutex::new(state), catch_up_to: AtomicU64::new(0), catch_up: AtomicU64::new(0) }
    }

    /// Whether a decoded frame is one of those that only lead up to the present.
    pub fn is_catching_up(&self, pts: Option<gst::ClockTime>) -> bool {
        if self.catch_up.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let is_old = pts.is_some_and(|pts| pts.nseconds() < self.catch_up_to.load(Ordering::Relaxed));
        let left = if is_old { self.catch_up.load(Ordering::Relaxed) - 1 } else { 0 };
        self.catch_up.store(left, Ordering::Relaxed);
        is_old
    }

    /// What a stream's caps say of its pictures; nothing that was held back goes on from there.
    fn begin(&self, caps: &gst::CapsRef) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.references = Layout::of(caps).map(References::new);
        (state.key_interval, state.last_key) = (None, None);
        state.forget_kept();
    }

    fn decide(&self, buffer: &gst::Buffer, now: Instant, wanted: WantedDecoding, left_out: &mut u64) -> Verdict {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = state.decide(buffer, now, wanted, left_out);
        if let (Verdict::CatchUp(kept), Some(pts)) = (&verdict, buffer.pts()) {
            self.catch_up_to.store(pts.nseconds(), Ordering::Relaxed);
            self.catch_up.store(kept.len() as u64, Ordering::Relaxed);
        }
        verdict
    }
}

impl State {
    /// `left_out`: pictures that were kept and turn out never to be decoded.
    fn decide(&mut self, buffer: &gst::Buffer, now: Instant, wanted: WantedDecoding, left_out: &mut u64) -> Verdict {
        self.earn(now, wanted);
        let Some(references) = &mut self.references else { return Verdict::Decode };
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        if is_key {
            self.key_interval = self.last_key.map(|last| now.saturating_duration_since(last));
            self.last_key = Some(now);
            self.sizes.key_frame();
        }
        let is_disposable = match (wanted.skip_non_reference, wanted.key_frames_only) {
            (None, false) => false,
            _ => buffer.map_readable().is_ok_and(|picture| references.is_disposable(&picture, is_key)),
        };
        if is_key && !is_disposable {
            *left_out += self.forget_kept();
            return self.spend();
        }
        if !is_key && self.is_idle(buffer, now, wanted, is_disposable) {
            self.kept_bytes += buffer.size();
            self.kept.push(buffer.clone());
            return Verdict::Keep;
        }
        let is_left_out = is_disposable
            && match wanted.skip_non_reference {
                None => false,
                // Of MJPEG that would be all there is.
                Some(SkipNonReference::All) => !is_key,
                Some(SkipNonReference::Over(_)) => self.credit < 1.0,
            };
        if is_left_out {
            return Verdict::LeaveOut;
        }
        if self.kept.is_empty() {
            return self.spend();
        }
        self.kept_bytes = 0;
        self.spend();
        Verdict::CatchUp(std::mem::take(&mut self.kept))
    }

    /// Whether a picture other than a key frame can be held back.
    fn is_idle(&mut self, buffer: &gst::Buffer, now: Instant, wanted: WantedDecoding, is_disposable: bool) -> bool {
        if !wanted.key_frames_only {
            self.sizes.forget();
            return false;
        }
        // A picture to which none refers has sizes of its own.
        if !is_disposable && self.sizes.jumps(buffer.size()) {
            self.awake_until = Some(now + AWAKE);
        }
        let is_awake = self.awake_until.is_some_and(|until| now < until);
        let key_frames_suffice = self.key_interval.is_some_and(|interval| interval <= self.patience)
            && self.last_key.is_some_and(|last| now.saturating_duration_since(last) <= self.patience);
        !is_awake && key_frames_suffice && self.kept_bytes + buffer.size() <= MOST_KEPT_BYTES
    }

    /// How many pictures were kept in vain.
    fn forget_kept(&mut self) -> u64 {
        let kept = self.kept.len() as u64;
        self.kept.clear();
        self.kept_bytes = 0;
        kept
    }

    fn earn(&mut self, now: Instant, wanted: WantedDecoding) {
        let elapsed =
            self.credited_at.replace(now).map_or(0.0, |before| now.saturating_duration_since(before).as_secs_f32());
        if let Some(SkipNonReference::Over(fps)) = wanted.skip_non_reference {
            self.credit = (self.credit + elapsed * fps * MARGIN).min(MOST_CREDIT);
        }
    }

    fn spend(&mut self) -> Verdict {
        self.credit = (self.credit - 1.0).max(0.0);
        Verdict::Decode
    }
}

/// Lets through `parser` only what `stream`'s camera needs.
pub fn attach(parser: &gst::Element, stream: &Arc<Stream>) {
    let Some(pad) = parser.static_pad("src") else { return };
    let stream = Arc::clone(stream);
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        let buffer = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer,
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    stream.economy.begin(caps.caps());
                }
                return gst::PadProbeReturn::Ok;
            }
            _ => return gst::PadProbeReturn::Ok,
        };
        let mut left_out = 0;
        let wanted = stream.reporter.wanted_decoding();
        let verdict = stream.economy.decide(buffer, Instant::now(), wanted, &mut left_out);
        if left_out > 0 {
            stream.reporter.skipped(SkippedPicture::Idle, left_out);
        }
        match verdict {
            Verdict::Decode => gst::PadProbeReturn::Ok,
            Verdict::Keep => gst::PadProbeReturn::Drop,
            Verdict::LeaveOut => {
                stream.reporter.skipped(SkippedPicture::NonReference, 1);
                gst::PadProbeReturn::Drop
            }
            Verdict::CatchUp(kept) => {
                // Straight into the decoder, on the thread that feeds it: through this pad they would come here again.
                let decoder = pad.peer();
                for buffer in kept {
                    // What it does not take, the picture that follows tells to who asks.
                    if decoder.as_ref().is_none_or(|decoder| decoder.chain(buffer).is_err()) {
                        break;
                    }
                }
                gst::PadProbeReturn::Ok
            }
        }
    });
}

#[cfg(test)]
mod tests;
