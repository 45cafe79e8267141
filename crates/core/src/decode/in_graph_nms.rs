//! Boxes that TensorFlow's post-processing has decoded and suppressed inside the graph (the ONNX Model Zoo's
//! ssd_mobilenet_v1).

use super::{
    Keep,
    shape::{DecodeError, Dim, checked, exactly, image},
};
use crate::{geometry::BoxInFrame, tensor::OutputView};

/// A head of boxes, classes, scores and a count.
#[derive(Clone, Debug)]
pub(super) struct InGraphNms {
    pub boxes_name: String,
    pub classes_name: String,
    pub scores_name: String,
    pub count_name: String,
}

impl InGraphNms {
    pub(super) fn decode(
        &self,
        outputs: &[OutputView<'_>],
        image_index: usize,
        keep: &mut Keep<'_>,
    ) -> Result<(), DecodeError> {
        let [boxes, classes, scores, count] = exactly(outputs)?;
        let image_boxes = image(&self.boxes_name, boxes, &[Dim::Batch, Dim::Any("M"), Dim::Fixed(4)], image_index)?;
        let rows = Dim::Is("M", boxes.shape[1]);
        let classes = image(&self.classes_name, classes, &[Dim::Batch, rows], image_index)?;
        let scores = image(&self.scores_name, scores, &[Dim::Batch, rows], image_index)?;
        let count = self.count(count, boxes.shape[0], image_index)?;

        let all = image_boxes.chunks_exact(4).zip(classes).zip(scores).take(count);
        for (index, ((corners, &class), &score)) in all.enumerate() {
            let [top, left, bottom, right] = [corners[0], corners[1], corners[2], corners[3]];
            keep.push_numbered(score, class, index, BoxInFrame::from_edges(left, top, right, bottom));
        }
        Ok(())
    }

    /// How many rows of the image count; the rest is padding. Some exporters write `[N, 1]`.
    fn count(&self, count: &OutputView<'_>, batch: usize, image_index: usize) -> Result<usize, DecodeError> {
        let batch = Dim::Is("N", batch);
        if count.shape.len() == 2 {
            checked(&self.count_name, count, &[batch, Dim::Fixed(1)])?;
        } else {
            checked(&self.count_name, count, &[batch])?;
        }
        // A float's cast to an integer saturates: a negative count or a NaN is none.
        Ok(count.data[image_index] as usize)
    }
}
