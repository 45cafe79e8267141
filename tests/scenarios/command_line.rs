//! The commands that only print, and what a wrong command line gets.

use serde_json::Value;

use crate::support::{run, stderr, stdout};

#[test]
fn schemas_are_printed() {
    for of in ["pipeline", "model", "event"] {
        let output = run(&["schema", of]);
        assert!(output.status.success(), "{}", stderr(&output));
        let schema: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{of}: {error}"));
    }
}

#[test]
fn usage_errors_are_exit_code_2() {
    for arguments in
        [&["fly"][..], &["run"], &["detect", "--score", "2", "x.jpg"], &["run", "--http", "somewhere", "x"]]
    {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
