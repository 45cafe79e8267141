//! MobileNetV1: Howard et al., arXiv 1704.04861, table 1.

use super::{Activation, Builder, Channels, Convolution, NetworkError, Operation, Padding, Window};

/// Output channels at width 1 and stride of the 13 depthwise-separable blocks.
pub(super) const BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];
/// Output channels of the first convolution at width 1.
pub(super) const FIRST: usize = 32;

/// How wide layers are: a share of the paper's channels, and never fewer than `least`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Width {
    pub(super) multiplier: f64,
    pub(super) least: usize,
}

impl Width {
    /// Channels at this width, rounded down as TensorFlow does.
    pub(super) fn of(self, channels: usize) -> usize {
        ((channels as f64 * self.multiplier) as usize).max(self.least)
    }
}

/// A convolution with SAME padding, batch normalisation and `ReLU6`.
pub(super) const fn convolution(outputs: usize, kernel: usize, stride: usize) -> Operation {
    let window = Window { kernel, stride, dilation: 1, padding: Padding::Same };
    let channels = Channels::All;
    Operation::Convolution(Convolution {
        outputs,
        window,
        channels,
        batch_normalized: true,
        activation: Activation::Relu6,
    })
}

const fn depthwise(channels: usize, stride: usize) -> Operation {
    let window = Window { kernel: 3, stride, dilation: 1, padding: Padding::Same };
    Operation::Convolution(Convolution {
        outputs: channels,
        window,
        channels: Channels::Own,
        batch_normalized: true,
        activation: Activation::Relu6,
    })
}

/// The first convolution and the given blocks; the index of each block's last layer.
pub(super) fn add(builder: &mut Builder, width: Width, blocks: &[(usize, usize)]) -> Result<Vec<usize>, NetworkError> {
    builder.then("conv_0", convolution(width.of(FIRST), 3, 2))?;
    let mut ends = Vec::with_capacity(blocks.len());
    for (number, &(outputs, stride)) in (1..).zip(blocks) {
        let inputs = builder.shape(builder.last()).channels;
        builder.then(format!("block_{number}_depthwise"), depthwise(inputs, stride))?;
        ends.push(builder.then(format!("block_{number}_pointwise"), convolution(width.of(outputs), 1, 1))?);
    }
    Ok(ends)
}
