//! What can go wrong with a fetch.

use std::path::PathBuf;

/// Why there is no file. URLs are shown without user, password and query, which may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not an address that can be fetched.
    #[error("not a web address: it must begin with http:// or https:// and name a host")]
    Address,
    /// No answer, or the connection broke.
    #[error("cannot fetch {url}: {cause}")]
    Connection {
        /// From where.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The server answered with something else than the file.
    #[error("cannot fetch {url}: the server answered {status}")]
    Status {
        /// From where.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The connection ended before the file did.
    #[error("cannot fetch {url}: it ended after {received} of {total} bytes")]
    Short {
        /// From where.
        url: String,
        /// Bytes that are here.
        received: u64,
        /// Bytes there are.
        total: u64,
    },
    /// More than the file can have.
    #[error("cannot fetch {url}: it is larger than the {most} bytes that are expected at most")]
    TooLarge {
        /// From where.
        url: String,
        /// The bound.
        most: u64,
    },
    /// Another file than the pinned one.
    #[error("{url} is not the file that is wanted: its SHA-256 is {found}, wanted is {wanted}; nothing was kept")]
    WrongHash {
        /// From where.
        url: String,
        /// Hash of what came.
        found: String,
        /// The pinned hash.
        wanted: String,
    },
    /// The disk.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a zip archive, or a damaged one.
    #[error("{} is not a zip archive that can be read: {cause}", path.display())]
    Archive {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The archive holds no such file.
    #[error("there is no {name} in {}", path.display())]
    NoMember {
        /// Which archive.
        path: PathBuf,
        /// What was wanted.
        name: String,
    },
}

impl FetchError {
    /// Whether another try may succeed: the line or the server failed, not the file.
    pub(crate) const fn is_passing(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Short { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }
}
