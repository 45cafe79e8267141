//! What can go wrong with simulated cameras.

use sightline_core::recovery::Recovery;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A scene's settings make no sense.
    #[error("scene settings: {0}")]
    Settings(String),
    /// No scene of that name.
    #[error("unknown scene '{0}', there are: street, office, crossing, parking")]
    UnknownScene(String),
    /// GStreamer lacks something, or a pipeline of it failed.
    #[error("{0}")]
    Media(String),
    /// The RTSP server could not start.
    #[error("rtsp server: {0}")]
    Server(String),
    /// No camera of that number.
    #[error("no simulated camera number {0}, the server has {1}")]
    NoCamera(usize, usize),
}

impl SimError {
    /// How to handle it: nothing here becomes better by being tried again.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Settings(_) | Self::UnknownScene(_) | Self::Media(_) | Self::NoCamera(..) => Recovery::GiveUpCamera,
            Self::Server(_) => Recovery::GiveUpProcess,
        }
    }
}
