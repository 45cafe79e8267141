//! The fast pass against the plain one, over formats, sizes, strides and layouts.

use proptest::prelude::*;

use super::{
    reference::{self, CENTERED, LEFT},
    *,
};
use crate::{
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat},
    model::{ColorOrder, ResizeMode, TensorLayout},
    tensor::ElementType,
};

const FORMATS: [PixelFormat; 3] = [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb];
const LAYOUTS: [TensorLayout; 3] = [TensorLayout::Nchw, TensorLayout::Nhwc, TensorLayout::NhwcPadded];

fn input(element: ElementType, layout: TensorLayout, (width, height): (usize, usize)) -> InputSpec {
    let (mean, scale) = match element {
        ElementType::U8 => ([0.0; 3], [1.0; 3]),
        ElementType::F32 => ([127.5, 100.0, 90.0], [1.0 / 127.5, 0.02, 0.01]),
    };
    InputSpec {
        name: None,
        layout,
        element,
        color_order: ColorOrder::Rgb,
        width,
        height,
        resize: ResizeMode::Stretch,
        mean,
        scale,
    }
}

/// Noise: the hardest picture for interpolation, as neighbours have nothing in common.
fn noise(seed: u32) -> impl FnMut(usize, usize, usize) -> u8 {
    let mut state = seed | 1;
    move |_, _, _| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    }
}

/// Fills one tensor and returns its samples on the 0..=255 scale with those of the plain version.
fn both(pixels: &OwnedPixels, spec: &InputSpec, preprocessor: &mut Preprocessor) -> Vec<(f64, f64)> {
    let view = pixels.view();
    let samples = spec.samples_per_image();
    let (placement, found): (Placement, Vec<f64>) = match spec.element {
        ElementType::U8 => {
            let mut out = vec![0xCC; samples];
            let placement = preprocessor.fill(view, InputSliceMut::U8(&mut out)).unwrap();
            (placement, out.into_iter().map(f64::from).collect())
        }
        ElementType::F32 => {
            let mut out = vec![f32::NAN; samples];
            let placement = preprocessor.fill(view, InputSliceMut::F32(&mut out)).unwrap();
            (placement, out.into_iter().map(f64::from).collect())
        }
    };
    let expected = reference::tensor(&view, spec, &placement);
    let on_byte_scale = |index: usize, value: f64| {
        let channel = match spec.layout {
            TensorLayout::Nhwc | TensorLayout::NhwcPadded => index % spec.layout.channels(),
            TensorLayout::Nchw => index / (spec.width * spec.height),
        };
        // The fourth channel is not scaled: it is zero.
        spec.scale.get(channel).map_or(value, |&scale| value / f64::from(scale) + f64::from(spec.mean[channel]))
    };
    let pairs = found.into_iter().zip(expected).enumerate();
    pairs.map(|(index, (found, expected))| (on_byte_scale(index, found), on_byte_scale(index, expected))).collect()
}

fn worst(pairs: &[(f64, f64)]) -> f64 {
    // Not f64::max, which would pass over a NaN.
    pairs
        .iter()
        .map(|(found, expected)| (found - expected.round()).abs())
        .fold(0.0, |worst, difference| if difference <= worst { worst } else { difference })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_sample_is_within_one_of_the_plain_version(
        format in prop::sample::select(&FORMATS[..]),
        size in (1usize..70, 1usize..70),
        to in (1usize..40, 1usize..40),
        padding in prop::sample::select(&[0usize, 1, 5, 64][..]),
        seed in any::<u32>(),
        layout in prop::sample::select(&LAYOUTS[..]),
        float in any::<bool>(),
        bgr in any::<bool>(),
        letterbox in any::<bool>(),
        bt709 in any::<bool>(),
        full in any::<bool>(),
    ) {
        let mut pixels = reference::frame(format, size, padding, noise(seed));
        pixels.colorimetry = Colorimetry {
            matrix: if bt709 { ColorMatrix::Bt709 } else { ColorMatrix::Bt601 },
            range: if full { ColorRange::Full } else { ColorRange::Limited },
        };
        let element = if float { ElementType::F32 } else { ElementType::U8 };
        let mut spec = input(element, layout, to);
        spec.color_order = if bgr { ColorOrder::Bgr } else { ColorOrder::Rgb };
        spec.resize = if letterbox { ResizeMode::Letterbox } else { ResizeMode::Stretch };
        if letterbox && float {
            // The border is the mean itself, not a rounded colour.
            spec.mean = spec.mean.map(f32::round);
        }
        let pairs = both(&pixels, &spec, &mut Preprocessor::new(&spec));
        prop_assert!(worst(&pairs) <= 1.001, "off by {}", worst(&pairs));
    }

    #[test]
    fn boxes_come_back_from_a_letterbox_where_they_were(
        size in (1usize..4000, 1usize..4000),
        x in 0.0f32..0.9, y in 0.0f32..0.9, width in 0.0f32..0.1, height in 0.0f32..0.1,
    ) {
        let mut spec = input(ElementType::U8, TensorLayout::Nhwc, (300, 200));
        spec.resize = ResizeMode::Letterbox;
        let placement = Placement::new(&spec, size.0, size.1);
        prop_assert!(placement.left + placement.width <= 300 && placement.top + placement.height <= 200);
        prop_assert!(placement.width == 300 || placement.height == 200);
        let to_tensor = |v: f32, start: usize, length: usize, side: f32| (v * length as f32 + start as f32) / side;
        let in_tensor = crate::geometry::BoxInFrame {
            x: to_tensor(x, placement.left, placement.width, 300.0),
            y: to_tensor(y, placement.top, placement.height, 200.0),
            width: width * placement.width as f32 / 300.0,
            height: height * placement.height as f32 / 200.0,
        };
        let back = placement.to_frame(in_tensor);
        // A frame of a few pixels' height in the tensor magnifies rounding by up to the tensor's side.
        prop_assert!((back.x - x).abs() < 1e-3 && (back.y - y).abs() < 1e-3);
        prop_assert!((back.width - width).abs() < 1e-3 && (back.height - height).abs() < 1e-3);
    }
}

/// The tensor's bytes as `level` fills it, on a ground that shows what was left out.
fn filled(pixels: &OwnedPixels, spec: &InputSpec, level: Level) -> Vec<u32> {
    let mut preprocessor = Preprocessor::with_level(spec, level);
    let samples = spec.samples_per_image();
    match spec.element {
        ElementType::U8 => {
            let mut out = vec![0xCC; samples];
            preprocessor.fill(pixels.view(), InputSliceMut::U8(&mut out)).unwrap();
            out.into_iter().map(u32::from).collect()
        }
        ElementType::F32 => {
            let mut out = vec![f32::NAN; samples];
            preprocessor.fill(pixels.view(), InputSliceMut::F32(&mut out)).unwrap();
            out.into_iter().map(f32::to_bits).collect()
        }
    }
}

/// Where two levels differ, instead of two tensors of a hundred thousand numbers.
fn first_difference(pixels: &OwnedPixels, spec: &InputSpec, level: Level) -> Option<(usize, u32, u32)> {
    let (found, expected) = (filled(pixels, spec, level), filled(pixels, spec, Level::PORTABLE));
    let pairs = found.into_iter().zip(expected).enumerate();
    pairs.map(|(index, (found, expected))| (index, found, expected)).find(|(_, found, expected)| found != expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_level_gives_the_same_bits(
        format in prop::sample::select(&FORMATS[..]),
        // Up to ratios at which no window of a row holds four columns, and rows shorter than a window.
        size in (prop_oneof![1usize..80, 80usize..1300], 1usize..40),
        to in (prop_oneof![1usize..40, 40usize..330], 1usize..20),
        padding in prop::sample::select(&[0usize, 1, 64][..]),
        seed in any::<u32>(),
        layout in prop::sample::select(&LAYOUTS[..]),
        (float, bgr, letterbox, bt709, full) in any::<(bool, bool, bool, bool, bool)>(),
    ) {
        let mut pixels = reference::frame(format, size, padding, noise(seed));
        pixels.colorimetry = Colorimetry {
            matrix: if bt709 { ColorMatrix::Bt709 } else { ColorMatrix::Bt601 },
            range: if full { ColorRange::Full } else { ColorRange::Limited },
        };
        let element = if float { ElementType::F32 } else { ElementType::U8 };
        let mut spec = input(element, layout, to);
        spec.color_order = if bgr { ColorOrder::Bgr } else { ColorOrder::Rgb };
        spec.resize = if letterbox { ResizeMode::Letterbox } else { ResizeMode::Stretch };
        for level in Level::available() {
            prop_assert_eq!(first_difference(&pixels, &spec, level), None, "{}", level.name());
        }
    }
}

#[test]
fn every_level_gives_the_same_bits_of_real_sizes() {
    for format in FORMATS {
        for size in [(3840, 2160), (1920, 1080), (1281, 721), (704, 576), (301, 299), (64, 48)] {
            let pixels = reference::frame(format, size, 32, noise(11));
            let of_bytes = [TensorLayout::Nhwc, TensorLayout::NhwcPadded].map(|layout| (ElementType::U8, layout));
            for (element, layout) in of_bytes.into_iter().chain([(ElementType::F32, TensorLayout::Nchw)]) {
                let spec = input(element, layout, (300, 300));
                for level in Level::available() {
                    assert_eq!(first_difference(&pixels, &spec, level), None, "{format:?} {size:?} {}", level.name());
                }
            }
        }
    }
}

#[test]
fn real_sizes_are_within_one_and_mostly_equal() {
    for format in FORMATS {
        for size in [(1920, 1080), (1280, 720), (641, 359), (300, 300), (120, 90)] {
            let pixels = reference::frame(format, size, 32, noise(7));
            let spec = input(ElementType::U8, TensorLayout::Nhwc, (300, 300));
            let pairs = both(&pixels, &spec, &mut Preprocessor::new(&spec));
            let differing = pairs.iter().filter(|(found, expected)| *found != expected.round()).count();
            let share = differing as f64 / pairs.len() as f64;
            println!("{format:?} {size:?}: {:.2} % of samples differ by one", 100.0 * share);
            assert!(worst(&pairs) <= 1.0);
            assert!(share < 0.05, "{:.1} % differ", 100.0 * share);
        }
    }
}

#[test]
fn one_pixel_fills_the_tensor() {
    for format in FORMATS {
        let pixels = reference::frame(format, (1, 1), 0, |plane, x, _| [200, 90, 160][(plane + x) % 3]);
        let spec = input(ElementType::U8, TensorLayout::Nhwc, (8, 8));
        let pairs = both(&pixels, &spec, &mut Preprocessor::new(&spec));
        assert!(worst(&pairs) <= 1.0, "{format:?}");
        assert!(pairs.chunks(3).all(|pixel| pixel == &pairs[..3]), "{format:?}");
    }
}

#[test]
fn rgb_of_the_tensors_own_size_goes_through_unchanged() {
    let pixels = reference::frame(PixelFormat::Rgb, (33, 21), 0, noise(3));
    let spec = input(ElementType::U8, TensorLayout::Nhwc, (33, 21));
    let mut out = vec![0; spec.samples_per_image()];
    Preprocessor::new(&spec).fill(pixels.view(), InputSliceMut::U8(&mut out)).unwrap();
    assert_eq!(out, pixels.planes[0].0);
}

#[test]
fn one_preprocessor_takes_frames_of_changing_size_and_format() {
    let spec = input(ElementType::U8, TensorLayout::Nhwc, (30, 30));
    let mut preprocessor = Preprocessor::new(&spec);
    for (seed, size) in [(64, 48), (17, 91), (64, 48), (1, 1), (320, 240)].into_iter().enumerate() {
        for format in FORMATS {
            let pixels = reference::frame(format, size, 3, noise(seed as u32 + 1));
            assert!(worst(&both(&pixels, &spec, &mut preprocessor)) <= 1.0, "{format:?} {size:?}");
        }
    }
}

/// Why chroma is taken as centred: that is what agrees with converting the frame to RGB first.
#[test]
fn centred_chroma_agrees_best_with_converting_the_whole_frame_first() {
    for format in [PixelFormat::Nv12, PixelFormat::I420] {
        // Colour ramps of differing period in each direction, away from the gamut's edge.
        let wave = |x: usize, period: f64| 128.0 + 30.0 * (x as f64 * std::f64::consts::TAU / period).sin();
        let pixels = reference::frame(format, (320, 180), 0, |plane, x, y| {
            let column = if format == PixelFormat::Nv12 && plane == 1 { x / 2 } else { x };
            wave(column, 23.0 + 4.0 * plane as f64).midpoint(wave(y, 19.0)) as u8
        });
        let rgb = reference::converted_by_repeating(&pixels);
        let placement = Placement::whole(300, 300);
        let difference = |site| {
            let mut sum = 0.0;
            for y in 0..300 {
                for x in 0..300 {
                    let first = reference::pixel(&rgb.view(), &placement, x, y, site);
                    let ours = reference::pixel(&pixels.view(), &placement, x, y, site);
                    sum += first.iter().zip(ours).map(|(a, b)| (a - b).abs()).sum::<f64>();
                }
            }
            sum / (3.0 * 300.0 * 300.0)
        };
        let (centred, left) = (difference(CENTERED), difference(LEFT));
        println!("{format:?}: mean difference {centred:.3} centred, {left:.3} left-sited");
        assert!(centred < left && centred < 1.5);
    }
}

#[test]
fn frames_that_lie_about_their_size_are_refused() {
    let spec = input(ElementType::U8, TensorLayout::Nhwc, (8, 8));
    let mut preprocessor = Preprocessor::new(&spec);
    let mut out = vec![7; spec.samples_per_image()];
    let mut refused = |pixels: &OwnedPixels| {
        let result = preprocessor.fill(pixels.view(), InputSliceMut::U8(&mut out));
        assert!(out.iter().all(|&sample| sample == 7), "the tensor was written to");
        result.unwrap_err()
    };
    for format in FORMATS {
        for plane in 0..format.plane_count() {
            let whole = reference::frame(format, (31, 17), 4, noise(1));

            let mut short = whole.clone();
            short.planes[plane].0.pop();
            assert!(matches!(refused(&short), PreprocessError::PlaneTooShort { plane: p, .. } if p == plane));

            let mut missing = whole.clone();
            missing.planes[plane].0.clear();
            assert!(matches!(refused(&missing), PreprocessError::PlaneTooShort { .. }));

            let mut narrow = whole.clone();
            narrow.planes[plane].1 = 3;
            assert!(matches!(refused(&narrow), PreprocessError::StrideTooSmall { plane: p, .. } if p == plane));
        }
        let mut empty = reference::frame(format, (31, 17), 4, noise(1));
        empty.width = 0;
        assert!(matches!(refused(&empty), PreprocessError::EmptyFrame { .. }));

        let mut absurd = reference::frame(format, (31, 17), 4, noise(1));
        (absurd.width, absurd.height) = (usize::MAX, usize::MAX);
        assert!(matches!(refused(&absurd), PreprocessError::StrideTooSmall { .. }));
    }
}

#[test]
fn a_tensor_of_another_type_or_length_is_refused() {
    let spec = input(ElementType::U8, TensorLayout::Nhwc, (8, 8));
    let pixels = reference::frame(PixelFormat::Rgb, (4, 4), 0, noise(1));
    let mut preprocessor = Preprocessor::new(&spec);
    let error = preprocessor.fill(pixels.view(), InputSliceMut::F32(&mut [0.0; 192])).unwrap_err();
    assert_eq!(error, PreprocessError::ElementType { expected: ElementType::U8, found: ElementType::F32 });
    let error = preprocessor.fill(pixels.view(), InputSliceMut::U8(&mut [0; 191])).unwrap_err();
    assert_eq!(error, PreprocessError::OutputLength { expected: 192, found: 191 });
}
