//! Pictures that are not decoded because nobody needs them: what stands between a camera's parser and its decoder.
//!
//! Three kinds. Pictures to which no other one refers are left out one by one. While nothing moves, nothing but key frames is
//! decoded, and of these none that is as large as the last one; what is left out is kept until the next key frame, and when something
//! happens the decoder is given all of it at once, as if it had never been held back. Decoding one group of pictures takes less time
//! than it takes to be sent. And where decoding does not keep up, the rest of a group of pictures is left out, so that what is decoded
//! is not late.

mod late;
mod lateness;
mod probe;
mod reference;
mod sizes;
mod turns;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use sightline_core::ports::{SkipNonReference, SkippedPicture, WantedDecoding};

pub use self::{lateness::Crowd, probe::attach};
use self::{
    lateness::Lateness,
    reference::{Layout, References},
    sizes::SizeWatch,
};

/// When a picture's size has stood out everything is decoded for so long at least: for the motion gate to see it.
const AWAKE: Duration = Duration::from_secs(2);
/// Key frames that are further apart than this are no way to watch a scene.
const MOST_KEY_INTERVAL: Duration = Duration::from_secs(12);
/// While nothing moves a picture is decoded at least so often, however much the key frames are alike.
const MOST_UNSEEN: Duration = Duration::from_secs(5);
/// What is kept of one camera, at most: twelve seconds of 5 Mbit/s.
const MOST_KEPT_BYTES: usize = 8 << 20;
/// So many intervals between key frames are known.
const KEY_INTERVALS: usize = 4;
/// So many more than the wished frames per second are decoded, because they come unevenly.
const MARGIN: f32 = 1.25;
/// Pictures that may be decoded on credit, for the same reason.
const MOST_CREDIT: f32 = 2.0;

/// One camera's. Only the thread that feeds its decoder takes the lock, so it is never contended.
#[derive(Debug)]
pub struct Economy {
    state: Mutex<State>,
    /// Decoded frames that are of no use any more: those before this presentation time, in nanoseconds …
    catch_up_to: AtomicU64,
    /// … and no more than so many.
    catch_up: AtomicU64,
    /// Presentation time of the last frame that came out of the decoder, in nanoseconds.
    last_out: AtomicU64,
    /// Frames may be late for what is saved here, and not because decoding does not keep up.
    is_saving: AtomicBool,
}

#[derive(Debug)]
struct State {
    references: Option<References>,
    /// Longest time between frames that can be borne.
    patience: Duration,
    /// Between the last key frames, the newest first: an extra one says nothing about the next.
    key_intervals: [Option<Duration>; KEY_INTERVALS],
    last_key: Option<Instant>,
    /// Presentation time of the last key frame that went into the decoder while nothing else did, in nanoseconds.
    lone_key: Option<u64>,
    /// The decoder gives a key frame only when more pictures have come: key frames alone would show the past.
    holds_back: bool,
    /// Nothing can be decoded before the next key frame, because such pictures were left out.
    needs_key: Option<SkippedPicture>,
    lateness: Lateness,
    /// The last key frame was left out as well.
    left_out_key: bool,
    /// When a picture to which no other refers was last decoded.
    last_disposable: Option<Instant>,
    last_decoded: Option<Instant>,
    last_saving: Option<Instant>,
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

/// A picture at the decoder's door.
#[derive(Clone, Copy, Debug)]
struct Picture<'a> {
    buffer: &'a gst::Buffer,
    /// For how long it has waited for that, where it is known.
    waited: Option<Duration>,
}

/// What is to be done with a picture.
#[derive(Debug)]
enum Verdict {
    Decode,
    /// It can wait until it is its turn: nothing but key frames is decoded there.
    DecodeInTurn,
    /// It is left out for good.
    LeaveOut(SkippedPicture),
    /// It is kept for a while.
    Keep,
    /// Decode it after these.
    CatchUp(Vec<gst::Buffer>),
}

impl Economy {
    /// `stall_timeout`: without a frame for so long the camera counts as stalled.
    pub fn new(crowd: Arc<Crowd>, stall_timeout: Duration) -> Self {
        let state = State {
            references: None,
            patience: MOST_KEY_INTERVAL.min(stall_timeout / 2),
            key_intervals: [None; KEY_INTERVALS],
            last_key: None,
            lone_key: None,
            holds_back: false,
            needs_key: None,
            lateness: Lateness::new(crowd),
            left_out_key: false,
            last_disposable: None,
            last_decoded: None,
            last_saving: None,
            awake_until: None,
            sizes: SizeWatch::default(),
            kept: Vec::new(),
            kept_bytes: 0,
            credit: MOST_CREDIT,
            credited_at: None,
        };
        let [catch_up_to, catch_up, last_out] = [(); 3].map(|()| AtomicU64::new(0));
        Self { state: Mutex::new(state), catch_up_to, catch_up, last_out, is_saving: AtomicBool::new(false) }
    }

    /// Whether frames may be late for what is saved here.
    pub fn is_saving(&self) -> bool {
        self.is_saving.load(Ordering::Relaxed)
    }

    /// Whether a decoded frame is one of those that only lead up to the present.
    pub fn is_catching_up(&self, pts: Option<gst::ClockTime>) -> bool {
        if let Some(pts) = pts {
            self.last_out.store(pts.nseconds(), Ordering::Relaxed);
        }
        if self.catch_up.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let is_old = pts.is_some_and(|pts| pts.nseconds() < self.catch_up_to.load(Ordering::Relaxed));
        let left = if is_old { self.catch_up.load(Ordering::Relaxed) - 1 } else { 0 };
        self.catch_up.store(left, Ordering::Relaxed);
        is_old
    }

    /// What a stream's caps say of its pictures. Where they become others nothing that was held back goes on: its number.
    fn begin(&self, caps: &gst::CapsRef) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let layout = Layout::of(caps);
        // Caps also change for a frame rate that a parser has just measured.
        if state.references.as_ref().map(References::layout) == layout {
            return 0;
        }
        state.references = layout.map(References::new);
        state.key_intervals = [None; KEY_INTERVALS];
        (state.last_key, state.lone_key) = (None, None);
        let kept = state.forget_kept();
        state.needs_key = (kept > 0 && state.references.is_some()).then_some(SkippedPicture::Idle);
        state.lateness.forget();
        kept
    }

    fn decide(&self, picture: &Picture<'_>, now: Instant, wanted: WantedDecoding, left_out: &mut u64) -> Verdict {
        let buffer = picture.buffer;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = state.decide(picture, now, wanted, self.last_out.load(Ordering::Relaxed), left_out);
        match &verdict {
            Verdict::CatchUp(kept) => {
                if let Some(pts) = buffer.pts() {
                    self.catch_up_to.store(pts.nseconds(), Ordering::Relaxed);
                    self.catch_up.store(kept.len() as u64, Ordering::Relaxed);
                }
                (state.last_saving, state.last_decoded) = (Some(now), Some(now));
            }
            Verdict::Keep => state.last_saving = Some(now),
            Verdict::Decode | Verdict::DecodeInTurn => state.last_decoded = Some(now),
            Verdict::LeaveOut(SkippedPicture::Late) => state.lateness.left_out(),
            Verdict::LeaveOut(_) => {}
        }
        self.is_saving.store(is_within(state.last_saving, now, AWAKE), Ordering::Relaxed);
        verdict
    }
}

impl State {
    /// `last_out`: when the decoder's last frame is shown. `left_out`: pictures that were kept and turn out never to be decoded.
    fn decide(
        &mut self,
        picture: &Picture<'_>,
        now: Instant,
        wanted: WantedDecoding,
        last_out: u64,
        left_out: &mut u64,
    ) -> Verdict {
        let Picture { buffer, waited } = *picture;
        self.earn(now, wanted);
        let pressure = self.pressure(waited, now, wanted);
        let Some(references) = &mut self.references else { return Verdict::Decode };
        let may_be_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let is_plain = wanted == WantedDecoding::ALL && !may_be_key;
        let read = if is_plain { None } else { buffer.map_readable().ok() };
        let is_key = may_be_key && read.as_ref().is_some_and(|picture| references.is_entry(picture));
        let is_disposable = read.is_some_and(|picture| references.is_disposable(&picture, is_key));
        if is_key {
            self.key_intervals.rotate_right(1);
            self.key_intervals[0] = self.last_key.map(|last| now.saturating_duration_since(last));
            self.last_key = Some(now);
            self.needs_key = None;
            self.lateness.key_frame();
            self.sizes.key_frame();
            self.holds_back |= self.lone_key.is_some_and(|key| last_out < key) && !self.kept.is_empty();
        }
        if let Some(why) = self.needs_key {
            return Verdict::LeaveOut(why);
        }
        if self.is_too_late(pressure, is_key, is_disposable, now) {
            return Verdict::LeaveOut(SkippedPicture::Late);
        }
        if is_key && !is_disposable {
            let kept = self.forget_kept();
            *left_out += kept;
            if self.is_like_the_last(buffer, now, wanted) {
                self.keep(buffer);
                return Verdict::Keep;
            }
            self.sizes.decoded_key(buffer.size());
            self.lone_key = wanted.key_frames_only.and(buffer.pts()).map(gst::ClockTime::nseconds);
            self.spend();
            // Only where pictures were kept just now is waiting not taken for lateness. And one whose arrival is not known may be a
            // file's: its time may be still to come, and it would have its turn until then.
            let can_wait = wanted.key_frames_only.is_some() && kept > 0 && waited.is_some();
            return if can_wait { Verdict::DecodeInTurn } else { Verdict::Decode };
        }
        if !is_key && self.is_idle(buffer, now, wanted, is_disposable) {
            self.keep(buffer);
            return Verdict::Keep;
        }
        let is_left_out = is_disposable
            // However seldom frames are wished: without any for long the camera would count as stalled.
            && is_within(self.last_decoded, now, self.patience)
            && match wanted.skip_non_reference {
                None => false,
                // Of MJPEG that would be all there is.
                Some(SkipNonReference::All) => !is_key,
                Some(SkipNonReference::Over(_)) => self.credit < 1.0,
            };
        if is_left_out {
            return Verdict::LeaveOut(SkippedPicture::NonReference);
        }
        self.last_disposable = if is_disposable { Some(now) } else { self.last_disposable };
        if self.kept.is_empty() {
            return self.spend();
        }
        self.kept_bytes = 0;
        self.spend();
        Verdict::CatchUp(std::mem::take(&mut self.kept))
    }

    /// Whether a picture other than a key frame can be held back.
    fn is_idle(&mut self, buffer: &gst::Buffer, now: Instant, wanted: WantedDecoding, is_disposable: bool) -> bool {
        let Some(often) = wanted.key_frames_only else {
            self.sizes.forget();
            return false;
        };
        // A picture to which none refers has sizes of its own.
        if !is_disposable && self.sizes.jumps(buffer.size()) {
            self.awake_until = Some(now + AWAKE);
        }
        let patience = self.patience.min(often);
        let key_frames_suffice = !self.holds_back
            && self.key_intervals[0].is_some_and(|interval| interval <= patience)
            && is_within(self.last_key, now, patience)
            // The last key frame itself may have been held back.
            && is_within(self.last_decoded, now, patience);
        !self.is_awake(now) && key_frames_suffice && self.kept_bytes + buffer.size() <= MOST_KEPT_BYTES
    }

    /// Whether a key frame can be held back as well: nothing moves, it shows what the last decoded one did as far as its size
    /// tells, and the next one comes soon enough.
    fn is_like_the_last(&self, buffer: &gst::Buffer, now: Instant, wanted: WantedDecoding) -> bool {
        let Some(often) = wanted.key_frames_only else { return false };
        let unseen = self.patience.min(often).min(MOST_UNSEEN);
        let next_comes_soon =
            self.longest_key_interval().is_some_and(|interval| is_within(self.last_decoded, now + interval, unseen));
        next_comes_soon && !self.is_awake(now) && !self.holds_back && self.sizes.is_same_key(buffer.size())
    }

    fn longest_key_interval(&self) -> Option<Duration> {
        self.key_intervals.iter().flatten().max().copied()
    }

    fn is_awake(&self, now: Instant) -> bool {
        self.awake_until.is_some_and(|until| now < until)
    }

    fn keep(&mut self, buffer: &gst::Buffer) {
        self.kept_bytes += buffer.size();
        self.kept.push(buffer.clone());
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

fn is_within(since: Option<Instant>, now: Instant, span: Duration) -> bool {
    since.is_some_and(|since| now.saturating_duration_since(since) <= span)
}

#[cfg(test)]
mod tests;
