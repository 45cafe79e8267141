//! TensorFlow Lite's quantised SSDs to ONNX: the raw heads, in float32 and in int8, without the file's own
//! post-processing (which keeps 10 boxes, and costs 3 points of mAP).

mod anchors;
mod error;
mod flatbuffer;
mod flexbuffer;
mod float32;
mod layer;
mod naming;
mod quantized;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

use sightline_core::{
    model::{Anchor, BoxCoder, ScoreFunction},
    network::Shape,
};

pub use self::error::ImportError;
use self::{
    layer::{ByteQuantization, Layer},
    quantized::Weights,
    walk::Output,
};

/// A quantised SSD, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// One picture.
    pub input: Shape,
    /// Logits per default box, a background included.
    pub classes: usize,
    /// The class that means "nothing here".
    pub background_class: Option<u16>,
    /// The default boxes to decode with: the exact ones if `anchors_are_exact`, else the file's own.
    pub anchors: Vec<Anchor>,
    /// The file's own default boxes, dequantised.
    pub file_anchors: Vec<Anchor>,
    /// Whether the file's own are, within a pixel, those that TensorFlow Object Detection generates, which are then
    /// used: `core::anchors::generate`.
    pub anchors_are_exact: bool,
    /// Divisors of the box encodings.
    pub box_coder: BoxCoder,
    /// How a logit becomes a score.
    pub score: ScoreFunction,
    /// The IoU threshold of the file's own suppression.
    pub iou_threshold: Option<f32>,
    input_quantization: ByteQuantization,
    layers: Vec<Layer>,
    boxes: Output,
    logits: Output,
}

/// A quantised SSD that ends in `TFLite_Detection_PostProcess`, as TensorFlow Object Detection exports it.
///
/// # Errors
/// When the bytes are no TensorFlow Lite file, are damaged or cut off, or are a file of another kind.
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let model = schema::read(bytes)?;
    let ssd = walk::walk(&model, bytes.len())?;
    let Some(first) = ssd.layers.iter().find(|layer| layer.from.is_none()) else {
        return Err(ImportError::Contradiction("no convolution takes the picture".to_owned()));
    };
    let input = first.input;
    if input.channels != 3 {
        return Err(ImportError::Unsupported(format!("a picture of {} channels is not supported", input.channels)));
    }
    let boxes = ssd.maps.iter().try_fold(0usize, |sum, (grid, per_cell)| {
        sum.checked_add(grid.rows.checked_mul(grid.columns)?.checked_mul(*per_cell)?)
    });
    let Some(boxes) = boxes else {
        return Err(ImportError::Contradiction("it has more predictions than can be counted".to_owned()));
    };
    let file_anchors = anchors::of_file(ssd.anchors, boxes)?;
    let generated = anchors::generated(&file_anchors, &ssd.maps, (input.height, input.width));
    Ok(Imported {
        input,
        classes: ssd.classes.values,
        background_class: ssd.background_class,
        anchors_are_exact: generated.is_some(),
        anchors: generated.unwrap_or_else(|| file_anchors.clone()),
        file_anchors,
        box_coder: ssd.box_coder,
        score: ssd.score,
        iou_threshold: ssd.iou_threshold,
        input_quantization: first.input_quantization,
        layers: ssd.layers,
        boxes: ssd.boxes,
        logits: ssd.classes,
    })
}

impl Imported {
    /// An ONNX file in float32. Input `input`: float32 `[N, 3, height, width]`, RGB, (x − 127.5) / 127.5. Outputs
    /// `box_encodings` `[N, A, 4]` and `class_logits` `[N, A, classes]`. Its weights have the names that `write` gives
    /// the same network's.
    #[must_use]
    pub fn float32(&self) -> Vec<u8> {
        float32::write(self)
    }

    /// An ONNX file in int8 (QDQ) with the file's own weights and quantisation parameters. Input `image`: uint8
    /// `[N, height, width, 3]`, RGB. Outputs as above, in float32.
    #[must_use]
    pub fn int8(&self) -> Vec<u8> {
        quantized::write(self, Weights::OfFile)
    }

    /// The same with weights symmetric around 0, one scale per output channel, which runtimes run fastest.
    #[must_use]
    pub fn int8_symmetric(&self) -> Vec<u8> {
        quantized::write(self, Weights::Symmetric)
    }
}
