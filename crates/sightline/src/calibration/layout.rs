//! Ways in which a model can be run on this machine.

use sightline_core::{
    calibration::Candidate,
    provider::{CpuOptions, OpenVinoOptions, Provider},
};

use crate::{cli::ProviderName, library};

/// Sessions side by side on one execution provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The provider, as [`ProviderName`] reads it: `cpu`, `openvino:CPU`.
    pub provider: &'static str,
    /// Sessions.
    pub sessions: usize,
    /// Threads of each session.
    pub threads: usize,
}

impl Layout {
    /// Whether its sessions are on the machine's cores, so that other numbers of them are other layouts.
    pub fn is_on_cores(&self) -> bool {
        self.provider == CPU || self.provider == OPENVINO
    }
}

/// ONNX Runtime's own kernels.
pub const CPU: &str = "cpu";
/// OpenVINO on the CPU.
pub const OPENVINO: &str = "openvino:CPU";

/// What there is beside the CPU and ONNX Runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// OpenVINO's library.
    pub openvino: bool,
    /// A GPU that OpenVINO may take.
    pub render_device: bool,
    /// A GPU of NVIDIA, and ONNX Runtime's build for it.
    pub nvidia: bool,
}

/// What is worth measuring: on a CPU a session of one thread per core, one session with all cores, and where there are more
/// cores than sessions gain anything from, sessions that share them.
pub fn all(cores: usize, found: Found) -> Vec<Layout> {
    let most = library::most_sessions(cores);
    let mut on_cores = vec![(most, 1), (most, cores / most), (1, cores)];
    on_cores.dedup();
    let accelerators =
        [("tensorrt", found.nvidia), ("cuda", found.nvidia), ("openvino:GPU", found.openvino && found.render_device)];
    let accelerators = accelerators.into_iter().filter(|it| it.1).map(|it| (it.0, vec![(1, 1)]));
    let cpus = [(OPENVINO, found.openvino), (CPU, true)];
    let cpus = cpus.into_iter().filter(|it| it.1).map(|it| (it.0, on_cores.clone()));
    let layouts = accelerators.chain(cpus).flat_map(|(provider, numbers)| {
        numbers.into_iter().map(move |(sessions, threads)| Layout { provider, sessions, threads })
    });
    layouts.collect()
}

/// The provider with the options that make it run `sessions` sessions of `threads` threads with batches of `sizes` alone.
/// `None`: there is no such provider.
pub fn provider(name: &str, sessions: usize, threads: usize, sizes: &[usize]) -> Option<Provider> {
    let ProviderName(mut provider) = name.parse().ok()?;
    match &mut provider {
        Provider::Cpu(options) => *options = CpuOptions { threads, workers: Some(sessions), arena: true },
        Provider::OpenVino(options) => {
            options.batch_sizes = sizes.to_vec();
            if name == OPENVINO {
                (options.streams, options.threads) = (Some(sessions), Some(sessions * threads));
            }
        }
        Provider::Cuda(options) => options.batch_sizes = sizes.to_vec(),
        Provider::TensorRt(options) => options.batch_sizes = sizes.to_vec(),
    }
    Some(provider)
}

/// The provider as it ran when `candidate` was measured; on ONNX Runtime's own kernels with a session per camera, up to as
/// many as were measured. `None`: there is no such provider.
pub fn as_measured(candidate: &Candidate, most_sessions: usize) -> Option<Provider> {
    let Candidate { provider: name, sessions, threads, batch, .. } = candidate;
    let sizes: Vec<usize> = (0..).map(|exponent| 1 << exponent).take_while(|size| size <= batch).collect();
    let mut provider = provider(name, *sessions, *threads, &sizes)?;
    match &mut provider {
        Provider::Cpu(options) if *sessions >= most_sessions => options.workers = None,
        // What it takes when nothing is said.
        Provider::OpenVino(OpenVinoOptions { batch_sizes, .. }) if *batch == 1 => batch_sizes.clear(),
        _ => {}
    }
    Some(provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cores: usize, found: Found) -> Vec<String> {
        all(cores, found).iter().map(|it| format!("{} {}x{}", it.provider, it.sessions, it.threads)).collect()
    }

    #[test]
    fn a_cpu_has_a_session_per_core_or_one_with_all_cores() {
        let alone = Found::default();
        assert_eq!(shown(1, alone), ["cpu 1x1"]);
        assert_eq!(shown(2, alone), ["cpu 2x1", "cpu 1x2"]);
        assert_eq!(shown(16, alone), ["cpu 8x1", "cpu 8x2", "cpu 1x16"]);
        assert_eq!(shown(1, Found { openvino: true, ..alone }), ["openvino:CPU 1x1", "cpu 1x1"]);
    }

    #[test]
    fn accelerators_are_measured_where_there_may_be_some() {
        let found = Found { openvino: true, render_device: true, nvidia: true };
        let accelerators: Vec<Layout> = all(2, found).into_iter().filter(|it| !it.is_on_cores()).collect();
        assert_eq!(accelerators.iter().map(|it| it.provider).collect::<Vec<_>>(), ["tensorrt", "cuda", "openvino:GPU"]);
        assert!(all(2, Found { openvino: false, ..found }).iter().all(|it| it.provider != "openvino:GPU"));
    }

    #[test]
    fn every_layout_is_a_provider_that_is_shown_by_its_name() {
        for layout in all(16, Found { openvino: true, render_device: true, nvidia: true }) {
            let provider = provider(layout.provider, layout.sessions, layout.threads, &[1]).unwrap();
            assert_eq!(provider.to_string(), layout.provider);
        }
        assert_eq!(provider("abacus", 1, 1, &[1]), None);
    }

    #[test]
    fn on_a_cpu_sessions_follow_the_cameras_unless_fewer_were_measured() {
        let measured = |provider: &str, sessions, threads, batch| {
            let (provider, library) = (provider.to_owned(), String::new());
            let (images_per_second, latency_ms, memory_mib) = (1.0, 1.0, 1);
            let candidate =
                Candidate { provider, library, sessions, threads, batch, images_per_second, latency_ms, memory_mib };
            as_measured(&candidate, 2).unwrap()
        };
        assert_eq!(measured(CPU, 2, 1, 8), Provider::cpu());
        let one = CpuOptions { threads: 2, workers: Some(1), arena: true };
        assert_eq!(measured(CPU, 1, 2, 1), Provider::Cpu(one));
        let openvino = OpenVinoOptions { streams: Some(2), threads: Some(2), ..OpenVinoOptions::default() };
        assert_eq!(measured(OPENVINO, 2, 1, 1), Provider::OpenVino(openvino.clone()));
        let batched = OpenVinoOptions { batch_sizes: vec![1, 2, 4], ..openvino };
        assert_eq!(measured(OPENVINO, 2, 1, 4), Provider::OpenVino(batched));
    }
}
