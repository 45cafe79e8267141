//! What earlier runs left retained: when to look for it, and what to tell about it.

use super::Queues;
use crate::leftover::Leftover;

/// After so many connections lost over it, leftovers are not asked for any more.
const UNANSWERED: u8 = 2;

#[derive(Default)]
pub(super) struct Leftovers {
    /// Everything that this run owns is known: what else is retained is an earlier run's.
    is_declared: bool,
    /// Connections lost in a row after they were asked for leftovers.
    unanswered: u8,
    has_told_refusal: bool,
    /// Cleared since it was last told.
    cleared: u64,
}

impl Leftovers {
    /// One more was cleared.
    pub(super) fn cleared(&mut self) {
        self.cleared += 1;
    }
}

impl Queues {
    /// Everything that is ours is known: what is retained and is not, or is renounced, is to be cleared from now on.
    pub(crate) fn declared(&self) {
        let mut state = self.state.lock();
        state.leftovers.is_declared = true;
        state.retained.clear_renounced();
        drop(state);
        self.wake.notify_one();
    }

    /// Whether leftovers of earlier runs are to be looked for.
    pub(crate) fn may_sweep(&self) -> bool {
        let leftovers = &self.state.lock().leftovers;
        leftovers.is_declared && leftovers.unanswered < UNANSWERED
    }

    /// The broker's answer to the subscription. Once refused, a word in the log is enough.
    pub(crate) fn sweep_answered(&self, is_granted: bool) {
        let mut state = self.state.lock();
        let leftovers = &mut state.leftovers;
        leftovers.unanswered = 0;
        let is_news = !is_granted && !leftovers.has_told_refusal;
        leftovers.has_told_refusal |= is_news;
        drop(state);
        if is_news {
            self.warn_of_leftovers("refuses");
        }
    }

    /// The connection was lost instead of an answer: there are brokers that refuse in that way.
    pub(crate) fn sweep_unanswered(&self) {
        let mut state = self.state.lock();
        let leftovers = &mut state.leftovers;
        leftovers.unanswered = leftovers.unanswered.saturating_add(1);
        let is_given_up = leftovers.unanswered == UNANSWERED;
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
        let topics = std::mem::take(&mut self.state.lock().leftovers.cleared);
        if topics > 0 {
            tracing::info!(broker = self.broker, topics, "cleared retained topics that an earlier run had left");
        }
    }

    /// The broker keeps `payload` on `topic`. Unless that is ours, or somebody else's, it is to be cleared.
    pub(crate) fn found_retained(&self, topic: &str, payload: &[u8]) {
        let Some(leftover) = Leftover::recognise(self.topics.base(), topic, payload) else { return };
        let mut state = self.state.lock();
        if !state.leftovers.is_declared || state.is_closed {
            return;
        }
        // `<base>/<camera>/zone/count/<label>` may also be the count of a camera `zone` of a node `<camera>` whose
        // prefix is our base. That is ruled out for a camera of ours only.
        let is_ours = !leftover.is_ambiguous || state.retained.owns(&self.topics.camera_status(leftover.camera));
        let is_new = is_ours && state.retained.clear_leftover(topic);
        drop(state);
        if is_new {
            tracing::debug!(topic, "an earlier run left it retained");
        }
    }
}
