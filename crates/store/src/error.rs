//! What can go wrong with files.

use std::{
    io,
    path::{Path, PathBuf},
};

use sightline_core::recovery::Recovery;

/// Why something is not kept, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder.
    #[error("cannot {what} {path}: {cause}; is the disk full, or may the daemon not write there?", path = path.display())]
    File {
        /// What was tried: `write`, `remove`, `read`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Another process keeps its events there.
    #[error(
        "another sightline is running with the state directory {path}; stop it, or give this one a directory of its own \
         with --state-dir",
        path = state_dir.display()
    )]
    InUse {
        /// The state directory.
        state_dir: PathBuf,
    },
    /// The operating system gives no thread.
    #[error("cannot start the thread that writes events: {cause}")]
    NoThread {
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

impl StoreError {
    /// For `map_err`.
    pub(crate) fn when<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |cause| Self::File { what, path: path.to_owned(), cause }
    }

    /// What to do about it: the next file may find room; another process does not go away by itself.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::File { .. } => Recovery::Retry,
            Self::InUse { .. } | Self::NoThread { .. } => Recovery::GiveUpProcess,
        }
    }
}
