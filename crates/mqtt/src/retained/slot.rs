//! One retained topic.

use sightline_core::event::Retained;

/// A picture during whose sending the connection was lost so often is given up: a broker that disconnects who sends
/// it something large (`max_packet_size`), or a link that takes longer for it than rumqttc waits, would be lost again
/// with each new connection.
pub(super) const LOSSES: u8 = 2;

/// What a topic is to hold.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Value(Box<Retained>),
    /// Whatever it holds, until there is a value: an earlier run's picture is still the last object's.
    AsItIs,
    /// Nothing, but an earlier run left something.
    NoLeftover,
    /// Nothing any more: it was ours. Unlike a leftover it is not found anew on the next connection.
    NoLonger,
}

pub(super) struct Slot {
    pub(super) content: Content,
    /// Ours until the renounced is cleared.
    pub(super) is_renounced: bool,
    /// The broker does not have this content, and it is not on its way.
    pub(super) is_due: bool,
    /// In one of the queues.
    pub(super) is_queued: bool,
    /// Something is on its way to this topic. Until it is acknowledged nothing else follows: a burst of values becomes
    /// the first and the last.
    pub(super) is_in_flight: bool,
    /// Connections lost in a row while this picture was on its way.
    pub(super) losses: u8,
}

impl Slot {
    pub(super) fn new(content: Content) -> Self {
        let is_due = content != Content::AsItIs;
        Self { content, is_renounced: false, is_due, is_queued: false, is_in_flight: false, losses: 0 }
    }

    /// New content. Equal content that the broker has is not due again.
    pub(super) fn hold(&mut self, content: Content) {
        // Pictures are behind an `Arc`, whose comparison looks at the pointers before it looks at megabytes.
        if self.content != content {
            self.is_due = content != Content::AsItIs;
            self.losses = 0;
        }
        self.content = content;
    }

    pub(super) const fn value(&self) -> Option<&Retained> {
        match &self.content {
            Content::Value(value) => Some(value),
            Content::AsItIs | Content::NoLeftover | Content::NoLonger => None,
        }
    }

    pub(super) const fn is_picture(&self) -> bool {
        matches!(self.value(), Some(Retained::Snapshot { .. }))
    }

    /// Whether this run publishes, or may publish, here.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self.content, Content::Value(_) | Content::AsItIs)
    }

    /// The connection is gone: the content is due again, unless connections break over it.
    pub(super) fn rewind(&mut self) {
        self.is_due = self.content != Content::AsItIs && self.losses < LOSSES;
        self.is_queued = false;
        self.is_in_flight = false;
    }
}
