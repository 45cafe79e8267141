//! What is done for every frame asks the allocator for nothing, once the busiest frame was seen.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use sightline_core::{
    detector::Postprocessor,
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat},
    model::{
        Anchor, BoxCoder, ColorOrder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ResizeMode, ScoreFunction,
        TensorLayout,
    },
    preprocess::{InputSliceMut, Placement, Preprocessor},
    simd::Level,
    tensor::{ElementType, OutputView},
};

const ANCHORS: usize = 1917;
const CLASSES: usize = 91;

thread_local! {
    /// Calls of this thread: the test harness has threads of its own.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is handed on to the system's allocator as it came; counting needs no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// How often `work` asked for memory.
fn allocations(work: impl FnOnce()) -> usize {
    let before = CALLS.get();
    work();
    CALLS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))), 1);
    let mut grown = Vec::with_capacity(1);
    assert_eq!(allocations(|| grown.extend_from_slice(std::hint::black_box(&[1u8; 100]))), 1);
}

fn frame(format: PixelFormat, width: usize, height: usize) -> OwnedPixels {
    let plane = |row_bytes: usize, rows: usize| ((0..row_bytes * rows).map(|i| (i * 7) as u8).collect(), row_bytes);
    let planes = match format {
        PixelFormat::Nv12 => vec![plane(width, height), plane(width, height / 2)],
        PixelFormat::I420 => vec![plane(width, height), plane(width / 2, height / 2), plane(width / 2, height / 2)],
        PixelFormat::Rgb => vec![plane(width * 3, height)],
    };
    let colorimetry = Colorimetry { matrix: ColorMatrix::Bt709, range: ColorRange::Limited };
    OwnedPixels { format, width, height, colorimetry, planes }
}

#[test]
fn filling_a_tensor_allocates_nothing() {
    // Cameras of all formats and of differing sizes take turns at one model.
    let frames: Vec<OwnedPixels> = [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb]
        .into_iter()
        .flat_map(|format| [(640, 360), (1280, 720), (64, 48)].map(|(width, height)| frame(format, width, height)))
        .collect();
    for level in Level::available() {
        for (element, layout) in [
            (ElementType::U8, TensorLayout::Nhwc),
            (ElementType::U8, TensorLayout::NhwcPadded),
            (ElementType::U8, TensorLayout::Nchw),
            (ElementType::F32, TensorLayout::Nhwc),
            (ElementType::F32, TensorLayout::Nchw),
        ] {
            for resize in [ResizeMode::Stretch, ResizeMode::Letterbox] {
                let color_order = ColorOrder::Bgr;
                let spec = InputSpec { element, layout, resize, color_order, ..InputSpec::rgb_bytes(300, 300) };
                let mut preprocessor = Preprocessor::with_level(&spec, level);
                let (mut bytes, mut floats) = (vec![0; spec.samples_per_image()], vec![0.0; spec.samples_per_image()]);
                let mut fill_all = || {
                    for frame in &frames {
                        let tensor = match element {
                            ElementType::U8 => InputSliceMut::U8(&mut bytes),
                            ElementType::F32 => InputSliceMut::F32(&mut floats),
                        };
                        preprocessor.fill(frame.view(), tensor).unwrap();
                    }
                };
                assert!(allocations(&mut fill_all) > 0, "the first frames make the tables");
                let again = allocations(fill_all);
                assert_eq!(again, 0, "{element:?} {layout:?} {resize:?} with {}", level.name());
            }
        }
    }
}

fn spec(score: ScoreFunction) -> ModelSpec {
    let mut random = fastrand::Rng::with_seed(1);
    let anchors = (0..ANCHORS)
        .map(|_| Anchor { center_y: random.f32(), center_x: random.f32(), height: 0.2, width: 0.2 })
        .collect();
    ModelSpec {
        name: "counted".into(),
        weights: None,
        weights_file_name: String::new(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: String::new(),
        source: String::new(),
        input: InputSpec::rgb_bytes(300, 300),
        head: Head::RawSsd {
            boxes: "boxes".into(),
            classes: "classes".into(),
            anchors,
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score,
            background_class: Some(0),
        },
        labels: Labels::new((0..CLASSES).map(|class| (class > 0).then(|| format!("class {class}"))).collect()),
        defaults: DetectionSettings {
            score_threshold: 0.3,
            iou_threshold: 0.6,
            max_detections: 100,
            class_agnostic: false,
        },
    }
}

#[test]
fn detections_allocate_nothing() {
    for function in [ScoreFunction::Sigmoid, ScoreFunction::Softmax] {
        let spec = spec(function);
        let mut random = fastrand::Rng::with_seed(2);
        let mut logits = vec![-6.0f32; ANCHORS * CLASSES];
        for _ in 0..400 {
            logits[random.usize(0..ANCHORS) * CLASSES + random.usize(1..6)] = 1.0 + random.f32();
        }
        let encodings: Vec<f32> = (0..ANCHORS * 4).map(|_| random.f32() - 0.5).collect();
        let outputs = [
            OutputView { shape: &[1, ANCHORS, 4], data: &encodings },
            OutputView { shape: &[1, ANCHORS, CLASSES], data: &logits },
        ];
        let placement = Placement::whole(300, 300);
        for level in Level::available() {
            let mut postprocessor = Postprocessor::with_level(&spec, spec.defaults, level);
            let mut detections = Vec::new();
            let mut detect = || postprocessor.detections(&outputs, 0, &placement, &mut detections).unwrap();
            assert!(allocations(&mut detect) > 0, "the first frame makes the buffers");
            assert_eq!(allocations(detect), 0, "{function:?} with {}", level.name());
            assert!(detections.len() > 20, "{} detections say little", detections.len());
        }
    }
}
