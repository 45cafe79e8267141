//! Frames' detections on their way to the socket. Pure.

use std::collections::VecDeque;

use sightline_core::{event::FrameDetections, ports::Offered};

use crate::counters::DetectionCounters;

pub(crate) struct DetectionQueue {
    waiting: VecDeque<FrameDetections>,
    /// Handed to rumqttc, not yet written.
    submitted: u64,
    is_wished: bool,
    max_waiting: usize,
    counters: DetectionCounters,
}

impl DetectionQueue {
    /// When full, the oldest frame is forced out: they feed live views, for which only the newest frame is worth
    /// anything.
    pub(crate) fn new(max_waiting: usize, is_wished: bool) -> Self {
        let counters = DetectionCounters::default();
        Self { waiting: VecDeque::new(), submitted: 0, is_wished, max_waiting: max_waiting.max(1), counters }
    }

    /// What became of it, and what was forced out for it, for the caller to drop when it holds no lock any more.
    pub(crate) fn offer(
        &mut self,
        detections: FrameDetections,
        may_be_sent: bool,
    ) -> (Offered, Option<FrameDetections>) {
        self.counters.offered += 1;
        if !self.is_wished || !may_be_sent {
            self.counters.refused += 1;
            return (Offered::Refused, Some(detections));
        }
        self.waiting.push_back(detections);
        if self.waiting.len() <= self.max_waiting {
            return (Offered::Accepted, None);
        }
        self.counters.displaced += 1;
        (Offered::AcceptedDisplacingOldest, self.waiting.pop_front())
    }

    /// Whether they are wished from now on. What waits is sent all the same.
    pub(crate) fn wish(&mut self, is_wished: bool) {
        self.is_wished = is_wished;
    }

    /// The oldest frame, to be handed to rumqttc.
    pub(crate) fn submit(&mut self) -> Option<FrameDetections> {
        let oldest = self.waiting.pop_front()?;
        self.submitted += 1;
        Some(oldest)
    }

    /// Frames handed to rumqttc, not yet written.
    pub(crate) const fn submitted(&self) -> u64 {
        self.submitted
    }

    /// One was written to the socket.
    pub(crate) fn sent(&mut self) {
        self.submitted = self.submitted.saturating_sub(1);
        self.counters.sent += 1;
    }

    /// The connection is gone, and with it what waited.
    pub(crate) fn lose(&mut self) {
        self.counters.lost += self.waiting.len() as u64 + self.submitted;
        self.waiting.clear();
        self.submitted = 0;
    }

    pub(crate) fn counters(&self) -> DetectionCounters {
        DetectionCounters { waiting: self.waiting.len() as u64 + self.submitted, ..self.counters }
    }
}
