//! Output tensors held against the shapes that a head has.

use crate::tensor::OutputView;

/// Why outputs cannot be decoded. All of them mean that the graph is not what `model.yaml` says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Too few or too many outputs.
    #[error("the head has {expected} outputs, the session gave {found}")]
    OutputCount {
        /// The head's.
        expected: usize,
        /// The session's.
        found: usize,
    },
    /// A shape that does not fit.
    #[error("output \"{output}\" has shape {found:?}, expected {expected}")]
    Shape {
        /// Name of the output.
        output: String,
        /// What would fit, with letters for what is free.
        expected: String,
        /// What was found.
        found: Vec<usize>,
    },
    /// Fewer or more samples than the shape says.
    #[error("output \"{output}\" of shape {shape:?} holds {found} samples")]
    Length {
        /// Name of the output.
        output: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Samples found.
        found: usize,
    },
    /// The batch has no such image.
    #[error("image {image_index} of a batch of {batch} was asked for")]
    ImageIndex {
        /// The image asked for.
        image_index: usize,
        /// Images there are.
        batch: usize,
    },
}

/// One dimension of an expected shape.
#[derive(Clone, Copy)]
pub(super) enum Dim {
    /// Images in the batch: any number.
    Batch,
    /// Any number, called by a letter in messages.
    Any(&'static str),
    /// This number, called by a letter in messages.
    Is(&'static str, usize),
    /// A number that is always the same.
    Fixed(usize),
}

/// The outputs of a head, as many as it has.
pub(super) fn exactly<'o, 'd, const N: usize>(
    outputs: &'o [OutputView<'d>],
) -> Result<&'o [OutputView<'d>; N], DecodeError> {
    outputs.try_into().map_err(|_| DecodeError::OutputCount { expected: N, found: outputs.len() })
}

/// The part of `output` that belongs to one image, when its shape is `expected` (whose first dimension is the batch).
pub(super) fn image<'a>(
    name: &str,
    output: &OutputView<'a>,
    expected: &[Dim],
    image_index: usize,
) -> Result<&'a [f32], DecodeError> {
    checked(name, output, expected)?;
    let batch = output.shape.first().copied().unwrap_or(0);
    if image_index >= batch {
        return Err(DecodeError::ImageIndex { image_index, batch });
    }
    let per_image = output.data.len() / batch;
    Ok(&output.data[image_index * per_image..(image_index + 1) * per_image])
}

/// `Ok` when `output` has the expected shape and as many samples as its shape says.
pub(super) fn checked(name: &str, output: &OutputView<'_>, expected: &[Dim]) -> Result<(), DecodeError> {
    let fits = |(dim, found): (&Dim, &usize)| match dim {
        Dim::Batch | Dim::Any(_) => true,
        Dim::Is(_, wanted) | Dim::Fixed(wanted) => found == wanted,
    };
    if output.shape.len() != expected.len() || !expected.iter().zip(output.shape).all(fits) {
        let (output, found) = (name.to_owned(), output.shape.to_vec());
        return Err(DecodeError::Shape { output, expected: described(expected), found });
    }
    // A product that overflows is more than any memory holds.
    let samples = output.shape.iter().try_fold(1usize, |product, &dimension| product.checked_mul(dimension));
    if samples != Some(output.data.len()) {
        let (shape, found) = (output.shape.to_vec(), output.data.len());
        return Err(DecodeError::Length { output: name.to_owned(), shape, found });
    }
    Ok(())
}

fn described(expected: &[Dim]) -> String {
    let one = |dim: &Dim| match dim {
        Dim::Batch => "N".to_owned(),
        Dim::Any(letter) => (*letter).to_owned(),
        Dim::Is(letter, wanted) => format!("{letter}={wanted}"),
        Dim::Fixed(wanted) => wanted.to_string(),
    };
    format!("[{}]", expected.iter().map(one).collect::<Vec<_>>().join(", "))
}
