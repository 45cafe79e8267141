//! `sightline models inspect`: what a model is, without running it.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use serde::Serialize;
use sightline_config::models::{ModelReference, sha256_of_bytes};
use sightline_core::model::{Head, ModelSpec};
use sightline_onnx::{Facts, TensorFacts};

use super::text::{bytes, millions};
use crate::{
    cli::{InspectArgs, OutputFormat},
    failure::{Failure, Kind, OrFail, Outcome},
};

/// What `--format json` prints.
#[derive(Serialize)]
struct Report {
    /// What `model.yaml` says; absent for a bare ONNX file.
    model: Option<Model>,
    /// What the ONNX file is; absent when it is not here.
    weights: Option<Weights>,
}

#[derive(Serialize)]
struct Model {
    name: String,
    license: String,
    source: String,
    input: String,
    head: String,
    labels: Vec<String>,
    sha256: String,
    score_threshold: f32,
    iou_threshold: f32,
}

#[derive(Serialize)]
struct Weights {
    file: String,
    bytes: u64,
    sha256: String,
    stored_as: String,
    parameters: u64,
    /// Multiply-adds for one picture; absent when an operator's cost is not known.
    multiply_adds: Option<u64>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    operator_sets: Vec<String>,
    nodes: usize,
    operators: BTreeMap<String, usize>,
    producer: String,
}

/// Says what a model, or a bare ONNX file, is.
#[expect(clippy::print_stdout, reason = "the command's result")]
pub fn execute(args: &InspectArgs) -> Outcome {
    let is_onnx = Path::new(&args.model).extension().is_some_and(|extension| extension == "onnx");
    let report = if is_onnx {
        Report { model: None, weights: Some(weights(Path::new(&args.model))?) }
    } else {
        let spec = super::find(&ModelReference::from_argument(&args.model))?;
        let weights = spec.weights.as_deref().map(weights).transpose()?;
        Report { model: Some(model(&spec)), weights }
    };
    match args.format {
        OutputFormat::Json => println!("{}", serde_json::to_string_pretty(&report).or_fail(Kind::Internal)?),
        OutputFormat::Text => print!("{}", text(&report)),
    }
    Ok(())
}

fn model(spec: &ModelSpec) -> Model {
    Model {
        name: spec.name.clone(),
        license: spec.license.clone(),
        source: spec.source.trim().to_owned(),
        input: format!(
            "{:?} {:?} {:?} {}×{}, resize {:?}",
            spec.input.element,
            spec.input.layout,
            spec.input.color_order,
            spec.input.width,
            spec.input.height,
            spec.input.resize
        )
        .to_lowercase(),
        head: head(spec),
        labels: spec.labels.names().map(str::to_owned).collect(),
        sha256: spec.sha256.clone(),
        score_threshold: spec.defaults.score_threshold,
        iou_threshold: spec.defaults.iou_threshold,
    }
}

fn head(spec: &ModelSpec) -> String {
    match &spec.head {
        Head::RawSsd { anchors, score, .. } => {
            format!("ssd: {} default boxes, {} classes, {score:?} scores", anchors.len(), spec.labels.len())
                .to_lowercase()
        }
        Head::InGraphNms { .. } => "in_graph_nms: suppressed in the graph".into(),
        Head::DetectionOutput { .. } => "detection_output: rows of OpenVINO and Caffe".into(),
        Head::Classifier { .. } => format!("classifier: {} classes", spec.labels.len()),
    }
}

fn weights(path: &Path) -> Result<Weights, Failure> {
    let context = || format!("cannot read {}", path.display());
    let content = std::fs::read(path).with_context(context).or_fail(Kind::Usage)?;
    let facts = sightline_onnx::inspect(&content).with_context(context).or_fail(Kind::Config)?;
    let Facts {
        inputs, outputs, operator_sets, producer, nodes, operators, parameters, multiply_adds, weights, ..
    } = facts;
    let set =
        |(domain, version): (String, i64)| format!("{} {version}", if domain.is_empty() { "onnx" } else { &domain });
    Ok(Weights {
        file: path.display().to_string(),
        bytes: content.len() as u64,
        sha256: sha256_of_bytes(&content),
        stored_as: weights.to_string(),
        parameters,
        multiply_adds,
        inputs: inputs.iter().map(tensor).collect(),
        outputs: outputs.iter().map(tensor).collect(),
        operator_sets: operator_sets.into_iter().map(set).collect(),
        nodes,
        operators,
        producer,
    })
}

/// `image: uint8 [N, 300, 300, 3]`
fn tensor(facts: &TensorFacts) -> String {
    let dimensions: Vec<String> = facts.dimensions.iter().map(ToString::to_string).collect();
    format!("{}: {} [{}]", facts.name, facts.element, dimensions.join(", "))
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    let mut line = |key: &str, value: String| lines.push(format!("{key:<15} {value}\n"));
    if let Some(model) = &report.model {
        line("model", model.name.clone());
        line("input", model.input.clone());
        line("head", model.head.clone());
        line("labels", format!("{}: {}", model.labels.len(), model.labels.join(", ")));
        line("defaults", format!("score {}, IoU {}", model.score_threshold, model.iou_threshold));
        line("licence", model.license.clone());
        line("source", model.source.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    match &report.weights {
        Some(weights) => {
            line("file", format!("{} ({})", weights.file, bytes(weights.bytes)));
            line("SHA-256", hash(weights, report.model.as_ref()));
            line("weights", format!("{} parameters, {}", millions(weights.parameters), weights.stored_as));
            let unknown = || "not known: the graph has an operator whose cost is not known here".to_owned();
            line(
                "multiply-adds",
                weights.multiply_adds.map_or_else(unknown, |count| format!("{} a picture", millions(count))),
            );
            line("inputs", weights.inputs.join("; "));
            line("outputs", weights.outputs.join("; "));
            let operators: Vec<String> =
                weights.operators.iter().map(|(name, count)| format!("{count} {name}")).collect();
            line(
                "graph",
                format!("{} nodes ({}); {}", weights.nodes, weights.operator_sets.join(", "), operators.join(", ")),
            );
            line("written by", weights.producer.clone());
        }
        None => line("weights", "not here; `sightline models list` says how to get them".into()),
    }
    lines.concat()
}

fn hash(weights: &Weights, model: Option<&Model>) -> String {
    match model {
        Some(model) if model.sha256 != weights.sha256 => {
            format!("{} — NOT the one of model.yaml: {}", weights.sha256, model.sha256)
        }
        _ => weights.sha256.clone(),
    }
}
