//! Box encodings and class logits to boxes (Liu et al., SSD, arXiv 1512.02325; the coder is TensorFlow Object
//! Detection's `faster_rcnn_box_coder`).

use super::{
    Keep,
    scan::{ROWS, Scan, any_reaches, exp, least_of_softmax, rows_reaching, rows_reaching_softmax, softmax_sum},
    shape::{DecodeError, Dim, exactly, image},
};
use crate::{
    geometry::BoxInFrame,
    model::{Anchor, BoxCoder, ScoreFunction},
    simd::Level,
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
    pub level: Level,
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

        let background = self.background.filter(|&background| background < self.class_count);
        let scan = Scan { class_count: self.class_count, background, least: self.least(keep.threshold) };
        for (block, rows) in logits.chunks(ROWS * self.class_count).enumerate() {
            let mut reaching = match self.function {
                ScoreFunction::Sigmoid | ScoreFunction::Identity => rows_reaching(self.level, rows, scan),
                ScoreFunction::Softmax => rows_reaching_softmax(self.level, rows, scan),
            };
            while reaching != 0 {
                let number = reaching.trailing_zeros() as usize;
                reaching &= reaching - 1;
                let index = block * ROWS + number;
                let row = &rows[number * self.class_count..][..self.class_count];
                let bbox = self.decoded(&encodings[4 * index..][..4], &self.anchors[index]);
                self.keep_row(row, scan.least, index, bbox, keep);
            }
        }
        Ok(())
    }

    /// What a logit has to reach for a score of `threshold`, a hair lower: the score itself decides in the end. Of a
    /// softmax it is what it may be less than the row's greatest.
    fn least(&self, threshold: f32) -> f32 {
        match self.function {
            ScoreFunction::Sigmoid => inverse_sigmoid(threshold),
            // Written so that a NaN is looked for as any other number: in vain.
            ScoreFunction::Softmax if threshold <= 0.0 => f32::NEG_INFINITY,
            ScoreFunction::Softmax => threshold.ln(),
            ScoreFunction::Identity => threshold,
        }
    }

    /// Keeps the reported classes of one anchor that reach `least`.
    fn keep_row(&self, row: &[f32], least: f32, index: usize, bbox: BoxInFrame, keep: &mut Keep<'_>) {
        /// As many are looked at together: of a row's classes one or two reach it.
        const TOGETHER: usize = 16;
        let reported = keep.classes;
        let (greatest, sum, least) = match self.function {
            ScoreFunction::Softmax => {
                let (greatest, sum) = softmax_sum(self.level, row);
                (greatest, sum, least_of_softmax(greatest, least))
            }
            ScoreFunction::Sigmoid | ScoreFunction::Identity => (0.0, 1.0, least),
        };
        for (number, logits) in row.chunks(TOGETHER).enumerate() {
            if !any_reaches(logits, least) {
                continue;
            }
            for (class, &logit) in (number * TOGETHER..).zip(logits) {
                if logit < least || !reported.as_slice()[class] {
                    continue;
                }
                let score = match self.function {
                    ScoreFunction::Sigmoid => 1.0 / (1.0 + exp(-logit)),
                    ScoreFunction::Softmax => exp(logit - greatest) / sum,
                    ScoreFunction::Identity => logit,
                };
                let Ok(class_id) = u16::try_from(class) else { return };
                keep.push(score, class_id, index, bbox);
            }
        }
    }

    /// y = ty/10·h + cy, x = tx/10·w + cx, height = exp(th/5)·h, width = exp(tw/5)·w for a coder of 10, 10, 5, 5.
    fn decoded(&self, encoding: &[f32], anchor: &Anchor) -> BoxInFrame {
        let center_y = encoding[0] / self.coder.y * anchor.height + anchor.center_y;
        let center_x = encoding[1] / self.coder.x * anchor.width + anchor.center_x;
        let height = exp(encoding[2] / self.coder.height) * anchor.height;
        let width = exp(encoding[3] / self.coder.width) * anchor.width;
        BoxInFrame { x: center_x - width / 2.0, y: center_y - height / 2.0, width, height }
    }
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
