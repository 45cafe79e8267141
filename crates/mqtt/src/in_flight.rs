//! Which packet identifier stands for which message, on one connection.

use std::{collections::VecDeque, time::Instant};

/// Span of packet identifiers that rumqttc is told to use, 1..=IDENTIFIERS.
pub(crate) const IDENTIFIERS: u16 = 256;

struct Sent<M> {
    message: Option<M>,
    packet_id: Option<u16>,
    submitted: Instant,
}

/// QoS 1 messages, SUBSCRIBEs and UNSUBSCRIBEs in the order they were handed to rumqttc.
///
/// rumqttc gives out packet identifiers in the order it takes requests from its channel, 1 to [`IDENTIFIERS`] and
/// round, and reports each (`Outgoing::Publish`, `Subscribe`, `Unsubscribe`) before it can report its acknowledgement.
/// So the n-th report is the n-th request here. As long as first and last unacknowledged are less than [`IDENTIFIERS`]
/// apart, which [`Self::has_room`] keeps, no identifier is given out twice, whatever order the broker acknowledges in.
pub(crate) struct InFlight<M> {
    sent: VecDeque<Sent<M>>,
}

impl<M> InFlight<M> {
    pub(crate) const fn new() -> Self {
        Self { sent: VecDeque::new() }
    }

    /// Whether one more may be handed to rumqttc.
    pub(crate) fn has_room(&self) -> bool {
        self.sent.len() < usize::from(IDENTIFIERS)
    }

    /// It was handed to rumqttc.
    pub(crate) fn submitted(&mut self, message: M, now: Instant) {
        self.sent.push_back(Sent { message: Some(message), packet_id: None, submitted: now });
    }

    /// rumqttc wrote the next one, as `packet_id`. `false` when there is none: the bookkeeping is broken.
    #[must_use]
    pub(crate) fn written(&mut self, packet_id: u16) -> bool {
        let Some(next) = self.sent.iter_mut().find(|sent| sent.packet_id.is_none()) else { return false };
        next.packet_id = Some(packet_id);
        true
    }

    /// The broker acknowledged `packet_id`: the message it stands for and when that was handed over, or `None` when it
    /// stands for none.
    pub(crate) fn acknowledged(&mut self, packet_id: u16) -> Option<(M, Instant)> {
        let is_meant = |sent: &&mut Sent<M>| sent.packet_id == Some(packet_id) && sent.message.is_some();
        let sent = self.sent.iter_mut().find(is_meant)?;
        let message = sent.message.take().map(|message| (message, sent.submitted));
        while self.sent.front().is_some_and(|first| first.message.is_none()) {
            self.sent.pop_front();
        }
        message
    }

    /// When the oldest unacknowledged one was handed over.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.sent.front().map(|sent| sent.submitted)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn acknowledgements_find_their_message_in_any_order() {
        let mut in_flight = InFlight::new();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        for (message, second) in [("a", 0), ("b", 1), ("c", 2)] {
            in_flight.submitted(message, at(second));
        }
        assert!(in_flight.written(1) && in_flight.written(2) && in_flight.written(3));
        assert!(!in_flight.written(4), "nothing was submitted for it");
        assert_eq!(in_flight.acknowledged(2), Some(("b", at(1))));
        assert_eq!(in_flight.acknowledged(2), None, "acknowledged twice");
        assert_eq!(in_flight.acknowledged(1), Some(("a", at(0))));
        assert_eq!(in_flight.acknowledged(9), None, "never sent");
        assert_eq!(in_flight.acknowledged(3), Some(("c", at(2))));
        assert_eq!(in_flight.oldest(), None);
    }

    #[test]
    fn identifiers_come_round_without_meeting() {
        let mut in_flight = InFlight::new();
        let now = Instant::now();
        let identifier = |n: u16| n % IDENTIFIERS + 1;
        let mut next = 0;
        while in_flight.has_room() {
            in_flight.submitted(next, now);
            assert!(in_flight.written(identifier(next)));
            next += 1;
        }
        assert_eq!(next, IDENTIFIERS);
        // All but the first are acknowledged: the first still holds its identifier, so there is no room.
        for n in 1..next {
            assert_eq!(in_flight.acknowledged(identifier(n)), Some((n, now)));
        }
        assert!(!in_flight.has_room());
        assert_eq!(in_flight.acknowledged(identifier(0)), Some((0, now)));
        assert!(in_flight.has_room());
    }
}
