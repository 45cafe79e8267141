//! How closely a camera is watched: which of its frames are inferred, and how much of its video is decoded for that.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use sightline_core::{
    event::UndecodedPictures,
    frame::Frame,
    motion::{Followed, MotionGate},
    plan::{CameraPlan, DecodingPlan, Switch},
    ports::{SkipNonReference, SkippedPicture, WantedDecoding},
};

use crate::share::lateness_borne;

/// What stands still must be seen this often, or an unlucky look or two end it
/// ([`sightline_core::track::TrackerSettings::max_age_stationary`]).
const SEEN_AGAIN_WITHIN: Duration = Duration::from_millis(2500);

/// One camera's. Asked on its stream's own thread, told of its objects by its task.
#[derive(Debug)]
pub struct Attention {
    decoding: DecodingPlan,
    fps: f32,
    lateness: f32,
    /// While nothing moves a frame is looked at this often all the same.
    max_idle: Duration,
    /// Locked by the stream's own thread alone, so never contended.
    gate: Option<Mutex<MotionGate>>,
    /// What the tracker follows.
    followed: Mutex<Followed>,
    /// Nothing moves, and nothing is followed but what stands still.
    idle: AtomicBool,
    skipped_non_reference: AtomicU64,
    skipped_idle: AtomicU64,
    skipped_late: AtomicU64,
}

impl Attention {
    /// Of a camera of which nothing is known yet; it counts on from `earlier`.
    #[must_use]
    pub fn new(plan: &CameraPlan, earlier: UndecodedPictures) -> Self {
        Self {
            decoding: plan.decoding,
            fps: plan.fps,
            lateness: lateness_borne(plan.priority),
            max_idle: plan.motion.as_ref().map_or(Duration::MAX, |motion| motion.max_idle),
            gate: MotionGate::of(plan).map(Mutex::new),
            followed: Mutex::default(),
            idle: AtomicBool::new(false),
            skipped_non_reference: AtomicU64::new(earlier.non_reference),
            skipped_idle: AtomicU64::new(earlier.idle),
            skipped_late: AtomicU64::new(earlier.late),
        }
    }

    /// Whether a frame is to be inferred.
    pub fn admits(&self, frame: &Frame) -> bool {
        let Some(gate) = &self.gate else { return true };
        let mut gate = gate.lock();
        let followed = *self.followed.lock();
        let admitted = gate.admit(frame.buffer.view(), frame.times.decoded_at, followed);
        self.idle.store(gate.is_idle(), Ordering::Relaxed);
        admitted
    }

    /// The stream was opened anew.
    pub fn reset(&self) {
        self.idle.store(false, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.lock().reset();
        }
    }

    /// What the tracker follows now.
    pub fn follow(&self, followed: Followed) {
        *self.followed.lock() = followed;
        if followed == Followed::Others {
            self.idle.store(false, Ordering::Relaxed);
        }
    }

    /// Whether nothing has moved for a while and nothing is followed but what stands still.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed)
    }

    /// How much of the video is to be decoded.
    #[must_use]
    pub fn wanted_decoding(&self) -> WantedDecoding {
        let skip_non_reference = match self.decoding.skip_non_reference {
            Switch::On => Some(SkipNonReference::All),
            Switch::Auto => Some(SkipNonReference::Over(self.fps)),
            Switch::Off => None,
        };
        let may_rest = self.decoding.key_frames_when_idle != Switch::Off && self.is_idle();
        let key_frames_only = match *self.followed.lock() {
            Followed::Nothing => may_rest.then_some(self.max_idle),
            Followed::StillObjects => may_rest.then_some(SEEN_AGAIN_WITHIN.min(self.max_idle)),
            // Since the last look something has appeared.
            Followed::Others => None,
        };
        WantedDecoding { skip_non_reference, key_frames_only, lateness: Some(self.lateness) }
    }

    /// Counts pictures that were not decoded.
    pub fn count_skipped(&self, why: SkippedPicture, pictures: u64) {
        let counter = match why {
            SkippedPicture::NonReference => &self.skipped_non_reference,
            SkippedPicture::Idle => &self.skipped_idle,
            SkippedPicture::Late => &self.skipped_late,
        };
        counter.fetch_add(pictures, Ordering::Relaxed);
    }

    /// Pictures that were not decoded so far.
    #[must_use]
    pub fn undecoded(&self) -> UndecodedPictures {
        let counters = [&self.skipped_non_reference, &self.skipped_idle, &self.skipped_late];
        let [non_reference, idle, late] = counters.map(|counter| counter.load(Ordering::Relaxed));
        UndecodedPictures { non_reference, idle, late }
    }
}
