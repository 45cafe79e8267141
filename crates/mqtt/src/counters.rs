//! What a publisher counts.

use crate::error::MqttErrorCode;

/// What a publisher has done since it was started. Its events are counted by their outbox:
/// [`crate::PublisherHandle::event_figures`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounters {
    /// Events sent once more because the connection was lost before the broker had acknowledged them.
    pub events_republished: u64,
    /// Frames' detections.
    pub detections: DetectionCounters,
    /// Retained topics that were cleared: an earlier run had left them, or this one has renounced them.
    pub retained_cleared: u64,
    /// Pictures that are too large to be published, or were given up because connections broke under them.
    pub snapshots_refused: u64,
    /// Connections made after the first.
    pub reconnects: u64,
    /// Attempts to connect that failed and connections that were lost.
    pub failures: FailureCounts,
}

/// What became of frames' detections. Always, and exactly: `offered = sent + displaced + refused + lost + waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectionCounters {
    /// Frames offered.
    pub offered: u64,
    /// Written to the socket.
    pub sent: u64,
    /// Forced out of the full queue, oldest first.
    pub displaced: u64,
    /// Offered while not connected, after the shutdown, or although they are not wished.
    pub refused: u64,
    /// Lost with the connection before they were written.
    pub lost: u64,
    /// On their way to the socket now.
    pub waiting: u64,
}

/// Failures by what kind of thing was wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailureCounts([u64; MqttErrorCode::ALL.len()]);

impl FailureCounts {
    /// Of this kind.
    #[must_use]
    pub const fn of(&self, code: MqttErrorCode) -> u64 {
        self.0[code as usize]
    }

    /// Every kind with its count.
    pub fn iter(&self) -> impl Iterator<Item = (MqttErrorCode, u64)> {
        MqttErrorCode::ALL.into_iter().zip(self.0)
    }

    pub(crate) fn count(&mut self, code: MqttErrorCode) {
        self.0[code as usize] += 1;
    }
}
