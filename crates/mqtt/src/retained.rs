//! The retained topics' latest values, and which of them the broker does not have.

use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    sync::Arc,
};

use sightline_core::event::Retained;

struct Slot {
    value: Retained,
    /// The broker does not have this value, and it is not on its way.
    is_due: bool,
    /// In `queue`.
    is_queued: bool,
    /// A value of this topic is on its way. Until it is acknowledged no other follows: a burst of values becomes the
    /// first and the last.
    is_in_flight: bool,
}

/// One slot per topic. As many topics as there are cameras and labels: bounded by the configuration.
#[derive(Default)]
pub(crate) struct RetainedTopics {
    slots: BTreeMap<Arc<str>, Slot>,
    queue: VecDeque<Arc<str>>,
    in_flight: usize,
}

impl RetainedTopics {
    /// The topic's new value.
    pub(crate) fn set(&mut self, topic: String, value: Retained) {
        let topic: Arc<str> = topic.into();
        let slot = match self.slots.entry(topic.clone()) {
            Entry::Vacant(entry) => entry.insert(Slot { value, is_due: true, is_queued: false, is_in_flight: false }),
            Entry::Occupied(entry) => {
                let slot = entry.into_mut();
                slot.is_due |= slot.value != value;
                slot.value = value;
                slot
            }
        };
        Self::enqueue(&mut self.queue, &topic, slot);
    }

    fn enqueue(queue: &mut VecDeque<Arc<str>>, topic: &Arc<str>, slot: &mut Slot) {
        if slot.is_due && !slot.is_queued && !slot.is_in_flight {
            slot.is_queued = true;
            queue.push_back(topic.clone());
        }
    }

    /// The next topic to publish, with its latest value; it is in flight from now on.
    pub(crate) fn next_to_send(&mut self) -> Option<(Arc<str>, Retained)> {
        let topic = self.queue.pop_front()?;
        let slot = self.slots.get_mut(&topic)?;
        slot.is_queued = false;
        slot.is_due = false;
        slot.is_in_flight = true;
        self.in_flight += 1;
        Some((topic, slot.value.clone()))
    }

    /// The broker has what was sent last on this topic.
    pub(crate) fn acknowledge(&mut self, topic: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(topic) else { return };
        slot.is_in_flight = false;
        self.in_flight -= 1;
        Self::enqueue(&mut self.queue, topic, slot);
    }

    /// The connection is gone, and with it perhaps the broker's memory: all topics are to be published again.
    pub(crate) fn rewind(&mut self) {
        self.queue.clear();
        self.in_flight = 0;
        for (topic, slot) in &mut self.slots {
            slot.is_due = true;
            slot.is_queued = false;
            slot.is_in_flight = false;
            Self::enqueue(&mut self.queue, topic, slot);
        }
    }

    /// Topics waiting to be published.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Topics whose value was sent, but not acknowledged.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the broker has the latest value of every topic.
    pub(crate) fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.in_flight == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(present: u32) -> Retained {
        Retained::Count { camera: "yard".into(), label: "person".into(), present }
    }

    #[test]
    fn a_burst_becomes_its_first_and_its_last_value() {
        let mut topics = RetainedTopics::default();
        topics.set("t".into(), count(1));
        let (topic, first) = topics.next_to_send().unwrap();
        for present in 2..=50 {
            topics.set("t".into(), count(present));
        }
        assert_eq!(first, count(1));
        assert!(topics.next_to_send().is_none(), "one value of a topic at a time");
        topics.acknowledge(&topic);
        assert_eq!(topics.next_to_send().unwrap().1, count(50));
        topics.acknowledge(&topic);
        assert!(topics.is_settled());
    }

    #[test]
    fn while_disconnected_only_the_newest_is_kept() {
        let mut topics = RetainedTopics::default();
        topics.set("t".into(), count(1));
        topics.set("t".into(), count(2));
        assert_eq!(topics.waiting(), 1);
        assert_eq!(topics.next_to_send().unwrap().1, count(2));
        assert!(topics.next_to_send().is_none());
    }

    #[test]
    fn an_unchanged_value_is_not_published_again() {
        let mut topics = RetainedTopics::default();
        topics.set("t".into(), count(1));
        let (topic, _) = topics.next_to_send().unwrap();
        topics.acknowledge(&topic);
        topics.set("t".into(), count(1));
        assert!(topics.is_settled());
    }

    #[test]
    fn a_value_that_went_back_while_another_was_in_flight_is_published() {
        let mut topics = RetainedTopics::default();
        topics.set("t".into(), count(1));
        let (topic, _) = topics.next_to_send().unwrap();
        topics.set("t".into(), count(2));
        topics.set("t".into(), count(1));
        topics.acknowledge(&topic);
        assert_eq!(topics.next_to_send().unwrap().1, count(1), "once too often is right, once too seldom is stale");
    }

    #[test]
    fn after_a_rewind_every_topic_is_published_once_with_its_latest_value() {
        let mut topics = RetainedTopics::default();
        topics.set("a".into(), count(1));
        topics.set("b".into(), count(1));
        topics.next_to_send().unwrap();
        topics.set("a".into(), count(7));
        topics.rewind();
        let sent: Vec<_> = std::iter::from_fn(|| topics.next_to_send()).collect();
        assert_eq!(sent, [("a".into(), count(7)), ("b".into(), count(1))]);
    }
}
