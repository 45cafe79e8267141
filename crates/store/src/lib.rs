//! What is kept in the state directory.
//!
//! ```text
//! <state-dir>/snapshots/<camera>/20261124T023548.123Z-person-17.jpg
//! <state-dir>/clips/<camera>/20261124T023548.123Z-zone_entered-<event id>.mp4
//! <state-dir>/clips/<camera>/20261124T023548.123Z-zone_entered-<event id>.json
//! ```
//!
//! Times in names are UTC, so that names sort as the files' times do. A file appears under its name when it is complete;
//! until then it is hidden and ends in `.part`, and what a crash leaves of those is removed at the next start.

mod archive;
mod error;
mod folder;
mod names;
mod sidecar;

pub use archive::FileArchive;
pub use error::StoreError;
