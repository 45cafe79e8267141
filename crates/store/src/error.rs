//! What can go wrong with files.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why something is not kept, or not removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}: {cause}; is the disk full, or may the daemon not write there?", path = path.display())]
pub struct StoreError {
    /// What was tried: `write`, `remove`, `read`.
    what: &'static str,
    /// The file or folder.
    path: PathBuf,
    /// What the operating system says.
    #[source]
    cause: io::Error,
}

impl StoreError {
    /// For `map_err`.
    pub(crate) fn when<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |cause| Self { what, path: path.to_owned(), cause }
    }

    /// What to do about it: the next file may find room.
    #[must_use]
    pub const fn recovery(&self) -> sightline_core::recovery::Recovery {
        sightline_core::recovery::Recovery::Retry
    }
}
