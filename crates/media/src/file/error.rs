//! What can be wrong with a file.

use std::path::{Path, PathBuf};

/// Why a file could not be read or written. Each says which file and why.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or may not be read.
    #[error("cannot open {path}: {cause}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: std::io::Error,
    },
    /// It is no picture that can be read: JPEG and PNG can.
    #[error("cannot read the picture {path}: {cause}", path = path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        #[source]
        cause: image::ImageError,
    },
    /// It is no video, is cut off or damaged, or nothing here decodes it.
    #[error("cannot read the video {path} {place}: {reason}", path = path.display())]
    Video {
        /// The file.
        path: PathBuf,
        /// How far reading came: `at its start`, `after 17 frames`.
        place: String,
        /// Why, in words.
        reason: String,
    },
    /// It cannot be written.
    #[error("cannot write the video {path}: {reason}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
}

impl FileError {
    pub(crate) fn open(path: &Path, cause: std::io::Error) -> Self {
        Self::Open { path: path.to_owned(), cause }
    }

    pub(crate) fn picture(path: &Path, cause: image::ImageError) -> Self {
        Self::Picture { path: path.to_owned(), cause }
    }

    pub(crate) fn video(path: &Path, frames: u64, reason: impl Into<String>) -> Self {
        let place = if frames == 0 { "at its start".into() } else { format!("after {frames} frames") };
        Self::Video { path: path.to_owned(), place, reason: reason.into() }
    }

    pub(crate) fn write(path: &Path, reason: impl Into<String>) -> Self {
        Self::Write { path: path.to_owned(), reason: reason.into() }
    }

    /// What to do about it: a file does not mend itself.
    #[must_use]
    pub const fn recovery(&self) -> sightline_core::recovery::Recovery {
        sightline_core::recovery::Recovery::GiveUpCamera
    }
}
