//! What waits to be published: filled from any thread, emptied by the session's task.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use sightline_core::{
    event::{Event, FrameDetections, Retained},
    ports::Offered,
};
use tokio::sync::Notify;

use crate::{
    counters::PublisherCounters,
    leftover::Leftover,
    outbox::{Key, Outbox},
    retained::{GivenUp, RetainedTopics},
    settings::MqttSettings,
    topics::Topics,
};

/// After so many connections lost over it, leftovers are not asked for any more.
const SWEEPS_UNANSWERED: u8 = 2;

/// The next thing to publish.
pub(crate) enum Work {
    Retained(Arc<str>, Retained),
    /// An earlier run left something on the topic.
    Clear(Arc<str>),
    Event(Key, Event),
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
    outbox: Outbox,
    retained: RetainedTopics,
    /// Retained topics still to be published on this connection before its first event.
    retained_first: usize,
    /// Everything that this run owns is known: what else is retained is an earlier run's.
    is_declared: bool,
    /// Connections lost in a row after they were asked for leftovers.
    sweeps_unanswered: u8,
    has_told_refusal: bool,
    /// `retained_cleared` when it was last logged.
    cleared_told: u64,
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
    max_snapshot: usize,
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
            is_declared: false,
            sweeps_unanswered: 0,
            has_told_refusal: false,
            cleared_told: 0,
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
            max_snapshot: settings.snapshot_bytes,
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
        self.state.lock().retained.declare(topic);
    }

    /// From now on, what is retained and not ours is to be cleared.
    pub(crate) fn declared(&self) {
        self.state.lock().is_declared = true;
        self.wake.notify_one();
    }

    /// Whether leftovers of earlier runs are to be looked for.
    pub(crate) fn may_sweep(&self) -> bool {
        let state = self.state.lock();
        state.is_declared && state.sweeps_unanswered < SWEEPS_UNANSWERED
    }

    /// The broker's answer to the subscription. Once refused, a word in the log is enough.
    pub(crate) fn sweep_answered(&self, is_granted: bool) {
        let mut state = self.state.lock();
        state.sweeps_unanswered = 0;
        let is_news = !is_granted && !state.has_told_refusal;
        state.has_told_refusal |= is_news;
        drop(state);
        if is_news {
            self.warn_of_leftovers("refuses");
        }
    }

    /// The connection was lost instead of an answer: there are brokers that refuse in that way.
    pub(crate) fn sweep_unanswered(&self) {
        let mut state = self.state.lock();
        state.sweeps_unanswered = state.sweeps_unanswered.saturating_add(1);
        let is_given_up = state.sweeps_unanswered == SWEEPS_UNANSWERED;
        drop(state);
        if is_given_up {
            self.warn_of_leftovers("hangs up on");
        }
    }

    fn warn_of_leftovers(&self, does: &str) {
        let (broker, base) = (&self.broker, self.topics.base());
        tracing::warn!(
            broker,
            "the broker {does} the subscription to what is retained below {base}: cameras, labels, zones and lines \
             that are gone from the configuration keep their last values there; may this user read these topics?"
        );
    }

    /// Everything retained has been seen on this connection.
    pub(crate) fn sweep_is_over(&self) {
        let mut state = self.state.lock();
        let topics = state.counters.retained_cleared - state.cleared_told;
        state.cleared_told = state.counters.retained_cleared;
        drop(state);
        if topics > 0 {
            tracing::info!(broker = self.broker, topics, "cleared retained topics that an earlier run had left");
        }
    }

    /// The broker keeps `payload` on `topic`. Unless that is ours, or somebody else's, it is to be cleared.
    pub(crate) fn found_retained(&self, topic: &str, payload: &[u8]) {
        let Some(leftover) = Leftover::recognise(self.topics.base(), topic, payload) else { return };
        let mut state = self.state.lock();
        if !state.is_declared || state.is_closed {
            return;
        }
        // `<base>/<camera>/zone/count/<label>` may also be the count of a camera `zone` of a node `<camera>` whose
        // prefix is our base. That is ruled out for a camera of ours only.
        let is_ours = !leftover.is_ambiguous || state.retained.owns(&self.topics.camera_status(leftover.camera));
        let is_new = is_ours && state.retained.clear(topic);
        drop(state);
        if is_new {
            tracing::debug!(topic, "an earlier run left it retained");
        }
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
        let given_up = state.retained.rewind();
        state.counters.snapshots_refused += u64::from(given_up.is_some());
        let waiting = state.detections.len() as u64 + state.detections_submitted;
        state.detections.clear();
        state.detections_submitted = 0;
        state.counters.detections_lost += waiting;
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
        if state.retained_first == 0
            && state.outbox.in_flight() < allowance.events
            && let Some((key, event)) = state.outbox.next_to_send()
        {
            return Some(Work::Event(key, event));
        }
        let has_handed_over_the_rest = state.retained.waiting() == 0 && state.outbox.in_flight() == state.outbox.len();
        if allowance.pictures
            && has_handed_over_the_rest
            && let Some((topic, jpeg)) = state.retained.next_picture()
        {
            return Some(Work::Picture(topic, jpeg));
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

    /// The broker has the value, or has forgotten it.
    pub(crate) fn retained_acknowledged(&self, topic: &Arc<str>) {
        let mut state = self.state.lock();
        let has_cleared = state.retained.acknowledge(topic);
        state.counters.retained_cleared += u64::from(has_cleared);
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
#[path = "queues_tests.rs"]
mod tests;
