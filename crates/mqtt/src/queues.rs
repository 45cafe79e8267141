//! What waits to be published: filled from any thread, emptied by the session's task.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, FrameDetections, Retained},
    histogram::StageTimes,
    outbox::{EventKey, Outbox, OutboxFigures},
    ports::Offered,
    time::WallTime,
};
use tokio::sync::Notify;

use self::{detections::DetectionQueue, leftovers::Leftovers};
use crate::{
    counters::PublisherCounters,
    error::MqttErrorCode,
    events::Events,
    retained::{Cleared, GivenUp, RetainedTopics},
    settings::MqttSettings,
    topics::Topics,
};

mod detections;
mod leftovers;

/// The next thing to publish.
pub(crate) enum Work {
    Retained(Arc<str>, Retained),
    /// It is not ours, or not any more.
    Clear(Arc<str>),
    Event(EventKey, Event),
    Picture(Arc<str>, Arc<[u8]>),
    Detections(FrameDetections),
}

/// How much of what may be on its way to the broker.
pub(crate) struct Allowance {
    pub(crate) retained: usize,
    pub(crate) events: usize,
    pub(crate) pictures: bool,
    pub(crate) detections: bool,
}

struct State {
    is_connected: bool,
    is_closed: bool,
    has_been_connected: bool,
    retained: RetainedTopics,
    /// Retained topics still to be published on this connection before its first event.
    retained_first: usize,
    leftovers: Leftovers,
    detections: DetectionQueue,
    counters: PublisherCounters,
}

/// Shared between the handles and the session. The lock is held for queue operations only: never over serialising,
/// logging or I/O, so that a camera's thread never waits for the broker.
pub(crate) struct Queues {
    state: Mutex<State>,
    pub(crate) events: Events,
    /// Tells the session that there is something to do.
    pub(crate) wake: Arc<Notify>,
    pub(crate) topics: Topics,
    broker: String,
    max_snapshot: usize,
}

impl Queues {
    /// Policies when full: events, the outbox's; detections, see [`DetectionQueue::new`]; retained values, one per topic.
    pub(crate) fn new(
        outbox: Arc<dyn Outbox>,
        stages: Arc<StageTimes>,
        topics: Topics,
        wishes_detections: bool,
        broker: String,
        settings: &MqttSettings,
    ) -> Self {
        let state = State {
            is_connected: false,
            is_closed: false,
            has_been_connected: false,
            retained: RetainedTopics::default(),
            retained_first: 0,
            leftovers: Leftovers::default(),
            detections: DetectionQueue::new(settings.detections_waiting, wishes_detections),
            counters: PublisherCounters::default(),
        };
        let wake = Arc::new(Notify::new());
        let events = Events::new(outbox, stages, {
            let wake = wake.clone();
            Arc::new(move || wake.notify_one())
        });
        Self { state: Mutex::new(state), events, wake, topics, broker, max_snapshot: settings.snapshot_bytes }
    }

    pub(crate) fn offer_detections(&self, detections: FrameDetections) -> Offered {
        let mut state = self.state.lock();
        let may_be_sent = state.is_connected && !state.is_closed;
        let (offered, forced_out) = state.detections.offer(detections, may_be_sent);
        drop(state);

        if offered != Offered::Refused {
            self.wake.notify_one();
        }
        drop(forced_out);
        offered
    }

    /// Whether frames' detections are wished from now on.
    pub(crate) fn wish_detections(&self, is_wished: bool) {
        self.state.lock().detections.wish(is_wished);
    }

    /// A picture that is too large is not taken: the one before stays.
    pub(crate) fn retain(&self, value: Retained) {
        let topic = self.topics.retained(&value);
        if let Retained::Snapshot { jpeg, .. } = &value
            && jpeg.len() > self.max_snapshot
        {
            self.refuse_snapshot(&topic, jpeg.len());
            return;
        }
        self.state.lock().retained.set(topic, value);
        self.wake.notify_one();
    }

    fn refuse_snapshot(&self, topic: &str, bytes: usize) {
        let mut state = self.state.lock();
        state.counters.snapshots_refused += 1;
        let is_first = state.counters.snapshots_refused == 1;
        drop(state);
        if is_first {
            let (broker, limit) = (&self.broker, self.max_snapshot);
            tracing::warn!(
                broker,
                topic,
                bytes,
                limit,
                "a picture is too large to be published; a lower snapshots.quality, or snapshots.crop, makes it \
                 smaller; further ones are only counted"
            );
        }
    }

    /// The topic is ours, be there a value or not.
    pub(crate) fn own(&self, topic: String) {
        self.state.lock().retained.own(topic);
    }

    /// The camera's topics are ours only until [`Self::declared`], unless they are owned or get a value before.
    pub(crate) fn renounce(&self, camera: &str) {
        let prefix = self.topics.camera_prefix(camera);
        self.state.lock().retained.renounce(&prefix);
    }

    /// There is a connection; all retained topics are due on it.
    pub(crate) fn connected(&self) {
        self.events.connected();
        let mut state = self.state.lock();
        state.is_connected = true;
        state.retained_first = state.retained.waiting();
        state.counters.reconnects += u64::from(state.has_been_connected);
        state.has_been_connected = true;
    }

    /// A connection, or an attempt at one, has failed.
    pub(crate) fn failed(&self, code: MqttErrorCode) {
        self.state.lock().counters.failures.count(code);
    }

    /// The connection is gone: what it left unacknowledged waits for the next.
    pub(crate) fn disconnected(&self) {
        self.events.disconnected();
        let mut state = self.state.lock();
        state.is_connected = false;
        let given_up = state.retained.rewind();
        state.counters.snapshots_refused += u64::from(given_up.is_some());
        state.detections.lose();
        drop(state);
        if let Some(GivenUp { topic, bytes }) = given_up {
            let broker = &self.broker;
            tracing::warn!(
                broker,
                %topic,
                bytes,
                "a picture is not sent any more because the connection was lost under it again and again; is it larger \
                 than the broker takes, or the link too slow for it?"
            );
        }
    }

    /// The next thing to publish within `allowance`: after a CONNACK first every retained topic, then, whenever
    /// allowed, retained before events before detections. Each kind has an allowance of its own, so none starves.
    /// Pictures are megabytes for which everything behind them has to wait: one comes when no event is left to hand
    /// over.
    pub(crate) fn next(&self, allowance: &Allowance) -> Option<Work> {
        let mut state = self.state.lock();
        if state.retained.in_flight() < allowance.retained
            && let Some((topic, value)) = state.retained.next_to_send()
        {
            state.retained_first = state.retained_first.saturating_sub(1);
            return Some(match value {
                Some(value) => Work::Retained(topic, value),
                None => Work::Clear(topic),
            });
        }
        let may_send_events = state.retained_first == 0 && self.events.in_flight() < allowance.events;
        drop(state); // The outbox has a lock of its own.
        if may_send_events && let Some((key, event)) = self.events.next() {
            return Some(Work::Event(key, event));
        }

        let mut state = self.state.lock();
        let has_handed_over_the_rest = may_send_events && state.retained.waiting() == 0;
        if allowance.pictures
            && has_handed_over_the_rest
            && let Some((topic, jpeg)) = state.retained.next_picture()
        {
            return Some(Work::Picture(topic, jpeg));
        }
        if allowance.detections
            && let Some(detections) = state.detections.submit()
        {
            return Some(Work::Detections(detections));
        }
        None
    }

    /// The broker has the event, so long after it was handed over.
    pub(crate) fn event_acknowledged(&self, key: EventKey, delivery: Duration) {
        self.events.acknowledged(key, delivery, WallTime::from_system(SystemTime::now()));
    }

    /// The broker has the value, or has forgotten it.
    pub(crate) fn retained_acknowledged(&self, topic: &Arc<str>) {
        let mut state = self.state.lock();
        let Some(cleared) = state.retained.acknowledge(topic) else { return };
        state.counters.retained_cleared += 1;
        if cleared == Cleared::Leftover {
            state.leftovers.cleared();
        }
    }

    /// One frame's detections were written to the socket.
    pub(crate) fn detections_sent(&self) {
        self.state.lock().detections.sent();
    }

    /// Frames' detections handed to rumqttc, not yet written.
    pub(crate) fn detections_submitted(&self) -> u64 {
        self.state.lock().detections.submitted()
    }

    /// When the broker has everything: this is the end.
    pub(crate) fn close_if_settled(&self) -> bool {
        let mut state = self.state.lock();
        if !state.retained.is_settled() || !self.events.close_if_settled() {
            return false;
        }
        state.is_closed = true;
        true
    }

    /// This is the end, be everything delivered or not. What is left of the events.
    pub(crate) fn close(&self) -> OutboxFigures {
        self.state.lock().is_closed = true;
        self.events.close()
    }

    pub(crate) fn counters(&self) -> PublisherCounters {
        let state = self.state.lock();
        PublisherCounters {
            events_republished: self.events.republished(),
            detections: state.detections.counters(),
            ..state.counters
        }
    }
}

#[cfg(test)]
#[path = "queues_tests.rs"]
mod tests;
