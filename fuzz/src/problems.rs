//! What holds for every problem that reading a file gives.

use std::{path::Path, sync::Arc};

use sightline_config::{Environment, Problem, Problems};

/// What every `${env:…}` and `${file:secret}` stands for. No text of ours holds it.
pub const CANARY: &str = "c4n4ry";

/// Surroundings in which every variable holds the canary, but for one that is not set, and which know one model.
pub fn environment() -> Environment {
    Environment {
        variable: Arc::new(|name| (name != "UNSET").then(|| CANARY.to_owned())),
        hostname: Some("box-7".to_owned()),
        bundled_model_folders: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("models")],
        ..Environment::empty()
    }
}

/// Whether a leak could not be told from what the file says itself.
pub fn names_the_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
}

/// There is at least one problem, no form of them shows a secret, and each of `file` has its place in it.
pub fn check(problems: &Problems, file: &Path, bytes: &[u8]) {
    assert!(!problems.as_slice().is_empty(), "refused without a problem");
    let json = serde_json::to_string(problems).unwrap_or_default();
    let shown = format!("{problems}{problems:?}{json}");
    assert!(!shown.contains(CANARY), "a problem tells a secret: {shown}");
    // Lines as the parser counts them: a carriage return ends one as well.
    let most_lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    for problem in problems.as_slice().iter().filter(|problem| problem.file == file) {
        assert!(has_a_place(problem, most_lines), "a problem has no place: {problem:?}");
        assert!(!problem.message.is_empty(), "a problem without words: {problem:?}");
    }
}

fn has_a_place(problem: &Problem, most_lines: usize) -> bool {
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => (1..=most_lines).contains(&line) && column >= 1,
        // Nothing in the file is nearer to the problem than the file itself.
        (None, None) => ["the file is empty", "cannot read the file"].iter().any(|m| problem.message.starts_with(m)),
        _ => false,
    }
}
