use super::*;
use crate::frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
/// Between two frames.
const STEP: Duration = Duration::from_millis(200);

#[allow(clippy::disallowed_methods, reason = "any moment will do, and there is no other way to have one")]
fn any_moment() -> Instant {
    Instant::now()
}

fn settings() -> MotionSettings {
    MotionSettings { sensitivity: 0.5, max_idle: Duration::from_secs(10), adaptive: false }
}

/// A gate, its clock and its noise.
struct Watched {
    gate: MotionGate,
    now: Instant,
    random: fastrand::Rng,
}

impl Watched {
    fn new(settings: MotionSettings) -> Self {
        Self::masked(settings, Vec::new())
    }

    fn masked(settings: MotionSettings, masks: Vec<Polygon>) -> Self {
        Self { gate: MotionGate::new(settings, masks), now: any_moment(), random: fastrand::Rng::with_seed(7) }
    }

    /// Shows a noisy frame whose luma is `luma(x, y)`; whether it is to be inferred.
    fn show(&mut self, luma: impl Fn(usize, usize) -> u8) -> bool {
        self.show_with(Followed::Nothing, luma)
    }

    fn show_with(&mut self, followed: Followed, luma: impl Fn(usize, usize) -> u8) -> bool {
        self.now += STEP;
        let random = &mut self.random;
        let samples = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        // A sensor's noise, of six levels.
        let plane: Vec<u8> = samples.map(|(x, y)| luma(x, y).saturating_add(random.u8(0..12))).collect();
        let planes = vec![(plane, WIDTH), (vec![128; WIDTH * HEIGHT / 2], WIDTH)];
        let colorimetry = Colorimetry { matrix: ColorMatrix::Bt709, range: ColorRange::Limited };
        let pixels = OwnedPixels { format: PixelFormat::Nv12, width: WIDTH, height: HEIGHT, colorimetry, planes };
        self.gate.admit(pixels.view(), self.now, followed)
    }

    /// Shows the same for `span`; how many frames are to be inferred.
    fn rest(&mut self, span: Duration, luma: impl Fn(usize, usize) -> u8) -> usize {
        let frames = (span.as_secs_f32() / STEP.as_secs_f32()).round() as usize;
        (0..frames).filter(|_| self.show(&luma)).count()
    }
}

fn room(x: usize, y: usize) -> u8 {
    (30 + x / 16 + y / 12) as u8
}

/// The room with a figure of `contrast` whose upper left corner is at `left`.
fn with_figure(left: usize, contrast: u8) -> impl Fn(usize, usize) -> u8 {
    move |x, y| {
        let inside = (left..left + 40).contains(&x) && (150..250).contains(&y);
        room(x, y) + if inside { contrast } else { 0 }
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_still_scene_is_looked_at_in_the_beginning_and_then_every_max_idle() {
    let mut watched = Watched::new(settings());
    let beginning = watched.rest(4 * SECOND, room);
    assert!((15..=18).contains(&beginning), "{beginning}: LINGER lasts 3.5 s");
    assert!(watched.gate.is_idle());
    assert_eq!(watched.rest(60 * SECOND, room), 6);
}

#[test]
fn a_figure_that_comes_is_let_through_at_once_and_until_it_has_gone_for_a_while() {
    for contrast in [14, 40, 120] {
        let mut watched = Watched::new(settings());
        watched.rest(8 * SECOND, room);
        assert!(watched.show(with_figure(20, contrast)), "{contrast}: the first frame that shows it");
        assert!(!watched.gate.is_idle());
        assert!((1..20).all(|step| watched.show(with_figure(20 + step * 12, contrast))), "{contrast}: it walks");
        let after = watched.rest(9 * SECOND, room);
        assert!((16..=18).contains(&after), "{contrast}: {after} after it left");
        assert!(watched.gate.is_idle());
    }
}

#[test]
fn who_comes_where_somebody_has_just_walked_to_and_fro_is_seen() {
    let mut watched = Watched::new(settings());
    watched.rest(8 * SECOND, room);
    assert!((0..100).all(|step| watched.show(with_figure(100 + step % 10 * 8, 60))));
    watched.rest(5 * SECOND, room);
    assert!(watched.gate.is_idle());
    assert!(watched.show(with_figure(140, 40)));
}

#[test]
fn what_came_to_stay_becomes_background() {
    let mut watched = Watched::new(settings());
    watched.rest(8 * SECOND, room);
    let parked = watched.rest(120 * SECOND, with_figure(300, 60));
    assert!(parked > 60, "{parked}: looked at for a while");
    assert_eq!(watched.rest(20 * SECOND, with_figure(300, 60)), 2, "and then as seldom as what is always there");
    assert!(watched.show(room), "its leaving is motion");
}

#[test]
fn another_light_is_learnt_at_once() {
    let mut watched = Watched::new(settings());
    watched.rest(8 * SECOND, room);
    let lit = |x: usize, y: usize| room(x, y) + 60;
    assert!(watched.show(lit), "what the light shows is worth a look");
    watched.rest(4 * SECOND, lit);
    assert!(watched.gate.is_idle());
    assert!(watched.show(|x, y| with_figure(200, 30)(x, y) + 60));
}

#[test]
fn what_is_followed_is_seen_again_and_again() {
    for (followed, least, most, idle) in
        [(Followed::Nothing, 1, 1, true), (Followed::StillObjects, 6, 7, true), (Followed::Others, 25, 25, false)]
    {
        let mut watched = Watched::new(settings());
        watched.rest(8 * SECOND, room);
        let seen = (0..50).filter(|_| watched.show_with(followed, room)).count();
        assert!((least..=most).contains(&seen), "{followed:?}: {seen} in 10 s");
        assert_eq!(watched.gate.is_idle(), idle, "{followed:?}");
    }
}

#[test]
fn what_moves_under_a_mask_is_not_looked_at() {
    let corner = |x, y| Point { x, y };
    let right = vec![corner(0.5, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.5, 1.0)];
    let mut watched = Watched::masked(settings(), vec![Polygon::new(right).unwrap()]);
    watched.rest(8 * SECOND, room);
    assert!((0..20).all(|step| !watched.show(with_figure(400 + step * 4, 80))));
    assert!(watched.show(with_figure(200, 80)));
}

#[test]
fn sensitivity_decides_what_is_too_small_and_too_faint() {
    let faint = |watched: &mut Watched| {
        watched.rest(8 * SECOND, room);
        watched.show(with_figure(200, 6))
    };
    assert!(faint(&mut Watched::new(MotionSettings { sensitivity: 1.0, ..settings() })));
    assert!(!faint(&mut Watched::new(MotionSettings { sensitivity: 0.0, ..settings() })));
}

#[test]
fn a_picture_that_always_moves_is_not_looked_at_all_the_time() {
    let mut watched = Watched::new(MotionSettings { adaptive: true, ..settings() });
    let mut step = 0;
    let waving = |step: usize| {
        move |x: usize, y: usize| if (x / 40 + step).is_multiple_of(3) { room(x, y) + 50 } else { room(x, y) }
    };
    while watched.gate.paused_until.is_none() {
        step += 1;
        assert!(watched.show(waving(step)));
        assert!(step < 3000, "ten minutes of motion: {}", watched.gate.busy);
    }
    let looked = watched.gate.last_look;
    assert!(
        watched.rest(30 * SECOND, room) == 150 && watched.gate.last_look == looked,
        "everything goes through unseen"
    );
    watched.rest(40 * SECOND, room);
    assert!(watched.gate.is_idle(), "and then it is looked at again");
}

#[test]
fn a_stream_that_is_opened_anew_is_learnt_anew() {
    let mut watched = Watched::new(settings());
    watched.rest(8 * SECOND, room);
    watched.gate.reset();
    assert!(watched.show(room) && !watched.gate.is_idle());
}
