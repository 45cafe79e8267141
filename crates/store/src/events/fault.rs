//! What can go wrong with the database, by what is to be done about it.

use std::fmt;

use rusqlite::{Error, ErrorCode};

/// Why the database does not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file is broken, or not ours: it is set aside and another one begun.
    Damaged(String),
    /// No room. What is there can still be read.
    Full(String),
    /// The disk, its rights or another process is in the way: the file is opened anew later.
    Unavailable(String),
    /// Another process has the state directory.
    InUse,
}

impl Fault {
    /// The file is not what it should be.
    pub fn damaged(what: impl fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) | Self::Full(what) | Self::Unavailable(what) => f.write_str(what),
            Self::InUse => f.write_str("another sightline is running with this state directory"),
        }
    }
}

impl From<Error> for Fault {
    /// What SQLite does not know itself (a table that is missing, a row of another shape) is a file that is not ours.
    fn from(error: Error) -> Self {
        let Some(code) = error.sqlite_error_code() else { return Self::damaged(error) };
        match code {
            ErrorCode::DiskFull => Self::Full(error.to_string()),
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::SchemaChanged
            | ErrorCode::Unknown => Self::damaged(error),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn each_error_of_sqlite_says_what_is_to_be_done() {
        let of = |code| Fault::from(Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR, ffi::SQLITE_CONSTRAINT] {
            assert!(matches!(of(code), Fault::Damaged(_)), "{code}");
        }
        for code in
            [ffi::SQLITE_IOERR, ffi::SQLITE_READONLY, ffi::SQLITE_CANTOPEN, ffi::SQLITE_BUSY, ffi::SQLITE_IOERR_WRITE]
        {
            assert!(matches!(of(code), Fault::Unavailable(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_FULL), Fault::Full(_)));
        assert!(matches!(Fault::from(Error::QueryReturnedNoRows), Fault::Damaged(_)));
    }
}
