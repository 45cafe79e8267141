//! The retained topics: their latest values, which of them the broker does not have, and which are not ours any more.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    sync::Arc,
};

use sightline_core::event::Retained;

/// A picture during whose sending the connection was lost so often is given up: a broker that disconnects who sends
/// it something large (`max_packet_size`), or a link that takes longer for it than rumqttc waits, would be lost again
/// with each new connection.
const LOSSES: u8 = 2;
/// Topics that wait to be cleared. What is beyond it is found again after the next CONNACK.
const CLEARING: usize = 4096;

struct Slot {
    /// `None`: an earlier run left something here, which is to be cleared.
    value: Option<Retained>,
    /// The broker does not have this value, and it is not on its way.
    is_due: bool,
    /// In `queue` or `pictures`.
    is_queued: bool,
    /// A value of this topic is on its way. Until it is acknowledged no other follows: a burst of values becomes the
    /// first and the last.
    is_in_flight: bool,
    /// Connections lost in a row while this picture was on its way.
    losses: u8,
}

impl Slot {
    const fn new(value: Option<Retained>) -> Self {
        Self { value, is_due: true, is_queued: false, is_in_flight: false, losses: 0 }
    }
}

/// A picture that is not tried again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) topic: Arc<str>,
    pub(crate) bytes: usize,
}

/// One slot per topic. As many topics as there are cameras, labels, zones and lines: bounded by the configuration, and
/// what is to be cleared by [`CLEARING`].
#[derive(Default)]
pub(crate) struct RetainedTopics {
    slots: BTreeMap<Arc<str>, Slot>,
    /// Topics that are ours although they have no value yet.
    declared: BTreeSet<String>,
    queue: VecDeque<Arc<str>>,
    /// The same for pictures, which come after everything else, one at a time.
    pictures: VecDeque<Arc<str>>,
    in_flight: usize,
    picture_in_flight: Option<Arc<str>>,
    clearing: usize,
}

impl RetainedTopics {
    /// The topic's new value.
    pub(crate) fn set(&mut self, topic: String, value: Retained) {
        let topic: Arc<str> = topic.into();
        match self.slots.entry(topic.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Slot::new(Some(value)));
            }
            Entry::Occupied(entry) => {
                let slot = entry.into_mut();
                self.clearing -= usize::from(slot.value.is_none());
                let value = Some(value);
                // Pictures are behind an `Arc`, whose comparison looks at the pointers before it looks at megabytes.
                if slot.value != value {
                    slot.is_due = true;
                    slot.losses = 0;
                }
                slot.value = value;
            }
        }
        self.enqueue(&topic);
    }

    /// The topic is ours, be there a value or not.
    pub(crate) fn declare(&mut self, topic: String) {
        self.declared.insert(topic);
    }

    /// Whether this run publishes, or may publish, on the topic.
    pub(crate) fn owns(&self, topic: &str) -> bool {
        self.declared.contains(topic) || self.slots.get(topic).is_some_and(|slot| slot.value.is_some())
    }

    /// The broker keeps something on this topic, from an earlier run: to be cleared unless it is ours. `false` when
    /// there is nothing to do, or no room.
    pub(crate) fn clear(&mut self, topic: &str) -> bool {
        if self.owns(topic) || self.slots.contains_key(topic) || self.clearing >= CLEARING {
            return false;
        }
        let topic: Arc<str> = topic.into();
        self.slots.insert(topic.clone(), Slot::new(None));
        self.clearing += 1;
        self.enqueue(&topic);
        true
    }

    fn enqueue(&mut self, topic: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(topic) else { return };
        if !slot.is_due || slot.is_queued || slot.is_in_flight {
            return;
        }
        slot.is_queued = true;
        let is_picture = matches!(slot.value, Some(Retained::Snapshot { .. }));
        let queue = if is_picture { &mut self.pictures } else { &mut self.queue };
        queue.push_back(topic.clone());
    }

    /// The next topic to publish, with its latest value, or with none when it is to be cleared; it is in flight from
    /// now on. No pictures.
    pub(crate) fn next_to_send(&mut self) -> Option<(Arc<str>, Option<Retained>)> {
        loop {
            let topic = self.queue.pop_front()?;
            let slot = self.slots.get_mut(&topic)?;
            slot.is_queued = false;
            if matches!(slot.value, Some(Retained::Snapshot { .. })) {
                // It was to be cleared when it was queued, and has become a picture since.
                self.enqueue(&topic);
                continue;
            }
            slot.is_due = false;
            slot.is_in_flight = true;
            self.in_flight += 1;
            return Some((topic, slot.value.clone()));
        }
    }

    /// The next picture to publish, when none is in flight; it is from now on.
    pub(crate) fn next_picture(&mut self) -> Option<(Arc<str>, Arc<[u8]>)> {
        if self.picture_in_flight.is_some() {
            return None;
        }
        let topic = self.pictures.pop_front()?;
        let slot = self.slots.get_mut(&topic)?;
        let Some(Retained::Snapshot { jpeg, .. }) = &slot.value else { return None };
        slot.is_queued = false;
        slot.is_due = false;
        slot.is_in_flight = true;
        self.picture_in_flight = Some(topic.clone());
        Some((topic, jpeg.clone()))
    }

    /// The broker has what was sent last on this topic; a picture or anything else. `true` when that cleared it.
    pub(crate) fn acknowledge(&mut self, topic: &Arc<str>) -> bool {
        let Some(slot) = self.slots.get_mut(topic) else { return false };
        slot.is_in_flight = false;
        if self.picture_in_flight.as_ref() == Some(topic) {
            self.picture_in_flight = None;
            slot.losses = 0;
        } else {
            self.in_flight -= 1;
        }
        if slot.value.is_none() {
            self.slots.remove(topic);
            self.clearing -= 1;
            return true;
        }
        self.enqueue(topic);
        false
    }

    /// The connection is gone, and with it perhaps the broker's memory: all topics are to be published again. What is
    /// to be cleared will be found anew.
    pub(crate) fn rewind(&mut self) -> Option<GivenUp> {
        let given_up = self.blame_picture();
        self.queue.clear();
        self.pictures.clear();
        self.in_flight = 0;
        self.clearing = 0;
        self.slots.retain(|_, slot| slot.value.is_some());
        for slot in self.slots.values_mut() {
            slot.is_due = slot.losses < LOSSES;
            slot.is_queued = false;
            slot.is_in_flight = false;
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
        match &slot.value {
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
#[path = "retained_tests.rs"]
mod tests;
