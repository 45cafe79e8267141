//! The retained topics: what each is to hold, which of them the broker does not have, and which are not ours any more.

use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    sync::Arc,
};

use sightline_core::event::Retained;

use self::slot::{Content, LOSSES, Slot};

mod slot;

/// Topics with something of an earlier run that wait to be cleared. What is beyond it is found again after the next
/// CONNACK.
const LEFTOVERS: usize = 4096;

/// A picture that is not tried again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) topic: Arc<str>,
    pub(crate) bytes: usize,
}

/// A topic that was cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleared {
    /// Of an earlier run.
    Leftover,
    /// Of this run, until it renounced it.
    Renounced,
}

/// One slot per topic. As many topics as there are cameras, labels, zones and lines: bounded by the configuration, and
/// what an earlier run left by [`LEFTOVERS`].
#[derive(Default)]
pub(crate) struct RetainedTopics {
    slots: BTreeMap<Arc<str>, Slot>,
    queue: VecDeque<Arc<str>>,
    /// The same for pictures, which come after everything else, one at a time.
    pictures: VecDeque<Arc<str>>,
    in_flight: usize,
    picture_in_flight: Option<Arc<str>>,
    leftovers: usize,
}

impl RetainedTopics {
    /// The topic's new value.
    pub(crate) fn set(&mut self, topic: String, value: Retained) {
        let topic: Arc<str> = topic.into();
        self.hold(&topic, Content::Value(Box::new(value)));
        self.enqueue(&topic);
    }

    /// The topic is ours, be there a value or not.
    pub(crate) fn own(&mut self, topic: String) {
        match self.slots.get_mut(topic.as_str()) {
            Some(slot) if slot.is_ours() => slot.is_renounced = false,
            _ => self.hold(&topic.into(), Content::AsItIs),
        }
    }

    fn hold(&mut self, topic: &Arc<str>, content: Content) {
        match self.slots.entry(topic.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Slot::new(content));
            }
            Entry::Occupied(entry) => {
                let slot = entry.into_mut();
                self.leftovers -= usize::from(slot.content == Content::NoLeftover);
                slot.is_renounced = false;
                slot.hold(content);
            }
        }
    }

    /// Whether this run publishes, or may publish, on the topic.
    pub(crate) fn owns(&self, topic: &str) -> bool {
        self.slots.get(topic).is_some_and(Slot::is_ours)
    }

    /// The topics that begin with `prefix` are ours only until [`Self::clear_renounced`], unless they get a value or are
    /// owned again before.
    pub(crate) fn renounce(&mut self, prefix: &str) {
        for (_, slot) in self.slots.iter_mut().filter(|(topic, slot)| topic.starts_with(prefix) && slot.is_ours()) {
            slot.is_renounced = true;
        }
    }

    /// What is renounced by now is to be cleared.
    pub(crate) fn clear_renounced(&mut self) {
        let renounced = self.slots.iter().filter(|(_, slot)| slot.is_renounced);
        let topics: Vec<Arc<str>> = renounced.map(|(topic, _)| topic.clone()).collect();
        for topic in topics {
            // What clears a picture waits among the others.
            if let Some(index) = self.pictures.iter().position(|queued| *queued == topic) {
                self.pictures.remove(index);
                self.dequeued(&topic);
            }
            self.hold(&topic, Content::NoLonger);
            self.enqueue(&topic);
        }
    }

    /// The broker keeps something on this topic, from an earlier run: to be cleared unless it is ours. `false` when
    /// there is nothing to do, or no room.
    pub(crate) fn clear_leftover(&mut self, topic: &str) -> bool {
        if self.slots.contains_key(topic) || self.leftovers >= LEFTOVERS {
            return false;
        }
        let topic: Arc<str> = topic.into();
        self.slots.insert(topic.clone(), Slot::new(Content::NoLeftover));
        self.leftovers += 1;
        self.enqueue(&topic);
        true
    }

    fn enqueue(&mut self, topic: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(topic) else { return };
        if !slot.is_due || slot.is_queued || slot.is_in_flight {
            return;
        }
        slot.is_queued = true;
        let queue = if slot.is_picture() { &mut self.pictures } else { &mut self.queue };
        queue.push_back(topic.clone());
    }

    fn dequeued(&mut self, topic: &Arc<str>) {
        if let Some(slot) = self.slots.get_mut(topic) {
            slot.is_queued = false;
        }
    }

    /// The next topic to publish, with its latest value, or with none when it is to be cleared; it is in flight from
    /// now on. No pictures.
    pub(crate) fn next_to_send(&mut self) -> Option<(Arc<str>, Option<Retained>)> {
        loop {
            let topic = self.queue.pop_front()?;
            let Some(slot) = self.slots.get_mut(&topic) else { continue };
            slot.is_queued = false;
            if slot.is_picture() || !slot.is_due {
                // It was to be cleared when it was queued, and is a picture's now, with one or without.
                self.enqueue(&topic);
                continue;
            }
            slot.is_due = false;
            slot.is_in_flight = true;
            self.in_flight += 1;
            return Some((topic, slot.value().cloned()));
        }
    }

    /// The next picture to publish, when none is in flight; it is from now on.
    pub(crate) fn next_picture(&mut self) -> Option<(Arc<str>, Arc<[u8]>)> {
        if self.picture_in_flight.is_some() {
            return None;
        }
        let topic = self.pictures.pop_front()?;
        let slot = self.slots.get_mut(&topic)?;
        slot.is_queued = false;
        let Some(Retained::Snapshot { jpeg, .. }) = slot.value() else { return None };
        let jpeg = jpeg.clone();
        slot.is_due = false;
        slot.is_in_flight = true;
        self.picture_in_flight = Some(topic.clone());
        Some((topic, jpeg))
    }

    /// The broker has what was sent last on this topic; a picture or anything else. Told when that cleared it.
    pub(crate) fn acknowledge(&mut self, topic: &Arc<str>) -> Option<Cleared> {
        let slot = self.slots.get_mut(topic)?;
        slot.is_in_flight = false;
        if self.picture_in_flight.as_ref() == Some(topic) {
            self.picture_in_flight = None;
            slot.losses = 0;
        } else {
            self.in_flight -= 1;
        }
        let cleared = match slot.content {
            _ if slot.is_due => None, // What was sent is not what it is to hold by now.
            Content::NoLeftover => Some(Cleared::Leftover),
            Content::NoLonger => Some(Cleared::Renounced),
            Content::Value(_) | Content::AsItIs => None,
        };
        if let Some(cleared) = cleared {
            self.slots.remove(topic);
            self.leftovers -= usize::from(cleared == Cleared::Leftover);
            return Some(cleared);
        }
        self.enqueue(topic);
        None
    }

    /// The connection is gone, and with it perhaps the broker's memory: all topics are to be published again. What an
    /// earlier run left will be found anew.
    pub(crate) fn rewind(&mut self) -> Option<GivenUp> {
        let given_up = self.blame_picture();
        self.queue.clear();
        self.pictures.clear();
        self.in_flight = 0;
        self.leftovers = 0;
        self.slots.retain(|_, slot| slot.content != Content::NoLeftover);
        for slot in self.slots.values_mut() {
            slot.rewind();
        }
        let topics: Vec<_> = self.slots.keys().cloned().collect();
        for topic in &topics {
            self.enqueue(topic);
        }
        given_up
    }

    /// The picture that was on its way may be what ended the connection.
    fn blame_picture(&mut self) -> Option<GivenUp> {
        let topic = self.picture_in_flight.take()?;
        let slot = self.slots.get_mut(&topic)?;
        slot.losses += 1;
        match slot.value() {
            Some(Retained::Snapshot { jpeg, .. }) if slot.losses == LOSSES => {
                Some(GivenUp { bytes: jpeg.len(), topic })
            }
            _ => None,
        }
    }

    /// Topics waiting to be published, without pictures.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Topics whose value was sent, but not acknowledged, without pictures.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the broker has the latest value of every topic.
    pub(crate) fn is_settled(&self) -> bool {
        let has_no_picture = self.pictures.is_empty() && self.picture_in_flight.is_none();
        self.queue.is_empty() && self.in_flight == 0 && has_no_picture
    }
}

#[cfg(test)]
mod renounced_tests;
#[cfg(test)]
#[path = "retained_tests.rs"]
mod tests;
