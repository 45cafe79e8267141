//! The database file: opened, made, checked.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use sightline_core::time::WallTime;

use super::fault::Fault;

/// In the state directory.
pub const FILE_NAME: &str = "events.sqlite3";
/// `SLEV`: tells our files from other programs'.
const APPLICATION_ID: i64 = 0x534C_4556;
/// Of the tables below. A file with a higher one is set aside; there is no lower one yet.
const VERSION: i64 = 1;
/// A file is looked through for so long before it is trusted, so that a start does not take minutes on a slow disk. What
/// is not found then is found when it is read.
const LONGEST_CHECK: Duration = Duration::from_secs(1);
/// Another program that looks at the file may hold it for so long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Facts and payloads are apart, so that what is looked for and changed often is small: an acknowledgement writes a page
/// of 50 events and not of 6, and the history is searched without a look at a payload. `event` in the order of keys is
/// the history's index; `event_by_state` is that of what waits, and of what is history, of each destination.
///
/// Times and ages are in microseconds.
const TABLES: &str = "
CREATE TABLE store (made INTEGER NOT NULL, worked INTEGER NOT NULL) STRICT;
CREATE TABLE destination (
    id INTEGER PRIMARY KEY,
    broker TEXT NOT NULL,
    base_topic TEXT NOT NULL,
    newest INTEGER NOT NULL,
    waiting_age INTEGER NOT NULL,
    history_age INTEGER NOT NULL,
    UNIQUE (broker, base_topic)
) STRICT;
CREATE TABLE event (
    key INTEGER PRIMARY KEY,
    destination INTEGER NOT NULL,
    is_waiting INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    offered INTEGER NOT NULL,
    captured INTEGER NOT NULL,
    camera TEXT NOT NULL,
    label TEXT NOT NULL,
    kind TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_state ON event (destination, is_waiting, key, bytes);
CREATE TABLE payload (key INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
";

/// An open database of ours, for the one that writes.
#[derive(Debug)]
pub struct Database {
    pub connection: Connection,
    /// When it was made: tells it from another one.
    pub made: i64,
}

impl Database {
    /// Opens the file, or makes it. `known`: it was looked through earlier, when it was made at this time.
    ///
    /// Each commit is synced (`synchronous=FULL`). Pages that become free are used again; the file does not shrink,
    /// because its size is bounded anyway and moving pages would wear a flash card for nothing.
    pub fn open(path: &Path, known: Option<i64>, now: WallTime) -> Result<Self, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let is_new = !is_ours(&connection)?;
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(Fault::Unavailable(format!("the file system lets SQLite keep no write-ahead log ({mode})")));
        }
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;")?;
        connection.set_prepared_statement_cache_capacity(32);
        if is_new {
            make_tables(&mut connection, now)?;
        }
        let made = connection.query_row("SELECT made FROM store", [], |row| row.get(0))?;
        if known != Some(made) {
            look_through(&mut connection)?;
        }
        Ok(Self { connection, made })
    }

    /// Opens the file for the history's reader, which does not wait for the writer, nor the writer for it.
    pub fn open_for_reading(path: &Path) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    }

    /// Closes it as it is: a damaged file is not to be made worse.
    pub fn abandon(self) {
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

/// `false`: the file is empty. Anything else that is not ours is an error.
fn is_ours(connection: &Connection) -> Result<bool, Fault> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    if number("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(false);
    }
    if application != APPLICATION_ID {
        return Err(Fault::damaged("it is another program's database"));
    }
    if version > VERSION {
        return Err(Fault::damaged(format_args!("a newer version of this program has written it (format {version})")));
    }
    Ok(true)
}

fn make_tables(connection: &mut Connection, now: WallTime) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO store (made, worked) VALUES (?1, ?1)", [now.as_micros()])?;
    Ok(transaction.commit()?)
}

fn look_through(connection: &mut Connection) -> Result<(), Fault> {
    let began = Instant::now();
    connection.progress_handler(10_000, Some(move || began.elapsed() > LONGEST_CHECK))?;
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(problem) => Err(Fault::Damaged(problem)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: WallTime = WallTime::from_micros(1_700_000_000_000_000);

    #[test]
    fn a_file_is_made_once_and_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let made = Database::open(&path, None, NOW).unwrap().made;
        let later = WallTime::from_micros(NOW.as_micros() + 1);
        assert_eq!(Database::open(&path, None, later).unwrap().made, made);
    }

    #[test]
    fn every_commit_is_synced_and_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join(FILE_NAME), None, NOW).unwrap();
        let pragma = |name: &str| {
            database.connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
        };
        assert_eq!(pragma("journal_mode").unwrap(), rusqlite::types::Value::from("wal".to_owned()));
        assert_eq!(pragma("synchronous").unwrap(), rusqlite::types::Value::from(2));
    }

    #[test]
    fn an_empty_file_is_filled_and_what_is_not_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty"), "").unwrap();
        Database::open(&path("empty"), None, NOW).unwrap();

        fs::write(path("text"), "this is no database at all, and it is longer than a header".repeat(50)).unwrap();
        Connection::open(path("foreign")).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
        drop(Database::open(&path("newer"), None, NOW).unwrap());
        Connection::open(path("newer")).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
        drop(Database::open(&path("less"), None, NOW).unwrap());
        Connection::open(path("less")).unwrap().execute_batch("DROP TABLE store").unwrap();
        for (name, expected) in [
            ("text", "not a database"),
            ("foreign", "another program's"),
            ("newer", "format 2"),
            ("less", "no such table"),
        ] {
            match Database::open(&path(name), None, NOW) {
                Err(Fault::Damaged(what)) => assert!(what.contains(expected), "{name}: {what}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_directory_in_its_place_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
        let fault = Database::open(&folder.path().join(FILE_NAME), None, NOW).unwrap_err();
        assert!(matches!(fault, Fault::Unavailable(_)), "{fault}");
    }
}
