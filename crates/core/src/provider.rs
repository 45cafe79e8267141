//! Execution providers as they are wished: what a model is to run on, and how.

use serde::{Serialize, Serializer};

/// An execution provider and its options.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Provider {
    /// NVIDIA TensorRT.
    TensorRt(TensorRtOptions),
    /// NVIDIA CUDA.
    Cuda(CudaOptions),
    /// Intel OpenVINO.
    OpenVino(OpenVinoOptions),
    /// ONNX Runtime's own kernels.
    Cpu(CpuOptions),
}

/// TensorRT, as ONNX Runtime's execution provider takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TensorRtOptions {
    /// The GPU's number.
    pub device: u32,
    /// What layers may be computed in.
    pub precision: TensorRtPrecision,
    /// Bytes that a layer may use for scratch while the engine is built; all there is when absent.
    pub workspace: Option<u64>,
    /// Whether built engines and timings are kept in the state directory: building takes minutes.
    pub cache: bool,
    /// See [`Provider::batch_sizes`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch_sizes: Vec<usize>,
}

/// What TensorRT may compute in. Each allows the ones before it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TensorRtPrecision {
    /// 32-bit floats.
    Fp32,
    /// 16-bit floats.
    Fp16,
    /// 8-bit integers, where the model's own quantisation says how.
    Int8,
}

/// CUDA, as ONNX Runtime's execution provider takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct CudaOptions {
    /// The GPU's number.
    pub device: u32,
    /// Bytes of GPU memory that the session may take; all there is when absent.
    pub memory_limit: Option<u64>,
    /// How its memory grows.
    pub arena: ArenaGrowth,
    /// Whether 32-bit convolutions may be computed in TF32: faster, ten bits of fraction.
    pub tf32: bool,
    /// See [`Provider::batch_sizes`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch_sizes: Vec<usize>,
}

/// How much more memory CUDA's arena takes when it needs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArenaGrowth {
    /// As much as is needed: what suits a small GPU that others use too.
    AsRequested,
    /// The next power of two: fewer allocations.
    PowerOfTwo,
}

/// OpenVINO.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct OpenVinoOptions {
    /// As OpenVINO names it: `CPU`, `GPU`, `GPU.1`, `NPU`, `AUTO`, `MULTI:GPU,CPU`, `MYRIAD`.
    pub device: String,
    /// Through which library.
    pub runtime: OpenVinoRuntime,
    /// What layers are computed in. When absent: 32-bit floats on a CPU, whose answers are then those of every CPU; OpenVINO's
    /// choice on other devices.
    pub precision: Option<OpenVinoPrecision>,
    /// Batches that run at the same time; one per core when absent.
    pub streams: Option<usize>,
    /// Threads over all streams, on a CPU; one per stream when absent.
    pub threads: Option<usize>,
    /// Whether compiled models are kept in the state directory.
    pub cache: bool,
    /// See [`Provider::batch_sizes`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch_sizes: Vec<usize>,
}

/// The library that OpenVINO is reached through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenVinoRuntime {
    /// OpenVINO's own C library: 2022.3 to 2023.3, and from 2025.1 on.
    OpenVino,
    /// ONNX Runtime's execution provider.
    OnnxRuntime,
}

/// What OpenVINO computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenVinoPrecision {
    /// 32-bit floats.
    Fp32,
    /// 16-bit floats.
    Fp16,
    /// 16-bit floats with eight bits of exponent.
    Bf16,
}

/// ONNX Runtime's own kernels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct CpuOptions {
    /// Threads of each session.
    pub threads: usize,
    /// Sessions that run side by side; one per camera up to the cores when absent.
    pub workers: Option<usize>,
    /// Whether sessions keep the memory that they have once needed: faster, and larger.
    pub arena: bool,
}

impl Default for TensorRtOptions {
    fn default() -> Self {
        Self { device: 0, precision: TensorRtPrecision::Fp16, workspace: None, cache: true, batch_sizes: Vec::new() }
    }
}

impl Default for CudaOptions {
    fn default() -> Self {
        Self { device: 0, memory_limit: None, arena: ArenaGrowth::AsRequested, tf32: true, batch_sizes: Vec::new() }
    }
}

impl Default for OpenVinoOptions {
    fn default() -> Self {
        Self {
            device: "CPU".into(),
            runtime: OpenVinoRuntime::OpenVino,
            precision: None,
            streams: None,
            threads: None,
            cache: true,
            batch_sizes: Vec::new(),
        }
    }
}

impl Default for CpuOptions {
    fn default() -> Self {
        Self { threads: 1, workers: None, arena: true }
    }
}

impl Provider {
    /// ONNX Runtime's own kernels, as they are when nothing is said.
    #[must_use]
    pub fn cpu() -> Self {
        Self::Cpu(CpuOptions::default())
    }

    /// The name in files, payloads and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TensorRt(_) => "tensorrt",
            Self::Cuda(_) => "cuda",
            Self::OpenVino(_) => "openvino",
            Self::Cpu(_) => "cpu",
        }
    }

    /// The most frames in one run of a session, where `wished` does not say it: batches make an accelerator fast. On a
    /// CPU two frames that have come together save reading the weights once, and more make it slower, later and larger
    /// (docs/guide/providers.md).
    #[must_use]
    pub fn max_batch(&self, wished: Option<usize>) -> usize {
        const ON_A_CPU: usize = 2;
        const OF_ACCELERATORS: usize = 8;
        wished.unwrap_or(if matches!(self, Self::Cpu(_)) { ON_A_CPU } else { OF_ACCELERATORS })
    }

    /// The only batch sizes that its sessions are run with, ascending; empty where any size does as well.
    ///
    /// Accelerators prepare each size: a new one costs TensorRT minutes and OpenVINO a second, so that a smaller batch is
    /// filled up instead. When nothing is said it is the powers of two below `max_batch`, and `max_batch`; on OpenVINO's CPU
    /// it is 1, with which most images go through, the soonest, in the least memory (docs/guide/providers.md).
    #[must_use]
    pub fn batch_sizes(&self, max_batch: usize) -> Vec<usize> {
        let said = match self {
            Self::TensorRt(options) => &options.batch_sizes,
            Self::Cuda(options) => &options.batch_sizes,
            Self::OpenVino(options) => &options.batch_sizes,
            Self::Cpu(_) => return Vec::new(),
        };
        if !said.is_empty() {
            return said.clone();
        }
        if matches!(self, Self::OpenVino(options) if options.device == "CPU") {
            return vec![1];
        }
        let powers = (0..).map(|exponent| 1 << exponent).take_while(|size| *size < max_batch);
        powers.chain([max_batch.max(1)]).collect()
    }
}

impl std::fmt::Display for Provider {
    /// `openvino:GPU`, `cuda:1`, `cpu`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TensorRt(TensorRtOptions { device: 0, .. })
            | Self::Cuda(CudaOptions { device: 0, .. })
            | Self::Cpu(_) => f.write_str(self.name()),
            Self::TensorRt(TensorRtOptions { device, .. }) | Self::Cuda(CudaOptions { device, .. }) => {
                write!(f, "{}:{device}", self.name())
            }
            Self::OpenVino(options) => write!(f, "openvino:{}", options.device),
        }
    }
}

/// What to do when the first of the wished providers does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnavailable {
    /// Go on with the next one, saying so.
    Fallback,
    /// Stop with exit code 69.
    Fail,
}

/// Providers as [`Display`](std::fmt::Display) writes them.
pub(crate) fn serialize_shown<S: Serializer>(provider: &Provider, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accelerators_are_run_with_a_few_sizes_and_the_cpu_with_any() {
        let cuda = Provider::Cuda(CudaOptions::default());
        for (max_batch, sizes) in [(1, vec![1]), (2, vec![1, 2]), (6, vec![1, 2, 4, 6]), (8, vec![1, 2, 4, 8])] {
            assert_eq!(cuda.batch_sizes(max_batch), sizes);
        }
        let said = Provider::TensorRt(TensorRtOptions { batch_sizes: vec![4, 16], ..TensorRtOptions::default() });
        assert_eq!(said.batch_sizes(8), [4, 16]);
        assert!(Provider::cpu().batch_sizes(8).is_empty());
        assert_eq!(Provider::OpenVino(OpenVinoOptions::default()).batch_sizes(8), [1]);
    }

    #[test]
    fn batches_are_small_on_a_cpu_unless_more_are_wished() {
        let accelerator = Provider::Cuda(CudaOptions::default());
        let of = |wished| [&accelerator, &Provider::cpu()].map(|provider| provider.max_batch(wished));
        assert_eq!([of(None), of(Some(4))], [[8, 2], [4, 4]]);
    }

    #[test]
    fn shown_with_the_device_that_matters() {
        let second = Provider::Cuda(CudaOptions { device: 1, ..CudaOptions::default() });
        let shown = [Provider::cpu(), Provider::OpenVino(OpenVinoOptions::default()), second].map(|it| it.to_string());
        assert_eq!(shown, ["cpu", "openvino:CPU", "cuda:1"]);
    }
}
