//! One worker's requests, one per batch size.

use std::sync::{Arc, Mutex};

use openvino::{Core, InferRequest};
use sightline_core::{
    model::InputSpec,
    ports::{Backend, BackendError},
    tensor::{InputData, InputView, OutputView},
};

use super::{guard, library::Version, network::Network, outputs::OutputBuffers};
use crate::{
    graph,
    job::{self, Job, Refusal},
};

/// A model on OpenVINO. One per worker thread.
pub(super) struct OpenVinoBackend {
    /// Each with its batch size, ascending. A request keeps the compiled model that it is of.
    requests: Vec<(usize, InferRequest)>,
    /// Names of the head's outputs, in the head's order.
    output_names: Vec<String>,
    input: InputSpec,
    outputs: OutputBuffers,
    version: Version,
    /// Outlives the requests: fields are dropped in their order.
    _core: Arc<Mutex<Core>>,
}

impl OpenVinoBackend {
    /// Makes one request of each compiled model and runs it: a device that compiles may still fail to run, and shapes that
    /// the graph leaves open are known only then.
    ///
    /// # Errors
    /// When the device does not do, or the graph is not what it should be.
    pub(super) fn open(
        core: Arc<Mutex<Core>>,
        version: &Version,
        network: &mut Network,
        job: Job<'_>,
    ) -> Result<Self, Refusal> {
        let mut requests = Vec::new();
        for (size, compiled) in &mut network.compiled {
            let request = guard::call(|| compiled.create_infer_request());
            let refused =
                |reason| Refusal::Provider(format!("openvino cannot make a request for a batch of {size}: {reason}"));
            requests.push((*size, request.map_err(refused)?));
        }
        let mut backend = Self {
            requests,
            output_names: job.spec.head.output_names().into_iter().map(str::to_owned).collect(),
            input: job.spec.input.clone(),
            outputs: OutputBuffers::default(),
            version: version.clone(),
            _core: core,
        };
        for (size, _) in &network.compiled {
            let shapes = job::warm_up(&job.spec.input, *size, |input, read| backend.run_request(input, read))
                .map_err(Refusal::Provider)?;
            let differences = graph::run_differences(job.spec, &shapes);
            if !differences.is_empty() {
                return Err(job.mismatch(differences));
            }
        }
        Ok(backend)
    }

    fn run_request(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), String> {
        let batch = input.shape[0];
        let expected = self.input.shape(batch);
        if input.shape != expected {
            return Err(format!("the batch has shape {:?}, the model takes {expected:?}", input.shape));
        }
        let Some((_, request)) = self.requests.iter_mut().find(|(size, _)| *size == batch) else {
            let sizes: Vec<String> = self.requests.iter().map(|(size, _)| size.to_string()).collect();
            return Err(format!("the batch is of {batch}, the model was compiled for {}", sizes.join(", ")));
        };
        fill(request, input.data)?;
        guard::call(|| request.infer())?;
        self.outputs.show(request, &self.output_names, &self.version, read)
    }
}

/// Copies the batch to where the request reads it. To have it read where it lies, OpenVINO would have to be handed a pointer,
/// for which the crate has no safe call; a copy of an image's 270 KB takes some 20 µs.
fn fill(request: &InferRequest, data: InputData<'_>) -> Result<(), String> {
    let mut tensor = guard::call(|| request.get_input_tensor())?;
    match data {
        InputData::U8(samples) => copy(samples, guard::call(|| tensor.get_data_mut::<u8>())?),
        InputData::F32(samples) => copy(samples, guard::call(|| tensor.get_data_mut::<f32>())?),
    }
}

fn copy<T: Copy>(samples: &[T], place: &mut [T]) -> Result<(), String> {
    if samples.len() != place.len() {
        return Err(format!("the batch has {} samples, the model takes {}", samples.len(), place.len()));
    }
    place.copy_from_slice(samples);
    Ok(())
}

impl std::fmt::Debug for OpenVinoBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenVinoBackend").field("input", &self.input).finish_non_exhaustive()
    }
}

impl Backend for OpenVinoBackend {
    fn run(&mut self, input: InputView<'_>, read: &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), BackendError> {
        self.run_request(input, read).map_err(|reason| BackendError { message: format!("openvino failed: {reason}") })
    }
}
