//! Execution providers with their options, each registered so that its failing is an error and not a silent CPU run.

use std::path::{Path, PathBuf};

use ort::{ep, session::builder::SessionBuilder};
use sightline_core::{
    model::InputSpec,
    provider::{
        ArenaGrowth, CpuOptions, CudaOptions, OpenVinoOptions, OpenVinoPrecision, Provider, TensorRtOptions,
        TensorRtPrecision,
    },
};

use super::{gpu, library};
use crate::job::{Job, one_line};

/// Registers one provider with a session to be, which will be run with batches of `sizes` of the input `input_name`.
///
/// # Errors
/// ONNX Runtime's reason, on one line.
pub(super) fn register(
    builder: SessionBuilder,
    provider: &Provider,
    job: Job<'_>,
    sizes: &[usize],
    input_name: Option<&str>,
) -> Result<SessionBuilder, String> {
    let dispatch = match provider {
        Provider::TensorRt(options) => {
            let folder = cache_folder(provider, job)?;
            tensorrt(options, &job.spec.input, sizes, input_name, folder.as_deref()).build()
        }
        Provider::Cuda(options) => cuda(options).build(),
        Provider::OpenVino(options) => {
            let folder = cache_folder(provider, job)?;
            openvino(options, job.sessions, folder.as_deref())?.build()
        }
        Provider::Cpu(CpuOptions { arena, .. }) => ep::CPU::default().with_arena_allocator(*arena).build(),
    };
    // What was complained of before belongs to somebody else.
    let _ = library::last_complaint();
    builder.with_execution_providers([dispatch.error_on_failure()]).map_err(|error| {
        let said = words(&error.to_string());
        // Of some failures the error tells nothing, and the line that was logged before it does.
        let said = match library::last_complaint().map(|complaint| words(&complaint)) {
            Some(cause) if !said.contains(&cause) => format!("{said} ({cause})"),
            _ => said,
        };
        format!("{said}{}", remedy(provider, &said))
    })
}

/// What ONNX Runtime says, on one line, without the function in its source that says it, and without what CUDA adds: this
/// machine's name and lines of source.
pub(super) fn words(message: &str) -> String {
    let line = one_line(message);
    let after_source = match line.split_once("[ONNXRuntimeError] : ") {
        // A number and its name come first: `1 : FAIL : `.
        Some((_, rest)) => rest.splitn(3, " : ").nth(2).unwrap_or(rest),
        None => line.split_once("[ERROR] ").map_or(line.as_str(), |(_, rest)| rest),
    };
    let after_source = after_source.split_once("[OpenVINO-EP] ").map_or(after_source, |(_, rest)| rest);
    after_source.split(" ; GPU=").next().unwrap_or(after_source).to_owned()
}

/// What helps where a library is missing that is not ONNX Runtime's own.
fn remedy(provider: &Provider, said: &str) -> &'static str {
    let lacks = |file: &str| said.contains(file) && said.contains("cannot open shared object file");
    match provider {
        Provider::TensorRt(_) if lacks("libnv") => {
            "; install TensorRT 10: docs/guide/providers.md says where to get it"
        }
        Provider::TensorRt(_) | Provider::Cuda(_) if lacks(".so") => {
            "; run `make setup-gpu`, or see docs/guide/providers.md"
        }
        Provider::TensorRt(_) | Provider::Cuda(_) if said.contains("driver version is insufficient") => {
            "; install a newer driver, or an older ONNX Runtime: see docs/guide/providers.md"
        }
        Provider::OpenVino(_) if lacks(".so") => "; run `make setup-openvino`",
        _ => "",
    }
}

fn tensorrt(
    options: &TensorRtOptions,
    input: &InputSpec,
    sizes: &[usize],
    input_name: Option<&str>,
    cache: Option<&Path>,
) -> ep::TensorRT {
    let TensorRtOptions { device, precision, workspace, .. } = options;
    let mut tensorrt = ep::TensorRT::default()
        .with_device_id(i32::try_from(*device).unwrap_or(i32::MAX))
        .with_fp16(*precision != TensorRtPrecision::Fp32)
        .with_int8(*precision == TensorRtPrecision::Int8);
    if let Some(bytes) = workspace {
        tensorrt = tensorrt.with_max_workspace_size(usize::try_from(*bytes).unwrap_or(usize::MAX));
    }
    if let Some(folder) = cache {
        let folder = folder.display();
        tensorrt = tensorrt
            .with_engine_cache(true)
            .with_engine_cache_path(&folder)
            .with_timing_cache(true)
            .with_timing_cache_path(&folder);
    }
    // One engine for every batch size: without its range, each new size would build another one, for minutes.
    if let (Some(name), Some(least), Some(most)) = (input_name, sizes.first(), sizes.last()) {
        let shape = |batch: usize| {
            let [n, a, b, c] = input.shape(batch);
            format!("{name}:{n}x{a}x{b}x{c}")
        };
        tensorrt = tensorrt
            .with_profile_min_shapes(shape(*least))
            .with_profile_opt_shapes(shape(*most))
            .with_profile_max_shapes(shape(*most));
    }
    tensorrt
}

fn cuda(options: &CudaOptions) -> ep::CUDA {
    let CudaOptions { device, memory_limit, arena, tf32, .. } = options;
    let growth = match arena {
        ArenaGrowth::AsRequested => ep::ArenaExtendStrategy::SameAsRequested,
        ArenaGrowth::PowerOfTwo => ep::ArenaExtendStrategy::NextPowerOfTwo,
    };
    let cuda = ep::CUDA::default()
        .with_device_id(i32::try_from(*device).unwrap_or(i32::MAX))
        .with_arena_extend_strategy(growth)
        .with_tf32(*tf32);
    match memory_limit {
        Some(bytes) => cuda.with_memory_limit(usize::try_from(*bytes).unwrap_or(usize::MAX)),
        None => cuda,
    }
}

fn openvino(options: &OpenVinoOptions, sessions: usize, cache: Option<&Path>) -> Result<ep::OpenVINO, String> {
    let OpenVinoOptions { device, precision, streams, threads, .. } = options;
    // A device name with a NUL in it would panic inside `ort`.
    if device.contains('\0') {
        return Err("the device's name holds a NUL character".into());
    }
    if device.contains("NPU") {
        // A model that the NPU refuses runs on OpenVINO's CPU then, of which neither error nor profile tells.
        return Err(
            "ONNX Runtime's OpenVINO provider takes the CPU unseen where an NPU refuses a model; leave `runtime` out"
                .into(),
        );
    }
    let mut openvino = ep::OpenVINO::default().with_device_type(device);
    if let Some(precision) = precision {
        openvino = openvino.with_precision(match precision {
            OpenVinoPrecision::Fp32 => "FP32",
            OpenVinoPrecision::Fp16 => "FP16",
            OpenVinoPrecision::Bf16 => {
                return Err("ONNX Runtime's OpenVINO provider has no bf16; use runtime: openvino".into());
            }
        });
    }
    if let Some(streams) = streams {
        openvino = openvino.with_num_streams(u8::try_from(*streams).unwrap_or(u8::MAX));
    }
    if device == "CPU" {
        openvino = openvino.with_num_threads(threads.unwrap_or(sessions));
    }
    if let Some(folder) = cache {
        openvino = openvino.with_cache_dir(folder.display());
    }
    Ok(openvino)
}

/// Where the provider keeps what it compiled of this model, made if need be: named by everything that makes it another one.
fn cache_folder(provider: &Provider, job: Job<'_>) -> Result<Option<PathBuf>, String> {
    let Some(root) = job.cache else { return Ok(None) };
    let on_what = match provider {
        Provider::TensorRt(options) if options.cache => {
            format!("{}-{}", gpu::name(options.device), gpu::driver_version())
        }
        Provider::OpenVino(options) if options.cache => options.device.clone(),
        _ => return Ok(None),
    };
    let library = library::load(None).map_err(|error| error.to_string())?;
    let key = format!("{}-{}-{on_what}", job.spec.sha256.get(..16).unwrap_or(&job.spec.sha256), library.name());
    let folder = root.join(provider.name()).join(file_name(&key));
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make the folder for compiled models {}: {error}", folder.display()))?;
    Ok(Some(folder))
}

/// Empties the folder of what was compiled of this model.
pub(super) fn clear_cache(provider: &Provider, job: Job<'_>) {
    if let Ok(Some(folder)) = cache_folder(provider, job) {
        tracing::warn!(folder = %folder.display(), "what was compiled before cannot be used; compiling it anew");
        // What stays is found again, and refused again with its reason.
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// Letters and digits as they are, everything else as `_`.
fn file_name(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' }).collect()
}

/// The device that a provider of ONNX Runtime runs on.
pub(super) fn device_name(provider: &Provider) -> String {
    match provider {
        Provider::TensorRt(TensorRtOptions { device, .. }) | Provider::Cuda(CudaOptions { device, .. }) => {
            gpu::name(*device)
        }
        Provider::OpenVino(options) => options.device.clone(),
        Provider::Cpu(_) => "CPU".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_onnx_runtime_says_is_told_without_its_sources_and_with_what_helps() {
        // As 1.24.4 says it where cuDNN, TensorRT, or a device is missing.
        const NO_CUDNN: &str = "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1952 \
            onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library \
            /x/libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file: No such file or \
            directory";
        let said = words(NO_CUDNN);
        assert!(
            said.starts_with("Failed to load library /x/libonnxruntime_providers_cuda.so with error: libcudnn"),
            "{said}"
        );
        let cuda = Provider::Cuda(CudaOptions::default());
        assert!(remedy(&cuda, &said).contains("make setup-gpu"));
        let tensorrt = Provider::TensorRt(TensorRtOptions::default());
        let said = NO_CUDNN.replace("libcudnn.so.9", "libnvinfer.so.10");
        assert!(remedy(&tensorrt, &said).contains("TensorRT 10"));

        let old_driver = "[ONNXRuntimeError] : 1 : FAIL : Parse Failed to parse provider option \"device_id\": CUDA failure 35: \
            CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=box ; file=/a.cc ; line=67";
        let said = words(old_driver);
        assert!(said.ends_with("CUDA driver version is insufficient for CUDA runtime version"), "{said}");
        assert!(remedy(&cuda, &said).contains("newer driver"));
        assert_eq!(
            words("/a.cc:141 f(x) [ERROR] [OpenVINO] Device GPU is not available\n"),
            "[OpenVINO] Device GPU is not available"
        );
        assert_eq!(remedy(&cuda, "out of memory"), "");
    }
}
