//! A model read, held against its specification, and compiled once per batch size.

use openvino::{CompiledModel, Core, DeviceType, Model, Node, PartialShape, PropertyKey};
use sightline_core::{execution::BatchSizes, model::ModelSpec};

use super::{device::Wished, guard, library::Version};
use crate::{
    graph::{self, Port},
    job::{Job, Refusal},
};

/// The devices that run a compiled model.
const EXECUTION_DEVICES: &str = "EXECUTION_DEVICES";

/// A model compiled for every batch size that it will be run with.
pub(super) struct Network {
    /// Each with its batch size, ascending.
    pub compiled: Vec<(usize, CompiledModel)>,
    /// What it takes.
    pub batch_sizes: BatchSizes,
    /// What runs it; empty where the version does not say.
    pub executing: Vec<String>,
}

impl Network {
    /// Reads `job.path` and compiles it on `core` for batches of `sizes`, or of the one size that the graph is fixed to.
    ///
    /// # Errors
    /// When OpenVINO does not take it, or the graph is not what it should be.
    pub(super) fn compile(
        core: &mut Core,
        version: &Version,
        wished: &Wished<'_>,
        sizes: &[usize],
        job: Job<'_>,
    ) -> Result<Self, Refusal> {
        let refused = |what: &str| {
            let what = what.to_owned();
            move |reason: String| Refusal::Provider(format!("openvino cannot {what}: {reason}"))
        };
        let mut model = read(core, job).map_err(|reason| refused("read the model")(reason + quantised(version)))?;
        let inputs = inputs(&model, version).map_err(refused("tell the model's inputs"))?;
        let differences = graph::input_differences(job.spec, &inputs);
        if !differences.is_empty() {
            return Err(job.mismatch(differences));
        }
        let fixed = graph::fixed_batch(&inputs);
        let sizes = fixed.map_or_else(|| sizes.to_vec(), |batch| vec![batch]);
        let mut compiled = Vec::new();
        for &size in &sizes {
            // Shapes without open sides are computed faster, and the Neural Compute Stick 2 has no others.
            let shape = job.spec.input.shape(size).map(|side| i64::try_from(side).unwrap_or(i64::MAX));
            let reshape = || model.reshape_single_input(&PartialShape::new_static(4, &shape)?);
            guard::call(reshape).map_err(refused(&format!("give the model a batch of {size}")))?;
            let device = DeviceType::from(wished.name);
            let one = guard::call(|| core.compile_model(&model, device));
            let one = one.map_err(refused(&format!("compile the model for {} and a batch of {size}", wished.name)))?;
            compiled.push((size, one));
        }
        let Some((_, first)) = compiled.first() else {
            return Err(Refusal::Provider("no batch size is wished".into()));
        };
        let outputs = outputs(first, job.spec, version).map_err(refused("tell the model's outputs"))?;
        let differences = graph::differences(job.spec, &inputs, &outputs);
        if !differences.is_empty() {
            return Err(job.mismatch(differences));
        }
        let executing = executing(first, version).map_err(refused("tell what runs the model"))?;
        Ok(Self { compiled, batch_sizes: BatchSizes::Only(sizes), executing })
    }
}

/// From the file, as 2022.3 reads no ONNX model from memory. ONNX files have their weights in them: no second file is named.
fn read(core: &mut Core, job: Job<'_>) -> Result<Model, String> {
    let path = job.path.to_str().filter(|path| !path.contains('\0'));
    let path = path.ok_or_else(|| format!("the path {} is not UTF-8; move it", job.path.display()))?;
    guard::call(|| core.read_model_from_file(path, ""))
}

/// What helps where a library does not tell its reason: 2022.3 and 2023.0 take a scale of one element for one per channel.
fn quantised(version: &Version) -> &'static str {
    if version.tells_reasons() {
        return "";
    }
    "; it reads no int8 models: take one of 32-bit floats, see docs/guide/ncs2.md"
}

fn inputs(model: &Model, version: &Version) -> Result<Vec<Port>, String> {
    let count = guard::call(|| model.get_inputs_len())?;
    (0..count).map(|index| port(&guard::call(|| model.get_input_by_index(index))?, version)).collect()
}

/// The head's outputs under the names by which it knows them; then all others.
fn outputs(compiled: &CompiledModel, spec: &ModelSpec, version: &Version) -> Result<Vec<Port>, String> {
    let mut ports = Vec::new();
    for name in spec.head.output_names() {
        // An output may have several names, of which OpenVINO tells any when it is asked for one.
        if let Ok(node) = guard::call(|| compiled.get_output_by_name(name)) {
            ports.push(Port { name: name.to_owned(), ..port(&node, version)? });
        }
    }
    if ports.len() == spec.head.output_names().len() {
        return Ok(ports);
    }
    let count = guard::call(|| compiled.get_output_size())?;
    for index in 0..count {
        let other = port(&guard::call(|| compiled.get_output_by_index(index))?, version)?;
        if !ports.iter().any(|known| known.name == other.name) {
            ports.push(other);
        }
    }
    Ok(ports)
}

fn port(node: &Node, version: &Version) -> Result<Port, String> {
    // Without a name it is found by none, which the differences say.
    let name = guard::call(|| node.get_name()).unwrap_or_default();
    let element = Some(version.element(guard::call(|| node.get_element_type())?));
    let shape = guard::call(|| node.get_partial_shape())?;
    if shape.get_rank().is_dynamic() {
        return Ok(Port { name, element, shape: Vec::new() });
    }
    let side = |side: &openvino::Dimension| if side.is_dynamic() { -1 } else { side.get_max() };
    Ok(Port { name, element, shape: shape.get_dimensions().iter().map(side).collect() })
}

/// Devices that run a compiled model; none where the version does not tell.
fn executing(compiled: &CompiledModel, version: &Version) -> Result<Vec<String>, String> {
    if !version.tells_execution_devices() {
        return Ok(Vec::new());
    }
    let said = guard::call(|| compiled.get_property(&PropertyKey::Other(EXECUTION_DEVICES.into())))?;
    // A list is written with blanks or with commas between its devices.
    let devices: Vec<String> = said.split([' ', ',']).filter(|device| !device.is_empty()).map(str::to_owned).collect();
    if devices.is_empty() { Err("it names no device".into()) } else { Ok(devices) }
}
