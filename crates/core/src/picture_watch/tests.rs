use proptest::prelude::*;

use super::*;
use crate::frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
const SECOND: Duration = Duration::from_secs(1);

/// A moment to count from. The core's clock ban holds for tests, too; a moment is needed all the same, and which does not
/// matter.
#[allow(clippy::disallowed_methods, reason = "any moment will do, and there is no other way to have one")]
fn any_moment() -> Instant {
    Instant::now()
}

fn picture(format: PixelFormat, range: ColorRange, luma: impl Fn(usize, usize) -> u8) -> OwnedPixels {
    let (sample_bytes, padding) = if format == PixelFormat::Rgb { (3, 0) } else { (1, 16) };
    let stride = WIDTH * sample_bytes + padding;
    let luma = &luma;
    // What is beside the visible part is noise that nobody may look at.
    let row = |y: usize| {
        (0..stride).map(move |at| if at < WIDTH * sample_bytes { luma(at / sample_bytes, y) } else { (at * y) as u8 })
    };
    let plane = ((0..HEIGHT).flat_map(row).collect(), stride);
    let chroma = (vec![128; stride * HEIGHT / 2], stride);
    let planes = match format {
        PixelFormat::Rgb => vec![plane],
        PixelFormat::Nv12 => vec![plane, chroma],
        PixelFormat::I420 => vec![plane, chroma.clone(), chroma],
    };
    let colorimetry = Colorimetry { matrix: ColorMatrix::Bt709, range };
    OwnedPixels { format, width: WIDTH, height: HEIGHT, colorimetry, planes }
}

fn video(luma: impl Fn(usize, usize) -> u8) -> OwnedPixels {
    picture(PixelFormat::Nv12, ColorRange::Limited, luma)
}

fn scene(x: usize, y: usize) -> u8 {
    (16 + (x / 3 + y / 2) % 200) as u8
}

/// Noise of `from..from + spread` that is different for each `seed`.
fn noise(seed: usize, from: u8, spread: usize) -> OwnedPixels {
    video(move |x, y| {
        let mixed = (x * 7919 + y * 104_729 + seed * 1_299_709).wrapping_mul(2_654_435_761) >> 7;
        from + (mixed % spread) as u8
    })
}

struct Watching {
    watch: PictureWatch,
    now: Instant,
}

impl Watching {
    fn new(settings: PictureWatchSettings) -> Self {
        Self { watch: PictureWatch::new(settings), now: any_moment() }
    }

    /// Shows a picture made anew each second; returns the states.
    fn show(&mut self, seconds: usize, mut of_second: impl FnMut(usize) -> OwnedPixels) -> Vec<PictureState> {
        let look = |second| {
            self.now += SECOND;
            assert!(self.watch.is_due(self.now));
            self.watch.look(of_second(second).view(), self.now)
        };
        (0..seconds).map(look).collect()
    }
}

/// States in the order in which they came, with how many seconds each lasted.
fn runs(states: &[PictureState]) -> Vec<(PictureState, usize)> {
    states.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
}

#[test]
fn a_picture_that_stays_the_same_is_frozen_until_a_pixel_changes() {
    let mut watching = Watching::new(PictureWatchSettings::default());
    let states = watching.show(90, |_| video(scene));
    assert_eq!(runs(&states), [(PictureState::Normal, 60), (PictureState::Frozen, 30)]);
    let states = watching.show(2, |second| video(move |x, y| scene(x, y) ^ u8::from(second == 0 && x == 17)));
    assert_eq!(states, [PictureState::Normal, PictureState::Normal]);
}

#[test]
fn a_clock_in_the_corner_keeps_a_still_scene_alive() {
    let mut watching = Watching::new(PictureWatchSettings::default());
    // The last digit of a clock: 8 by 12 pixels that change.
    let with_digit = |second: usize| {
        video(
            move |x, y| {
                if (300..308).contains(&x) && (8..20).contains(&y) { 200 + (second % 10) as u8 } else { scene(x, y) }
            },
        )
    };
    assert_eq!(runs(&watching.show(120, with_digit)), [(PictureState::Normal, 120)]);
}

#[test]
fn a_black_picture_is_dark_before_it_is_frozen_whatever_black_is() {
    for (format, range, black) in [
        (PixelFormat::Nv12, ColorRange::Limited, 16),
        (PixelFormat::I420, ColorRange::Limited, 16),
        // Decoders give what a camera sends, also below black.
        (PixelFormat::Nv12, ColorRange::Limited, 0),
        (PixelFormat::I420, ColorRange::Full, 0),
        (PixelFormat::Rgb, ColorRange::Full, 0),
    ] {
        let mut watching = Watching::new(PictureWatchSettings::default());
        let states = watching.show(90, |_| picture(format, range, |_, _| black));
        assert_eq!(runs(&states), [(PictureState::Normal, 30), (PictureState::Dark, 60)], "{format:?} {range:?}");
    }
}

#[test]
fn noise_and_a_clock_do_not_hide_a_black_picture() {
    let mut watching = Watching::new(PictureWatchSettings::default());
    // A clock of 160 by 16 pixels, a third of them white: 1.1 % of the picture, 0.4 % bright.
    let covered = |second: usize| {
        let mut pixels = noise(second, 16, 10);
        let (luma, stride) = &mut pixels.planes[0];
        for (y, x) in (8..24).flat_map(|y| (16..176).map(move |x| (y, x))) {
            luma[y * *stride + x] = if (x + y + second).is_multiple_of(3) { 235 } else { 16 };
        }
        pixels
    };
    assert_eq!(runs(&watching.show(60, covered)), [(PictureState::Normal, 30), (PictureState::Dark, 30)]);
}

#[test]
fn night_scenes_and_grey_pictures_are_not_dark() {
    for (what, from, spread) in [("a dim scene", 16, 60), ("noise at dusk", 40, 20), ("evenly grey", 126, 3)] {
        let mut watching = Watching::new(PictureWatchSettings::default());
        let states = watching.show(60, |second| noise(second, from, spread));
        assert_eq!(runs(&states), [(PictureState::Normal, 60)], "{what}");
    }
    let mut watching = Watching::new(PictureWatchSettings::default());
    // A lamp and what it lights: 6 % of the picture.
    let lamp = |second: usize| {
        let mut pixels = noise(second, 16, 8);
        let (luma, stride) = &mut pixels.planes[0];
        (150..240).for_each(|y| luma[y * *stride + 200..y * *stride + 360].fill(150));
        pixels
    };
    assert_eq!(runs(&watching.show(60, lamp)), [(PictureState::Normal, 60)]);
}

#[test]
fn darkness_ends_when_light_comes_and_not_when_it_flickers() {
    let mut watching = Watching::new(PictureWatchSettings::default());
    watching.show(40, |second| noise(second, 16, 8));
    let states = watching.show(10, |second| noise(second, 20, 8 + second % 2 * 12));
    assert_eq!(runs(&states), [(PictureState::Dark, 10)], "a little more light than it began with");
    assert_eq!(watching.show(1, |_| noise(1, 40, 80)), [PictureState::Normal]);
    let states = watching.show(31, |second| noise(second, 16, 8));
    assert_eq!(runs(&states), [(PictureState::Normal, 30), (PictureState::Dark, 1)], "and it takes its time again");
}

#[test]
fn what_is_not_wished_is_not_told() {
    let settings = PictureWatchSettings { frozen_after: None, dark_after: None };
    assert!(!PictureWatch::new(settings).is_due(any_moment()));

    let mut only_frozen = Watching::new(PictureWatchSettings { dark_after: None, ..PictureWatchSettings::default() });
    assert_eq!(only_frozen.show(61, |_| video(|_, _| 16)).last(), Some(&PictureState::Frozen));
    let mut only_dark = Watching::new(PictureWatchSettings { frozen_after: None, ..PictureWatchSettings::default() });
    assert_eq!(runs(&only_dark.show(100, |_| video(scene))), [(PictureState::Normal, 100)]);
}

#[test]
fn one_look_a_second_is_due_and_reset_begins_anew() {
    let start = any_moment();
    let mut watch = PictureWatch::new(PictureWatchSettings::default());
    assert!(watch.is_due(start));
    watch.look(video(scene).view(), start);
    assert!(!watch.is_due(start + SECOND / 2));
    assert!(watch.is_due(start + SECOND));
    assert_eq!(watch.look(video(scene).view(), start + 60 * SECOND), PictureState::Frozen);
    watch.reset();
    assert_eq!(watch.state(), PictureState::Normal);
    assert!(watch.is_due(start), "and at once");
    assert_eq!(watch.look(video(scene).view(), start + 90 * SECOND), PictureState::Normal);
}

#[test]
fn another_size_is_another_picture() {
    let start = any_moment();
    let mut watch = PictureWatch::new(PictureWatchSettings::default());
    let (full, mut cropped) = (video(|_, _| 100), video(|_, _| 100));
    cropped.height -= 2;
    watch.look(full.view(), start);
    assert_eq!(watch.look(cropped.view(), start + 100 * SECOND), PictureState::Normal);
}

proptest! {
    /// Any size, planes that are too short, strides that are too small: a look never panics, and what it says of equal
    /// bytes is the same.
    #[test]
    fn any_view_is_taken(
        width in 0usize..200, height in 0usize..200, stride in 0usize..220,
        data in prop::collection::vec(any::<u8>(), 0..4000), format in 0usize..3,
    ) {
        let format = [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb][format];
        let colorimetry = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Limited };
        let pixels = OwnedPixels { format, width, height, colorimetry, planes: vec![(data, stride)] };
        let mut watch = PictureWatch::new(PictureWatchSettings::default());
        let start = any_moment();
        prop_assert_eq!(watch.look(pixels.view(), start), PictureState::Normal);
        prop_assert_ne!(watch.look(pixels.view(), start + 60 * SECOND), PictureState::Normal);
    }

    /// One changed pixel of a row that is looked at is seen, wherever it is.
    #[test]
    fn any_changed_pixel_of_a_row_that_is_looked_at_is_seen(x in 0..WIDTH, row in 0..ROWS, by in 1u8..=255) {
        let y = (2 * row + 1) * HEIGHT / (2 * ROWS);
        let changed = video(|at_x, at_y| scene(at_x, at_y).wrapping_add(if (at_x, at_y) == (x, y) { by } else { 0 }));
        prop_assert_ne!(sample::take(&video(scene).view()).picture, sample::take(&changed.view()).picture);
    }
}

proptest! {
    // Each case is a minute of pictures.
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Frozen exactly when the last pictures were equal for the whole time.
    #[test]
    fn frozen_is_what_did_not_change_for_the_whole_time(changes in prop::collection::vec(prop::bool::weighted(0.15), 1..60)) {
        let limit = 6;
        let settings = PictureWatchSettings { frozen_after: Some(limit * SECOND), dark_after: Some(SECOND) };
        let mut watching = Watching::new(settings);
        let (mut shown, mut unchanged) = (0usize, 0);
        let expected: Vec<_> = changes.iter().enumerate().map(|(second, &changed)| {
            unchanged = if changed || second == 0 { 0 } else { unchanged + 1 };
            if unchanged >= limit { PictureState::Frozen } else { PictureState::Normal }
        }).collect();
        let states = watching.show(changes.len(), |second| {
            shown += usize::from(changes[second]);
            let shown = shown;
            video(move |x, y| scene(x + shown, y))
        });
        prop_assert_eq!(states, expected);
    }
}
