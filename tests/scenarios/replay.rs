//! A recording gives the same events each time, and the events that it gave before: `tests/golden/replay/*.txt`.
//!
//! After a change that is meant, `UPDATE_GOLDEN=1 cargo test --test scenarios replay` writes them anew; the diff of the
//! text files is what changed for subscribers.

use std::path::{Path, PathBuf};

use crate::support::{output, project, run, shared, stderr, stdout};

/// The golden files, and the videos they were made of.
const GOLDEN: [(&str, &str); 3] = [
    ("office", "intel-one-by-one-person-detection.mp4"),
    ("lane", "udacity-lane-solidWhiteRight.mp4"),
    ("classroom", "intel-preview-classroom.mp4"),
];

fn golden(name: &str, extension: &str) -> PathBuf {
    project().join("tests/golden/replay").join(name).with_extension(extension)
}
