//! What each kind of session is asked to open, and what it gives.

use std::path::Path;

use sightline_core::{
    execution::{BatchSizes, Placement},
    model::{InputSpec, ModelSpec},
    ports::Backend,
    tensor::{InputBuffer, InputView, OutputView},
};

use crate::error::InferError;

/// A model whose weights have been read and are the right ones.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    /// What it should be.
    pub spec: &'a ModelSpec,
    /// The weights' file …
    pub path: &'a Path,
    /// … and its bytes.
    pub weights: &'a [u8],
    /// At most so many images are run at a time.
    pub max_batch: usize,
    /// How many batches are to run at the same time on a CPU.
    pub sessions: usize,
    /// How many there may come to be, for what cannot be added to later.
    pub most_sessions: usize,
    /// Where compiled models may be kept.
    pub cache: Option<&'a Path>,
}

/// What one provider opened. Nothing of it is verified but that it runs.
pub(crate) struct Opened {
    /// One per worker.
    pub backends: Vec<Box<dyn Backend>>,
    /// What they take.
    pub batch_sizes: BatchSizes,
    /// Name and version of the library.
    pub library: String,
    /// The device's name.
    pub device: String,
    /// Where the nodes of the graph ran.
    pub placement: Placement,
}

/// Why one provider did not open a session.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is the model's or the runtime's fault: no other provider would do better.
    Model(InferError),
    /// The next provider may be tried.
    Provider(String),
}

impl Job<'_> {
    /// The model is not what its specification says.
    pub(crate) fn mismatch(&self, differences: Vec<String>) -> Refusal {
        let (model, path) = (self.spec.name.clone(), self.path.to_path_buf());
        Refusal::Model(InferError::Mismatch { model, path, differences })
    }
}

/// Runs a black batch, as a provider may open a session and still fail to run it. Returns the outputs' shapes.
///
/// # Errors
/// What `run` said.
pub(crate) fn warm_up<E>(
    input: &InputSpec,
    batch: usize,
    run: impl FnOnce(InputView<'_>, &mut dyn FnMut(&[OutputView<'_>])) -> Result<(), E>,
) -> Result<Vec<Vec<usize>>, E> {
    let mut black = InputBuffer::new(input.element);
    black.resize(batch * input.samples_per_image());
    let mut shapes = Vec::new();
    run(InputView { shape: input.shape(batch), data: black.data() }, &mut |outputs| {
        shapes = outputs.iter().map(|output| output.shape.to_vec()).collect();
    })?;
    Ok(shapes)
}

/// Libraries' messages go over several lines, with source locations; a log line or a status has one.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
