//! What a publisher counts.

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
    /// Retained topics that an earlier run had left and that were cleared.
    pub retained_cleared: u64,
    /// Pictures that are too large to be published, or were given up because connections broke under them.
    pub snapshots_refused: u64,
    /// Connections made after the first.
    pub reconnects: u64,
}
