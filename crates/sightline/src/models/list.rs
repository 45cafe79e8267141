//! `sightline models list`: what models are there.

use serde::Serialize;
use sightline_config::{
    Environment,
    models::{self, ModelReference},
};

use super::{DEFAULT, OWN, text::bytes};
use crate::{
    cli::{ListArgs, OutputFormat},
    failure::{OrFail, Outcome},
};

/// One model of the list.
#[derive(Serialize)]
struct Entry {
    name: String,
    /// The `model.yaml`.
    manifest: String,
    /// The ONNX file, if it is here.
    weights: Option<String>,
    bytes: Option<u64>,
    license: Option<String>,
    width: Option<usize>,
    height: Option<usize>,
    labels: Option<usize>,
    /// Why the manifest cannot be used.
    problem: Option<String>,
}

/// Lists the models on stdout.
#[expect(clippy::print_stdout, reason = "the command's result")]
pub fn execute(args: &ListArgs) -> Outcome {
    let environment = Environment::from_process();
    let entries: Vec<Entry> = models::available_models(&environment)
        .into_iter()
        .map(|(name, file)| entry(name, &file, &environment))
        .collect();
    if args.format == OutputFormat::Json {
        println!("{}", serde_json::to_string_pretty(&entries).or_fail(crate::failure::Kind::Internal)?);
        return Ok(());
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in &entries {
        println!("{:width$}  {}", entry.name, described(entry));
    }
    if entries.is_empty() {
        let looked_in: Vec<String> = environment.manifest_folders().iter().map(|f| f.display().to_string()).collect();
        println!("no model in {}", looked_in.join(", "));
    } else if entries.iter().any(|entry| entry.weights.is_none() && entry.problem.is_none()) {
        println!("\n`sightline models pull` fetches the COCO models; `sightline models inspect NAME` says more.");
    }
    Ok(())
}

fn entry(name: String, file: &std::path::Path, environment: &Environment) -> Entry {
    let manifest = file.display().to_string();
    match models::find_model(&ModelReference::Path(file.to_owned()), environment) {
        Ok(spec) => Entry {
            bytes: spec.weights.as_ref().and_then(|path| Some(std::fs::metadata(path).ok()?.len())),
            weights: spec.weights.map(|path| path.display().to_string()),
            license: Some(spec.license),
            width: Some(spec.input.width),
            height: Some(spec.input.height),
            labels: Some(spec.labels.names().count()),
            problem: None,
            name,
            manifest,
        },
        Err(problems) => Entry {
            bytes: None,
            weights: None,
            license: None,
            width: None,
            height: None,
            labels: None,
            problem: Some(problems.to_string()),
            name,
            manifest,
        },
    }
}

fn described(entry: &Entry) -> String {
    if let Some(problem) = &entry.problem {
        return format!("cannot be used: {}", problem.lines().next().unwrap_or_default());
    }
    let size = entry.bytes.map_or_else(|| "weights missing".to_owned(), bytes);
    let (width, height) = (entry.width.unwrap_or_default(), entry.height.unwrap_or_default());
    let note = match entry.name.as_str() {
        OWN => "  (our own: the demo's, and `detect`'s while COCO's is not here)",
        DEFAULT => "  (what `detect` takes)",
        _ => "",
    };
    format!(
        "{width}×{height}  {:>2} labels  {size:>15}  {}{note}",
        entry.labels.unwrap_or_default(),
        entry.license.as_deref().unwrap_or_default()
    )
}
