//! Frames in, detections out: preprocessing, the network, decoding and suppression, on one thread.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{
    decode::DecodeError,
    detection::Detection,
    detector::Postprocessor,
    execution::BatchSizes,
    frame::FrameView,
    histogram::{Stage, StageTimes},
    model::{DetectionSettings, InputSpec, ModelSpec},
    ports::{Backend, BackendError},
    preprocess::{InputSliceMut, Placement, PreprocessError, Preprocessor},
    tensor::{InputBuffer, InputView},
};

/// What can go wrong between a frame and its detections.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// The session failed.
    #[error("the session failed: {0}")]
    Backend(#[from] BackendError),
    /// The outputs do not fit the model's description.
    #[error("cannot decode the model's outputs: {0}")]
    Decode(#[from] DecodeError),
}

/// A frame that does not hold what its format promises.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the frame: {cause}")]
pub struct UnreadableFrame {
    /// Its place in the batch.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub cause: PreprocessError,
}

/// One session with everything around it. Its memory is used again for every batch.
pub struct Detector {
    model: Arc<ModelSpec>,
    backend: Box<dyn Backend>,
    /// What the session takes; smaller batches are filled up with what was there before.
    batch_sizes: BatchSizes,
    /// How the session takes its pictures.
    input: InputSpec,
    preprocessor: Preprocessor,
    tensor: InputBuffer,
    placements: Vec<Placement>,
    /// One per distinct settings: pipelines that share a session may keep different scores.
    postprocessors: Vec<(DetectionSettings, Postprocessor)>,
    stages: Arc<StageTimes>,
}

impl Detector {
    /// A detector that runs `backend`, a session of `model` that takes batches of `batch_sizes`.
    #[must_use]
    pub fn new(model: Arc<ModelSpec>, backend: Box<dyn Backend>, batch_sizes: BatchSizes) -> Self {
        let input = backend.input().unwrap_or(&model.input).clone();
        let tensor = InputBuffer::new(input.element);
        let preprocessor = Preprocessor::new(&input);
        let (placements, postprocessors, stages) = (Vec::new(), Vec::new(), Arc::default());
        Self { model, backend, batch_sizes, input, preprocessor, tensor, placements, postprocessors, stages }
    }

    /// Counts in `stages` how long network and decoding take.
    #[must_use]
    pub fn counting_in(mut self, stages: Arc<StageTimes>) -> Self {
        self.stages = stages;
        self
    }

    /// Brings a batch of frames into the input tensor; their pixels are not needed afterwards.
    ///
    /// # Errors
    /// The first frame that does not hold what its format promises; nothing is loaded then.
    pub fn load(&mut self, frames: &[FrameView<'_>]) -> Result<(), UnreadableFrame> {
        self.placements.clear();
        let per_image = self.input.samples_per_image();
        self.tensor.resize(self.batch_sizes.fitting(frames.len()) * per_image);
        for (index, frame) in frames.iter().enumerate() {
            let image = image_mut(&mut self.tensor, index, per_image);
            let placement = self.preprocessor.fill(*frame, image);
            self.placements.push(placement.map_err(|cause| UnreadableFrame { index, cause })?);
        }
        Ok(())
    }

    /// Runs the loaded batch; one list of detections per frame, best first, kept as that frame's `settings` say.
    ///
    /// # Errors
    /// When the session fails or its outputs do not fit the model's description.
    pub fn run(&mut self, settings: &[DetectionSettings]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        let batch_size = self.placements.len();
        if batch_size == 0 {
            return Ok(Vec::new());
        }
        for wanted in settings {
            if !self.postprocessors.iter().any(|(known, _)| known == wanted) {
                self.postprocessors.push((*wanted, Postprocessor::new(&self.model, *wanted)));
            }
        }
        let shape = self.input.shape(self.batch_sizes.fitting(batch_size));
        let input = InputView { shape, data: self.tensor.data() };
        let placements = &self.placements;
        let postprocessors = &mut self.postprocessors;
        let mut decoded = Ok(Vec::with_capacity(batch_size));
        let begun = Instant::now();
        let mut decoding = Duration::ZERO;
        self.backend.run(input, &mut |outputs| {
            let answered = Instant::now();
            decoded = placements
                .iter()
                .zip(settings)
                .enumerate()
                .map(|(index, (placement, wanted))| {
                    let mut detections = Vec::new();
                    let known = postprocessors.iter_mut().find(|(known, _)| known == wanted);
                    if let Some((_, postprocessor)) = known {
                        postprocessor.detections(outputs, index, placement, &mut detections)?;
                    }
                    Ok(detections)
                })
                .collect::<Result<Vec<_>, DecodeError>>();
            decoding = answered.elapsed();
        })?;
        self.stages.record(Stage::Inference, begun.elapsed().saturating_sub(decoding));
        self.stages.record(Stage::Postprocess, decoding);
        Ok(decoded?)
    }
}

/// The memory of the `index`th image of a batch.
fn image_mut(tensor: &mut InputBuffer, index: usize, per_image: usize) -> InputSliceMut<'_> {
    let range = index * per_image..(index + 1) * per_image;
    match tensor {
        InputBuffer::U8(data) => InputSliceMut::U8(&mut data[range]),
        InputBuffer::F32(data) => InputSliceMut::F32(&mut data[range]),
    }
}
