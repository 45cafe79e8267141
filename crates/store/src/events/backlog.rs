//! The events of one outbox that its broker does not have yet: which of them are where.
//!
//! ```text
//!    oldest                                                    newest
//!    handed out │ ready (in memory) │ spilled (on disk alone) │ queue (not on disk yet)
//! ```
//!
//! `take` goes from left to right. Nothing here blocks: the disk's part is done by the writer, between [`Backlog::gather`]
//! and [`Backlog::written`] or [`Backlog::not_written`].

mod bounds;

use std::collections::{BTreeMap, HashSet, VecDeque};

use sightline_core::{
    event::Event,
    outbox::{EventKey, OutboxFigures, OutboxPlan},
    time::WallTime,
};

use super::{
    batch::{Batch, Change, Fate},
    entry::{Entry, Totals, Unwritten},
    settings::StoreSettings,
    tables::Waiting,
};

/// Waiting events that are on disk and not in memory: all behind `after` that were not handed out.
#[derive(Clone, Copy, Debug, Default)]
struct Spilled {
    totals: Totals,
    after: EventKey,
    /// When the first of them was offered, or a little earlier.
    since: Option<WallTime>,
    /// The disk does not give them: what is newer does not wait for them.
    is_unreadable: bool,
}

/// Invariant: keys rise within `ready` and `queue`, and from `ready` over what is spilled to `queue`; what is ready is
/// written, what is queued is not.
#[derive(Debug)]
pub struct Backlog {
    settings: StoreSettings,
    plan: OutboxPlan,
    handed: BTreeMap<EventKey, Entry>,
    ready: VecDeque<Entry>,
    spilled: Spilled,
    queue: VecDeque<Entry>,
    /// Of `handed`, `ready` and `queue` together.
    in_memory: Totals,
    /// Of these, what is not on disk.
    unwritten: Totals,
    /// What became of events that are on disk.
    changes: Vec<Change>,
    /// Unwritten events up to this key are in the writer's hands; 0: none are.
    being_written: EventKey,
    /// The disk takes nothing: what is queued may be handed out all the same.
    is_failing: bool,
    /// Takes nothing in any more, and hands nothing out.
    is_released: bool,
    /// There may be something new to take.
    has_news: bool,
    newest: EventKey,
    figures: OutboxFigures,
}

impl Backlog {
    pub fn new(plan: OutboxPlan, settings: StoreSettings, is_failing: bool) -> Self {
        Self {
            settings,
            plan,
            handed: BTreeMap::new(),
            ready: VecDeque::new(),
            spilled: Spilled::default(),
            queue: VecDeque::new(),
            in_memory: Totals::default(),
            unwritten: Totals::default(),
            changes: Vec::new(),
            being_written: 0,
            is_failing,
            is_released: false,
            has_news: false,
            newest: 0,
            figures: OutboxFigures::default(),
        }
    }

    /// Takes an event in, behind all others. `false`: it is not taken.
    pub fn push(&mut self, entry: Entry) -> bool {
        self.figures.offered += 1;
        if self.is_released {
            self.figures.refused += 1;
            return false;
        }
        self.newest = self.newest.max(entry.key);
        let totals = Totals::one(entry.bytes);
        self.in_memory += totals;
        self.unwritten += totals;
        self.queue.push_back(entry);
        self.has_news |= self.is_failing;
        true
    }

    /// Something offered could not even be made a payload of.
    pub const fn refuse(&mut self) {
        self.figures.offered += 1;
        self.figures.refused += 1;
    }

    /// The oldest event that was not handed out yet.
    pub fn take(&mut self) -> Option<(EventKey, Event)> {
        if self.is_released {
            return None;
        }
        let may_pass_spilled = self.spilled.totals.events == 0 || self.spilled.is_unreadable;
        let entry = match self.ready.pop_front() {
            Some(entry) => entry,
            None if self.is_failing && may_pass_spilled => self.queue.pop_front()?,
            None => return None,
        };
        let taken = (entry.key, entry.event.clone());
        self.handed.insert(entry.key, entry);
        Some(taken)
    }

    /// The broker has it. Whether the disk has to know; an event that was forced out meanwhile is nobody's any more.
    pub fn acknowledge(&mut self, key: EventKey) -> bool {
        if self.is_released {
            return false;
        }
        let Some(entry) = self.handed.remove(&key) else { return false };
        self.figures.acknowledged += 1;
        self.settle(&entry, Fate::Delivered)
    }

    /// It waits no longer. Whether the disk has to know.
    fn settle(&mut self, entry: &Entry, fate: Fate) -> bool {
        let totals = Totals::one(entry.bytes);
        self.in_memory -= totals;
        if !entry.is_written() {
            self.unwritten -= totals;
        }
        let is_or_comes_on_disk = entry.is_written() || entry.key <= self.being_written;
        if is_or_comes_on_disk {
            self.changes.push(Change { key: entry.key, bytes: entry.bytes, fate });
        }
        is_or_comes_on_disk
    }

    /// Only while the disk takes nothing is what is not on disk handed out; else all of it is queued.
    fn has_handed_unwritten(&self) -> bool {
        self.unwritten.events > self.queue.len() as u64
    }

    /// What is to be written next: at most `limit` events, and all that became of earlier ones.
    pub fn gather(&mut self, limit: usize) -> Batch {
        let mut inserts: Vec<Entry> = Vec::new();
        if self.has_handed_unwritten() {
            inserts.extend(self.handed.values().filter(|entry| !entry.is_written()).take(limit).cloned());
        }
        inserts.extend(self.queue.iter().take(limit - inserts.len()).cloned());
        self.being_written = inserts.last().map_or(0, |entry| entry.key);
        Batch { inserts, changes: std::mem::take(&mut self.changes), newest: self.newest }
    }

    /// What was gathered is safe on disk. `each` is shown what was written.
    pub fn written(&mut self, mut each: impl FnMut(&Unwritten)) {
        let through = std::mem::take(&mut self.being_written);
        let has_handed_unwritten = self.has_handed_unwritten();
        let mut settled = Totals::default();
        let mut write = |entry: &mut Entry| {
            if let Some(unwritten) = entry.unwritten.take() {
                settled += Totals::one(entry.bytes);
                each(&unwritten);
            }
        };
        if has_handed_unwritten {
            self.handed.range_mut(..=through).for_each(|(_, entry)| write(entry));
        }
        while self.queue.front().is_some_and(|entry| entry.key <= through)
            && let Some(mut entry) = self.queue.pop_front()
        {
            write(&mut entry);
            if self.spilled.totals.events == 0 && self.ready.len() < self.settings.window {
                self.spilled.after = entry.key;
                self.ready.push_back(entry);
                self.has_news = true;
            } else {
                let totals = Totals::one(entry.bytes);
                self.in_memory -= totals;
                self.spilled.since.get_or_insert(entry.offered);
                self.spilled.totals += totals;
            }
        }
        self.unwritten -= settled;
        self.working();
    }

    /// The disk did not take `batch`.
    pub fn not_written(&mut self, batch: Batch) {
        self.being_written = 0;
        let later = std::mem::replace(&mut self.changes, batch.changes);
        self.changes.extend(later);
    }

    /// The disk does not even give what it has: what is newer goes first then.
    pub const fn cannot_read(&mut self) {
        self.spilled.is_unreadable = true;
        self.has_news = true;
    }

    /// The disk takes nothing.
    pub fn failing(&mut self) {
        self.is_failing = true;
        self.has_news |= !self.queue.is_empty();
        self.figures.write_failures += 1;
    }

    /// The disk works.
    pub const fn working(&mut self) {
        self.has_news |= self.is_failing;
        self.is_failing = false;
        self.spilled.is_unreadable = false;
    }

    /// Behind which key events are to be read back from the disk, and how many; `None` while enough are at hand.
    pub fn wants(&self) -> Option<(EventKey, usize)> {
        let is_low = self.ready.len() <= self.settings.window / 2;
        let is_there = self.spilled.totals.events > 0 && !self.spilled.is_unreadable;
        let wants = is_low && is_there && !self.is_released;
        wants.then(|| (self.spilled.after, self.settings.window - self.ready.len()))
    }

    /// Events read back: those behind the key that [`Self::wants`] named.
    pub fn refill(&mut self, waiting: Waiting) {
        let settled: HashSet<EventKey> = self.changes.iter().map(|change| change.key).collect();
        for entry in waiting.entries {
            self.spilled.after = entry.key;
            // An event that was handed out, or even settled, before it was on disk.
            if self.handed.contains_key(&entry.key) || settled.contains(&entry.key) {
                continue;
            }
            let totals = Totals::one(entry.bytes);
            self.spilled.totals -= totals;
            self.spilled.since = Some(entry.offered);
            self.in_memory += totals;
            self.ready.push_back(entry);
            self.has_news = true;
        }
        for (key, bytes) in waiting.unreadable {
            self.spilled.after = self.spilled.after.max(key);
            self.spilled.totals -= Totals::one(bytes);
            self.figures.displaced_memory += 1;
            self.changes.push(Change { key, bytes, fate: Fate::Displaced });
        }
        if waiting.is_all {
            self.spilled.totals = Totals::default();
        }
        if self.spilled.totals.events == 0 {
            self.spilled.since = None;
        }
    }

    /// The database is known now: an earlier process left `totals` waiting in it, the oldest offered at `since`.
    pub fn inherit(&mut self, totals: Totals, since: Option<WallTime>, newest: EventKey) {
        self.spilled = Spilled { totals, after: 0, since, is_unreadable: false };
        self.figures.inherited += totals.events;
        self.newest = self.newest.max(newest);
        self.working();
    }

    /// The database is gone, and with it what was there alone. What memory holds is to be written again. So many are lost.
    pub fn lost_database(&mut self) -> u64 {
        let lost = self.spilled.totals.events;
        self.spilled = Spilled::default();
        self.figures.displaced_memory += lost;
        self.being_written = 0;
        self.changes.clear();
        let ready = std::mem::take(&mut self.ready);
        for entry in ready.into_iter().rev() {
            self.queue.push_front(entry);
        }
        self.unwritten = Totals::default();
        for entry in self.handed.values_mut().chain(&mut self.queue) {
            entry.forget_written();
            self.unwritten += Totals::one(entry.bytes);
        }
        self.has_news |= self.is_failing && !self.queue.is_empty();
        lost
    }

    /// Takes nothing in any more, and hands nothing out; what is not on disk yet is still written. So many wait.
    pub fn release(&mut self) -> u64 {
        self.is_released = true;
        self.waiting().events
    }

    /// From now on by this plan.
    pub const fn set_plan(&mut self, plan: OutboxPlan) {
        self.plan = plan;
    }

    pub const fn plan(&self) -> &OutboxPlan {
        &self.plan
    }

    /// Whether anything is to be written.
    pub fn has_work(&self) -> bool {
        self.unwritten.events > 0 || !self.changes.is_empty()
    }

    /// Whether there may be something new to take, since the last call.
    pub const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.has_news, false)
    }

    /// Whoever waits for news is new.
    pub const fn tell_again(&mut self) {
        self.has_news = true;
    }

    pub const fn is_released(&self) -> bool {
        self.is_released
    }

    pub const fn newest(&self) -> EventKey {
        self.newest
    }

    /// Events that are in memory alone.
    pub const fn unwritten(&self) -> Totals {
        self.unwritten
    }

    fn waiting(&self) -> Totals {
        let mut waiting = self.in_memory;
        waiting += self.spilled.totals;
        waiting
    }

    pub fn figures(&self) -> OutboxFigures {
        let waiting = self.waiting();
        let handed = self.handed.values().next().map(|entry| entry.offered);
        let ready = self.ready.front().map(|entry| entry.offered);
        let queued = self.queue.front().map(|entry| entry.offered);
        OutboxFigures {
            waiting: waiting.events,
            waiting_bytes: waiting.bytes,
            oldest: handed.or(ready).or(self.spilled.since).or(queued),
            is_on_disk: !self.is_failing,
            ..self.figures
        }
    }
}

#[cfg(test)]
mod tests;
