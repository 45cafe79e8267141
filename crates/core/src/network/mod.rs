//! Networks as lists of layers: shapes, parameters and multiply-adds, without weights. [`architectures`] is the only
//! place that says what an SSD MobileNetV1 is; files are written from it, and training reads those files.

pub mod architectures;
mod default_boxes;
mod mobilenet;
mod ssd;
mod vgg;

pub use self::ssd::{SsdForm, SsdMap};
use crate::model::{Anchor, ScoreFunction};

/// Height × width × channels of a feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// A shape.
    #[must_use]
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }
}

/// What is put around a feature map before a window moves over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// TensorFlow's SAME: the output has ⌈input / stride⌉ cells; of an odd padding the larger half comes after.
    Same,
    /// Nothing.
    Valid,
    /// So many cells on every side, as Caffe and PyTorch have it.
    Symmetric(usize),
}

/// Which input channels an output channel sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// All of them.
    All,
    /// Its own alone: a depthwise convolution (MobileNets, arXiv 1704.04861, section 3.1).
    Own,
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing: a predictor.
    None,
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
}

/// A window that moves over a feature map. Square, as all of them are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Cells per side.
    pub kernel: usize,
    /// Cells from one position to the next.
    pub stride: usize,
    /// Cells from one tap to the next.
    pub dilation: usize,
    /// What is put around the map.
    pub padding: Padding,
}

impl Window {
    /// Output cells along one side. `None`: the window does not fit.
    #[must_use]
    pub const fn output(self, input: usize) -> Option<usize> {
        let reach = (self.kernel - 1) * self.dilation + 1;
        match self.padding {
            Padding::Same => Some(input.div_ceil(self.stride)),
            Padding::Valid if input >= reach => Some((input - reach) / self.stride + 1),
            Padding::Symmetric(by) if input + 2 * by >= reach => Some((input + 2 * by - reach) / self.stride + 1),
            Padding::Valid | Padding::Symmetric(_) => None,
        }
    }

    /// Cells put before and after a side of `input` cells.
    #[must_use]
    pub const fn padding_of(self, input: usize) -> (usize, usize) {
        match self.padding {
            Padding::Valid => (0, 0),
            Padding::Symmetric(by) => (by, by),
            Padding::Same => {
                let reach = (self.kernel - 1) * self.dilation + 1;
                let covered = (input.div_ceil(self.stride) - 1) * self.stride + reach;
                let total = covered.saturating_sub(input);
                (total / 2, total - total / 2)
            }
        }
    }
}

/// A convolution with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Output channels.
    pub outputs: usize,
    /// The window.
    pub window: Window,
    /// Which input channels each output channel sees.
    pub channels: Channels,
    /// Whether it is trained with batch normalisation (folded into kernel and bias when written) in place of a bias.
    pub batch_normalized: bool,
    /// What follows.
    pub activation: Activation,
}

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A convolution, its normalisation or bias, its activation.
    Convolution(Convolution),
    /// The largest value under the window.
    MaximumPooling(Window),
    /// The mean over the whole map: 1×1.
    GlobalAveragePooling,
    /// Every cell's vector to length 1, times a learnt scale per channel (`ParseNet`; SSD, section 3.1, on conv4_3).
    L2Normalization,
    /// Over the channels.
    Softmax,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, unique in the network: that of its weights and of its output in a written file.
    pub name: String,
    /// The layer whose output it takes, by its index; `None`: the network's input.
    pub from: Option<usize>,
    /// What it does.
    pub operation: Operation,
    /// What goes in.
    pub input: Shape,
    /// What comes out.
    pub output: Shape,
}

impl Layer {
    /// Values in its kernel: output channels × input channels seen × rows × columns. 0: it has none.
    #[must_use]
    pub const fn kernel_values(&self) -> usize {
        match self.operation {
            Operation::Convolution(Convolution { outputs, window, channels, .. }) => {
                let seen = match channels {
                    Channels::All => self.input.channels,
                    Channels::Own => 1,
                };
                outputs * seen * window.kernel * window.kernel
            }
            _ => 0,
        }
    }

    /// Values that are learnt: the kernel, and a bias, or batch normalisation's scale and shift, per channel.
    #[must_use]
    pub const fn parameters(&self) -> usize {
        match self.operation {
            Operation::Convolution(Convolution { outputs, batch_normalized, .. }) => {
                self.kernel_values() + if batch_normalized { 2 * outputs } else { outputs }
            }
            Operation::L2Normalization => self.input.channels,
            _ => 0,
        }
    }

    /// Multiply-adds of its kernel for one picture, as the MobileNets paper counts them.
    #[must_use]
    pub const fn multiply_adds(&self) -> u64 {
        (self.output.height * self.output.width * self.kernel_values()) as u64
    }
}

/// What a network's outputs are.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkHead {
    /// Scores of whole pictures: the last layer's output.
    Classifier,
    /// Box encodings and class logits of several feature maps.
    Ssd(SsdHead),
}

/// An SSD head: its predictors, and the default boxes that their outputs are relative to.
#[derive(Clone, Debug, PartialEq)]
pub struct SsdHead {
    /// The predictors, finest map first.
    pub maps: Vec<SsdMap>,
    /// The default boxes, in the order of the predictors' outputs: map, row, column, box.
    pub default_boxes: Vec<Anchor>,
    /// How a logit becomes a score.
    pub score: ScoreFunction,
}

/// A network without weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name on the command line.
    pub name: String,
    /// One picture.
    pub input: Shape,
    /// Its layers; each takes the output of an earlier one.
    pub layers: Vec<Layer>,
    /// What comes out.
    pub head: NetworkHead,
    /// How many classes its predictors or scores have, a background included.
    pub classes: usize,
}

impl Network {
    /// Values that are learnt.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }

    /// Multiply-adds for one picture.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(Layer::multiply_adds).sum()
    }

    /// A layer by its name.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

/// Why a network cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// The picture is too small for the network's windows.
    #[error("layer {layer} does not fit: {input} cells a side are left of the picture; take a larger size")]
    TooSmall {
        /// The first layer that does not fit.
        layer: String,
        /// What is left where it begins.
        input: usize,
    },
    /// A parameter out of its range.
    #[error("{0}")]
    Parameter(String),
}

/// Puts layers one after another.
#[derive(Debug)]
pub(crate) struct Builder {
    input: Shape,
    layers: Vec<Layer>,
}

impl Builder {
    pub(crate) const fn new(input: Shape) -> Self {
        Self { input, layers: Vec::new() }
    }

    /// Index of the layer added last; `None` before the first one.
    pub(crate) const fn last(&self) -> Option<usize> {
        self.layers.len().checked_sub(1)
    }

    /// What a layer puts out; the network's input for `None`.
    pub(crate) fn shape(&self, layer: Option<usize>) -> Shape {
        layer.map_or(self.input, |index| self.layers[index].output)
    }

    /// Adds a layer behind the one added last.
    pub(crate) fn then(&mut self, name: impl Into<String>, operation: Operation) -> Result<usize, NetworkError> {
        self.after(self.last(), name, operation)
    }

    /// Adds a layer that takes the output of `from`.
    pub(crate) fn after(
        &mut self,
        from: Option<usize>,
        name: impl Into<String>,
        operation: Operation,
    ) -> Result<usize, NetworkError> {
        let (name, input) = (name.into(), self.shape(from));
        let moved = |window: Window, channels: usize| {
            let (height, width) = (window.output(input.height)?, window.output(input.width)?);
            Some(Shape { height, width, channels })
        };
        let output = match operation {
            Operation::Convolution(convolution) => moved(convolution.window, convolution.outputs),
            Operation::MaximumPooling(window) => moved(window, input.channels),
            Operation::GlobalAveragePooling => Some(Shape::new(1, 1, input.channels)),
            Operation::L2Normalization | Operation::Softmax => Some(input),
        };
        let Some(output) = output else {
            return Err(NetworkError::TooSmall { layer: name, input: input.height.min(input.width) });
        };
        self.layers.push(Layer { name, from, operation, input, output });
        Ok(self.layers.len() - 1)
    }

    pub(crate) fn finish(self, name: &str, head: NetworkHead, classes: usize) -> Network {
        Network { name: name.to_owned(), input: self.input, layers: self.layers, head, classes }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn window(kernel: usize, stride: usize, dilation: usize, padding: Padding) -> Window {
        Window { kernel, stride, dilation, padding }
    }

    #[test]
    fn same_pads_what_tensorflow_pads() {
        // 300 → 150 by 3×3 at stride 2: one row and column in all, and they come after.
        assert_eq!(window(3, 2, 1, Padding::Same).padding_of(300), (0, 1));
        assert_eq!(window(3, 1, 1, Padding::Same).padding_of(300), (1, 1));
        assert_eq!(window(3, 2, 1, Padding::Same).padding_of(75), (1, 1));
        assert_eq!(window(1, 1, 1, Padding::Same).padding_of(19), (0, 0));
        assert_eq!(window(3, 1, 6, Padding::Same).padding_of(19), (6, 6));
    }

    #[test]
    fn a_window_larger_than_the_map_does_not_fit() {
        assert_eq!(window(3, 1, 1, Padding::Valid).output(2), None);
        assert_eq!(window(3, 1, 1, Padding::Valid).output(3), Some(1));
        assert_eq!(window(3, 1, 1, Padding::Symmetric(0)).output(2), None);
    }

    proptest! {
        /// The padding makes exactly the output that SAME promises.
        #[test]
        fn same_is_the_padding_that_gives_its_output(
            input in 1usize..400, kernel in 1usize..8, stride in 1usize..4, dilation in 1usize..7,
        ) {
            let same = window(kernel, stride, dilation, Padding::Same);
            let (before, after) = same.padding_of(input);
            prop_assert!(after == before || after == before + 1);
            let padded = window(kernel, stride, dilation, Padding::Valid).output(input + before + after);
            prop_assert_eq!(padded, same.output(input));
        }
    }
}
