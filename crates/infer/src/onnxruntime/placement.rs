//! Which nodes of a graph run where, by ONNX Runtime's own profile of a run.

use std::collections::BTreeSet;

use serde::Deserialize;
use sightline_core::execution::Placement;
use tempfile::TempDir;

use crate::nodes::nodes;

/// The CPU's name in a profile.
const CPU: &str = "CPUExecutionProvider";
/// How the event that times a node's work is named, after the node's name.
const KERNEL_SUFFIX: &str = "_kernel_time";

/// A provider that compiles takes many nodes as one, whose operator begins with one of these: OpenVINO's
/// (`OpenVINOExecutionProvider_OpenVINO-EP-subgraph_1_0`), TensorRT's (`TRTKernel_graph_main_graph_123_0`).
const FUSED: [&str; 2] = ["OpenVINOExecutionProvider_", "TRTKernel_"];

/// A profile under way. Its file is gone when this is dropped.
pub(super) struct Profile {
    folder: TempDir,
}

/// One event of a profile, as far as it matters.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Args,
}

#[derive(Default, Deserialize)]
struct Args {
    #[serde(default)]
    provider: String,
    #[serde(default)]
    op_name: String,
}

impl Profile {
    /// A place for it.
    ///
    /// # Errors
    /// When no temporary file can be written: then nobody could say what runs where.
    pub(super) fn begin() -> Result<Self, String> {
        let named = |error| format!("cannot see which nodes it runs: no temporary folder ({error}); set TMPDIR");
        Ok(Self { folder: tempfile::Builder::new().prefix("sightline-profile").tempdir().map_err(named)? })
    }

    /// What ONNX Runtime is to begin the file's name with.
    pub(super) fn prefix(&self) -> std::path::PathBuf {
        self.folder.path().join("run")
    }

    /// Where nodes ran, by the finished profile `file` of a session of the model `onnx`.
    ///
    /// # Errors
    /// When the file is not there or is no profile.
    pub(super) fn placement(&self, file: &str, onnx: &[u8]) -> Result<Placement, String> {
        let unseen = |reason: String| format!("cannot see which nodes it runs: {reason}");
        let text = std::fs::read_to_string(file).map_err(|error| unseen(format!("{file}: {error}")))?;
        let events: Vec<Event> = serde_json::from_str(&text).map_err(|error| unseen(error.to_string()))?;
        Ok(count(&events, nodes(onnx)))
    }
}

/// A node counts once however often it ran. Copies between the memories of GPU and CPU are ONNX Runtime's own nodes.
fn count(events: &[Event], in_file: usize) -> Placement {
    let kernels = events.iter().filter(|event| event.cat == "Node" && event.name.ends_with(KERNEL_SUFFIX));
    let (mut on_cpu, mut elsewhere, mut has_fused) = (BTreeSet::new(), BTreeSet::new(), false);
    for Event { name, args, .. } in kernels.filter(|event| !event.args.op_name.starts_with("Memcpy")) {
        if args.provider == CPU {
            on_cpu.insert(name.as_str());
        } else {
            elsewhere.insert(name.as_str());
            has_fused |= FUSED.iter().any(|beginning| args.op_name.starts_with(beginning));
        }
    }
    let ran = on_cpu.len() + elsewhere.len();
    if !has_fused {
        return Placement { on_provider: elsewhere.len(), nodes: ran };
    }
    // What was compiled is what is left of the file's nodes.
    let nodes = in_file.max(ran);
    Placement { on_provider: nodes - on_cpu.len(), nodes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, provider: &str, op_name: &str) -> Event {
        let args = Args { provider: provider.into(), op_name: op_name.into() };
        Event { cat: "Node".into(), name: format!("{name}{KERNEL_SUFFIX}"), args }
    }

    #[test]
    fn nodes_count_once_and_copies_not_at_all() {
        let cuda = "CUDAExecutionProvider";
        let mut events = vec![
            event("conv1", cuda, "Conv"),
            event("conv1", cuda, "Conv"),
            event("conv2", cuda, "Conv"),
            event("nms", CPU, "NonMaxSuppression"),
            event("Memcpy_1", cuda, "MemcpyToHost"),
        ];
        events.push(Event { cat: "Session".into(), ..event("session", "", "") });
        assert_eq!(count(&events, 99), Placement { on_provider: 2, nodes: 3 });
        assert_eq!(count(&[], 99), Placement::default());
    }

    #[test]
    fn what_was_compiled_is_what_is_left_of_the_file() {
        let fused = "OpenVINOExecutionProvider_OpenVINO-EP-subgraph_1_0";
        let events = [event("fused", "OpenVINOExecutionProvider", fused), event("nms", CPU, "NonMaxSuppression")];
        assert_eq!(count(&events, 60), Placement { on_provider: 59, nodes: 60 });
        let fused = "TRTKernel_graph_main_graph_12345_0";
        let events = [
            event("fused", "TensorrtExecutionProvider", fused),
            event("dequantize", CPU, "DequantizeLinear"),
            event("cast", CPU, "Cast"),
        ];
        assert_eq!(count(&events, 274), Placement { on_provider: 272, nodes: 274 });
    }
}
