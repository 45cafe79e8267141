//! [`sightline_core::operators::convolution`] as an operator of ONNX Runtime.

use std::cell::RefCell;

use super::{Shared, SharedKernel, refused};
use ort::{
    operator::{ComputeContext, KernelContext, Operator, OperatorInput, OperatorOutput, ShapeInferenceContext},
    value::{Shape, SymbolicDimensions, TensorElementType, TensorValueType, ValueType},
};
use sightline_core::{
    operators::convolution::{Convolution, Layer, Reads, node as names},
    simd::Level,
};

/// [`Convolution`].
pub(super) struct Convolution3x3;

impl Operator for Convolution3x3 {
    type Kernel<'attr> = Shared<ConvolutionKernel>;

    fn name(&self) -> &str {
        names::NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        use TensorElementType::{Float32, Int8, Int32, Uint8};
        [Uint8, Int8, Int32, Float32].map(OperatorInput::required)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Uint8)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Self::Kernel<'attr>> {
        let integer = |name: &str| node.get::<i64>(name);
        let byte = |name: &str| u8::try_from(integer(name)?).ok();
        let attributes = || {
            let pads: Vec<i64> = node.get(names::PADS)?;
            let pads: Vec<usize> = pads.into_iter().map(usize::try_from).collect::<Result<_, _>>().ok()?;
            Some(Layer {
                reads: if integer(names::READS_PIXELS)? == 0 { Reads::Channel } else { Reads::Pixels },
                weights: &[],
                bias: &[],
                scale: &[],
                input_zero_point: byte(names::INPUT_ZERO_POINT)?,
                output_zero_point: byte(names::OUTPUT_ZERO_POINT)?,
                stride: usize::try_from(integer(names::STRIDE)?).ok()?,
                pads: pads.try_into().ok()?,
            })
        };
        let attributes =
            attributes().ok_or_else(|| refused(names::NAME, "an attribute is missing or out of its range"))?;
        let weights = node.constant_input::<TensorValueType<i8>>(1)?;
        let bias = node.constant_input::<TensorValueType<i32>>(2)?;
        let scale = node.constant_input::<TensorValueType<f32>>(3)?;
        let layer = Layer {
            weights: weights.extract_tensor().1,
            bias: bias.extract_tensor().1,
            scale: scale.extract_tensor().1,
            ..attributes
        };
        let convolution =
            Convolution::new(&layer).ok_or_else(|| refused(names::NAME, "it is none that can be computed"))?;
        Ok(Shared(ConvolutionKernel { convolution, level: Level::best() }))
    }

    /// Without it ONNX Runtime does not know the rank of what follows, and cannot take out transpositions.
    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let inputs = context.inputs();
        let [ValueType::Tensor { shape: image, .. }, ValueType::Tensor { shape: weights, .. }, ..] = inputs.as_slice()
        else {
            return Ok(());
        };
        let (&[batch, height, width, _], Some(&outputs)) = (&image[..], weights.first()) else { return Ok(()) };
        let (stride, pads): (i64, Vec<i64>) = (context.attr(names::STRIDE)?, context.attr(names::PADS)?);
        let &[above, left, below, right] = pads.as_slice() else {
            return Err(refused(names::NAME, "its pads are not four"));
        };
        // As `Convolution::output_size`; -1 is not known.
        let steps = |length: i64, pads: i64| match length.saturating_add(pads) - 3 {
            room if length < 0 || room < 0 => -1,
            room => room / stride.max(1) + 1,
        };
        let shape = Shape::new([
            batch,
            steps(height, above.saturating_add(below)),
            steps(width, left.saturating_add(right)),
            outputs,
        ]);
        let dimension_symbols = SymbolicDimensions::empty(4);
        context.set_output(0, &ValueType::Tensor { ty: TensorElementType::Uint8, shape, dimension_symbols })
    }
}

pub(super) struct ConvolutionKernel {
    convolution: Convolution,
    level: Level,
}

thread_local! {
    /// Room for the layers of all sessions, one after the other.
    static AROUND: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl SharedKernel for ConvolutionKernel {
    fn compute(&self, context: &ComputeContext) -> ort::Result<()> {
        let input = context.input(0)?.ok_or_else(|| refused(names::NAME, "it has no input"))?;
        let (shape, images) = input.try_extract_tensor::<u8>()?;
        let &[batch, height, width, channels] = &shape[..] else {
            return Err(refused(names::NAME, "its input is no batch of images"));
        };
        // What is negative is nothing.
        let [batch, height, width, channels] =
            [batch, height, width, channels].map(|length| usize::try_from(length).unwrap_or(0));
        let size = [height, width];
        let out = self.convolution.output_size(size).filter(|_| channels == self.convolution.inputs());
        let [down, across] = out.ok_or_else(|| refused(names::NAME, "its input is not of its size"))?;
        let shape = [batch, down, across, self.convolution.outputs()];
        let mut output = context.output(0, shape)?.ok_or_else(|| refused(names::NAME, "it has no output"))?;
        let (_, results) = output.try_extract_tensor_mut::<u8>()?;
        let lengths = [images.len(), results.len()].map(|length| (length / batch.max(1)).max(1));
        AROUND.with_borrow_mut(|around| {
            for (image, result) in images.chunks_exact(lengths[0]).zip(results.chunks_exact_mut(lengths[1])) {
                self.convolution.run(self.level, image, size, around, result);
            }
        });
        Ok(())
    }
}
