//! Places that look like what a camera sees, with exact ground truth: a pure function of (scene, seed, frame index).
//!
//! `stage` photographs actors before a backdrop; `script` says who does what when.

mod actor;
mod backdrop;
mod camera;
mod conditions;
mod paint;
mod script;
mod solid;
mod stage;
mod view;

use std::str::FromStr;

use tiny_skia::Transform;

use self::script::{Actor, Place};
pub(crate) use self::{
    actor::{Look, Pose},
    backdrop::{Anywhere, draw as draw_backdrop},
    paint::Xy,
    stage::{Frame, Item, Seen, Stage},
    view::{HEIGHT, View, WIDTH},
};
pub use self::{
    conditions::{Conditions, Light, Weather},
    script::LOOP_SECS,
};
use crate::{error::SimError, random::Random, truth::TruthObject};

/// An object of which less is visible is left out of the ground truth.
pub(crate) const LEAST_VISIBLE: f32 = 0.25;

/// Which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SceneKind {
    /// Cars pass, persons walk on the pavement.
    Street,
    /// Persons come in, stop, and leave.
    Office,
    /// A person crosses, a car waits, a dog is walked.
    Crossing,
    /// Cars arrive, stand, and leave; persons pass.
    Parking,
}

impl SceneKind {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Street, Self::Office, Self::Crossing, Self::Parking];

    /// The name in `sim://NAME` and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Street => "street",
            Self::Office => "office",
            Self::Crossing => "crossing",
            Self::Parking => "parking",
        }
    }
}

impl FromStr for SceneKind {
    type Err = SimError;

    fn from_str(name: &str) -> Result<Self, SimError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| SimError::UnknownScene(name.to_owned()))
    }
}

/// Size, rate and seed of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SceneOptions {
    /// Width in pixels: even, 64..=3840.
    pub width: u32,
    /// Height in pixels: even, 64..=2160.
    pub height: u32,
    /// Frames per second, 1..=60.
    pub fps: u32,
    /// Another seed is another day: other clothes, other houses, slightly other times.
    pub seed: u64,
}

impl Default for SceneOptions {
    fn default() -> Self {
        Self { width: 640, height: 360, fps: 10, seed: 1 }
    }
}

/// One picture of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Packed 8-bit R, G, B, `width * height * 3` bytes.
    pub rgb: Vec<u8>,
    /// What it shows, far to near.
    pub truth: Vec<TruthObject>,
}

/// A scene with its backdrop drawn and its actors cast.
pub struct Scene {
    kind: SceneKind,
    options: SceneOptions,
    stage: Stage,
    actors: Vec<Actor>,
}

/// An actor that is there in one frame.
struct Present<'a> {
    /// Its number in the ground truth.
    id: u64,
    actor: &'a Actor,
    place: Place,
}

fn items<'a>(present: &[Present<'a>]) -> Vec<Item<'a>> {
    let item = |Present { actor, place, .. }: &Present<'a>| Item {
        look: &actor.look,
        at: (place.x, place.y),
        pose: place.pose,
        velocity: place.velocity,
    };
    present.iter().map(item).collect()
}

/// What was seen as ground truth has it; `None` of what has no class.
fn object(present: &[Present<'_>], seen: &Seen) -> Option<TruthObject> {
    let Present { id, actor, .. } = present[seen.item];
    Some(TruthObject { id, label: actor.look.label()?, bbox: seen.bbox, visible: seen.visible })
}

fn enough_visible(objects: impl Iterator<Item = TruthObject>) -> Vec<TruthObject> {
    objects.filter(|object| object.visible >= LEAST_VISIBLE).collect()
}

/// Draws one frame; [`Scene`] is cheaper for more than one.
///
/// # Errors
/// When the options are out of range.
pub fn render(kind: SceneKind, options: &SceneOptions, index: usize) -> Result<Picture, SimError> {
    Ok(Scene::new(kind, options)?.render(index))
}

/// Refuses sizes that cannot be drawn or encoded.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), SimError> {
    let size_fits = (64..=3840).contains(&width) && (64..=2160).contains(&height);
    if !size_fits || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
        let message = format!("size {width}x{height} must be even and between 64x64 and 3840x2160");
        return Err(SimError::Settings(message));
    }
    Ok(())
}

impl Scene {
    /// Draws the backdrop and casts the actors, under the scene's own conditions.
    ///
    /// # Errors
    /// When the options are out of range.
    pub fn new(kind: SceneKind, options: &SceneOptions) -> Result<Self, SimError> {
        Self::under(kind, options, &Conditions::of(kind))
    }

    /// The same under other conditions, which change no box.
    ///
    /// # Errors
    /// When the options are out of range.
    pub fn under(kind: SceneKind, options: &SceneOptions, conditions: &Conditions) -> Result<Self, SimError> {
        let &SceneOptions { width, height, .. } = options;
        let transform = Transform::from_scale(width as f32 / WIDTH, height as f32 / HEIGHT);
        Self::framed(kind, options, conditions, transform)
    }

    /// The same seen through another frame: `transform` brings the reference picture to the picture's pixels.
    ///
    /// # Errors
    /// When the options are out of range.
    pub(crate) fn framed(
        kind: SceneKind,
        options: &SceneOptions,
        conditions: &Conditions,
        transform: Transform,
    ) -> Result<Self, SimError> {
        let &SceneOptions { width, height, fps, seed } = options;
        check_size(width, height)?;
        if !(1..=60).contains(&fps) {
            return Err(SimError::Settings(format!("fps {fps} must be between 1 and 60")));
        }
        let frame = Frame { width, height, transform };
        let stage = Stage::new(frame, View::of(kind), *conditions, seed, |brush| {
            backdrop::draw(kind, brush, &mut Random::new(seed, 2));
        })?;
        let actors = script::actors(kind, &mut Random::new(seed, 1));
        Ok(Self { kind, options: *options, stage, actors })
    }

    /// The same place with nobody in it.
    #[must_use]
    pub fn emptied(mut self) -> Self {
        self.actors.clear();
        self
    }

    /// Which place.
    #[must_use]
    pub const fn kind(&self) -> SceneKind {
        self.kind
    }

    /// Size, rate and seed.
    #[must_use]
    pub const fn options(&self) -> &SceneOptions {
        &self.options
    }

    /// Frames until the scene begins again.
    #[must_use]
    pub const fn frames(&self) -> usize {
        (LOOP_SECS * self.options.fps) as usize
    }

    /// How many objects come and go in one round; ids are 1..= this.
    #[must_use]
    pub const fn objects(&self) -> usize {
        self.actors.len()
    }

    /// Draws frame `index` (any index: the scene repeats).
    #[must_use]
    pub fn render(&self, index: usize) -> Picture {
        let (rgb, seen) = self.photograph(index);
        let truth = enough_visible(seen.into_iter().map(|(object, _)| object));
        Picture { width: self.options.width, height: self.options.height, rgb, truth }
    }

    /// What frame `index` shows, far to near: [`Picture::truth`] of [`Scene::render`] without the picture.
    #[must_use]
    pub fn truth(&self, index: usize) -> Vec<TruthObject> {
        let present = self.present(index);
        let seen = self.stage.look_at(&items(&present));
        enough_visible(seen.into_iter().filter_map(|seen| object(&present, &seen)))
    }

    /// As [`Scene::render`], with the objects of which less is visible than the ground truth wants.
    pub(crate) fn photograph(&self, index: usize) -> (Vec<u8>, Vec<(TruthObject, Seen)>) {
        let present = self.present(index);
        let (rgb, seen) = self.stage.photograph(&items(&present), index % self.frames());
        (rgb, seen.into_iter().filter_map(|seen| Some((object(&present, &seen)?, seen))).collect())
    }

    /// Who is there in frame `index`.
    fn present(&self, index: usize) -> Vec<Present<'_>> {
        let time = (index % self.frames()) as f32 / self.options.fps as f32;
        let numbered = (1..).zip(&self.actors);
        numbered.filter_map(|(id, actor)| Some(Present { id, actor, place: actor.at(time)? })).collect()
    }

    /// Draws frame `index` with nobody in it: the same weather and noise over the backdrop alone.
    #[must_use]
    pub fn render_empty(&self, index: usize) -> Vec<u8> {
        self.stage.photograph(&[], index % self.frames()).0
    }
}
