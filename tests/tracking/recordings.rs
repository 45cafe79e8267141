//! What the simulated cameras really show, frame by frame, at several rates and with frames dropped.

use std::{sync::OnceLock, time::Duration};

use sightline_sim::{
    scene::{Scene, SceneKind, SceneOptions},
    truth::TruthObject,
};

/// Frame rates that are measured.
pub const RATES: [u32; 3] = [5, 10, 15];

/// The days that are measured. Beyond those of `sim::dataset`: the default model has never seen them.
pub const SEEDS: [u64; 3] = [200_001, 200_002, 200_003];

/// How many of the frames are dropped where frames are dropped.
const DROPPED_SHARE: f64 = 0.3;

/// One round of a scene.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Which place.
    pub kind: SceneKind,
    /// Which day.
    pub seed: u64,
    /// Frames per second.
    pub fps: u32,
    /// All of its frames.
    pub moments: Vec<Moment>,
}

/// One frame.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Since the recording's start: the frame's index over the frame rate.
    pub at: Duration,
    /// What there is to see, of which at least a quarter is visible.
    pub truth: Vec<TruthObject>,
}

impl Recording {
    /// The scene of a recording: its frames are those of `moments`.
    pub fn scene(kind: SceneKind, seed: u64, fps: u32) -> Scene {
        Scene::new(kind, &SceneOptions { fps, seed, ..SceneOptions::default() }).expect("a scene")
    }

    fn new(kind: SceneKind, seed: u64, fps: u32) -> Self {
        let scene = Self::scene(kind, seed, fps);
        let moment = |index: u32| Moment {
            at: Duration::from_secs(1) * index / fps,
            truth: scene.truth(usize::try_from(index).expect("an index")),
        };
        let frames = u32::try_from(scene.frames()).expect("few frames");
        Self { kind, seed, fps, moments: (0..frames).map(moment).collect() }
    }

    /// Which of its frames reach the tracker: all, or each with a probability of 70 %.
    pub fn kept(&self, some_dropped: bool) -> Vec<bool> {
        kept(self.moments.len(), some_dropped, self.seed * 1000 + u64::from(self.fps))
    }
}

/// Which of so many frames reach the tracker: all, or each with a probability of 70 %, the same for the same seed.
pub fn kept(frames: usize, some_dropped: bool, seed: u64) -> Vec<bool> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..frames).map(|_| random.f64() >= DROPPED_SHARE || !some_dropped).collect()
}

/// Every scene on every day at every rate. Made once for all tests, each scene on a thread of its own.
pub fn all() -> &'static [Recording] {
    static ALL: OnceLock<Vec<Recording>> = OnceLock::new();
    ALL.get_or_init(|| {
        let of_seed = |kind, seed| RATES.map(|fps| Recording::new(kind, seed, fps));
        let of_kind = |kind| SEEDS.into_iter().flat_map(|seed| of_seed(kind, seed)).collect::<Vec<_>>();
        std::thread::scope(|scope| {
            let threads = SceneKind::ALL.map(|kind| scope.spawn(move || of_kind(kind)));
            threads.into_iter().flat_map(|thread| thread.join().expect("a scene's truth")).collect()
        })
    })
}
