//! Bad pipeline files: each ends with exit code 78 and says file, line, path and remedy. All problems at once.

use crate::support::{canary::CANARY, run, stderr, stdout};

/// Runs `sightline run` on a file of that text; its stderr.
fn refused(yaml: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.yaml");
    std::fs::write(&path, yaml).expect("a file");
    let path = path.to_str().expect("a path in UTF-8");
    let output = run(&["run", "--http", "off", path]);
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
    let checked = run(&["check", path]);
    assert_eq!(checked.status.code(), Some(78), "{}", stdout(&checked));
    assert_eq!(stdout(&checked).trim(), stderr(&output).trim(), "check and run say the same");
    stderr(&output)
}

const HEAD: &str = "version: 1\nname: bad\nmodel: {name: ssd-mobilenet-v1-sim}\n";

#[test]
fn malformed_yaml_names_the_line() {
    let text = refused(&format!("{HEAD}cameras:\n  a: {{url: \"test://ball\"\n  b: x\n"));
    assert!(text.contains("bad.yaml:"), "{text}");
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_one() {
    let text = refused(&format!("{HEAD}cameras:\n  a:\n    url: test://ball\n    fsp: 5\n"));
    assert!(text.contains("bad.yaml:7: cameras.a.fsp: ") && text.contains("did you mean `fps`"), "{text}");
}

#[test]
fn two_cameras_of_one_name_are_refused() {
    let text = refused(&format!("{HEAD}cameras:\n  a: {{url: \"test://ball\"}}\n  a: {{url: \"test://snow\"}}\n"));
    assert!(text.contains("bad.yaml:6: cameras.a: "), "{text}");
}

#[test]
fn two_cameras_of_one_name_in_two_files_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, name) in [("one.yaml", "one"), ("two.yaml", "two")] {
        let text = format!(
            "version: 1\nname: {name}\nmodel: {{name: ssd-mobilenet-v1-sim}}\ncameras:\n  a: {{url: \"test://ball\"}}\n"
        );
        std::fs::write(folder.path().join(file), text).expect("a file");
    }
    let output = run(&["check", folder.path().to_str().expect("a path in UTF-8")]);
    assert_eq!(output.status.code(), Some(78));
    let text = stdout(&output);
    assert!(text.contains("two.yaml:5: cameras.a: ") && text.contains("one.yaml"), "{text}");
}

#[test]
fn a_label_that_the_model_lacks_is_refused() {
    let text = refused(&format!("{HEAD}cameras:\n  a: {{url: \"test://ball\", labels: [persom]}}\n"));
    assert!(text.contains("did you mean `person`"), "{text}");
}

#[test]
fn what_is_not_built_yet_says_so() {
    let text = refused(&format!(
        "{HEAD}mqtt: {{home_assistant: {{discovery: true}}}}\ncameras: {{a: {{url: \"test://ball\"}}}}\n"
    ));
    assert!(text.contains("home_assistant") && text.contains("not built yet"), "{text}");
}

#[test]
fn all_problems_come_at_once() {
    let text = refused(&format!("{HEAD}cameras:\n  a: {{url: \"tset://ball\", fps: 0}}\n  b: {{fps: 5}}\n"));
    assert!(text.matches("bad.yaml:").count() >= 3, "{text}");
}

#[test]
fn a_secret_that_cannot_be_read_is_named_and_never_shown() {
    let yaml = format!(
        "{HEAD}mqtt: {{url: \"mqtt://127.0.0.1\", username: x, password: \"${{env:SIGHTLINE_TEST_UNSET}}\"}}\n\
         cameras:\n  a: {{url: \"rtsp://u:{CANARY}@127.0.0.1/x\", fps: none}}\n"
    );
    let text = refused(&yaml);
    assert!(text.contains("SIGHTLINE_TEST_UNSET"), "{text}");
}

#[test]
fn a_path_that_is_not_there_is_refused() {
    let output = run(&["run", "--http", "off", "/nowhere/pipeline.yaml"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("/nowhere/pipeline.yaml"), "{}", stderr(&output));
}
