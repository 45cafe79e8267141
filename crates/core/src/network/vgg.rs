//! VGG-16 without its fully connected layers, as SSD300 uses it: Liu et al., arXiv 1512.02325, section 3.

use super::{Activation, Builder, Channels, Convolution, NetworkError, Operation, Padding, Window};

/// A convolution with a bias and ReLU: VGG has no batch normalisation.
pub(super) const fn convolution(outputs: usize, kernel: usize, stride: usize, padding: Padding) -> Operation {
    dilated(outputs, Window { kernel, stride, dilation: 1, padding })
}

const fn dilated(outputs: usize, window: Window) -> Operation {
    Operation::Convolution(Convolution {
        outputs,
        window,
        channels: Channels::All,
        batch_normalized: false,
        activation: Activation::Relu,
    })
}

/// What SSD takes from it: `conv4_3`, normalised, and `fc7`.
pub(super) struct Ends {
    pub(super) conv4_3_normalized: usize,
    pub(super) fc7: usize,
}

/// conv1_1 to fc7. `fc6` and `fc7` are convolutions, `fc6` with holes (dilation 6); `pool5` keeps the map's size.
pub(super) fn add(builder: &mut Builder) -> Result<Ends, NetworkError> {
    let halving = Window { kernel: 2, stride: 2, dilation: 1, padding: Padding::Same };
    for (stage, convolutions, outputs) in [(1, 2, 64), (2, 2, 128), (3, 3, 256), (4, 3, 512)] {
        for number in 1..=convolutions {
            builder.then(format!("conv{stage}_{number}"), convolution(outputs, 3, 1, Padding::Same))?;
        }
        if stage < 4 {
            builder.then(format!("pool{stage}"), Operation::MaximumPooling(halving))?;
        }
    }
    let conv4_3 = builder.last();
    let conv4_3_normalized = builder.after(conv4_3, "conv4_3_normalized", Operation::L2Normalization)?;
    builder.after(conv4_3, "pool4", Operation::MaximumPooling(halving))?;
    for number in 1..=3 {
        builder.then(format!("conv5_{number}"), convolution(512, 3, 1, Padding::Same))?;
    }
    let keeping = Window { kernel: 3, stride: 1, dilation: 1, padding: Padding::Same };
    builder.then("pool5", Operation::MaximumPooling(keeping))?;
    builder.then("fc6", dilated(1024, Window { kernel: 3, stride: 1, dilation: 6, padding: Padding::Same }))?;
    let fc7 = builder.then("fc7", convolution(1024, 1, 1, Padding::Same))?;
    Ok(Ends { conv4_3_normalized, fc7 })
}
