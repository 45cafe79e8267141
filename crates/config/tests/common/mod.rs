//! What the scenario tests share: an environment of their own, and pipeline files in a temporary folder.
#![allow(dead_code, reason = "each scenario uses a part")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use sightline_config::{Environment, Problems, load};
use sightline_core::plan::Plan;
use tempfile::TempDir;

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The repository's models, a host name, and the given variables; nothing of the real process.
pub fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Environment {
        variable: Arc::new(move |name| variables.get(name).cloned()),
        hostname: Some("box-7".to_owned()),
        bundled_model_folders: vec![repository().join("models")],
        ..Environment::empty()
    }
}

/// A folder with files in it; gone when dropped.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Loads one pipeline file `p.yaml` of this text.
pub fn load_text(text: &str, environment: &Environment) -> Result<Plan, Problems> {
    let folder = folder(&[("p.yaml", text)]);
    load(&[folder.path().join("p.yaml")], environment)
}

/// Problems as `file name:line: path: message`, one a line, without their help.
pub fn told(problems: &Problems) -> Vec<String> {
    let file_name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    problems
        .as_slice()
        .iter()
        .map(|problem| {
            let line = problem.line.map_or(String::new(), |line| format!(":{line}"));
            let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
            format!("{}{line}: {path}{}", file_name(&problem.file), problem.message)
        })
        .collect()
}

/// Lines 1 to 3 of a pipeline file in which nothing is wrong.
pub const HEAD: &str = "version: 1\nname: yard\nmodel: {name: ssd-mobilenet-v1-coco}\n";

/// Text from line 4 on, and what is told of it.
pub fn assert_told(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        let result = load_text(&format!("{HEAD}{text}"), &environment(&[]));
        let problems = result.expect_err(text);
        assert_eq!(told(&problems), *expected, "\n{text}\n{problems}");
    }
}
