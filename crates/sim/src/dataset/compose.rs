//! Pictures put together by chance: a place, a camera, actors, things that are none.

use std::f32::consts::{PI, TAU};

use tiny_skia::Transform;

use super::Sample;
use crate::{
    error::SimError,
    random::Random,
    scene::{Anywhere, Conditions, Frame, HEIGHT, Item, Look, Pose, SceneKind, Stage, View, WIDTH, Xy, draw_backdrop},
    truth::TruthObject,
};

/// How many of these samples show nobody.
const EMPTY_SHARE: f32 = 0.13;
/// Whoever comes nearer than this to the camera is not put there.
const NEAREST_METRES: f32 = 1.6;
/// How often a free spot is looked for.
const TRIES: usize = 12;

/// Where a sample is.
#[derive(Clone, Copy)]
enum Place {
    Scene(SceneKind),
    Anywhere(Anywhere),
}

impl Place {
    fn random(random: &mut Random) -> Self {
        if random.chance(0.4) {
            Self::Scene(random.one_of(&SceneKind::ALL))
        } else {
            Self::Anywhere(Anywhere::random(random))
        }
    }

    const fn view(&self) -> View {
        match self {
            Self::Scene(kind) => View::of(*kind),
            Self::Anywhere(place) => place.view,
        }
    }

    fn indoors(&self) -> bool {
        match self {
            Self::Scene(kind) => *kind == SceneKind::Office,
            Self::Anywhere(place) => place.indoors,
        }
    }

    /// The rows of the reference picture on which actors may stand.
    const fn rows(&self) -> (f32, f32) {
        match self {
            Self::Scene(SceneKind::Street) => (220.0, 356.0),
            Self::Scene(SceneKind::Office) => (232.0, 358.0),
            Self::Scene(SceneKind::Crossing) => (216.0, 358.0),
            Self::Scene(SceneKind::Parking) => (194.0, 358.0),
            Self::Anywhere(place) => (place.ground + 4.0, 359.0),
        }
    }
}

/// An actor or a thing where it stands.
struct Put {
    look: Look,
    at: Xy,
    pose: Pose,
    velocity: Xy,
}

/// What part of the reference picture the camera sees.
struct Window {
    zoom: f32,
    centre: Xy,
}

impl Window {
    fn half(&self) -> Xy {
        (WIDTH / 2.0 / self.zoom, HEIGHT / 2.0 / self.zoom)
    }
}

pub(super) fn sample(random: &mut Random, width: u32, height: u32) -> Result<Sample, SimError> {
    let place = Place::random(random);
    let view = place.view();
    let roll = if random.chance(0.5) { random.between(-0.07, 0.07) } else { 0.0 };
    // Turned, the window must still lie within the reference picture.
    let margin = roll.cos() + roll.abs().sin() * WIDTH / HEIGHT + 0.01;
    let hero = look(random, place.indoors());
    let mut window = Window { zoom: margin, centre: (WIDTH / 2.0, HEIGHT / 2.0) };
    let mut cast = Vec::new();
    for _ in 0..TRIES {
        let found = window_for(&hero, &place, margin, random);
        window = found.0;
        if put(&mut cast, hero, found.1, &view, random) {
            break;
        }
    }
    if random.chance(EMPTY_SHARE) {
        cast.clear();
    } else {
        let others = (random.between(0.0, 1.0).powf(1.4) * 9.5) as usize;
        for _ in 0..others {
            add_other(&mut cast, &place, &window, random);
        }
    }
    for _ in 0..random.next() % 5 {
        let at = somewhere(&place, &window, random);
        let thing = Look::prop(random, place.indoors());
        put(&mut cast, thing, at, &view, random);
    }
    let conditions = Conditions::random(random, place.indoors());
    let frame = Frame { width, height, transform: transform(&window, roll, random.chance(0.5), width, height) };
    let seed = random.next();
    let stage = Stage::new(frame, view, conditions, seed, |brush| match place {
        Place::Scene(kind) => draw_backdrop(kind, brush, &mut Random::new(seed, 2)),
        Place::Anywhere(place) => place.draw(brush),
    })?;
    let items: Vec<Item<'_>> =
        cast.iter().map(|p| Item { look: &p.look, at: p.at, pose: p.pose, velocity: p.velocity }).collect();
    let (rgb, seen) = stage.photograph(&items, (seed % 1000) as usize);
    let objects = seen.into_iter().filter_map(|seen| {
        let label = cast.get(seen.item)?.look.label()?;
        Some(TruthObject { id: seen.item as u64 + 1, label, bbox: seen.bbox, visible: seen.visible })
    });
    Ok(Sample::new(None, (width, height), rgb, objects))
}

/// Whom to put there. Riders come with their bicycles, so persons are asked for less often than they appear.
fn look(random: &mut Random, indoors: bool) -> Look {
    let at = random.between(0.0, 1.0);
    if indoors {
        return match at {
            _ if at < 0.4 => Look::person(random),
            _ if at < 0.65 => Look::bicycle(random),
            _ => Look::dog(random),
        };
    }
    match at {
        _ if at < 0.08 => Look::person(random),
        _ if at < 0.25 => Look::bicycle(random),
        _ if at < 0.49 => Look::car(random),
        _ if at < 0.84 => Look::bus(random),
        _ => Look::dog(random),
    }
}

/// A window in which the actor has a size drawn by chance, and where the actor stands.
fn window_for(hero: &Look, place: &Place, margin: f32, random: &mut Random) -> (Window, Xy) {
    let sizes = random.between(0.0, 1.0);
    let (low, high): (f32, f32) = match sizes {
        _ if sizes < 0.1 => (0.07, 0.12),
        _ if sizes < 0.86 => (0.12, 0.6),
        _ => (0.6, 0.9),
    };
    // Evenly by magnitude: as many from 12 to 24 per cent as from 24 to 48.
    let target = low * (high / low).powf(random.between(0.0, 1.0));
    let view = place.view();
    let (first, last) = place.rows();
    let mut row = random.between(first, last);
    let wanted = |row: f32| target * HEIGHT / (view.pixels_per_metre(row) * hero.height());
    if wanted(row) < margin {
        // Too near to be that small: farther away.
        let scale = target * HEIGHT / (margin * hero.height());
        row = (view.horizon + scale * view.camera_metres).clamp(first, last);
    }
    let zoom = wanted(row).clamp(margin, 6.0);
    let half = (WIDTH / 2.0 / zoom, HEIGHT / 2.0 / zoom);
    let column = random.between(40.0, WIDTH - 40.0);
    let middle_row = row - hero.height() * view.pixels_per_metre(row) / 2.0;
    let limited = |at: f32, half: f32, size: f32| {
        at.clamp((half * margin).min(size / 2.0), (size - half * margin).max(size / 2.0))
    };
    let centre = (
        limited(column + random.between(-0.8, 0.8) * half.0, half.0, WIDTH),
        limited(middle_row + random.between(-0.55, 0.55) * half.1, half.1, HEIGHT),
    );
    (Window { zoom, centre }, (column, row))
}

/// A ground point that the camera sees, or whose actor it sees.
fn somewhere(place: &Place, window: &Window, random: &mut Random) -> Xy {
    let half = window.half();
    let (first, last) = place.rows();
    let low = (window.centre.1 - half.1 * 0.7).clamp(first, last);
    let high = (window.centre.1 + half.1 * 1.35).clamp(first, last);
    // More of them far away, where there is more room.
    let part = random.between(0.0, 1.0).powf(1.3);
    (window.centre.0 + random.between(-1.1, 1.1) * half.0, low + (high - low) * part)
}

fn add_other(cast: &mut Vec<Put>, place: &Place, window: &Window, random: &mut Random) {
    let view = place.view();
    let other = look(random, place.indoors());
    for _ in 0..TRIES {
        let at = somewhere(place, window, random);
        let height = other.height() * view.pixels_per_metre(at.1) * window.zoom / HEIGHT;
        if (0.045..0.95).contains(&height) && put(cast, other, at, &view, random) {
            return;
        }
    }
}

/// Puts somebody there unless somebody else stands there already; a bicycle mostly with its rider.
fn put(cast: &mut Vec<Put>, look: Look, at: Xy, view: &View, random: &mut Random) -> bool {
    let ground = view.ground(at);
    let (forward, side) = look.footprint();
    let radius = |(forward, side): (f32, f32)| forward * 0.55 + side * 0.45;
    let is_free = cast.iter().all(|other| {
        let there = view.ground(other.at);
        let distance = (there.0 - ground.0).hypot(there.1 - ground.1);
        distance > radius((forward, side)) + radius(other.look.footprint())
    });
    if !is_free || ground.1 - forward < NEAREST_METRES {
        return false;
    }
    let heading = if random.chance(0.35) {
        random.one_of(&[0.0, PI]) + random.between(-0.2, 0.2)
    } else {
        random.between(-PI, PI)
    };
    let ridden = matches!(look, Look::Bicycle(_)) && random.chance(0.65);
    let moves = ridden || random.chance(0.6);
    let cycle = random.between(0.0, TAU);
    let cycle = (moves || look.rolls()).then_some(cycle);
    let speed = match look {
        _ if !moves => 0.0,
        Look::Person(_) | Look::Dog(_) => random.between(0.8, 2.0),
        Look::Bicycle(_) => random.between(2.0, 6.0),
        Look::Car(_) | Look::Bus(_) => random.between(0.0, 13.0),
        Look::Prop(_) => 0.0,
    };
    let pixels = view.pixels_per_metre(at.1) * speed;
    let velocity = (pixels * heading.cos(), -pixels * heading.sin() * view.camera_metres / ground.1.max(1.0));
    cast.push(Put { look, at, pose: Pose { heading, cycle, riding: false }, velocity });
    if ridden {
        let rider = Look::person(random);
        cast.push(Put { look: rider, at, pose: Pose { heading, cycle, riding: true }, velocity });
    }
    true
}

/// From the reference picture to pixels, through the window, turned by `roll` radians, and mirrored or not.
fn transform(window: &Window, roll: f32, mirrored: bool, width: u32, height: u32) -> Transform {
    let (half_width, half_height) = (width as f32 / 2.0, height as f32 / 2.0);
    let (scale_x, scale_y) = (width as f32 / WIDTH * window.zoom, height as f32 / HEIGHT * window.zoom);
    let flip = if mirrored { -1.0 } else { 1.0 };
    Transform::from_translate(-window.centre.0, -window.centre.1)
        .post_rotate(roll.to_degrees())
        .post_scale(flip * scale_x, scale_y)
        .post_translate(half_width, half_height)
}
