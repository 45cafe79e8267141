//! Files read and written frame by frame, and still pictures.

pub mod demux;
pub mod error;
pub mod image;
pub mod video;
pub mod writer;
