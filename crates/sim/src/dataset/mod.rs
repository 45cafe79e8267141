//! Pictures for the training of a detector: every kind of actor, place, light and weather, each a pure function of
//! its seed.

mod compose;

use sightline_core::geometry::BoxInFrame;

use crate::{
    error::SimError,
    random::Random,
    scene::{Conditions, Picture, Scene, SceneKind, SceneOptions, check_size},
    truth::TruthObject,
};

/// The classes in the order of their category numbers, which begin at 1.
pub const CLASSES: [&str; 5] = ["person", "bicycle", "car", "bus", "dog"];

/// An object lower than this part of the picture's height is too small to be learnt.
const LEAST_HEIGHT: f32 = 0.05;
/// An object of which less is visible is left to chance: not even a person could name it from that.
const CLEARLY_VISIBLE: f32 = 0.35;
/// How many of the samples are frames of the scenes themselves.
const SCENE_SHARE: f32 = 0.25;
/// Scene seeds that samples use.
const SCENE_SEEDS: u64 = 100_000;

/// One picture to train with.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The simulated camera that it is a frame of; `None`: composed at random.
    pub scene: Option<SceneKind>,
    /// The picture and the objects in it that a detector is to find.
    pub picture: Picture,
    /// Objects that it may find or not: nearly hidden, or tiny.
    pub ignored: Vec<TruthObject>,
}

impl Sample {
    fn new(
        scene: Option<SceneKind>,
        (width, height): (u32, u32),
        rgb: Vec<u8>,
        objects: impl Iterator<Item = TruthObject>,
    ) -> Self {
        let clear = |o: &TruthObject| o.visible >= CLEARLY_VISIBLE && o.bbox.height >= LEAST_HEIGHT && is_wide(&o.bbox);
        let (truth, ignored) = objects.partition(clear);
        Self { scene, picture: Picture { width, height, rgb, truth }, ignored }
    }
}

/// A sliver at the picture's edge is nothing to learn from.
fn is_wide(bbox: &BoxInFrame) -> bool {
    bbox.width >= LEAST_HEIGHT / 5.0
}

/// The sample of a seed, `width` by `height` pixels: both even, 64..=3840 and 64..=2160. A quarter of all seeds are
/// frames of the scenes.
///
/// # Errors
/// When the size is out of range.
pub fn sample(seed: u64, width: u32, height: u32) -> Result<Sample, SimError> {
    check_size(width, height)?;
    let mut random = Random::new(seed, 20);
    if random.chance(SCENE_SHARE) {
        return scene_frame(&mut random, width, height);
    }
    compose::sample(&mut random, width, height)
}

/// A frame of a scene, half of them under its own conditions.
fn scene_frame(random: &mut Random, width: u32, height: u32) -> Result<Sample, SimError> {
    let kind = random.one_of(&SceneKind::ALL);
    let options = SceneOptions { width, height, fps: 10, seed: random.next() % SCENE_SEEDS };
    let conditions =
        if random.chance(0.5) { Conditions::of(kind) } else { Conditions::random(random, kind == SceneKind::Office) };
    let scene = Scene::under(kind, &options, &conditions)?;
    // The first and last half second show nobody.
    let index = 8 + (random.next() % (scene.frames() as u64 - 16)) as usize;
    let (rgb, seen) = scene.photograph(index);
    Ok(Sample::new(Some(kind), (width, height), rgb, seen.into_iter().map(|(object, _)| object)))
}
