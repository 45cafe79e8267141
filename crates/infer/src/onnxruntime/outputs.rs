//! A run's outputs as views, and integer outputs as floats.

use ort::value::{DynValue, TensorElementType};
use sightline_core::tensor::OutputView;

/// As many outputs as a head has at most.
pub(crate) const MOST_OUTPUTS: usize = 4;

/// A run's outputs in the order in which they were asked for; what is over is `None`.
pub(crate) type Outputs = [Option<DynValue>; MOST_OUTPUTS];

/// What is kept between runs so that reading outputs allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct OutputBuffers([OutputBuffer; MOST_OUTPUTS]);

#[derive(Debug, Default)]
struct OutputBuffer {
    shape: Vec<usize>,
    /// An integer output's values.
    converted: Vec<f32>,
}

impl OutputBuffers {
    /// Shows all outputs of a run to `read`, in the order in which they were asked for.
    ///
    /// Float outputs are shown where the session has them. Integer ones are converted: they are class ids and counts,
    /// some hundred numbers.
    ///
    /// # Errors
    /// When an output is none of float32, int32 and int64, or not in the CPU's memory; `read` is not called then.
    pub(crate) fn show(&mut self, outputs: &Outputs, read: &mut dyn FnMut(&[OutputView<'_>])) -> ort::Result<()> {
        let mut views = [OutputView { shape: &[], data: &[] }; MOST_OUTPUTS];
        let mut count = 0;
        for (value, (view, buffer)) in outputs.iter().flatten().zip(views.iter_mut().zip(&mut self.0)) {
            let OutputBuffer { shape, converted } = buffer;
            let (found, data) = match value.dtype().tensor_type() {
                Some(TensorElementType::Int64) => {
                    let (found, integers) = value.try_extract_tensor::<i64>()?;
                    converted.clear();
                    converted.extend(integers.iter().map(|&integer| integer as f32));
                    (found, converted.as_slice())
                }
                Some(TensorElementType::Int32) => {
                    let (found, integers) = value.try_extract_tensor::<i32>()?;
                    converted.clear();
                    converted.extend(integers.iter().map(|&integer| integer as f32));
                    (found, converted.as_slice())
                }
                _ => value.try_extract_tensor::<f32>()?,
            };
            shape.clear();
            shape.extend(found.iter().map(|&side| usize::try_from(side).unwrap_or(0)));
            *view = OutputView { shape, data };
            count += 1;
        }
        read(&views[..count]);
        Ok(())
    }
}
