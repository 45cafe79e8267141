//! What the network saw in one frame, after decoding and suppression.

use crate::geometry::BoxInFrame;

/// One object seen in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Class id as the model counts them: an index into the model's [`crate::model::Labels`].
    pub class_id: u16,
    /// Confidence in 0..=1.
    pub score: f32,
    /// Where, in fractions of the frame, clipped to it.
    pub bbox: BoxInFrame,
}
