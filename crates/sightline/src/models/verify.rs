//! `sightline models verify`: does a model give, on this machine, what it gave where it was made?
//!
//! A model may keep a folder `reference` with pictures and `detections.jsonl`: what `sightline detect` printed for
//! them. A broken build of ONNX Runtime, an execution provider that rounds wrongly, or damaged weights give something
//! else.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use sightline_config::{
    Environment,
    models::{self, ModelReference},
};
use sightline_core::{
    agreement, detection::Detection, event::WireDetection, frame::FrameBuffer, model::ModelSpec, plan::Provider,
};
use sightline_pipeline::detector::Detector;

use crate::{
    cli::{OutputFormat, VerifyArgs},
    failure::{Failure, Kind, OrFail, Outcome},
    library,
};

/// One line of `detections.jsonl`: what `sightline detect` prints.
#[derive(Deserialize)]
struct Line {
    source: PathBuf,
    detections: Vec<WireDetection>,
}

/// How one model fared.
#[derive(Serialize)]
struct Verdict {
    model: String,
    provider: &'static str,
    ok: bool,
    pictures: usize,
    detections: usize,
    /// The largest difference of a score, and the least overlap of a box, over those that were found.
    worst_score_difference: f32,
    worst_iou: f32,
    /// What is wrong, a line each.
    drift: Vec<String>,
    /// Why less was checked than could be.
    note: Option<&'static str>,
}

/// Verifies the named models, or all that are here; fails when one drifts.
#[expect(clippy::print_stdout, reason = "the command's result")]
pub fn execute(args: &VerifyArgs) -> Outcome {
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let references = if args.models.is_empty() { super::all_with_weights() } else { args.models.clone() };
    if references.is_empty() {
        return Err(Failure::new(
            Kind::Config,
            anyhow!("no model with its weights is here; see `sightline models list`"),
        ));
    }
    let mut verdicts = Vec::new();
    for reference in &references {
        verdicts.push(verify(reference, &args.provider.0)?);
    }
    match args.format {
        OutputFormat::Json => println!("{}", serde_json::to_string_pretty(&verdicts).or_fail(Kind::Internal)?),
        OutputFormat::Text => verdicts.iter().for_each(|verdict| println!("{}", text(verdict))),
    }
    if verdicts.iter().all(|verdict| verdict.ok) { Ok(()) } else { Err(Failure::said(Kind::Config)) }
}

fn verify(reference: &str, provider: &Provider) -> Result<Verdict, Failure> {
    let parsed = ModelReference::from_argument(reference);
    let spec = Arc::new(super::find(&parsed)?);
    // Opening checks the hash, the graph's inputs and outputs, and that one picture runs through.
    let sessions = library::open_on(&spec, provider.clone())?;
    let mut verdict = Verdict {
        model: spec.name.clone(),
        provider: sessions.execution.provider.name(),
        ok: true,
        pictures: 0,
        detections: 0,
        worst_score_difference: 0.0,
        worst_iou: 1.0,
        drift: Vec::new(),
        note: None,
    };
    let Some(folder) = reference_folder(&parsed) else {
        verdict.note = Some("no reference pictures are kept with it: only hash, shapes and one run were checked");
        return Ok(verdict);
    };
    let Some(backend) = sessions.backends.into_iter().next() else {
        return Err(Failure::new(Kind::Internal, anyhow!("no session was opened")));
    };
    let mut detector = Detector::new(spec.clone(), backend, sessions.batch_sizes);
    for line in read_lines(&folder)? {
        let found = detect(&mut detector, &spec, &folder.join(&line.source))?;
        let expected = expected(&line, &spec)?;
        verdict.pictures += 1;
        verdict.detections += expected.len();
        let comparison = agreement::compare(&expected, &found, spec.defaults.score_threshold);
        verdict.worst_score_difference = verdict.worst_score_difference.max(comparison.largest_score_difference);
        verdict.worst_iou = verdict.worst_iou.min(comparison.least_iou);
        let source = line.source.display();
        verdict.drift.extend(comparison.drift.iter().map(|drift| format!("{source}: {}", drift.text(&spec.labels))));
    }
    verdict.ok = verdict.drift.is_empty();
    Ok(verdict)
}

fn reference_folder(reference: &ModelReference) -> Option<PathBuf> {
    let folders = models::folders_of_model(reference, &Environment::from_process());
    folders.into_iter().map(|folder| folder.join("reference")).find(|folder| folder.join("detections.jsonl").is_file())
}

fn read_lines(folder: &Path) -> Result<Vec<Line>, Failure> {
    let file = folder.join("detections.jsonl");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display())).or_fail(Kind::Config)?;
    let numbered = (1..).zip(text.lines());
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{}: line {number}", file.display())).or_fail(Kind::Config)
    };
    numbered.map(parse).collect()
}

/// What is expected, by class id.
fn expected(line: &Line, spec: &ModelSpec) -> Result<Vec<Detection>, Failure> {
    let one = |wire: &WireDetection| {
        let Some(class_id) = spec.labels.id(&wire.label) else {
            let message = format!("the reference expects a `{}`, a label that {} has not", wire.label, spec.name);
            return Err(Failure::new(Kind::Config, anyhow!(message)));
        };
        Ok(Detection { class_id, score: wire.score as f32, bbox: wire.r#box.into() })
    };
    line.detections.iter().map(one).collect()
}

fn detect(detector: &mut Detector, spec: &ModelSpec, picture: &Path) -> Result<Vec<Detection>, Failure> {
    let pixels = sightline_media::read_image(picture).or_fail(Kind::Config)?;
    detector.load(&[pixels.view()]).or_fail(Kind::Config)?;
    Ok(detector.run(&[spec.defaults]).or_fail(Kind::Internal)?.pop().unwrap_or_default())
}

fn text(verdict: &Verdict) -> String {
    let Verdict { model, provider, pictures, detections, worst_score_difference, worst_iou, drift, note, .. } = verdict;
    let state = if verdict.ok { "ok" } else { "DRIFTS" };
    let mut text = format!("{state:<7} {model} on {provider}: ");
    match note {
        Some(note) => text.push_str(note),
        None => text.push_str(&format!(
            "{pictures} pictures, {detections} detections; scores within {worst_score_difference:.3}, boxes within IoU {worst_iou:.3}"
        )),
    }
    for line in drift {
        text.push_str(&format!("\n        {line}"));
    }
    text
}
