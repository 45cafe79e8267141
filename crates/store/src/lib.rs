//! What is kept in the state directory.
//!
//! ```text
//! <state-dir>/snapshots/<camera>/20261124T023548.123Z-person-17.jpg
//! <state-dir>/clips/<camera>/20261124T023548.123Z-zone_entered-<event id>.mp4
//! <state-dir>/clips/<camera>/20261124T023548.123Z-zone_entered-<event id>.json
//! ```
//!
//! Times in names are UTC and the camera's. A file's age is that of its last modification, by this machine's clock. A file
//! appears under its name when it is complete; until then it is hidden and ends in `.part`, and what a crash leaves of those
//! is removed when it is an hour old.
//!
//! What is too old is removed when something is written, at the start and every hour. Each folder notes in `.retention` what
//! its files are allowed. Folders of cameras that the configuration no longer has, or whose snapshots or clips are off now,
//! are held to that note, and those without a note to seven days.

mod archive;
mod error;
mod folder;
mod names;
mod remembered;
mod sidecar;

pub use archive::{CameraFiles, FileArchive};
pub use error::StoreError;
