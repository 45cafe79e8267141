//! [`sightline_core::operators::joined_output`] as an operator of ONNX Runtime.

use super::{Shared, SharedKernel, refused};
use ort::{
    operator::{ComputeContext, KernelContext, Operator, OperatorInput, OperatorOutput, ShapeInferenceContext},
    value::{Shape, SymbolicDimensions, TensorElementType, TensorValueType, ValueType},
};
use sightline_core::{
    operators::joined_output::{self, Quantisation, Table},
    simd::Level,
};

/// [`Table`]s for the parts of an output.
pub(super) struct JoinedOutput;

impl Operator for JoinedOutput {
    type Kernel<'attr> = Shared<JoinedOutputKernel>;

    fn name(&self) -> &str {
        joined_output::NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [
            OperatorInput::required(TensorElementType::Float32),
            OperatorInput::variadic(1).homogenous(TensorElementType::Uint8),
        ]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Self::Kernel<'attr>> {
        let parts = node.constant_input::<TensorValueType<f32>>(0)?;
        let table = |[scale, zero_point, scale_of_output, zero_point_of_output]: &[f32; 4]| {
            // They were bytes when they were written.
            let of = |scale: f32, zero_point: f32| Quantisation { scale, zero_point: zero_point as u8 };
            Table::new(of(*scale, *zero_point), of(*scale_of_output, *zero_point_of_output))
        };
        let tables = parts.extract_tensor().1.as_chunks().0.iter().map(table).collect();
        Ok(Shared(JoinedOutputKernel { tables, level: Level::best() }))
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let inputs = context.inputs();
        let mut rows = 0i64;
        let mut last = None;
        for part in inputs.iter().skip(1) {
            let ValueType::Tensor { shape, .. } = part else { return Ok(()) };
            let &[batch, of_part, columns] = &shape[..] else { return Ok(()) };
            // -1 is not known.
            rows = if rows < 0 || of_part < 0 { -1 } else { rows.saturating_add(of_part) };
            last = Some((batch, columns));
        }
        let Some((batch, columns)) = last else { return Ok(()) };
        let shape = Shape::new([batch, rows, columns]);
        let dimension_symbols = SymbolicDimensions::empty(3);
        context.set_output(0, &ValueType::Tensor { ty: TensorElementType::Float32, shape, dimension_symbols })
    }
}

pub(super) struct JoinedOutputKernel {
    /// Of each part.
    tables: Vec<Table>,
    level: Level,
}

impl SharedKernel for JoinedOutputKernel {
    fn compute(&self, context: &ComputeContext) -> ort::Result<()> {
        // Shapes first: the output needs their sum.
        let (mut batch, mut rows, mut columns) = (0, 0, 0);
        for part in 0..self.tables.len() {
            let input = context.input(part + 1)?.ok_or_else(|| refused(joined_output::NAME, "a part is missing"))?;
            let &[images, of_part, of_row] = &input.shape()[..] else {
                return Err(refused(joined_output::NAME, "a part is no table"));
            };
            if part > 0 && (images, of_row) != (batch, columns) {
                return Err(refused(joined_output::NAME, "its parts do not fit"));
            }
            (batch, rows, columns) = (images, rows + of_part, of_row);
        }
        let mut output = context
            .output(0, [batch, rows, columns])?
            .ok_or_else(|| refused(joined_output::NAME, "it has no output"))?;
        let (_, floats) = output.try_extract_tensor_mut::<f32>()?;
        let images = usize::try_from(batch).unwrap_or(0);
        let of_image = floats.len() / images.max(1);
        let mut first = 0;
        for (part, table) in self.tables.iter().enumerate() {
            let input = context.input(part + 1)?.ok_or_else(|| refused(joined_output::NAME, "a part is missing"))?;
            let (_, bytes) = input.try_extract_tensor::<u8>()?;
            let length = bytes.len() / images.max(1);
            for (bytes, floats) in bytes.chunks_exact(length.max(1)).zip(floats.chunks_exact_mut(of_image.max(1))) {
                let floats = floats
                    .get_mut(first..first + length)
                    .ok_or_else(|| refused(joined_output::NAME, "its parts do not fit"))?;
                table.look_up(self.level, bytes, floats);
            }
            first += length;
        }
        Ok(())
    }
}
