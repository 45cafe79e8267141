//! Rows of Caffe's and OpenVINO's `DetectionOutput` layer (OpenVINO's operation specification, DetectionOutput-8).

use super::{
    Keep,
    shape::{DecodeError, Dim, checked, exactly},
};
use crate::{geometry::BoxInFrame, tensor::OutputView};

/// A head of one list of rows for the whole batch.
#[derive(Clone, Debug)]
pub(super) struct DetectionOutput {
    pub output_name: String,
}

impl DetectionOutput {
    pub(super) fn decode(
        &self,
        outputs: &[OutputView<'_>],
        image_index: usize,
        keep: &mut Keep<'_>,
    ) -> Result<(), DecodeError> {
        let [rows] = exactly(outputs)?;
        checked(&self.output_name, rows, &[Dim::Fixed(1), Dim::Fixed(1), Dim::Any("N"), Dim::Fixed(7)])?;
        for (index, row) in rows.data.chunks_exact(7).enumerate() {
            let image = row[0];
            // -1 ends the list; a NaN cannot be trusted to say where it goes on.
            if image < 0.0 || image.is_nan() {
                break;
            }
            if image != image_index as f32 {
                continue;
            }
            let (class, score) = (row[1], row[2]);
            let [left, top, right, bottom] = [row[3], row[4], row[5], row[6]];
            keep.push_numbered(score, class, index, BoxInFrame::from_edges(left, top, right, bottom));
        }
        Ok(())
    }
}
