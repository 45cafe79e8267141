//! Every input of the corpora once more: what was found stays mended, on every machine and without an engine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failing test")]

use std::{fs, path::Path};

use sightline_fuzz::TARGETS;

#[test]
fn what_the_corpora_hold_is_replayed() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in TARGETS {
        let folder = corpora.join(name);
        let mut inputs: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        inputs.sort();
        assert!(inputs.len() >= 3, "{name} has hardly an input: {inputs:?}");
        for path in inputs {
            let bytes = fs::read(&path).unwrap();
            if std::panic::catch_unwind(|| target(&bytes)).is_err() {
                panic!("{name} does not hold for {}; see above", path.display());
            }
        }
    }
}
