//! An outbox as the writer sees it: with its rows in the database.

use std::sync::Arc;

use rusqlite::Transaction;
use sightline_core::{
    histogram::{Stage, StageTimes},
    outbox::{EventKey, OutboxPlan},
    time::WallTime,
};

use super::{
    backlog::Backlog,
    batch::Batch,
    entry::Totals,
    episodes::Episodes,
    fault::Fault,
    outbox::EventOutbox,
    tables::{self, STEP, Trim, micros},
};

/// Before all events.
const BEFORE_ALL: WallTime = WallTime::from_micros(i64::MIN);

/// An outbox that the writer serves.
pub struct Served {
    pub outbox: Arc<EventOutbox>,
    pub episodes: Episodes,
    /// `None`: it has not been looked for in the database yet.
    rows: Option<Rows>,
}

/// What the database has of an outbox.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Its destination's row.
    pub row: i64,
    /// The plan that is noted there.
    noted: OutboxPlan,
    /// How often the broker had moved when its address was noted there.
    moves: u32,
    /// Its events that are history.
    history: Totals,
}

/// What an earlier process has left of an outbox.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    pub rows: Rows,
    waiting: Totals,
    since: Option<WallTime>,
    newest: EventKey,
}

/// When a round takes place, and whether it looks for what is too old.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub now: WallTime,
    pub is_tidying: bool,
}

impl Served {
    pub fn new(outbox: Arc<EventOutbox>) -> Self {
        Self { outbox, episodes: Episodes::default(), rows: None }
    }

    /// Its destination's row.
    pub fn row(&self) -> Option<i64> {
        self.rows.map(|rows| rows.row)
    }

    pub fn is_released(&self) -> bool {
        self.outbox.with(|backlog| backlog.is_released())
    }

    fn plan(&self) -> OutboxPlan {
        self.outbox.with(|backlog| *backlog.plan())
    }

    /// Whether there is something to write, `batch` or else.
    pub fn has_work(&self, batch: &Batch) -> bool {
        let plan = self.plan();
        let moves = self.outbox.moves();
        let is_due = |rows: Rows| rows.noted != plan || rows.moves != moves || rows.history.bytes > plan.history_bytes;
        !batch.is_empty() || self.rows.is_some_and(is_due)
    }

    /// Writes what was gathered, and removes what of the history is too much or, when it is looked for, too old. Returns
    /// what the database has then, and whether there is more to remove.
    pub fn write(
        &self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        look: Look,
    ) -> Result<Option<(Rows, bool)>, Fault> {
        let Some(Rows { row, noted, moves: noted_moves, mut history }) = self.rows else { return Ok(None) };
        let (plan, moves) = (self.plan(), self.outbox.moves());
        if noted_moves != moves {
            tables::rename(transaction, row, &self.outbox.destination())?;
        }
        if noted != plan {
            tables::note_plan(transaction, row, &plan)?;
        }
        history += tables::write(transaction, row, batch)?;
        let excess = history.bytes.saturating_sub(plan.history_bytes);
        // Never less than what has come in.
        let limit = STEP.max(2 * batch.changes.len());
        let mut has_more = false;
        if excess > 0 || look.is_tidying {
            let before = if look.is_tidying { look.now.minus_micros(micros(plan.history_age)) } else { BEFORE_ALL };
            let trimmed = tables::trim(transaction, row, &Trim { is_waiting: false, bytes: excess, before, limit })?;
            history -= trimmed;
            has_more = trimmed.events == limit as u64;
        }
        Ok(Some((Rows { row, noted: plan, moves, history }, has_more)))
    }

    /// Looks for what an earlier process has left in `row`.
    pub fn find(&self, transaction: &Transaction<'_>, row: i64) -> Result<Inherited, Fault> {
        let (plan, moves) = (self.plan(), self.outbox.moves());
        tables::note_plan(transaction, row, &plan)?;
        let (newest, since) = tables::ends(transaction, row)?;
        let waiting = tables::totals(transaction, row, true)?;
        let history = tables::totals(transaction, row, false)?;
        Ok(Inherited { rows: Rows { row, noted: plan, moves, history }, waiting, since, newest })
    }

    /// What was written is safe.
    pub fn written(&mut self, rows: Rows, stages: &StageTimes) {
        self.rows = Some(rows);
        self.outbox.with(|backlog| backlog.written(|entry| stages.record(Stage::Store, entry.since.elapsed())));
    }

    /// What was found is its own.
    pub fn inherit(&mut self, Inherited { rows, waiting, since, newest }: Inherited) {
        self.rows = Some(rows);
        self.outbox.with(|backlog| backlog.inherit(waiting, since, newest));
        if waiting.events > 0 {
            let (of, events, bytes) = (self.outbox.destination(), waiting.events, waiting.bytes);
            let (broker, base_topic) = (&of.broker, &of.base_topic);
            tracing::info!(broker, base_topic, events, bytes, "events of an earlier run wait for their broker");
        }
    }

    /// The database is gone. So many events are lost with it.
    pub fn forget_database(&mut self) -> u64 {
        self.rows = None;
        self.outbox.with(Backlog::lost_database)
    }
}
