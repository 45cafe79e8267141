//! `sightline models build`: an architecture as an ONNX file, so that a box can be measured before anyone trains it,
//! and so that training has a network to train.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use sightline_core::{
    model::{BoxCoder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ScoreFunction},
    network::{
        Network, NetworkHead,
        architectures::{Architecture, Parameters},
    },
};
use sightline_onnx::Weights;

use super::{folder, labels};
use crate::{
    cli::BuildArgs,
    failure::{Failure, Kind, OrFail, Outcome},
};

/// Builds the network and writes its folder; its path goes to stdout.
#[expect(clippy::print_stdout, reason = "where the model is, for a script")]
pub fn execute(args: &BuildArgs) -> Outcome {
    let architecture = args.architecture.0;
    let has_background = architecture != Architecture::MobileNetV1;
    let published = architecture.defaults();
    let names = match &args.classes {
        Some(file) => detector_names(file, has_background)?,
        None => labels::for_classes(published.classes, has_background),
    };
    let size = args.size.unwrap_or(published.size);
    let parameters = Parameters { width: args.width, size, classes: names.len() };
    let network = architecture.build(&parameters).or_fail(Kind::Usage)?;
    let weights = match &args.weights {
        Some(file) => read_weights(file, &network)?,
        None => Weights::random(&network, args.seed),
    };
    let onnx = sightline_onnx::write(&network, &weights).or_fail(Kind::Internal)?;
    let name = name(architecture, &parameters);
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from(&name));
    // A model is known by its folder's name.
    let name = folder.file_name().map_or(name, |name| name.to_string_lossy().into_owned());
    let spec = ModelSpec { source: source(&network, &parameters, args), ..spec(name, &network, names) };
    println!("{}", folder::write(&folder, spec, &onnx, args.force)?.display());
    Ok(())
}

/// `ssd-mobilenet-v1-w0.5-s320`: what differs from the published form is in the name.
fn name(architecture: Architecture, parameters: &Parameters) -> String {
    let mut name = architecture.name().to_owned();
    if parameters.width != 1.0 {
        name.push_str(&format!("-w{}", parameters.width));
    }
    if parameters.size != architecture.defaults().size {
        name.push_str(&format!("-s{}", parameters.size));
    }
    name
}

fn source(network: &Network, parameters: &Parameters, args: &BuildArgs) -> String {
    let Parameters { width, size, classes } = parameters;
    let made = format!("sightline models build {}: width {width}, size {size}, {classes} classes", network.name);
    match &args.weights {
        Some(file) => format!("{made}, with the weights of {}", file.display()),
        None => format!("{made}, random weights (seed {}): it detects nothing until it is trained", args.seed),
    }
}

/// The manifest of a built network, but for its source and its hash.
fn spec(name: String, network: &Network, names: Vec<String>) -> ModelSpec {
    let head = match &network.head {
        NetworkHead::Classifier => Head::Classifier { scores: "scores".into() },
        NetworkHead::Ssd(ssd) => Head::RawSsd {
            boxes: "box_encodings".into(),
            classes: "class_logits".into(),
            anchors: ssd.default_boxes.clone(),
            // Variances 0.1 and 0.2 of the SSD paper are divisors of 10 and 5.
            box_coder: BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 },
            score: ssd.score,
            background_class: Some(0),
        },
    };
    let iou_threshold = match &network.head {
        NetworkHead::Ssd(ssd) if ssd.score == ScoreFunction::Softmax => 0.45, // the SSD paper's
        _ => 0.6,
    };
    let named = |name: String| (name != labels::NONE).then_some(name);
    ModelSpec {
        name,
        weights: None,
        weights_file_name: "model.onnx".into(),
        weights_searched: Vec::new(),
        sha256: String::new(),
        license: "Apache-2.0".into(),
        source: String::new(),
        input: InputSpec {
            name: Some("image".into()),
            ..InputSpec::rgb_bytes(network.input.width, network.input.height)
        },
        head,
        labels: Labels::new(names.into_iter().map(named).collect()),
        defaults: DetectionSettings { score_threshold: 0.5, iou_threshold, max_detections: 100, class_agnostic: false },
    }
}

/// The class names of a file; a detector's first one is the background.
fn detector_names(file: &Path, has_background: bool) -> Result<Vec<String>, Failure> {
    let names = labels::read(file)?;
    if has_background && names.first().is_none_or(|first| first != labels::NONE) {
        let none = labels::NONE;
        let message = format!("{}: its first line must be `{none}`, the background; classes follow", file.display());
        return Err(Failure::new(Kind::Usage, anyhow!(message)));
    }
    Ok(names)
}

fn read_weights(file: &Path, network: &Network) -> Result<Weights, Failure> {
    let context = || format!("cannot take the weights of {}", file.display());
    let bytes = std::fs::read(file).with_context(context).or_fail(Kind::Usage)?;
    Weights::read(&bytes, network).with_context(context).or_fail(Kind::Usage)
}
