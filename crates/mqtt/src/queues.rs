//! What waits to be published: filled from any thread, emptied by the session's task.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, FrameDetections, Retained},
    ports::Offered,
};
use tokio::sync::Notify;

use crate::{
    outbox::{Key, Outbox},
    retained::RetainedTopics,
    settings::MqttSettings,
    topics::Topics,
};

/// What became of everything offered. Always, and exactly:
/// `events_offered = acknowledged + displaced + refused + waiting`, and the same for detections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounters {
    /// Events offered.
    pub events_offered: u64,
    /// The broker has them.
    pub events_acknowledged: u64,
    /// Forced out of the full outbox, oldest first.
    pub events_displaced: u64,
    /// Offered after the shutdown.
    pub events_refused: u64,
    /// In the outbox now.
    pub events_waiting: u64,
    /// Frames' detections offered.
    pub detections_offered: u64,
    /// Written to the socket.
    pub detections_sent: u64,
    /// Forced out of the full queue, oldest first.
    pub detections_displaced: u64,
    /// Offered while not connected, after the shutdown, or although the plan does not wish them.
    pub detections_refused: u64,
    /// Lost with the connection before they were written.
    pub detections_lost: u64,
    /// On their way to the socket now.
    pub detections_waiting: u64,
    /// Connections made after the first.
    pub reconnects: u64,
}

/// The next thing to publish.
pub(crate) enum Work {
    Retained(Arc<str>, Retained),
    Event(Key, Event),
    Detections(FrameDetections),
}

/// How much of what may be on its way to the broker.
pub(crate) struct Allowance {
    pub(crate) retained: usize,
    pub(crate) events: usize,
    pub(crate) detections: bool,
}

struct State {
    is_connected: bool,
    is_closed: bool,
    has_been_connected: bool,
    outbox: Outbox,
    retained: RetainedTopics,
    /// Retained topics still to be published on this connection before its first event.
    retained_first: usize,
    detections: VecDeque<FrameDetections>,
    /// Handed to rumqttc, not yet written.
    detections_submitted: u64,
    /// Events displaced since the outbox became full; `None` while it is not.
    episode: Option<u64>,
    counters: PublisherCounters,
}

/// Shared between the handles and the session. The lock is held for queue operations only: never over serialising,
/// logging or I/O, so that a camera's thread never waits for the broker.
pub(crate) struct Queues {
    state: Mutex<State>,
    /// Tells the session that there is something to do.
    pub(crate) wake: Notify,
    pub(crate) topics: Topics,
    broker: String,
    wishes_detections: bool,
    max_events: usize,
    max_detections: usize,
}

impl Queues {
    /// Policies when full: events, see [`Outbox::new`]; detections, the oldest frame is forced out, because they feed
    /// live views, for which only the newest frame is worth anything; retained values, one per topic.
    pub(crate) fn new(topics: Topics, wishes_detections: bool, broker: String, settings: &MqttSettings) -> Self {
        let state = State {
            is_connected: false,
            is_closed: false,
            has_been_connected: false,
            outbox: Outbox::new(settings.outbox_events, settings.outbox_bytes),
            retained: RetainedTopics::default(),
            retained_first: 0,
            detections: VecDeque::new(),
            detections_submitted: 0,
            episode: None,
            counters: PublisherCounters::default(),
        };
        Self {
            state: Mutex::new(state),
            wake: Notify::new(),
            topics,
            broker,
            wishes_detections,
            max_events: settings.outbox_events,
            max_detections: settings.detections_waiting.max(1),
        }
    }

    pub(crate) fn offer(&self, mut event: Event) -> Offered {
        let mut state = self.state.lock();
        state.counters.events_offered += 1;
        if state.is_closed {
            state.counters.events_refused += 1;
            return Offered::Refused;
        }
        event.replayed |= !state.is_connected;
        let displaced = state.outbox.push(event).displaced;
        state.counters.events_displaced += displaced;
        let starts_episode = displaced > 0 && state.episode.is_none();
        if displaced > 0 {
            state.episode = Some(state.episode.unwrap_or(0) + displaced);
        }
        drop(state);

        self.wake.notify_one();
        if starts_episode {
            let (broker, max_events) = (&self.broker, self.max_events);
            tracing::warn!(broker, max_events, "event outbox is full: the oldest events are being dropped");
        }
        if displaced > 0 { Offered::AcceptedDisplacingOldest } else { Offered::Accepted }
    }

    pub(crate) fn offer_detections(&self, detections: FrameDetections) -> Offered {
        let mut state = self.state.lock();
        state.counters.detections_offered += 1;
        if !self.wishes_detections || !state.is_connected || state.is_closed {
            state.counters.detections_refused += 1;
            return Offered::Refused;
        }
        state.detections.push_back(detections);
        let is_over = state.detections.len() > self.max_detections;
        let oldest = if is_over { state.detections.pop_front() } else { None };
        state.counters.detections_displaced += u64::from(is_over);
        drop(state);

        self.wake.notify_one();
        if oldest.is_some() { Offered::AcceptedDisplacingOldest } else { Offered::Accepted }
    }

    pub(crate) fn retain(&self, value: Retained) {
        let topic = self.topics.retained(&value);
        self.state.lock().retained.set(topic, value);
        self.wake.notify_one();
    }

    /// There is a connection; all retained topics are due on it.
    pub(crate) fn connected(&self) {
        let mut state = self.state.lock();
        state.is_connected = true;
        state.retained_first = state.retained.waiting();
        state.counters.reconnects += u64::from(state.has_been_connected);
        state.has_been_connected = true;
    }

    /// The connection is gone: what it left unacknowledged waits for the next.
    pub(crate) fn disconnected(&self) {
        let mut state = self.state.lock();
        state.is_connected = false;
        state.outbox.rewind();
        state.retained.rewind();
        let waiting = state.detections.len() as u64 + state.detections_submitted;
        state.detections.clear();
        state.detections_submitted = 0;
        state.counters.detections_lost += waiting;
    }

    /// The next thing to publish within `allowance`: after a CONNACK first every retained topic, then, whenever
    /// allowed, retained before events before detections. Each kind has an allowance of its own, so none starves.
    pub(crate) fn next(&self, allowance: &Allowance) -> Option<Work> {
        let mut state = self.state.lock();
        if state.retained.in_flight() < allowance.retained
            && let Some((topic, value)) = state.retained.next_to_send()
        {
            state.retained_first = state.retained_first.saturating_sub(1);
            return Some(Work::Retained(topic, value));
        }
        if state.retained_first == 0
            && state.outbox.in_flight() < allowance.events
            && let Some((key, event)) = state.outbox.next_to_send()
        {
            return Some(Work::Event(key, event));
        }
        if allowance.detections
            && let Some(detections) = state.detections.pop_front()
        {
            state.detections_submitted += 1;
            return Some(Work::Detections(detections));
        }
        None
    }

    /// The broker has the event.
    pub(crate) fn event_acknowledged(&self, key: Key) {
        let mut state = self.state.lock();
        if !state.outbox.acknowledge(key) {
            return;
        }
        state.counters.events_acknowledged += 1;
        // Half empty, not merely below the bound: an outbox that hovers at its bound is one episode, not thousands.
        let has_caught_up = state.outbox.len() <= self.max_events / 2;
        let Some(dropped) = state.episode.filter(|_| has_caught_up) else { return };
        state.episode = None;
        drop(state);
        tracing::warn!(broker = self.broker, dropped, "event outbox has room again; that many events were dropped");
    }

    /// The broker has the value.
    pub(crate) fn retained_acknowledged(&self, topic: &Arc<str>) {
        self.state.lock().retained.acknowledge(topic);
    }

    /// One frame's detections were written to the socket.
    pub(crate) fn detections_sent(&self) {
        let mut state = self.state.lock();
        state.detections_submitted = state.detections_submitted.saturating_sub(1);
        state.counters.detections_sent += 1;
    }

    /// Frames' detections handed to rumqttc, not yet written.
    pub(crate) fn detections_submitted(&self) -> u64 {
        self.state.lock().detections_submitted
    }

    /// Whether the broker has every event.
    pub(crate) fn has_no_events(&self) -> bool {
        self.state.lock().outbox.len() == 0
    }

    /// When the broker has everything: refuses from now on, and says so.
    pub(crate) fn close_if_settled(&self) -> bool {
        let mut state = self.state.lock();
        if state.outbox.len() > 0 || !state.retained.is_settled() {
            return false;
        }
        state.is_closed = true;
        true
    }

    /// Refuses from now on. Events left.
    pub(crate) fn close(&self) -> usize {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.outbox.len()
    }

    pub(crate) fn counters(&self) -> PublisherCounters {
        let state = self.state.lock();
        let mut counters = state.counters;
        counters.events_waiting = state.outbox.len() as u64;
        counters.detections_waiting = state.detections.len() as u64 + state.detections_submitted;
        counters
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sightline_core::plan::MqttPlan;
    use tracing::{Metadata, span, subscriber::with_default};

    use super::*;
    use crate::test_events::event;

    const ALL: Allowance = Allowance { retained: 64, events: 100, detections: true };

    fn queues(outbox_events: usize) -> Queues {
        let plan = MqttPlan {
            host: "b".into(),
            port: 1883,
            tls: None,
            credentials: None,
            prefix: "p".into(),
            node: "n".into(),
            detections: true,
        };
        let settings = MqttSettings { outbox_events, ..MqttSettings::default() };
        Queues::new(Topics::new(&plan), true, "b:1883".into(), &settings)
    }

    fn count(label: &str, present: u32) -> Retained {
        Retained::Count { camera: "c".into(), label: label.into(), present }
    }

    /// Counts log lines.
    struct Lines(Arc<AtomicUsize>);

    impl tracing::Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn displacing_is_logged_once_at_its_begin_and_once_at_its_end() {
        let lines = Arc::new(AtomicUsize::new(0));
        with_default(Lines(lines.clone()), || {
            let queues = queues(10);
            for episode in 1..=3 {
                for seq in 0..100 {
                    queues.offer(event(seq));
                }
                assert_eq!(lines.load(Ordering::Relaxed), 2 * episode - 1);
                queues.connected();
                while let Some(Work::Event(key, _)) = queues.next(&ALL) {
                    queues.event_acknowledged(key);
                }
                assert_eq!(lines.load(Ordering::Relaxed), 2 * episode);
                queues.disconnected();
            }
            assert_eq!(queues.counters().events_displaced, 3 * 90);
        });
    }

    #[test]
    fn after_a_connack_every_retained_topic_comes_before_the_first_event() {
        let queues = queues(10);
        queues.offer(event(0));
        for label in ["a", "b", "c"] {
            queues.retain(count(label, 1));
        }
        queues.connected();
        // One in flight at a time, as if there were more topics than the window holds: events wait all the same.
        let narrow = Allowance { retained: 1, ..ALL };
        for left in [2, 1, 0] {
            let Some(Work::Retained(topic, _)) = queues.next(&narrow) else { panic!("a retained topic is due") };
            if left > 0 {
                assert!(queues.next(&narrow).is_none(), "an event came before the last retained topic");
            }
            queues.retained_acknowledged(&topic);
        }
        assert!(matches!(queues.next(&narrow), Some(Work::Event(..))));
    }

    #[test]
    fn no_kind_waits_for_another_kind_s_window() {
        let queues = queues(10);
        queues.connected();
        queues.retain(count("a", 1));
        queues.offer(event(0));
        let full = Allowance { retained: 0, ..ALL };
        assert!(matches!(queues.next(&full), Some(Work::Event(..))));
        assert!(matches!(queues.next(&ALL), Some(Work::Retained(..))));
    }
}
