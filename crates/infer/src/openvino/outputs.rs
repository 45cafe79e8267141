//! A request's outputs as views, and integer outputs as floats.

use openvino::{InferRequest, Tensor};
use sightline_core::tensor::OutputView;

use super::{guard, library::Version};
use crate::graph::Element;

/// As many outputs as a head has at most.
const MOST_OUTPUTS: usize = 4;

/// What is kept between runs so that reading outputs allocates nothing.
#[derive(Debug, Default)]
pub(super) struct OutputBuffers([OutputBuffer; MOST_OUTPUTS]);

#[derive(Debug, Default)]
struct OutputBuffer {
    shape: Vec<usize>,
    /// An integer output's values.
    converted: Vec<f32>,
}

impl OutputBuffers {
    /// Shows the outputs called `names` of a finished request to `read`, in that order.
    ///
    /// Float outputs are shown where the request has them. Integer ones are converted: they are class ids and counts,
    /// some hundred numbers.
    ///
    /// # Errors
    /// When an output is none of float32, int32 and int64; `read` is not called then.
    pub(super) fn show(
        &mut self,
        request: &InferRequest,
        names: &[String],
        version: &Version,
        read: &mut dyn FnMut(&[OutputView<'_>]),
    ) -> Result<(), String> {
        // Asked for anew after every run: a plugin is free to put an output elsewhere, and one of open shape grows.
        let mut tensors: [Option<Tensor>; MOST_OUTPUTS] = [const { None }; MOST_OUTPUTS];
        for (tensor, name) in tensors.iter_mut().zip(names) {
            *tensor = Some(guard::call(|| request.get_tensor(name))?);
        }
        let mut views = [OutputView { shape: &[], data: &[] }; MOST_OUTPUTS];
        for (view, (tensor, buffer)) in views.iter_mut().zip(tensors.iter().flatten().zip(&mut self.0)) {
            *view = buffer.view(tensor, version)?;
        }
        read(&views[..names.len().min(MOST_OUTPUTS)]);
        Ok(())
    }
}

impl OutputBuffer {
    fn view<'a>(&'a mut self, tensor: &'a Tensor, version: &Version) -> Result<OutputView<'a>, String> {
        let Self { shape, converted } = self;
        let found = guard::call(|| tensor.get_shape())?;
        shape.clear();
        shape.extend(found.get_dimensions().iter().map(|&side| usize::try_from(side).unwrap_or(0)));
        // The memory of nothing is nowhere.
        if shape.contains(&0) {
            return Ok(OutputView { shape, data: &[] });
        }
        let element = version.element(guard::call(|| tensor.get_element_type())?);
        let data = match element {
            Element::F32 => guard::call(|| tensor.get_data::<f32>())?,
            Element::I64 => {
                converted.clear();
                converted.extend(guard::call(|| tensor.get_data::<i64>())?.iter().map(|&integer| integer as f32));
                converted.as_slice()
            }
            Element::I32 => {
                converted.clear();
                converted.extend(guard::call(|| tensor.get_data::<i32>())?.iter().map(|&integer| integer as f32));
                converted.as_slice()
            }
            other => return Err(format!("an output is of type {other}, expected float32, int32 or int64")),
        };
        Ok(OutputView { shape, data })
    }
}
