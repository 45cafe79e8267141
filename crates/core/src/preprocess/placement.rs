//! Where in the tensor a frame lies, and the way back from the tensor to the frame.

use crate::{
    geometry::BoxInFrame,
    model::{InputSpec, ResizeMode},
};

/// The rectangle of the tensor, in its pixels, that the frame was resized into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Columns left of it.
    pub left: usize,
    /// Rows above it.
    pub top: usize,
    /// Its width; at least 1.
    pub width: usize,
    /// Its height; at least 1.
    pub height: usize,
    /// Width of the tensor.
    pub tensor_width: usize,
    /// Height of the tensor.
    pub tensor_height: usize,
}

impl Placement {
    /// The frame fills the tensor.
    #[must_use]
    pub const fn whole(tensor_width: usize, tensor_height: usize) -> Self {
        Self { left: 0, top: 0, width: tensor_width, height: tensor_height, tensor_width, tensor_height }
    }

    /// As `input.resize` has it for a frame of the given size (at least 1×1).
    #[must_use]
    pub fn new(input: &InputSpec, frame_width: usize, frame_height: usize) -> Self {
        let whole = Self::whole(input.width, input.height);
        if input.resize == ResizeMode::Stretch || frame_width == 0 || frame_height == 0 {
            return whole;
        }
        let horizontal = input.width as f64 / frame_width as f64;
        let vertical = input.height as f64 / frame_height as f64;
        let scale = horizontal.min(vertical);
        let width = scaled(frame_width, scale, input.width);
        let height = scaled(frame_height, scale, input.height);
        Self { left: (input.width - width) / 2, top: (input.height - height) / 2, width, height, ..whole }
    }

    /// Whether the frame fills the tensor.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.width == self.tensor_width && self.height == self.tensor_height
    }

    /// From fractions of the tensor to fractions of the frame; not clipped.
    #[must_use]
    pub fn to_frame(&self, box_in_tensor: BoxInFrame) -> BoxInFrame {
        if self.is_whole() {
            return box_in_tensor;
        }
        let horizontal = self.tensor_width as f32 / self.width as f32;
        let vertical = self.tensor_height as f32 / self.height as f32;
        let left = self.left as f32 / self.tensor_width as f32;
        let top = self.top as f32 / self.tensor_height as f32;
        BoxInFrame {
            x: (box_in_tensor.x - left) * horizontal,
            y: (box_in_tensor.y - top) * vertical,
            width: box_in_tensor.width * horizontal,
            height: box_in_tensor.height * vertical,
        }
    }
}

/// A frame's side at the tensor's scale: at least one pixel, at most the tensor's side.
fn scaled(side: usize, scale: f64, limit: usize) -> usize {
    ((side as f64 * scale).round() as usize).clamp(1, limit)
}
