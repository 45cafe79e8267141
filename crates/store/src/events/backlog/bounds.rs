//! What is forced out of a backlog.

use sightline_core::time::WallTime;

use super::{
    super::{batch::Fate, entry::Entry, settings::StoreSettings, tables::micros},
    Backlog,
};

impl Backlog {
    /// Forces out what is too much or too old, the oldest first; events on disk alone follow when they have been read
    /// back, and until then the bound is exceeded by what is queued at most. What was handed out goes for its age, but makes room for others only when nothing else is left: the broker
    /// may have it already. The newest event always stays. So many were forced out.
    pub fn enforce(&mut self, now: WallTime) -> u64 {
        let before = self.figures.displaced();
        self.enforce_memory();
        self.enforce_age(now);
        self.enforce_size();
        self.figures.displaced() - before
    }

    fn enforce_memory(&mut self) {
        let StoreSettings { unwritten_events, unwritten_bytes, .. } = self.settings;
        while self.unwritten.events > unwritten_events || self.unwritten.bytes > unwritten_bytes {
            let Some(entry) = self.pop_queued().or_else(|| self.pop_handed_unwritten()) else { return };
            self.settle(&entry, Fate::Displaced);
            self.figures.displaced_memory += 1;
        }
    }

    fn enforce_age(&mut self, now: WallTime) {
        let oldest_allowed = now.minus_micros(micros(self.plan.max_age));
        let is_too_old = |entry: &Entry| entry.offered < oldest_allowed;
        loop {
            let mut oldest = self.pop_handed(is_too_old);
            if oldest.is_none() && self.ready.front().is_some_and(is_too_old) {
                oldest = self.ready.pop_front();
            }
            // Before those that are spilled have had their turn, nothing newer goes.
            let is_next = self.ready.is_empty() && self.spilled.totals.events == 0;
            if oldest.is_none() && is_next && self.queue.front().is_some_and(is_too_old) {
                oldest = self.queue.pop_front();
            }
            let Some(entry) = oldest else { return };
            self.settle(&entry, Fate::Displaced);
            self.figures.displaced_age += 1;
        }
    }

    fn enforce_size(&mut self) {
        while self.waiting().bytes > self.plan.max_bytes && self.waiting().events > 1 {
            let mut oldest = self.ready.pop_front();
            if oldest.is_none() && self.spilled.totals.events == 0 {
                oldest = self.pop_queued().or_else(|| self.pop_handed(|_| true));
            }
            let Some(entry) = oldest else { return };
            self.settle(&entry, Fate::Displaced);
            self.figures.displaced_size += 1;
        }
    }

    /// The oldest queued event, unless it is the only one.
    fn pop_queued(&mut self) -> Option<Entry> {
        if self.queue.len() > 1 { self.queue.pop_front() } else { None }
    }

    /// The first of those handed out, when it is as wished.
    fn pop_handed(&mut self, is_wished: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let first = self.handed.first_entry()?;
        if is_wished(first.get()) { Some(first.remove()) } else { None }
    }

    /// The first of those handed out that is not on disk.
    fn pop_handed_unwritten(&mut self) -> Option<Entry> {
        let (&key, _) = self.handed.iter().find(|(_, entry)| !entry.is_written())?;
        self.handed.remove(&key)
    }
}
