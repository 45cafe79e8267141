//! A folder for the files that a target needs, one per thread: `load` reads files, not texts.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

thread_local! {
    static FOLDER: Option<TempDir> = tempfile::tempdir().ok();
}

/// Writes a file into this thread's folder, over the last one of that name.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    FOLDER.with(|folder| {
        let path = folder.as_ref().map_or(Path::new(""), TempDir::path).join(name);
        assert!(std::fs::write(&path, bytes).is_ok(), "cannot write {}: no room for fuzzing here", path.display());
        path
    })
}
