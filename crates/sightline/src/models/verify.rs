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
    detection::Detection, event::WireDetection, frame::FrameBuffer, model::ModelSpec, plan::Provider,
};
use sightline_pipeline::detector::Detector;

use crate::{
    cli::{OutputFormat, VerifyArgs},
    failure::{Failure, Kind, OrFail, Outcome},
    library,
};

/// What a right one may differ by: 16-bit floats on a GPU and other rounding of 8-bit kernels stay below it, while the
/// saturation of 8-bit kernels on CPUs without VNNI, or a wrong channel order, go far beyond.
const SCORE_TOLERANCE: f32 = 0.06;
const IOU_LEAST: f32 = 0.85;

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
    let references = if args.models.is_empty() { all_with_weights() } else { args.models.clone() };
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

fn all_with_weights() -> Vec<String> {
    let environment = Environment::from_process();
    let names = models::available_models(&environment).into_iter().map(|(name, _)| name);
    names
        .filter(|name| {
            let spec = models::find_model(&ModelReference::Name(name.clone()), &environment);
            spec.is_ok_and(|spec| spec.weights.is_some())
        })
        .collect()
}

fn verify(reference: &str, provider: &Provider) -> Result<Verdict, Failure> {
    let parsed = ModelReference::from_argument(reference);
    let spec = Arc::new(super::find(&parsed)?);
    // Opening checks the hash, the graph's inputs and outputs, and that one picture runs through.
    let sessions = library::open_on(&spec, provider.clone())?;
    let mut verdict = Verdict {
        model: spec.name.clone(),
        provider: sessions.provider.name(),
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
    let mut detector = Detector::new(spec.clone(), backend, sessions.fixed_batch);
    for line in read_lines(&folder)? {
        let found = detect(&mut detector, &spec, &folder.join(&line.source))?;
        let expected = expected(&line, &spec)?;
        verdict.pictures += 1;
        verdict.detections += expected.len();
        compare(&line.source, &expected, &found, &spec, &mut verdict);
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

/// Every expected detection must be found, and nothing else, but for scores so near the threshold that rounding decides.
fn compare(source: &Path, expected: &[Detection], found: &[Detection], spec: &ModelSpec, verdict: &mut Verdict) {
    let certain = spec.defaults.score_threshold + SCORE_TOLERANCE;
    let told = |detection: &Detection| {
        let label = spec.labels.name(detection.class_id).unwrap_or("?");
        format!("{}: {label} of score {:.3}", source.display(), detection.score)
    };
    let best = |wanted: &Detection, among: &[Detection]| {
        let same_class = among.iter().filter(|other| other.class_id == wanted.class_id);
        same_class.map(|other| (wanted.bbox.iou(&other.bbox), other.score)).max_by(|a, b| a.0.total_cmp(&b.0))
    };
    for detection in expected {
        match best(detection, found) {
            Some((iou, score)) if iou >= IOU_LEAST && (score - detection.score).abs() <= SCORE_TOLERANCE => {
                verdict.worst_score_difference = verdict.worst_score_difference.max((score - detection.score).abs());
                verdict.worst_iou = verdict.worst_iou.min(iou);
            }
            Some((iou, score)) if detection.score >= certain => {
                verdict.drift.push(format!("{} is now at score {score:.3}, IoU {iou:.2}", told(detection)));
            }
            None if detection.score >= certain => verdict.drift.push(format!("{} is not found", told(detection))),
            _ => {}
        }
    }
    for detection in found.iter().filter(|detection| detection.score >= certain) {
        if best(detection, expected).is_none_or(|(iou, _)| iou < IOU_LEAST) {
            verdict.drift.push(format!("{} is new", told(detection)));
        }
    }
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

#[cfg(test)]
mod tests {
    use sightline_core::{
        geometry::BoxInFrame,
        model::{DetectionSettings, Head, InputSpec, Labels},
    };

    use super::*;

    fn spec() -> ModelSpec {
        ModelSpec {
            name: "m".into(),
            weights: None,
            weights_file_name: "m.onnx".into(),
            weights_searched: Vec::new(),
            sha256: String::new(),
            license: String::new(),
            source: String::new(),
            input: InputSpec::rgb_bytes(300, 300),
            head: Head::DetectionOutput { output: "d".into() },
            labels: Labels::new(vec![None, Some("person".into()), Some("car".into())]),
            defaults: DetectionSettings {
                score_threshold: 0.5,
                iou_threshold: 0.6,
                max_detections: 100,
                class_agnostic: false,
            },
        }
    }

    fn at(class_id: u16, score: f32, left: f32) -> Detection {
        Detection { class_id, score, bbox: BoxInFrame::from_edges(left, 0.2, left + 0.2, 0.6) }
    }

    fn drift(expected: &[Detection], found: &[Detection]) -> Vec<String> {
        let mut verdict = Verdict {
            model: "m".into(),
            provider: "cpu",
            ok: true,
            pictures: 1,
            detections: 0,
            worst_score_difference: 0.0,
            worst_iou: 1.0,
            drift: Vec::new(),
            note: None,
        };
        compare(Path::new("a.png"), expected, found, &spec(), &mut verdict);
        verdict.drift
    }

    #[test]
    fn what_rounding_does_is_no_drift() {
        let expected = [at(1, 0.9, 0.1), at(2, 0.52, 0.6)];
        assert!(drift(&expected, &expected).is_empty());
        // A little lower and shifted; the second one fell under the threshold.
        assert!(drift(&expected, &[at(1, 0.87, 0.105)]).is_empty());
        // One that was under the threshold came above it.
        assert!(drift(&expected, &[at(1, 0.9, 0.1), at(2, 0.5, 0.6), at(1, 0.53, 0.7)]).is_empty());
    }

    #[test]
    fn what_rounding_cannot_do_is_drift() {
        let expected = [at(1, 0.9, 0.1)];
        assert_eq!(drift(&expected, &[]), ["a.png: person of score 0.900 is not found"]);
        assert_eq!(
            drift(&expected, &[at(1, 0.7, 0.1)]),
            ["a.png: person of score 0.900 is now at score 0.700, IoU 1.00"]
        );
        let moved = drift(&expected, &[at(1, 0.9, 0.15)]);
        assert!(moved.len() == 2 && moved[0].contains("IoU 0.60") && moved[1].ends_with("is new"), "{moved:?}");
        assert_eq!(drift(&expected, &[at(2, 0.9, 0.1)]).len(), 2);
        assert_eq!(drift(&[], &[at(2, 0.9, 0.1)]), ["a.png: car of score 0.900 is new"]);
    }
}
