//! `sightline models import`: a TensorFlow Lite SSD as three model folders, in float32 and in int8.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use sightline_config::{Environment, models::sha256_of_bytes};
use sightline_core::{
    model::{ColorOrder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ResizeMode, TensorLayout},
    tensor::ElementType,
};
use sightline_onnx::tflite::{Imported, import};

use super::{folder, labels, published};
use crate::{
    cli::ImportArgs,
    failure::{Failure, Kind, OrFail, Outcome},
};

/// More than any SSD for an edge box has.
pub const MOST_BYTES: u64 = 256 << 20;

/// What the manifests of an import say besides what the file itself says.
pub struct Origin {
    /// The model's name; its int8 forms have an ending more.
    pub name: String,
    pub license: String,
    pub source: String,
    /// Class names by class id; by number when it is not known what the classes are.
    pub labels: Option<Vec<String>>,
}

/// Imports a file; the paths of the manifests go to stdout.
pub fn execute(args: &ImportArgs) -> Outcome {
    let context = || format!("cannot import {}", args.file.display());
    let size = std::fs::metadata(&args.file).with_context(context).or_fail(Kind::Usage)?.len();
    if size > MOST_BYTES {
        return Err(Failure::new(Kind::Usage, anyhow!("{}: {size} bytes are no SSD for an edge box", context())));
    }
    let bytes = std::fs::read(&args.file).with_context(context).or_fail(Kind::Usage)?;
    let imported = import(&bytes).with_context(context).or_fail(Kind::Config)?;
    let origin = origin(args, &bytes)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => user_folder()?,
    };
    write(&imported, &origin, &out, args.force)
}

/// The user's own folder of models.
///
/// # Errors
/// When neither `XDG_DATA_HOME` nor `HOME` says where it is.
pub fn user_folder() -> Result<PathBuf, Failure> {
    let help = "neither XDG_DATA_HOME nor HOME is set, so there is no folder for models; name one with --out";
    Environment::from_process().user_model_folder.ok_or_else(|| Failure::new(Kind::Usage, anyhow!(help)))
}

fn origin(args: &ImportArgs, bytes: &[u8]) -> Result<Origin, Failure> {
    let sha256 = sha256_of_bytes(bytes);
    let known = (sha256 == published::DETECT_SHA256).then(published::origin);
    let labels = match &args.classes {
        Some(file) => Some(labels::read(file)?),
        None => known.as_ref().and_then(|known| known.labels.clone()),
    };
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let source = format!("imported from {} (SHA-256 {sha256})", args.file.display());
    let (name, license, source) = match known {
        Some(known) => (known.name, known.license, known.source),
        None => (stem, "LicenseRef-unknown".to_owned(), source),
    };
    Ok(Origin { name: args.name.clone().unwrap_or(name), license, source, labels })
}

/// Writes the three folders: `NAME`, `NAME-int8` (the fastest), `NAME-int8-original` (the file's own weights).
///
/// # Errors
/// When the class names are not as many as the file's classes, or a folder cannot be written.
#[expect(clippy::print_stdout, reason = "where the models are, for a script")]
pub fn write(imported: &Imported, origin: &Origin, out: &Path, overwrite: bool) -> Outcome {
    let names = match &origin.labels {
        Some(names) if names.len() == imported.classes => names.clone(),
        Some(names) => {
            let message = format!(
                "{} class names for {} classes; one a line, the background first (`???`)",
                names.len(),
                imported.classes
            );
            return Err(Failure::new(Kind::Usage, anyhow!(message)));
        }
        None => labels::for_classes(imported.classes, imported.background_class == Some(0)),
    };
    let (exact, symmetric) = ("its weights and quantisation as they are", "its weights requantised symmetrically");
    for (ending, form, how, onnx) in [
        ("", Form::Float32, "dequantised", imported.float32()),
        ("-int8", Form::Int8, symmetric, imported.int8_symmetric()),
        ("-int8-original", Form::Int8, exact, imported.int8()),
    ] {
        let name = format!("{}{ending}", origin.name);
        let spec = spec(imported, origin, &names, &name, form, how);
        println!("{}", folder::write(&out.join(&name), spec, &onnx, overwrite)?.display());
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Float32,
    Int8,
}

fn spec(imported: &Imported, origin: &Origin, names: &[String], name: &str, form: Form, how: &str) -> ModelSpec {
    let bytes = InputSpec::rgb_bytes(imported.input.width, imported.input.height);
    let input = match form {
        Form::Int8 => InputSpec { name: Some("image".into()), ..bytes },
        Form::Float32 => InputSpec {
            name: Some("input".into()),
            layout: TensorLayout::Nchw,
            element: ElementType::F32,
            color_order: ColorOrder::Rgb,
            resize: ResizeMode::Stretch,
            mean: [127.5; 3],
            scale: [1.0 / 127.5; 3],
            ..bytes
        },
    };
    ModelSpec {
        name: name.to_owned(),
        weights: None,
        weights_file_name: "model.onnx".into(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: origin.license.clone(),
        source: format!("{}; written to ONNX by `sightline models import`, {how}", origin.source),
        input,
        head: Head::RawSsd {
            boxes: "box_encodings".into(),
            classes: "class_logits".into(),
            anchors: imported.anchors.clone(),
            box_coder: imported.box_coder,
            score: imported.score,
            background_class: imported.background_class,
        },
        labels: Labels::new(names.iter().map(|name| (name != labels::NONE).then(|| name.clone())).collect()),
        defaults: DetectionSettings {
            // Quantised logits end below a score of 1: of the COCO model at 0.83, where 0.5 costs 7 points of AP50.
            score_threshold: if form == Form::Int8 { 0.3 } else { 0.5 },
            iou_threshold: imported.iou_threshold.unwrap_or(0.6),
            max_detections: 100,
            class_agnostic: false,
        },
    }
}
