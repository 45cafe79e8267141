//! How long things take, counted in buckets: what `/metrics` tells of each stage of a frame's way.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of the buckets in microseconds: half a millisecond to a minute, about three a decade. What takes longer
/// is counted beyond the last.
pub const BOUNDS_MICROS: [u64; 16] = [
    500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000, 60_000_000,
];

/// Counts durations. Several threads may record at once: two relaxed additions, no lock.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One per bound, and one for what is beyond the last.
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Takes one duration in.
    pub fn record(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            buckets: std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed)),
            sum_micros: self.sum_micros.load(Ordering::Relaxed),
        }
    }
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Durations in each bucket, not added up: up to [`BOUNDS_MICROS`] each, and beyond the last.
    pub buckets: [u64; BOUNDS_MICROS.len() + 1],
    /// Sum of all durations in microseconds.
    pub sum_micros: u64,
}

impl HistogramSnapshot {
    /// Durations counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// The stages of a frame's way, and of an event's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// From the camera's capture to the decoder's output. As true as the camera's clock where it sends RTCP reports.
    CaptureToDecoded,
    /// From the decoder's output to a batch.
    Queue,
    /// Into the model's input tensor, a batch.
    Preprocess,
    /// The network, a batch.
    Inference,
    /// Decoding and suppression, a batch.
    Postprocess,
    /// Tracks, zones, lines, events, a frame.
    Observation,
    /// From an event's being offered to its being on disk.
    Store,
    /// From an event's being handed to the broker to its PUBACK.
    Delivery,
    /// From the camera's capture of an event's frame to the broker's PUBACK.
    CaptureToAcknowledged,
}

impl Stage {
    /// All, in the order of a frame's way.
    pub const ALL: [Self; 9] = [
        Self::CaptureToDecoded,
        Self::Queue,
        Self::Preprocess,
        Self::Inference,
        Self::Postprocess,
        Self::Observation,
        Self::Store,
        Self::Delivery,
        Self::CaptureToAcknowledged,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CaptureToDecoded => "capture_to_decoded",
            Self::Queue => "queue",
            Self::Preprocess => "preprocess",
            Self::Inference => "inference",
            Self::Postprocess => "postprocess",
            Self::Observation => "observation",
            Self::Store => "store",
            Self::Delivery => "delivery",
            Self::CaptureToAcknowledged => "capture_to_acknowledged",
        }
    }
}

/// One histogram per stage, shared by all who work on frames and events.
#[derive(Debug, Default)]
pub struct StageTimes {
    histograms: [Histogram; Stage::ALL.len()],
}

impl StageTimes {
    /// One more passage through `stage`.
    pub fn record(&self, stage: Stage, took: Duration) {
        self.histograms[stage as usize].record(took);
    }

    /// What was counted of `stage`.
    #[must_use]
    pub fn snapshot(&self, stage: Stage) -> HistogramSnapshot {
        self.histograms[stage as usize].snapshot()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 60_000_000, 60_000_001] {
            histogram.record(Duration::from_micros(micros));
        }
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.buckets[0], snapshot.buckets[1]), (2, 1));
        assert_eq!((snapshot.buckets[15], snapshot.buckets[16]), (1, 1));
        assert_eq!((snapshot.count(), snapshot.sum_micros), (5, 120_001_002));
    }

    #[test]
    fn stages_do_not_share_a_histogram() {
        let times = StageTimes::default();
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            for _ in 0..=index {
                times.record(stage, Duration::from_millis(1));
            }
        }
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(times.snapshot(stage).count(), index as u64 + 1, "{}", stage.name());
        }
    }
}
