//! What a folder's files were allowed last, noted in the folder: for a run that does not know its camera.

use std::{fs, io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use sightline_core::plan::Retention;

use crate::{error::StoreError, folder};

/// Hidden, and without an extension: none of the files that it is about.
pub const NAME: &str = ".retention";
/// For folders without a note: those of versions that wrote none.
pub const OTHERWISE: Retention = Retention { max_files: usize::MAX, max_age: Duration::from_secs(7 * 86_400) };

#[derive(Deserialize, PartialEq, Serialize)]
struct Note {
    max_files: usize,
    max_age_ms: u64,
}

/// Notes `files` in `folder`; writes only what is new.
pub fn remember(folder: &Path, files: Retention) -> Result<(), StoreError> {
    let max_age_ms = u64::try_from(files.max_age.as_millis()).unwrap_or(u64::MAX);
    let note = Note { max_files: files.max_files, max_age_ms };
    if read(folder)?.as_ref() == Some(&note) {
        return Ok(());
    }
    // Two numbers are always JSON.
    folder::write(&folder.join(NAME), &serde_json::to_vec(&note).unwrap_or_default())
}

/// What is noted in `folder`.
pub fn of(folder: &Path) -> Result<Retention, StoreError> {
    let noted = read(folder)?;
    Ok(noted.map_or(OTHERWISE, |Note { max_files, max_age_ms }| Retention {
        max_files,
        max_age: Duration::from_millis(max_age_ms),
    }))
}

/// `None` when there is no note, or nothing that can be understood.
fn read(folder: &Path) -> Result<Option<Note>, StoreError> {
    let path = folder.join(NAME);
    match fs::read(&path) {
        Ok(content) => Ok(serde_json::from_slice(&content).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::when("read", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_remembered_and_a_week_stands_for_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of(folder.path()).unwrap(), OTHERWISE);
        for seconds in [1, 90 * 86_400] {
            let files = Retention { max_files: 3, max_age: Duration::from_secs(seconds) };
            remember(folder.path(), files).unwrap();
            remember(folder.path(), files).unwrap();
            assert_eq!(of(folder.path()).unwrap(), files);
        }
        fs::write(folder.path().join(NAME), "not ours").unwrap();
        assert_eq!(of(folder.path()).unwrap(), OTHERWISE);
    }
}
