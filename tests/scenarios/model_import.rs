//! `sightline models import` gives networks that answer as those of an independent converter do: the files in
//! `../shared/models`, over the exact pictures that went in there.

use std::{path::Path, sync::Arc};

use sightline_config::{
    Environment,
    models::{ModelReference, find_model},
};
use sightline_core::{
    model::{Head, InputSpec, ModelSpec},
    ports::Backend,
    tensor::{ElementType, InputData, InputView},
};
use sightline_infer::Wish;

use crate::support::{run, shared, stderr, stdout};

/// Box encodings and class logits of one picture.
type Heads = [Vec<f32>; 2];

fn open(spec: &ModelSpec) -> Box<dyn Backend> {
    let mut opened = sightline_infer::open(spec, &Wish::on_cpu()).unwrap_or_else(|error| panic!("{error}"));
    opened.backends.remove(0)
}

/// The picture in the input's own form. `pixels`: 300×300 packed RGB.
fn heads(backend: &mut dyn Backend, input: &InputSpec, pixels: &[u8]) -> Heads {
    let plane = input.width * input.height;
    let normalised: Vec<f32> = (0..3)
        .flat_map(|channel| (0..plane).map(move |pixel| (f32::from(pixels[pixel * 3 + channel]) - 127.5) / 127.5))
        .collect();
    let data = match input.element {
        ElementType::U8 => InputData::U8(pixels),
        ElementType::F32 => InputData::F32(&normalised),
    };
    let mut heads = Heads::default();
    let view = InputView { shape: input.shape(1), data };
    backend.run(view, &mut |outputs| heads = [outputs[0].data.to_vec(), outputs[1].data.to_vec()]).expect("a run");
    heads
}

fn imported(folder: &Path, name: &str) -> ModelSpec {
    find_model(&ModelReference::Path(folder.join(name)), &Environment::empty())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// The same model with the reference's weights.
fn with_weights(spec: &ModelSpec, weights: &Path) -> ModelSpec {
    let sha256 = sightline_config::models::sha256_of_file(weights).expect("the reference's weights");
    ModelSpec { weights: Some(weights.to_owned()), sha256, ..spec.clone() }
}

#[test]
fn an_imported_model_answers_as_the_reference_does() {
    let Some(shared) = shared("model_import") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (shared.join("models/detect.tflite"), folder.path());
    let output = run(&["models", "import", file.to_str().expect("UTF-8"), "--out", out.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 3);

    // One step of the quantised outputs, from the file: 0.0664 of a box encoding, 0.0996 of a logit, at most.
    const STEP: f32 = 0.1;
    for (name, reference, tolerance) in [
        ("ssd-mobilenet-v1-coco", "ssd_mobilenet_v1_coco.onnx", 1e-4),
        ("ssd-mobilenet-v1-coco-int8-original", "ssd_mobilenet_v1_coco_int8_u8in.onnx", STEP),
        ("ssd-mobilenet-v1-coco-int8", "ssd_mobilenet_v1_coco_int8_u8in_sym.onnx", STEP),
    ] {
        let ours = Arc::new(imported(out, name));
        assert_eq!((ours.license.as_str(), ours.labels.name(1), ours.labels.len()), ("Apache-2.0", Some("person"), 91));
        let Head::RawSsd { anchors, .. } = &ours.head else { panic!("no SSD head") };
        assert_eq!(anchors.len(), 1917);
        let theirs = with_weights(&ours, &shared.join("models").join(reference));
        let (mut our_backend, mut their_backend) = (open(&ours), open(&theirs));
        let (mut pictures, mut worst) = (0, 0f32);
        for entry in std::fs::read_dir(shared.join("golden/input")).expect("the pictures") {
            let pixels = image::open(entry.expect("an entry").path()).expect("a picture").into_rgb8().into_raw();
            let (a, b) =
                (heads(&mut *our_backend, &ours.input, &pixels), heads(&mut *their_backend, &ours.input, &pixels));
            for (a, b) in a.iter().zip(&b) {
                assert_eq!(a.len(), b.len());
                worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
            }
            pictures += 1;
        }
        assert!(pictures >= 10, "only {pictures} pictures");
        // Past libtest's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("{name}: largest difference from the reference {worst:e} over {pictures} pictures\n"),
        );
        assert!(worst <= tolerance, "{name} differs by {worst}");
    }
}

#[test]
fn a_file_of_another_kind_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x.tflite");
    let import = |content: &[u8]| {
        std::fs::write(&file, content).expect("written");
        run(&["models", "import", file.to_str().expect("UTF-8"), "--out", folder.path().to_str().expect("UTF-8")])
    };
    for content in [&b""[..], b"\x89PNG\r\n\x1a\n and so on", b"\x10\0\0\0TFL3 and nothing that follows"] {
        let output = import(content);
        assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
        assert!(stderr(&output).contains("x.tflite"), "{}", stderr(&output));
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "something was left behind");
    }
    let output = run(&["models", "import", "/nowhere/x.tflite"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
