//! What is written to the tables, and read back from them.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row, params};
use sightline_core::{
    event::Event,
    outbox::{EventKey, OutboxPlan},
    time::WallTime,
};

use super::{
    batch::{Batch, Fate},
    destination::{Claim, Destination, Known},
    entry::{Entry, Totals},
    fault::Fault,
};

/// At most so many events are removed at once, so that none waits long for it.
pub const STEP: usize = 256;

/// SQLite's integers have a sign. Keys and sizes are nowhere near it.
pub fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// Spans as the tables have them.
pub fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Key of the newest event of all.
pub fn newest(connection: &Connection) -> Result<EventKey, Fault> {
    Ok(connection.query_row("SELECT coalesce(max(newest), 0) FROM destination", [], |row| unsigned(row, 0))?)
}

/// All destinations, and how many events wait for each; those whose row is in `claimed` are.
pub fn known(connection: &Connection, claimed: &[i64]) -> Result<Vec<Known>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, broker, base_topic FROM destination ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        let destination = Destination { broker: row.get(1)?, base_topic: row.get(2)? };
        Ok((row.get(0)?, destination))
    })?;
    let mut known = Vec::new();
    for row in rows {
        let (row, destination) = row?;
        let waiting = totals(connection, row, true)?.events;
        known.push(Known { row, destination, waiting, is_claimed: claimed.contains(&row) });
    }
    Ok(known)
}

/// Makes a claim good. Returns the destination's row.
pub fn settle_claim(connection: &Connection, wished: &Destination, claim: Claim) -> Result<i64, Fault> {
    match claim {
        Claim::Own(row) => Ok(row),
        Claim::New => {
            let insert = "INSERT INTO destination (broker, base_topic, newest, waiting_age, history_age)
                          VALUES (?1, ?2, 0, 0, 0)";
            connection.execute(insert, [&wished.broker, &wished.base_topic])?;
            Ok(connection.last_insert_rowid())
        }
        Claim::TakenOver(row) => {
            rename(connection, row, wished)?;
            Ok(row)
        }
    }
}

/// The destination of `row` has moved. When the database knows its new name already, the two rows change names: no event
/// has to be moved, be they a hundred thousand.
pub fn rename(connection: &Connection, row: i64, to: &Destination) -> Result<(), Fault> {
    let rename = |row: i64, broker: &str| {
        connection.execute("UPDATE destination SET broker = ?2 WHERE id = ?1", params![row, broker])
    };
    let select = "SELECT id FROM destination WHERE broker = ?1 AND base_topic = ?2 AND id <> ?3";
    let namesake: Option<i64> =
        connection.query_row(select, params![to.broker, to.base_topic, row], |row| row.get(0)).optional()?;
    let before: String =
        connection.query_row("SELECT broker FROM destination WHERE id = ?1", [row], |row| row.get(0))?;
    if let Some(namesake) = namesake {
        rename(namesake, "")?;
    }
    rename(row, &to.broker)?;
    if let Some(namesake) = namesake {
        rename(namesake, &before)?;
    }
    Ok(())
}

/// What is noted of a destination, for times when no outbox has it.
pub fn note_plan(connection: &Connection, row: i64, plan: &OutboxPlan) -> Result<(), Fault> {
    let update = "UPDATE destination SET waiting_age = ?2, history_age = ?3 WHERE id = ?1";
    connection.execute(update, [row, micros(plan.max_age), micros(plan.history_age)])?;
    Ok(())
}

/// A destination's newest key, and when the oldest event that waits for it was offered.
pub fn ends(connection: &Connection, row: i64) -> Result<(EventKey, Option<WallTime>), Fault> {
    let newest = connection.query_row("SELECT newest FROM destination WHERE id = ?1", [row], |row| unsigned(row, 0))?;
    let oldest = "SELECT offered FROM event WHERE destination = ?1 AND is_waiting = 1 ORDER BY key LIMIT 1";
    let oldest = connection.query_row(oldest, [row], |row| row.get(0)).optional()?;
    Ok((newest, oldest.map(WallTime::from_micros)))
}

/// A destination's events that wait, or that do not.
pub fn totals(connection: &Connection, row: i64, is_waiting: bool) -> Result<Totals, Fault> {
    let select = "SELECT count(*), coalesce(sum(bytes), 0) FROM event WHERE destination = ?1 AND is_waiting = ?2";
    let read = |row: &Row<'_>| Ok(Totals { events: unsigned(row, 0)?, bytes: unsigned(row, 1)? });
    Ok(connection.prepare_cached(select)?.query_row(params![row, is_waiting], read)?)
}

/// Writes a batch. Returns what of it has become history.
pub fn write(connection: &Connection, row: i64, batch: &Batch) -> Result<Totals, Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (key, destination, is_waiting, bytes, offered, captured, camera, label, kind)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut insert_payload = connection.prepare_cached("INSERT INTO payload (key, json) VALUES (?1, ?2)")?;
    for Entry { key, event, bytes, offered, unwritten } in &batch.inserts {
        let Some(unwritten) = unwritten else { continue };
        let (key, change) = (signed(*key), &event.change);
        insert.execute(params![
            key,
            row,
            signed(*bytes),
            offered.as_micros(),
            change.time.capture.as_micros(),
            event.origin.camera,
            &*change.label,
            change.kind.name(),
        ])?;
        insert_payload.execute(params![key, &*unwritten.json])?;
    }
    let mut delivered = Totals::default();
    let mut deliver = connection.prepare_cached("UPDATE event SET is_waiting = 0 WHERE key = ?1 AND is_waiting = 1")?;
    for change in &batch.changes {
        match change.fate {
            Fate::Displaced => remove(connection, change.key)?,
            Fate::Delivered if deliver.execute([signed(change.key)])? == 1 => delivered += Totals::one(change.bytes),
            Fate::Delivered => {}
        }
    }
    if !batch.inserts.is_empty() {
        let mut update = connection.prepare_cached("UPDATE destination SET newest = max(newest, ?2) WHERE id = ?1")?;
        update.execute([row, signed(batch.newest)])?;
    }
    Ok(delivered)
}

/// Moves what is in the write-ahead log to the database file, as far as that is possible, and gives its room back.
pub fn empty_log(connection: &Connection) {
    // What is in the way is told by whatever is written next.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// Shows that the disk takes something, when there is nothing else to write.
pub fn prove(connection: &Connection, now: WallTime) -> Result<(), Fault> {
    connection.execute("UPDATE store SET worked = max(worked + 1, ?1)", [now.as_micros()])?;
    Ok(())
}

fn remove(connection: &Connection, key: EventKey) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM event WHERE key = ?1")?.execute([signed(key)])?;
    connection.prepare_cached("DELETE FROM payload WHERE key = ?1")?.execute([signed(key)])?;
    Ok(())
}

/// Which of a destination's events go, and how many at most.
pub struct Trim {
    /// Those that wait, or those that do not.
    pub is_waiting: bool,
    /// These many bytes, the oldest first …
    pub bytes: u64,
    /// … and what was offered before this moment.
    pub before: WallTime,
    /// At most so many events.
    pub limit: usize,
}

/// Removes a destination's oldest events. Returns what went; as many events as the limit: there may be more.
pub fn trim(connection: &Connection, row: i64, trim: &Trim) -> Result<Totals, Fault> {
    let mut oldest = connection.prepare_cached(
        "SELECT key, bytes, offered FROM event WHERE destination = ?1 AND is_waiting = ?2 ORDER BY key LIMIT ?3",
    )?;
    let mut rows = oldest.query(params![row, trim.is_waiting, signed(trim.limit as u64)])?;
    let (mut keys, mut removed) = (Vec::new(), Totals::default());
    while let Some(row) = rows.next()? {
        let offered = WallTime::from_micros(row.get(2)?);
        if removed.bytes >= trim.bytes && offered >= trim.before {
            break;
        }
        removed += Totals::one(unsigned(row, 1)?);
        keys.push(unsigned(row, 0)?);
    }
    drop(rows);
    keys.into_iter().try_for_each(|key| remove(connection, key))?;
    Ok(removed)
}

/// Rows, and how long what waits and what is history is kept, of the destinations that no outbox has.
pub fn unclaimed(connection: &Connection, claimed: &[i64]) -> Result<Vec<(i64, i64, i64)>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, waiting_age, history_age FROM destination")?;
    let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let all = all.collect::<Result<Vec<(i64, i64, i64)>, _>>()?;
    Ok(all.into_iter().filter(|(row, ..)| !claimed.contains(row)).collect())
}

/// Events that wait, read back in order.
#[derive(Debug, Default)]
pub struct Waiting {
    pub entries: Vec<Entry>,
    /// There are no more behind them.
    pub is_all: bool,
    /// Keys and bytes of those between them that cannot be understood.
    pub unreadable: Vec<(EventKey, u64)>,
}

/// A destination's next `limit` events that wait, behind the key `after`.
pub fn waiting(connection: &Connection, row: i64, after: EventKey, limit: usize) -> Result<Waiting, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT key, bytes, offered, json FROM event CROSS JOIN payload USING (key)
         WHERE destination = ?1 AND is_waiting = 1 AND key > ?2 ORDER BY key LIMIT ?3",
    )?;
    let mut rows = statement.query([row, signed(after), signed(limit as u64)])?;
    let (mut waiting, mut read) = (Waiting::default(), 0);
    while let Some(row) = rows.next()? {
        read += 1;
        let (key, bytes, offered) = (unsigned(row, 0)?, unsigned(row, 1)?, WallTime::from_micros(row.get(2)?));
        match serde_json::from_str::<Event>(row.get_ref(3)?.as_str().map_err(Fault::damaged)?) {
            Ok(mut event) => {
                share_origin(&mut event, waiting.entries.last());
                waiting.entries.push(Entry { key, event, bytes, offered, unwritten: None });
            }
            Err(_) => waiting.unreadable.push((key, bytes)),
        }
    }
    waiting.is_all = read < limit;
    Ok(waiting)
}

/// Events of one camera share where they come from, as they did when they were new.
fn share_origin(event: &mut Event, before: Option<&Entry>) {
    if let Some(before) = before.filter(|before| before.event.origin == event.origin) {
        event.origin = Arc::clone(&before.event.origin);
    }
}
