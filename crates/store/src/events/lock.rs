//! One process per state directory.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
};

use super::fault::Fault;

/// Held as long as the process keeps its events in the directory. The operating system gives it back whatever happens.
#[derive(Debug)]
pub struct StateLock {
    /// `None` where the file system knows no locks.
    _file: Option<File>,
}

impl StateLock {
    /// Makes the directory if need be.
    pub fn take(state_dir: &Path) -> Result<Self, Fault> {
        let path = state_dir.join("events.lock");
        let unavailable = |error| Fault::Unavailable(format!("cannot open {}: {error}", path.display()));
        fs::create_dir_all(state_dir).map_err(unavailable)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Fault::InUse),
            Err(TryLockError::Error(error)) => {
                let path = path.display();
                tracing::warn!(%error, %path, "no lock on the state directory: no other sightline may use it");
                Ok(Self { _file: None })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = folder.path().join("made/for/it");
        let lock = StateLock::take(&state_dir).unwrap();
        assert_eq!(StateLock::take(&state_dir).unwrap_err(), Fault::InUse);
        drop(lock);
        StateLock::take(&state_dir).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_no_other_process() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fault = StateLock::take(&file.path().join("below")).unwrap_err();
        assert!(matches!(fault, Fault::Unavailable(_)), "{fault}");
    }
}
