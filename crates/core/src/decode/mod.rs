//! A head's output tensors to candidates, one image at a time.
//!
//! Each decoder drops what is under the score threshold, of a class that is not reported, not finite, or wholly
//! outside the frame, and maps the rest from the tensor to the frame. Suppression comes after ([`crate::nms`]).

mod classes;
mod detection_output;
mod in_graph_nms;
mod raw_ssd;
mod scan;
mod shape;

pub use shape::DecodeError;

use self::{classes::ReportedClasses, detection_output::DetectionOutput, in_graph_nms::InGraphNms, raw_ssd::RawSsd};
use crate::{
    geometry::BoxInFrame,
    model::{Head, ModelSpec},
    nms::Candidate,
    preprocess::Placement,
    simd::Level,
    tensor::OutputView,
};

/// Decodes the outputs of one model's head.
#[derive(Clone, Debug)]
pub struct Decoder {
    head: HeadDecoder,
    classes: ReportedClasses,
    score_threshold: f32,
}

#[derive(Clone, Debug)]
enum HeadDecoder {
    RawSsd(RawSsd),
    InGraphNms(InGraphNms),
    DetectionOutput(DetectionOutput),
    /// A classifier's: nothing to decode.
    Boxless,
}

impl Decoder {
    /// For the heads and labels of `spec`; scores under `score_threshold` are dropped.
    #[must_use]
    pub fn new(spec: &ModelSpec, score_threshold: f32) -> Self {
        Self::with_level(spec, score_threshold, Level::best())
    }

    /// With the instructions of `level`. The candidates are the same bit for bit, whichever it is.
    #[must_use]
    pub fn with_level(spec: &ModelSpec, score_threshold: f32, level: Level) -> Self {
        let background = match &spec.head {
            Head::RawSsd { background_class, .. } => *background_class,
            Head::InGraphNms { .. } | Head::DetectionOutput { .. } | Head::Classifier { .. } => None,
        };
        let head = match &spec.head {
            Head::RawSsd { boxes, classes, anchors, box_coder, score, background_class } => {
                HeadDecoder::RawSsd(RawSsd {
                    boxes_name: boxes.clone(),
                    classes_name: classes.clone(),
                    anchors: anchors.clone(),
                    coder: *box_coder,
                    function: *score,
                    background: background_class.map(usize::from),
                    class_count: spec.labels.len(),
                    level,
                })
            }
            Head::InGraphNms { boxes, classes, scores, count } => HeadDecoder::InGraphNms(InGraphNms {
                boxes_name: boxes.clone(),
                classes_name: classes.clone(),
                scores_name: scores.clone(),
                count_name: count.clone(),
            }),
            Head::DetectionOutput { output } => {
                HeadDecoder::DetectionOutput(DetectionOutput { output_name: output.clone() })
            }
            Head::Classifier { .. } => HeadDecoder::Boxless,
        };
        Self { head, classes: ReportedClasses::new(&spec.labels, background.map(usize::from)), score_threshold }
    }

    /// Appends image `image_index`'s candidates to `out`, in the frame's fractions, in no particular order.
    ///
    /// `outputs` are in the order of [`Head::output_names`].
    ///
    /// # Errors
    /// When a shape does not fit the head; `out` is unchanged then.
    pub fn candidates(
        &self,
        outputs: &[OutputView<'_>],
        image_index: usize,
        placement: &Placement,
        out: &mut Vec<Candidate>,
    ) -> Result<(), DecodeError> {
        let mut keep = Keep { classes: &self.classes, threshold: self.score_threshold, placement, out };
        match &self.head {
            HeadDecoder::RawSsd(head) => head.decode(outputs, image_index, &mut keep),
            HeadDecoder::InGraphNms(head) => head.decode(outputs, image_index, &mut keep),
            HeadDecoder::DetectionOutput(head) => head.decode(outputs, image_index, &mut keep),
            HeadDecoder::Boxless => Ok(()),
        }
    }
}

/// Where decoders put what they find, and what of it is kept.
struct Keep<'a> {
    classes: &'a ReportedClasses,
    threshold: f32,
    placement: &'a Placement,
    out: &'a mut Vec<Candidate>,
}

impl Keep<'_> {
    /// Keeps a box of the tensor, unless its score is too low or it is nowhere in the frame. `class_id` is a reported
    /// one.
    fn push(&mut self, score: f32, class_id: u16, index: usize, box_in_tensor: BoxInFrame) {
        // Written so that a NaN is dropped as well.
        let reached = score >= self.threshold;
        if !reached {
            return;
        }
        let bbox = self.placement.to_frame(box_in_tensor);
        let finite = [bbox.x, bbox.y, bbox.width, bbox.height].into_iter().all(f32::is_finite);
        let seen = bbox.clipped();
        if !finite || seen.width <= 0.0 || seen.height <= 0.0 {
            return;
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.out.push(Candidate { score: score.min(1.0), class_id, index, bbox });
    }

    /// Keeps a box of a class that the graph wrote as a number, if that number is a reported class.
    fn push_numbered(&mut self, score: f32, class: f32, index: usize, box_in_tensor: BoxInFrame) {
        if let Some(class_id) = self.classes.reported(class) {
            self.push(score, class_id, index, box_in_tensor);
        }
    }
}
