//! Why a TensorFlow Lite file cannot be imported.

use super::flatbuffer::Damaged;

/// Why a TensorFlow Lite file cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Another kind of file.
    #[error("this is no TensorFlow Lite file: its bytes 4 to 7 are not TFL3")]
    NotTfLite,
    /// An offset, a length or a text that cannot be.
    #[error("the file is damaged or cut off: {what} at byte {at} cannot be read; fetch it again")]
    Damaged {
        /// What was to be read.
        what: &'static str,
        /// Where, in bytes from the beginning.
        at: usize,
    },
    /// Its tables can be read, but contradict each other.
    #[error("the file contradicts itself: {0}; fetch it again")]
    Contradiction(String),
    /// A sound file, but not of the kind that is read here.
    #[error("{0}; this importer reads quantised SSDs that end in TFLite_Detection_PostProcess")]
    Unsupported(String),
}

impl From<Damaged> for ImportError {
    fn from(Damaged { what, at }: Damaged) -> Self {
        Self::Damaged { what, at }
    }
}
