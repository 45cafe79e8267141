//! What is kept in the state directory.
//!
//! ```text
//! <state-dir>/snapshots/<camera>/20261124T023548.123Z-person-17.jpg
//! <state-dir>/clips/<camera>/20261124T023548.123Z-zone_entered-<event id>.mp4
//! <state-dir>/clips/<camera>/20261124T023548.123Z-zone_entered-<event id>.json
//! <state-dir>/events.sqlite3, -wal, -shm
//! <state-dir>/events.sqlite3.damaged-20261124T023548.123Z, at most three
//! <state-dir>/events.lock
//! ```
//!
//! # Files
//!
//! Times in names are UTC and the camera's. A file's age is that of its last modification, by this machine's clock. A file
//! appears under its name when it is complete; until then it is hidden and ends in `.part`, and what a crash leaves of those
//! is removed when it is an hour old.
//!
//! What is too old is removed when something is written, at the start and every hour. Each folder notes in `.retention` what
//! its files are allowed. Folders of cameras that the configuration no longer has, or whose snapshots or clips are off now,
//! are held to that note, and those without a note to seven days.
//!
//! # Events
//!
//! [`EventStore`] keeps each event from its being offered to its broker's acknowledgement, and then as history.
//!
//! One thread writes, for all brokers: whatever has been offered while it was busy is its next transaction. Each commit
//! ends with one `fsync` of SQLite's write-ahead log (`synchronous=FULL`), and an event is handed to a broker only after
//! that. So
//! - nothing that a broker was offered is lost, whether the process is killed or the power goes;
//! - what was not committed yet, milliseconds' worth as a rule, is lost in both cases;
//! - acknowledgements are written with the next events, or after a quarter of a second: an event whose acknowledgement was
//!   lost is delivered twice.
//!
//! The price is one `fsync` per batch, not per event: the busier it is, the cheaper an event gets. A disk that lies about
//! having synced voids the promise about power.
//!
//! While the disk takes nothing (full, read-only, gone), events wait in memory, are handed out from there, and are written
//! as soon as it works again; order is kept unless what is on the disk cannot even be read. A file that is damaged, another program's, or a newer version's is set aside, and a fresh one
//! begun with what memory holds.
//!
//! | bound | |
//! |---|---|
//! | on disk | `max_bytes` and `history_bytes` of payloads per broker; the file is some 1.3 times as large, and up to 16 MiB of log. Room is used again, the file does not shrink |
//! | memory | per broker 2,000 events ready to be handed out, about 0.5 KiB each when they are new and 1 KiB read back; those handed out and not acknowledged; at most 10,000 or 16 MiB that are not on disk yet; SQLite's caches of 2 MiB for the writer and for the reader |
//! | threads | 1, `events` |
//! | file descriptors | 4 for the writer (database, log, its index, lock), 3 for the history's reader once it was asked |

mod archive;
mod error;
mod events;
mod folder;
mod names;
mod remembered;
mod sidecar;

pub use archive::{CameraFiles, FileArchive};
pub use error::StoreError;
pub use events::{Destination, EventStore, StoreSettings, moves};
