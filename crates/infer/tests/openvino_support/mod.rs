//! What the tests over OpenVINO share: whether it is there, our own model and the shared ones, pictures, and runs.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failing unwrap here is the failing test")]

use std::{io::Write, path::Path};

use sha2::{Digest, Sha256};
use sightline_core::{
    frame::{FrameBuffer, OwnedPixels},
    model::{
        Anchor, BoxCoder, ColorOrder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ResizeMode, ScoreFunction,
        TensorLayout,
    },
    ports::Backend,
    preprocess::{InputSliceMut, Preprocessor},
    provider::{OnUnavailable, OpenVinoOptions, Provider},
    tensor::{ElementType, InputBuffer, InputView},
};
use sightline_infer::{InferError, OpenedModel, Reference, Wish, library, openvino_library};

/// Past libtest's capture, which hides what a passing test prints.
pub fn tell(text: &str) {
    let _ = std::io::stderr().write_fmt(format_args!("{text}\n"));
}

/// Whether there are both libraries to compare. One that is there and does not work is a failure.
pub fn has_libraries() -> bool {
    if let Err(error @ InferError::LibraryMissing { .. }) = library::load(None) {
        tell(&format!("SKIPPED: {error}"));
        return false;
    }
    if let Err(missing) = openvino_library::locate() {
        tell(&format!("SKIPPED: {missing}"));
        return false;
    }
    let library = openvino_library::load().unwrap_or_else(|error| panic!("{error}"));
    println!("{} at {}", library.name(), library.path.display());
    true
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Our own model (int8 weights, uint8 NHWC in), which every clone has.
pub fn our_model() -> ModelSpec {
    let folder = repository().join("models/ssd-mobilenet-v1-sim");
    let labels = ["???", "person", "bicycle", "car", "bus", "dog"];
    let labels = labels.map(|label| (label != "???").then(|| label.to_owned())).to_vec();
    raw_model(&folder.join("model_int8.onnx"), &folder.join("anchors.bin"), labels, ElementType::U8)
}

/// Models of the shared material: 32-bit floats (float32 NCHW in) and symmetric int8 (uint8 NHWC in).
pub fn shared_models() -> Vec<ModelSpec> {
    let folder = repository().parent().unwrap().join("shared/models");
    if !folder.is_dir() {
        tell(&format!("SKIPPED: no shared models at {}", folder.display()));
        return Vec::new();
    }
    let model = |file: &str, element| {
        raw_model(&folder.join(file), &folder.join("anchors.bin"), vec![Some("thing".into()); 91], element)
    };
    vec![
        model("ssd_mobilenet_v1_coco.onnx", ElementType::F32),
        model("ssd_mobilenet_v1_coco_int8_u8in_sym.onnx", ElementType::U8),
    ]
}

fn raw_model(file: &Path, anchors: &Path, labels: Vec<Option<String>>, element: ElementType) -> ModelSpec {
    let anchors = std::fs::read(anchors).unwrap();
    let numbers: Vec<f32> = anchors.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let anchor = |a: &[f32; 4]| Anchor { center_y: a[0], center_x: a[1], height: a[2], width: a[3] };
    let (layout, mean, scale) = match element {
        ElementType::U8 => (TensorLayout::Nhwc, [0.0; 3], [1.0; 3]),
        ElementType::F32 => (TensorLayout::Nchw, [127.5; 3], [1.0 / 127.5; 3]),
    };
    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
    ModelSpec {
        name,
        sha256: sha256(&std::fs::read(file).unwrap()),
        weights: Some(file.to_path_buf()),
        weights_file_name: String::new(),
        weights_searched: Vec::new(),
        license: "Apache-2.0".into(),
        source: String::new(),
        input: InputSpec {
            name: None,
            layout,
            element,
            color_order: ColorOrder::Rgb,
            width: 300,
            height: 300,
            resize: ResizeMode::Stretch,
            mean,
            scale,
        },
        head: Head::RawSsd {
            boxes: "box_encodings".into(),
            classes: "class_logits".into(),
            anchors: numbers.as_chunks().0.iter().map(anchor).collect(),
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score: ScoreFunction::Sigmoid,
            background_class: Some(0),
        },
        labels: Labels::new(labels),
        defaults: DetectionSettings {
            score_threshold: 0.4,
            iou_threshold: 0.6,
            max_detections: 100,
            class_agnostic: false,
        },
    }
}

/// Our own model's reference pictures as `spec` takes them.
pub fn references(spec: &ModelSpec) -> Vec<Reference> {
    let folder = repository().join("models/ssd-mobilenet-v1-sim/reference");
    let names = ["crossing.jpg", "office.jpg", "parking.jpg", "street.jpg"];
    names.iter().map(|name| reference(spec, &folder.join(name))).collect()
}

fn reference(spec: &ModelSpec, picture: &Path) -> Reference {
    let rgb = image::open(picture).unwrap().into_rgb8();
    let pixels = OwnedPixels::rgb(rgb.width() as usize, rgb.height() as usize, rgb.into_raw()).unwrap();
    let mut input = InputBuffer::new(spec.input.element);
    input.resize(spec.input.samples_per_image());
    let samples = match &mut input {
        InputBuffer::U8(samples) => InputSliceMut::U8(samples),
        InputBuffer::F32(samples) => InputSliceMut::F32(samples),
    };
    let placement = Preprocessor::new(&spec.input).fill(pixels.view(), samples).unwrap();
    Reference { input, placement }
}

/// Opens the model on this provider alone.
pub fn try_open(spec: &ModelSpec, provider: Provider, max_batch: usize) -> Result<OpenedModel, InferError> {
    try_open_keeping(spec, provider, max_batch, None)
}

/// The same with a folder for compiled models. OpenVINO is given several batch sizes, where its options name none.
pub fn try_open_keeping(
    spec: &ModelSpec,
    mut provider: Provider,
    max_batch: usize,
    cache: Option<&Path>,
) -> Result<OpenedModel, InferError> {
    if let Provider::OpenVino(options) = &mut provider
        && options.batch_sizes.is_empty()
    {
        options.batch_sizes = [1, 2, 4, 8].into_iter().filter(|size| *size <= max_batch).collect();
    }
    let wish = Wish {
        providers: &[provider],
        on_unavailable: OnUnavailable::Fail,
        max_batch: Some(max_batch),
        sessions: 2,
        most_sessions: 2,
        cache,
        faster: &|_| None,
        references: &|| references(spec),
    };
    sightline_infer::open(spec, &wish)
}

pub fn on(device: &str) -> OpenVinoOptions {
    OpenVinoOptions { device: device.into(), ..OpenVinoOptions::default() }
}

/// What is said of a device that does not do.
pub fn refusal(spec: &ModelSpec, options: &OpenVinoOptions) -> String {
    match try_open(spec, Provider::OpenVino(options.clone()), 1) {
        Ok(_) => panic!("{options:?} was taken"),
        Err(InferError::ProviderUnavailable { mut passed_over }) => passed_over.remove(0).reason,
        Err(other) => panic!("{options:?}: {other}"),
    }
}

/// The outputs of one run with `pictures`, filled up with the last to `batch`; each picture's, by output.
pub fn run(backend: &mut dyn Backend, spec: &ModelSpec, pictures: &[&Reference], batch: usize) -> Vec<Vec<Vec<f32>>> {
    let mut input = InputBuffer::new(spec.input.element);
    for index in 0..batch {
        input.append(&pictures[index.min(pictures.len() - 1)].input);
    }
    let view = InputView { shape: spec.input.shape(batch), data: input.data() };
    let mut found = Vec::new();
    backend
        .run(view, &mut |outputs| {
            let one = |index: usize| {
                let part = |data: &[f32]| data.chunks(data.len() / batch).nth(index).unwrap().to_vec();
                outputs.iter().map(|output| part(output.data)).collect()
            };
            found = (0..pictures.len()).map(one).collect();
        })
        .unwrap();
    found
}

/// Length of the difference in parts of the expected one's length, over all outputs.
pub fn relative_error(found: &[Vec<f32>], expected: &[Vec<f32>]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let all = || found.iter().flatten().zip(expected.iter().flatten());
    assert!(all().count() > 1000 && found.len() == expected.len());
    let differences = square(&mut all().map(|(found, expected)| f64::from(found - expected)));
    (differences / square(&mut all().map(|(_, expected)| f64::from(*expected)))).sqrt()
}
