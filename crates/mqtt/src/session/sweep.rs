//! Looking, once per connection, for what an earlier run of this node left retained on the broker.
//!
//! MQTT 3.1.1 has no list of topics: whoever wants to know what is retained subscribes, and the broker sends it, marked
//! as retained (3.3.1.3), at some time after the SUBACK; it does not say which message is the last. So the subscription
//! is kept until a whole keep-alive interval has brought nothing retained. Meanwhile our own publications come back,
//! not marked, and are ignored.

use rumqttc::SubscribeReasonCode;

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// Not begun on this connection.
    Due,
    /// SUBSCRIBE is on its way.
    Asking,
    /// Retained messages are coming.
    Listening {
        /// One came since the last ping.
        has_heard: bool,
    },
    /// These filters are still to be unsubscribed from.
    Leaving(Vec<String>),
    /// Done.
    Over,
}

impl Sweep {
    /// SUBACK. `false` when the broker refuses some filter; when it refuses all, that was all.
    #[must_use]
    pub(crate) fn answered(&mut self, codes: &[SubscribeReasonCode]) -> bool {
        let is_refused = |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
        // The next ping may be due at once: the first interval does not count.
        *self = if codes.iter().all(is_refused) { Self::Over } else { Self::Listening { has_heard: true } };
        !codes.iter().any(is_refused)
    }

    /// A retained message came.
    pub(crate) fn heard(&mut self) {
        if let Self::Listening { has_heard } = self {
            *has_heard = true;
        }
    }

    /// A keep-alive interval is over. `true` when it brought nothing, and `filters` are to be unsubscribed from.
    #[must_use]
    pub(crate) fn on_ping(&mut self, filters: impl FnOnce() -> Vec<String>) -> bool {
        let Self::Listening { has_heard } = self else { return false };
        if *has_heard {
            *has_heard = false;
            return false;
        }
        *self = Self::Leaving(filters());
        true
    }

    /// The next filter to unsubscribe from.
    pub(crate) fn next_to_leave(&mut self) -> Option<String> {
        let Self::Leaving(filters) = self else { return None };
        let next = filters.pop();
        if filters.is_empty() {
            *self = Self::Over;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::{QoS, SubscribeReasonCode::Failure};

    use super::*;

    const GRANTED: SubscribeReasonCode = SubscribeReasonCode::Success(QoS::AtMostOnce);

    fn filters() -> Vec<String> {
        vec!["a".into(), "b".into()]
    }

    #[test]
    fn it_listens_until_a_whole_interval_was_silent() {
        let mut sweep = Sweep::Asking;
        assert!(!sweep.on_ping(filters), "no answer yet");
        assert!(sweep.answered(&[GRANTED; 2]));
        assert!(!sweep.on_ping(filters), "the first interval was not a whole one");
        sweep.heard();
        assert!(!sweep.on_ping(filters));
        assert!(sweep.on_ping(filters));
        assert_eq!(sweep.next_to_leave().as_deref(), Some("b"));
        assert_eq!(sweep.next_to_leave().as_deref(), Some("a"));
        assert_eq!((sweep.next_to_leave(), sweep), (None, Sweep::Over));
    }

    #[test]
    fn a_refusal_of_all_ends_it_and_one_of_some_does_not() {
        let mut sweep = Sweep::Asking;
        assert!(!sweep.answered(&[Failure, Failure]));
        assert_eq!(sweep, Sweep::Over);
        let mut sweep = Sweep::Asking;
        assert!(!sweep.answered(&[Failure, GRANTED]));
        assert_eq!(sweep, Sweep::Listening { has_heard: true });
    }
}
