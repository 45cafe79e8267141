//! What a model really runs on, as opposed to what was wished ([`crate::provider`]).

use serde::{Deserialize, Serialize};

use crate::{
    calibration::Calibration,
    provider::{Provider, serialize_shown},
};

/// What runs a model, and how that is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Execution {
    /// The provider, with its options.
    #[serde(serialize_with = "serialize_shown")]
    pub provider: Provider,
    /// The library that runs it: `ONNX Runtime 1.32.0`.
    pub library: String,
    /// The device, as the library names it; `CPU` for ONNX Runtime's own kernels.
    pub device: String,
    /// Where the graph's nodes ran when they were looked at.
    pub placement: Placement,
    /// How far its answers were from the CPU's on the model's reference pictures; absent for the CPU itself.
    pub agreement: Option<Agreement>,
    /// Those preferred to it, in their order.
    pub passed_over: Vec<PassedOver>,
    /// What was measured before it was chosen; absent where it was wished by name, or nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Box<Calibration>>,
}

/// Nodes of a graph by where they ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// Nodes that the provider ran.
    pub on_provider: usize,
    /// All nodes that ran.
    pub nodes: usize,
}

impl Placement {
    /// Everything on the provider.
    #[must_use]
    pub const fn all(nodes: usize) -> Self {
        Self { on_provider: nodes, nodes }
    }

    /// From 0 to 1; 0 where nothing ran.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.nodes == 0 { 0.0 } else { self.on_provider as f64 / self.nodes as f64 }
    }
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} nodes", self.on_provider, self.nodes)
    }
}

/// How near a provider's answers are to the CPU's, over all reference pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Pictures that were compared.
    pub pictures: usize,
    /// Detections on the CPU, at the model's own thresholds.
    pub detections: usize,
    /// The largest difference of a detection's score.
    pub largest_score_difference: f32,
    /// The least overlap (IoU) of a detection's box with the CPU's.
    pub least_iou: f32,
    /// Length of the difference of the networks' raw outputs, in parts of the CPU's: 0 for equal ones. Of several outputs the
    /// largest. Absent where the graph suppresses boxes itself, so that its outputs have no fixed places.
    pub relative_error: Option<f32>,
}

impl Agreement {
    /// Whether there was anything to compare.
    #[must_use]
    pub const fn is_conclusive(&self) -> bool {
        self.relative_error.is_some() || self.detections > 0
    }
}

/// A provider that was wished before the one in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// The provider.
    #[serde(serialize_with = "serialize_shown")]
    pub provider: Provider,
    /// Why it does not run, and what helps.
    pub reason: String,
}

/// What every event says of how its network ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionSummary {
    /// The device.
    pub device: String,
    /// Share of the graph's nodes that ran on the provider: 1 for all.
    pub share: f64,
    /// Names of the providers that were preferred and do not run; `status` has the reasons.
    pub passed_over: Vec<String>,
}

impl Execution {
    /// A model of so many nodes on ONNX Runtime's own kernels, which are what others are compared with.
    #[must_use]
    pub fn on_cpu(library: &str, nodes: usize) -> Self {
        let (provider, library, device) = (Provider::cpu(), library.to_owned(), "CPU".to_owned());
        let (placement, passed_over) = (Placement::all(nodes), Vec::new());
        Self { provider, library, device, placement, agreement: None, passed_over, calibration: None }
    }

    /// What events say of it.
    #[must_use]
    pub fn summary(&self) -> ExecutionSummary {
        ExecutionSummary {
            device: self.device.clone(),
            // Three digits: what is read back from a payload is equal to what was written. Not rounded up: 1 means all.
            share: (self.placement.share() * 1000.0).floor() / 1000.0,
            passed_over: self.passed_over.iter().map(|it| it.provider.name().to_owned()).collect(),
        }
    }
}

/// The batch sizes that a session takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchSizes {
    /// Any.
    Any,
    /// These alone, ascending; at least one.
    Only(Vec<usize>),
}

impl BatchSizes {
    /// Whether `frames` frames are run as they are.
    #[must_use]
    pub fn takes(&self, frames: usize) -> bool {
        self.fitting(frames) == frames && self.most(frames) == frames
    }

    /// The size to run `frames` frames with: their number, or the next larger size that is taken.
    #[must_use]
    pub fn fitting(&self, frames: usize) -> usize {
        match self {
            Self::Any => frames,
            Self::Only(sizes) => sizes.iter().copied().find(|size| *size >= frames).unwrap_or(frames),
        }
    }

    /// The most frames in one run when `wished` are wished.
    #[must_use]
    pub fn most(&self, wished: usize) -> usize {
        match self {
            Self::Any => wished,
            Self::Only(sizes) => {
                let largest = sizes.iter().copied().max().unwrap_or(wished);
                // A graph with one fixed size is filled up to it, so that it may as well be full.
                if sizes.len() == 1 { largest } else { wished.min(largest) }
            }
        }
    }

    /// The sizes to try when at most `max_batch` frames are run at a time: all that are taken. Of any size it is the powers of
    /// two and the largest: where nothing is prepared for a size, those between them are no different.
    #[must_use]
    pub fn run_with(&self, max_batch: usize) -> Vec<usize> {
        match self {
            Self::Any => {
                let powers = (0..).map(|exponent| 1 << exponent).take_while(|size| *size < max_batch);
                powers.chain([max_batch.max(1)]).collect()
            }
            Self::Only(sizes) => sizes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_filled_up_to_the_next_size() {
        let sizes = BatchSizes::Only(vec![1, 2, 4, 8]);
        assert_eq!([1, 2, 3, 5, 8].map(|frames| sizes.fitting(frames)), [1, 2, 4, 8, 8]);
        assert_eq!(BatchSizes::Any.fitting(3), 3);
        assert_eq!([1, 3, 8, 9].map(|frames| sizes.takes(frames)), [true, false, true, false]);
        assert!(BatchSizes::Any.takes(9));
        assert_eq!((sizes.most(6), sizes.most(64), BatchSizes::Any.most(64)), (6, 8, 64));
        assert_eq!(BatchSizes::Only(vec![3]).most(1), 3);
        assert_eq!((BatchSizes::Any.run_with(6), BatchSizes::Any.run_with(1)), (vec![1, 2, 4, 6], vec![1]));
    }

    #[test]
    fn the_share_of_nothing_is_nothing() {
        assert_eq!(Placement::default().share(), 0.0);
        assert_eq!(Placement { on_provider: 3, nodes: 4 }.share(), 0.75);
        assert_eq!(Placement::all(5).share(), 1.0);
    }
}
