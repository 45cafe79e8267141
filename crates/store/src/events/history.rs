//! The events that were offered, delivered or not.

use std::path::PathBuf;

use parking_lot::Mutex;
use rusqlite::{Connection, Row, ToSql};
use sightline_core::outbox::{EventKey, EventQuery, HistoryError, RecordedEvent};

use super::{
    database::{Database, FILE_NAME},
    fault::Fault,
    tables::signed,
};

/// Reads beside the writer, on a connection of its own: neither waits for the other.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    /// With the generation of the database that it is open for.
    connection: Mutex<Option<(u64, Connection)>>,
}

impl Reader {
    pub fn new(state_dir: &std::path::Path) -> Self {
        Self { path: state_dir.join(FILE_NAME), connection: Mutex::default() }
    }

    /// Lets go of the file; whoever asks again opens it anew.
    pub fn close(&self) {
        *self.connection.lock() = None;
    }

    /// What `query` asks for, the newest first. `generation` is that of the database in use; 0: there is none.
    pub fn events(&self, query: &EventQuery, generation: u64) -> Result<Vec<RecordedEvent>, Fault> {
        if generation == 0 {
            return Err(Fault::Unavailable("it could not be opened yet".into()));
        }
        let mut slot = self.connection.lock();
        let connection = match slot.take() {
            Some((of, connection)) if of == generation => connection,
            _ => Database::open_for_reading(&self.path)?,
        };
        // After an error it is opened anew.
        let events = select(&connection, query)?;
        *slot = Some((generation, connection));
        Ok(events)
    }
}

/// `event` alone is searched, from its end: it is narrow, and in the order that is asked for. A payload is looked at only
/// when its event is an answer.
fn select(connection: &Connection, query: &EventQuery) -> Result<Vec<RecordedEvent>, Fault> {
    let from = query.from.map(|from| from.as_micros());
    let until = query.until.map(|until| until.as_micros());
    let before = query.before.map(signed);
    let conditions: [(&str, Option<&dyn ToSql>); 6] = [
        ("key < ?", before.as_ref().map(|it| it as &dyn ToSql)),
        ("captured >= ?", from.as_ref().map(|it| it as &dyn ToSql)),
        ("captured < ?", until.as_ref().map(|it| it as &dyn ToSql)),
        ("camera = ?", query.camera.as_ref().map(|it| it as &dyn ToSql)),
        ("label = ?", query.label.as_ref().map(|it| it as &dyn ToSql)),
        ("kind = ?", query.kind.as_ref().map(|it| it as &dyn ToSql)),
    ];
    let limit = signed(query.limit.max(1) as u64);
    let mut sql = String::from("SELECT key, is_waiting, json FROM event CROSS JOIN payload USING (key) WHERE true");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(" ORDER BY key DESC LIMIT ?");
    values.push(&limit);
    let mut statement = connection.prepare_cached(&sql)?;
    let events = statement.query_map(values.as_slice(), recorded)?.collect::<Result<Vec<_>, _>>()?;
    Ok(events)
}

fn recorded(row: &Row<'_>) -> rusqlite::Result<RecordedEvent> {
    let (key, is_waiting): (i64, bool) = (row.get(0)?, row.get(1)?);
    let key = EventKey::try_from(key).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, key))?;
    Ok(RecordedEvent { key, is_delivered: !is_waiting, payload: row.get(2)? })
}

/// In words.
pub fn unreadable(fault: &Fault) -> HistoryError {
    HistoryError { message: format!("the history of events cannot be read: {fault}") }
}
