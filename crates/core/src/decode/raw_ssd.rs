//! Box encodings and class logits to boxes (Liu et al., SSD, arXiv 1512.02325; the coder is TensorFlow Object
//! Detection's `faster_rcnn_box_coder`).

use libm::expf;

use super::{
    Keep,
    shape::{DecodeError, Dim, exactly, image},
};
use crate::{
    geometry::BoxInFrame,
    model::{Anchor, BoxCoder, ScoreFunction},
    tensor::OutputView,
};

/// A head of raw encodings and logits.
#[derive(Clone, Debug)]
pub(super) struct RawSsd {
    pub boxes_name: String,
    pub classes_name: String,
    pub anchors: Vec<Anchor>,
    pub coder: BoxCoder,
    pub function: ScoreFunction,
    /// Never reported, and passed over by the scan: in softmax networks it wins in nearly all anchors.
    pub background: Option<usize>,
    pub class_count: usize,
}

impl RawSsd {
    pub(super) fn decode(
        &self,
        outputs: &[OutputView<'_>],
        image_index: usize,
        keep: &mut Keep<'_>,
    ) -> Result<(), DecodeError> {
        let [encodings, logits] = exactly(outputs)?;
        let anchors = Dim::Is("A", self.anchors.len());
        let classes = Dim::Is("C", self.class_count);
        let encodings = image(&self.boxes_name, encodings, &[Dim::Batch, anchors, Dim::Fixed(4)], image_index)?;
        let logits = image(&self.classes_name, logits, &[Dim::Batch, anchors, classes], image_index)?;
        if self.class_count == 0 {
            return Ok(());
        }

        // Nearly all of the 1917×91 logits are far too low. In logit space that is one comparison each.
        let least_logit = match self.function {
            ScoreFunction::Sigmoid => inverse_sigmoid(keep.threshold),
            ScoreFunction::Softmax | ScoreFunction::Identity => keep.threshold,
        };
        let rows = logits.chunks_exact(self.class_count).zip(encodings.chunks_exact(4)).zip(&self.anchors);
        for (index, ((row, encoding), anchor)) in rows.enumerate() {
            let least = match self.function {
                ScoreFunction::Sigmoid | ScoreFunction::Identity => least_logit,
                ScoreFunction::Softmax => least_logit_of_softmax(row, keep.threshold),
            };
            if self.any_reaches(row, least) {
                self.keep_row(row, least, index, self.decoded(encoding, anchor), keep);
            }
        }
        Ok(())
    }

    /// Whether any class but the background reaches `least`.
    fn any_reaches(&self, row: &[f32], least: f32) -> bool {
        match self.background {
            Some(background) if background < row.len() => {
                any_reaches(&row[..background], least) || any_reaches(&row[background + 1..], least)
            }
            _ => any_reaches(row, least),
        }
    }

    /// Keeps the reported classes of one anchor that reach `least`.
    fn keep_row(&self, row: &[f32], least: f32, index: usize, bbox: BoxInFrame, keep: &mut Keep<'_>) {
        let reported = keep.classes;
        let softmax_sum = match self.function {
            ScoreFunction::Softmax => softmax_sum(row),
            ScoreFunction::Sigmoid | ScoreFunction::Identity => (0.0, 1.0),
        };
        for (class, (&logit, &is_reported)) in row.iter().zip(reported.as_slice()).enumerate() {
            if !is_reported || logit < least {
                continue;
            }
            let score = match self.function {
                ScoreFunction::Sigmoid => 1.0 / (1.0 + expf(-logit)),
                ScoreFunction::Softmax => expf(logit - softmax_sum.0) / softmax_sum.1,
                ScoreFunction::Identity => logit,
            };
            let Ok(class_id) = u16::try_from(class) else { return };
            keep.push(score, class_id, index, bbox);
        }
    }

    /// y = ty/10·h + cy, x = tx/10·w + cx, height = exp(th/5)·h, width = exp(tw/5)·w for a coder of 10, 10, 5, 5.
    fn decoded(&self, encoding: &[f32], anchor: &Anchor) -> BoxInFrame {
        let center_y = encoding[0] / self.coder.y * anchor.height + anchor.center_y;
        let center_x = encoding[1] / self.coder.x * anchor.width + anchor.center_x;
        let height = expf(encoding[2] / self.coder.height) * anchor.height;
        let width = expf(encoding[3] / self.coder.width) * anchor.width;
        BoxInFrame { x: center_x - width / 2.0, y: center_y - height / 2.0, width, height }
    }
}

/// Without a branch per element, so that it is done four or more at once. NaN reaches nothing.
fn any_reaches(logits: &[f32], least: f32) -> bool {
    let mut any = false;
    for &logit in logits {
        any |= logit >= least;
    }
    any
}

/// The logit whose sigmoid is `score`, a hair lower: the score itself decides in the end, and must not be missed for
/// rounding.
fn inverse_sigmoid(score: f32) -> f32 {
    if score <= 0.0 {
        return f32::NEG_INFINITY;
    }
    if score >= 1.0 {
        // sigmoid rounds to 1 from 16.6 on.
        return 16.0;
    }
    (score / (1.0 - score)).ln() - 1e-3
}

/// The least logit that can still have a softmax of `score`: the sum is at least the greatest term.
fn least_logit_of_softmax(row: &[f32], score: f32) -> f32 {
    if score <= 0.0 {
        return f32::NEG_INFINITY;
    }
    greatest(row) + score.ln() - 1e-3
}

/// The greatest logit and the sum of exp(logit - greatest) over all classes, the background included.
fn softmax_sum(row: &[f32]) -> (f32, f32) {
    let greatest = greatest(row);
    (greatest, row.iter().map(|logit| expf(logit - greatest)).sum())
}

fn greatest(row: &[f32]) -> f32 {
    row.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}
