//! One round of the writer: one transaction for all that is queued, one sync, and then what is to be read back.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{
    batch::Batch,
    destination::claim,
    fault::Fault,
    outbox::Hub,
    served::{Inherited, Look, Rows, Served},
    tables::{self, STEP, Trim},
};

/// Events of one outbox that one transaction takes: a few megabytes.
const LARGEST_BATCH: usize = 4096;

/// Writes everything, and then reads back what is wanted. On an error what was to be written still is. `is_failing`: it
/// is to be shown that the disk works, be there something to write or not. Whether there is more to do at once.
pub fn round(
    connection: &mut Connection,
    served: &mut Vec<Served>,
    hub: &Hub,
    look: Look,
    is_failing: bool,
) -> Result<bool, Fault> {
    let gather = |one: &Served| {
        one.outbox.with(|backlog| {
            backlog.enforce(look.now);
            if one.row().is_some() { backlog.gather(LARGEST_BATCH) } else { Batch::default() }
        })
    };
    let batches: Vec<Batch> = served.iter().map(gather).collect();
    let mut has_more = batches.iter().any(|batch| batch.inserts.len() == LARGEST_BATCH);
    match write(connection, served, &batches, look, is_failing) {
        Ok(written) => has_more |= settle(served, written, hub),
        Err(fault) => {
            for (one, batch) in served.iter().zip(batches) {
                one.outbox.with(|backlog| backlog.not_written(batch));
            }
            return Err(fault);
        }
    }
    let reads_more = refill(connection, served, look)?;
    Ok(reads_more || has_more)
}

/// What a transaction has done, to be believed once it is committed.
#[derive(Default)]
struct Written {
    /// Of each outbox, what the database has now; `None`: nothing was written for it.
    rows: Vec<Option<Rows>>,
    /// Outboxes, by index, that were found in the database.
    found: Vec<(usize, Inherited)>,
    has_more: bool,
}

fn write(
    connection: &mut Connection,
    served: &[Served],
    batches: &[Batch],
    look: Look,
    is_failing: bool,
) -> Result<Written, Fault> {
    let arrivals = arrivals(served);
    let has_work = served.iter().zip(batches).any(|(one, batch)| one.has_work(batch));
    if !has_work && arrivals.is_empty() && !look.is_tidying && !is_failing {
        return Ok(Written { rows: vec![None; served.len()], ..Written::default() });
    }
    if is_failing {
        // What the log holds may have room in the file, and the log is in the way of others then.
        tables::empty_log(connection);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut written = Written::default();
    for (one, batch) in served.iter().zip(batches) {
        let done = one.write(&transaction, batch, look)?;
        written.has_more |= done.is_some_and(|(_, has_more)| has_more);
        written.rows.push(done.map(|(rows, _)| rows));
    }
    let mut claimed: Vec<i64> = served.iter().filter_map(Served::row).collect();
    if !arrivals.is_empty() {
        written.found = find(&transaction, served, arrivals, &claimed)?;
        claimed.extend(written.found.iter().map(|(_, inherited)| inherited.rows.row));
    }
    if look.is_tidying {
        written.has_more |= tidy_unclaimed(&transaction, &claimed, look)?;
    }
    if is_failing {
        tables::prove(&transaction, look.now)?;
    }
    transaction.commit()?;
    Ok(written)
}

/// The outboxes that are to be looked for in the database: those that were released before the disk took their events
/// come first, so that whoever comes after them finds these.
fn arrivals(served: &[Served]) -> Vec<usize> {
    let has_released = served.iter().any(Served::is_released);
    let is_next = |&index: &usize| served[index].row().is_none() && served[index].is_released() == has_released;
    (0..served.len()).filter(is_next).collect()
}

fn find(
    transaction: &Transaction<'_>,
    served: &[Served],
    arrivals: Vec<usize>,
    claimed: &[i64],
) -> Result<Vec<(usize, Inherited)>, Fault> {
    let known = tables::known(transaction, claimed)?;
    let wished: Vec<_> = arrivals.iter().map(|&index| served[index].outbox.destination()).collect();
    let wished: Vec<_> = wished.iter().collect();
    let mut found = Vec::new();
    for ((&destination, claim), index) in wished.iter().zip(claim(&wished, &known)).zip(arrivals) {
        let row = tables::settle_claim(transaction, destination, claim)?;
        found.push((index, served[index].find(transaction, row)?));
    }
    Ok(found)
}

/// Removes, of destinations that no outbox has, what has become too old. Whether there is more.
fn tidy_unclaimed(transaction: &Transaction<'_>, claimed: &[i64], look: Look) -> Result<bool, Fault> {
    let mut has_more = false;
    for (row, waiting_age, history_age) in tables::unclaimed(transaction, claimed)? {
        for (is_waiting, age) in [(true, waiting_age), (false, history_age)] {
            let before = look.now.minus_micros(age);
            let went = tables::trim(transaction, row, &Trim { is_waiting, bytes: 0, before, limit: STEP })?.events;
            has_more |= went == STEP as u64;
            if is_waiting && went > 0 {
                tracing::warn!(
                    events = went,
                    "events of a broker that is not configured any more are too old: dropped"
                );
            }
        }
    }
    Ok(has_more)
}

/// Believes what was committed. Whether there is more to do.
fn settle(served: &mut Vec<Served>, written: Written, hub: &Hub) -> bool {
    for (one, rows) in served.iter_mut().zip(written.rows) {
        if let Some(rows) = rows {
            one.written(rows, &hub.stages);
        }
    }
    let mut has_more = written.has_more;
    for (index, inherited) in written.found {
        if let Some(one) = served.get_mut(index) {
            one.inherit(inherited);
            // What it has got before its row was known.
            has_more |= one.outbox.with(|backlog| backlog.has_work());
        }
    }
    let is_done = |one: &Served| one.row().is_some() && one.outbox.with(|it| it.is_released() && !it.has_work());
    served.retain(|one| !is_done(one));
    // Who was not looked for because somebody else had to be written first.
    has_more || served.iter().any(|one| one.row().is_none())
}

/// Reads back events that are on disk alone, where memory runs out of others. Whether that is to be looked at again.
pub fn refill(connection: &Connection, served: &[Served], look: Look) -> Result<bool, Fault> {
    let mut has_more = false;
    for one in served {
        let Some(row) = one.row() else { continue };
        let Some((after, limit)) = one.outbox.with(|backlog| backlog.wants()) else { continue };
        let waiting = tables::waiting(connection, row, after, limit)?;
        has_more |= one.outbox.with(|backlog| {
            backlog.refill(waiting);
            backlog.enforce(look.now) > 0 || backlog.wants().is_some()
        });
    }
    Ok(has_more)
}
