//! What can be wrong with a frame or with the place it is to go to.

use crate::{frame::PixelFormat, tensor::ElementType};

/// Why a tensor could not be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreprocessError {
    /// No pixel in it.
    #[error("frame of {width}x{height} pixels has nothing to look at")]
    EmptyFrame {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// Rows would overlap.
    #[error("plane {plane} of the {format:?} frame has rows of {needed} bytes but a stride of {stride}")]
    StrideTooSmall {
        /// Layout of the frame.
        format: PixelFormat,
        /// Number of the plane.
        plane: usize,
        /// Its stride in bytes.
        stride: usize,
        /// Bytes that one of its rows has.
        needed: usize,
    },
    /// The last rows are missing.
    #[error(
        "plane {plane} of the {width}x{height} {format:?} frame has {found} bytes, {needed} are needed at a stride of \
         {stride}"
    )]
    PlaneTooShort {
        /// Layout of the frame.
        format: PixelFormat,
        /// Number of the plane.
        plane: usize,
        /// Width of the frame in pixels.
        width: usize,
        /// Height of the frame in pixels.
        height: usize,
        /// Its stride in bytes.
        stride: usize,
        /// Bytes that it has.
        found: usize,
        /// Bytes that it should have.
        needed: usize,
    },
    /// The tensor is of another type than the model's input.
    #[error("the model's input is {expected:?}, the tensor to fill is {found:?}")]
    ElementType {
        /// The model's.
        expected: ElementType,
        /// The tensor's.
        found: ElementType,
    },
    /// The tensor's slice for one image has another length than the model's input.
    #[error("one image of the model's input has {expected} samples, the tensor's slice has {found}")]
    OutputLength {
        /// The model's.
        expected: usize,
        /// The slice's.
        found: usize,
    },
}
