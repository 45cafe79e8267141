//! What the tests of this crate share: the shared material, the models in it, pictures, and reference boxes.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failing unwrap here is the failing test")]

pub mod onnx;
pub mod tiny;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sightline_core::{
    detection::Detection,
    detector::Postprocessor,
    geometry::BoxInFrame,
    model::{
        Anchor, BoxCoder, ColorOrder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ResizeMode, ScoreFunction,
        TensorLayout,
    },
    ports::Backend,
    preprocess::{InputSliceMut, Placement, Preprocessor},
    provider::{OnUnavailable, Provider},
    tensor::{ElementType, InputBuffer, InputData, InputView},
};
use sightline_infer::{InferError, OpenedModel, Reference, Wish, library};

/// Thresholds of the reference boxes.
pub const REFERENCE: DetectionSettings =
    DetectionSettings { score_threshold: 0.3, iou_threshold: 0.6, max_detections: 100, class_agnostic: false };

/// `true` when there is an ONNX Runtime to test with. One that is there and does not work is a failure.
pub fn has_runtime() -> bool {
    match library::load(None) {
        Ok(_) => true,
        Err(error @ sightline_infer::InferError::LibraryMissing { .. }) => {
            // Past libtest's capture, which hides what a passing test prints.
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("SKIPPED: {error}\n"));
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// The folder of shared material beside the repository, when it and ONNX Runtime are there.
pub fn shared() -> Option<PathBuf> {
    if !has_runtime() {
        return None;
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let shared = repository.parent()?.join("shared");
    if !shared.join("golden").is_dir() {
        // Past libtest's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: no reference material at {}\n", shared.display()),
        );
        return None;
    }
    Some(shared)
}

/// What of a model's input differs between the files.
#[derive(Clone, Copy)]
pub enum Input {
    /// float32 NCHW, (x − 127.5) / 127.5
    Normalised,
    /// uint8 NHWC
    Bytes,
}

pub fn input_spec(input: Input) -> InputSpec {
    let (layout, element, mean, scale) = match input {
        Input::Normalised => (TensorLayout::Nchw, ElementType::F32, [127.5; 3], [1.0 / 127.5; 3]),
        Input::Bytes => (TensorLayout::Nhwc, ElementType::U8, [0.0; 3], [1.0; 3]),
    };
    let (color_order, resize) = (ColorOrder::Rgb, ResizeMode::Stretch);
    InputSpec { name: None, layout, element, color_order, width: 300, height: 300, resize, mean, scale }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The specification of one of the shared models of raw heads.
pub fn raw_model(shared: &Path, file: &str, input: Input) -> ModelSpec {
    let numbers = floats(&shared.join("models/anchors.bin"));
    let anchor = |a: &[f32]| Anchor { center_y: a[0], center_x: a[1], height: a[2], width: a[3] };
    let head = Head::RawSsd {
        boxes: "box_encodings".into(),
        classes: "class_logits".into(),
        anchors: numbers.chunks_exact(4).map(anchor).collect(),
        box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
        score: ScoreFunction::Sigmoid,
        background_class: Some(0),
    };
    model(shared, file, input, head)
}

/// The specification of the shared model with suppression in its graph.
pub fn in_graph_model(shared: &Path) -> ModelSpec {
    let head = Head::InGraphNms {
        boxes: "detection_boxes".into(),
        classes: "detection_classes".into(),
        scores: "detection_scores".into(),
        count: "num_detections".into(),
    };
    model(shared, "ssd_mobilenet_v1_coco_nms.onnx", Input::Bytes, head)
}

fn model(shared: &Path, file: &str, input: Input, head: Head) -> ModelSpec {
    let path = shared.join("models").join(file);
    let labels = std::fs::read_to_string(shared.join("models/labelmap.txt")).unwrap();
    let mut labels: Vec<_> = labels.lines().map(|name| (name != "???").then(|| name.to_owned())).collect();
    labels.resize(91, None);
    ModelSpec {
        name: file.trim_end_matches(".onnx").into(),
        sha256: sha256(&std::fs::read(&path).unwrap()),
        weights: Some(path),
        weights_file_name: file.into(),
        weights_searched: Vec::new(),
        license: "Apache-2.0".into(),
        source: String::new(),
        input: input_spec(input),
        head,
        labels: Labels::new(labels),
        defaults: REFERENCE,
    }
}

pub fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// One session of one thread on the CPU, for batches of up to four.
pub fn open_on_cpu(spec: &ModelSpec) -> Result<OpenedModel, InferError> {
    open_on(spec, &[Provider::cpu()], OnUnavailable::Fallback)
}

/// The same on the first of `providers` that runs; compared with the CPU on two made pictures.
pub fn open_on(
    spec: &ModelSpec,
    providers: &[Provider],
    on_unavailable: OnUnavailable,
) -> Result<OpenedModel, InferError> {
    let wish = Wish {
        providers,
        on_unavailable,
        max_batch: Some(4),
        sessions: 1,
        most_sessions: 1,
        cache: None,
        faster: &|_| None,
        references: &|| made_pictures(spec),
    };
    sightline_infer::open(spec, &wish)
}

/// Two pictures of noise, as the model takes them.
pub fn made_pictures(spec: &ModelSpec) -> Vec<Reference> {
    let picture = |seed: usize| {
        let samples = (0..spec.input.samples_per_image()).map(|index| ((index + seed) * 31 % 251) as u8);
        let input = match spec.input.element {
            ElementType::U8 => InputBuffer::U8(samples.collect()),
            ElementType::F32 => InputBuffer::F32(samples.map(|byte| (f32::from(byte) - 127.5) / 127.5).collect()),
        };
        Reference { input, placement: Placement::whole(spec.input.width, spec.input.height) }
    };
    [0, 97].map(picture).into()
}

/// A model with everything around it: pictures in, detections out.
pub struct Network {
    pub backend: Box<dyn Backend>,
    input: InputSpec,
    preprocessor: Preprocessor,
    postprocessor: Postprocessor,
}

impl Network {
    pub fn open(spec: &ModelSpec) -> Self {
        let mut opened = open_on_cpu(spec).unwrap();
        assert!(opened.execution.passed_over.is_empty());
        let backend = opened.backends.remove(0);
        Self {
            backend,
            input: spec.input.clone(),
            preprocessor: Preprocessor::new(&spec.input),
            postprocessor: Postprocessor::new(spec, REFERENCE),
        }
    }

    /// What the network sees in a picture.
    pub fn detect(&mut self, picture: &Path) -> Vec<Detection> {
        let postprocessor = &mut self.postprocessor;
        let mut detections = Vec::new();
        Self::run(&mut *self.backend, &self.input, &mut self.preprocessor, picture, &mut |outputs, placement| {
            postprocessor.detections(outputs, 0, placement, &mut detections).unwrap();
        });
        detections
    }

    /// The raw outputs for a picture.
    pub fn heads(&mut self, picture: &Path) -> Vec<Vec<f32>> {
        let mut heads = Vec::new();
        Self::run(&mut *self.backend, &self.input, &mut self.preprocessor, picture, &mut |outputs, _| {
            heads = outputs.iter().map(|output| output.data.to_vec()).collect();
        });
        heads
    }

    fn run(
        backend: &mut dyn Backend,
        input: &InputSpec,
        preprocessor: &mut Preprocessor,
        picture: &Path,
        read: &mut dyn FnMut(&[sightline_core::tensor::OutputView<'_>], &Placement),
    ) {
        use sightline_core::frame::{FrameBuffer, OwnedPixels};
        let rgb = image::open(picture).unwrap().into_rgb8();
        let pixels = OwnedPixels::rgb(rgb.width() as usize, rgb.height() as usize, rgb.into_raw()).unwrap();
        let shape = input.shape(1);
        match input.element {
            ElementType::U8 => {
                let mut tensor = vec![0; input.samples_per_image()];
                let placement = preprocessor.fill(pixels.view(), InputSliceMut::U8(&mut tensor)).unwrap();
                let view = InputView { shape, data: InputData::U8(&tensor) };
                backend.run(view, &mut |outputs| read(outputs, &placement)).unwrap();
            }
            ElementType::F32 => {
                let mut tensor = vec![0.0; input.samples_per_image()];
                let placement = preprocessor.fill(pixels.view(), InputSliceMut::F32(&mut tensor)).unwrap();
                let view = InputView { shape, data: InputData::F32(&tensor) };
                backend.run(view, &mut |outputs| read(outputs, &placement)).unwrap();
            }
        }
    }
}

/// One picture's reference.
pub struct Golden {
    pub name: String,
    /// The picture itself.
    pub image: PathBuf,
    /// The 300×300 picture that went into the reference network.
    pub input: PathBuf,
    pub float_nms: Vec<Detection>,
    pub tflite_nms: Vec<Detection>,
}

/// All references, by name.
pub fn golden(shared: &Path) -> Vec<Golden> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(shared.join("golden"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "only {} references", files.len());
    files.iter().map(|file| read_golden(shared, file)).collect()
}

fn read_golden(shared: &Path, file: &Path) -> Golden {
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let boxes = |key: &str| json[key].as_array().unwrap().iter().map(reference_box).collect();
    Golden {
        name: file.file_stem().unwrap().to_str().unwrap().to_owned(),
        image: shared.join(json["image"].as_str().unwrap()),
        input: shared.join(json["input"].as_str().unwrap()),
        float_nms: boxes("float_nms"),
        tflite_nms: boxes("tflite_nms"),
    }
}

/// A reference box, clipped to the frame as ours are.
fn reference_box(json: &serde_json::Value) -> Detection {
    let corner = |index: usize| json["box"][index].as_f64().unwrap() as f32;
    let bbox = BoxInFrame::from_edges(corner(1), corner(0), corner(3), corner(2)).clipped();
    Detection {
        class_id: json["label_id"].as_u64().unwrap() as u16,
        score: json["score"].as_f64().unwrap() as f32,
        bbox,
    }
}

/// Pairs each reference with the found box of its class that overlaps it most, each found box once; best reference
/// first. Returns (reference, found, IoU); references that overlap nothing are left out.
pub fn pairs(references: &[Detection], found: &[Detection]) -> Vec<(Detection, Detection, f32)> {
    let mut free: Vec<Detection> = found.to_vec();
    let mut pairs = Vec::new();
    for reference in references {
        let overlap = |candidate: &Detection| reference.bbox.iou(&candidate.bbox);
        let same_class = free.iter().enumerate().filter(|(_, candidate)| candidate.class_id == reference.class_id);
        let best = same_class.max_by(|(_, a), (_, b)| overlap(a).total_cmp(&overlap(b))).map(|(index, _)| index);
        let Some(best) = best else { continue };
        let partner = free[best];
        if overlap(&partner) > 0.0 {
            free.remove(best);
            pairs.push((*reference, partner, overlap(&partner)));
        }
    }
    pairs
}

/// Greatest difference of two boxes' edges.
pub fn edge_difference(a: &BoxInFrame, b: &BoxInFrame) -> f32 {
    let differences = [a.x - b.x, a.y - b.y, a.right() - b.right(), a.bottom() - b.bottom()];
    differences.into_iter().map(f32::abs).fold(0.0, f32::max)
}

pub fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f32::NAN)
}
