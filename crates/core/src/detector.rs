//! A head's outputs to detections: decoding, suppression, clipping.

use crate::{
    decode::{DecodeError, Decoder},
    detection::Detection,
    model::{DetectionSettings, ModelSpec},
    nms::{self, Candidate},
    preprocess::Placement,
    simd::Level,
    tensor::OutputView,
};

/// Turns one model's outputs into detections. One per worker thread; it keeps its buffer, so that a frame costs no
/// allocation once the busiest one was seen.
#[derive(Clone, Debug)]
pub struct Postprocessor {
    decoder: Decoder,
    settings: DetectionSettings,
    candidates: Vec<Candidate>,
}

impl Postprocessor {
    /// For the outputs of `spec`, keeping what `settings` say.
    #[must_use]
    pub fn new(spec: &ModelSpec, settings: DetectionSettings) -> Self {
        Self::with_level(spec, settings, Level::best())
    }

    /// With the instructions of `level`. The detections are the same bit for bit, whichever it is.
    #[must_use]
    pub fn with_level(spec: &ModelSpec, settings: DetectionSettings, level: Level) -> Self {
        let decoder = Decoder::with_level(spec, settings.score_threshold, level);
        Self { decoder, settings, candidates: Vec::new() }
    }

    /// Replaces `detections` by those of image `image_index` of the batch: best score first (then lower class, then
    /// lower anchor), in fractions of the frame, clipped to it.
    ///
    /// `outputs` are in the order of [`crate::model::Head::output_names`]; `placement` is what
    /// [`crate::preprocess::Preprocessor::fill`] gave for the frame. Boxes that a graph has suppressed itself are
    /// suppressed again here, so that a pipeline's stricter wishes hold for every model.
    ///
    /// # Errors
    /// When a shape does not fit the head; `detections` is empty then.
    pub fn detections(
        &mut self,
        outputs: &[OutputView<'_>],
        image_index: usize,
        placement: &Placement,
        detections: &mut Vec<Detection>,
    ) -> Result<(), DecodeError> {
        detections.clear();
        self.candidates.clear();
        self.decoder.candidates(outputs, image_index, placement, &mut self.candidates)?;
        let DetectionSettings { iou_threshold, max_detections, class_agnostic, .. } = self.settings;
        nms::suppress(&mut self.candidates, iou_threshold, class_agnostic, max_detections);
        let detection =
            |kept: &Candidate| Detection { class_id: kept.class_id, score: kept.score, bbox: kept.bbox.clipped() };
        detections.extend(self.candidates.iter().map(detection));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
