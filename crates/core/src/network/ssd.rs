//! The SSD head on any base network: predictors on several feature maps, and the default boxes they are relative to.
//! Liu et al., arXiv 1512.02325, section 2.

use super::{
    Activation, Builder, Channels, Convolution, NetworkError, NetworkHead, Operation, Padding, SsdHead, Window,
    default_boxes, mobilenet::Width,
};
use crate::{
    anchors::{self, GridSize, SsdAnchorParameters},
    model::ScoreFunction,
};

/// Indices of the two predictors of one feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SsdMap {
    /// The layer that puts out 4 encodings per default box.
    pub boxes: usize,
    /// The layer that puts out a logit per class and default box.
    pub classes: usize,
}

/// Which default boxes and predictors a head has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsdForm {
    /// The paper's: 3×3 predictors, 4 or 6 boxes per cell, softmax over the classes and the background.
    Paper,
    /// TensorFlow Object Detection's (Huang et al., arXiv 1611.10012): 1×1 predictors, 3 or 6 boxes per cell, sigmoids.
    TensorFlow,
}

/// Aspect ratios of the paper's six maps: 4, 6, 6, 6, 4, 4 boxes per cell.
const PAPER_ASPECT_RATIOS: [&[f64]; 6] = [&[2.0], &[2.0, 3.0], &[2.0, 3.0], &[2.0, 3.0], &[2.0], &[2.0]];

/// Adds the predictors on `maps`, the outputs of those layers, finest first.
pub(super) fn add_head(
    builder: &mut Builder,
    maps: &[usize],
    form: SsdForm,
    classes: usize,
) -> Result<NetworkHead, NetworkError> {
    let grids: Vec<GridSize> = maps
        .iter()
        .map(|&map| builder.shape(Some(map)))
        .map(|shape| GridSize { rows: shape.height, columns: shape.width })
        .collect();
    let (kernel, score, default_boxes) = match form {
        SsdForm::Paper => (3, ScoreFunction::Softmax, default_boxes::of_paper(&grids, &PAPER_ASPECT_RATIOS)),
        SsdForm::TensorFlow => (1, ScoreFunction::Sigmoid, anchors::generate(&SsdAnchorParameters::tensorflow(grids))),
    };
    let mut predictors = Vec::with_capacity(maps.len());
    for (number, &map) in maps.iter().enumerate() {
        let boxes_per_cell = boxes_per_cell(form, number);
        let mut predictor = |what: &str, outputs| {
            builder.after(Some(map), format!("predictor_{number}_{what}"), predictor(outputs, kernel))
        };
        let boxes = predictor("boxes", boxes_per_cell * 4)?;
        let classes = predictor("classes", boxes_per_cell * classes)?;
        predictors.push(SsdMap { boxes, classes });
    }
    Ok(NetworkHead::Ssd(SsdHead { maps: predictors, default_boxes, score }))
}

fn boxes_per_cell(form: SsdForm, map: usize) -> usize {
    match form {
        SsdForm::Paper => 2 + 2 * PAPER_ASPECT_RATIOS.get(map).map_or(1, |ratios| ratios.len()),
        SsdForm::TensorFlow if map == 0 => 3,
        SsdForm::TensorFlow => 6,
    }
}

const fn predictor(outputs: usize, kernel: usize) -> Operation {
    let window = Window { kernel, stride: 1, dilation: 1, padding: Padding::Same };
    let (channels, activation) = (Channels::All, Activation::None);
    Operation::Convolution(Convolution { outputs, window, channels, batch_normalized: false, activation })
}

/// A pair of layers that makes a coarser map: 1×1 to `reduce` channels, then 3×3 to `outputs`.
#[derive(Clone, Copy)]
pub(super) struct Extra {
    pub(super) reduce: usize,
    pub(super) outputs: usize,
    pub(super) stride: usize,
    pub(super) padding: Padding,
}

impl Extra {
    pub(super) const fn halving(reduce: usize, outputs: usize) -> Self {
        Self { reduce, outputs, stride: 2, padding: Padding::Same }
    }

    /// At stride 1 without padding: 3×3 cells become one.
    pub(super) const fn last(reduce: usize, outputs: usize) -> Self {
        Self { reduce, outputs, stride: 1, padding: Padding::Valid }
    }
}

/// Adds the extra layers of a MobileNet's SSD; the index of each pair's last layer.
pub(super) fn add_extras(builder: &mut Builder, width: Width, extras: &[Extra]) -> Result<Vec<usize>, NetworkError> {
    let mut ends = Vec::with_capacity(extras.len());
    for (number, extra) in (1..).zip(extras) {
        builder.then(format!("extra_{number}_reduce"), super::mobilenet::convolution(width.of(extra.reduce), 1, 1))?;
        let window = Window { kernel: 3, stride: extra.stride, dilation: 1, padding: extra.padding };
        let convolution = Convolution {
            outputs: width.of(extra.outputs),
            window,
            channels: Channels::All,
            batch_normalized: true,
            activation: Activation::Relu6,
        };
        ends.push(builder.then(format!("extra_{number}"), Operation::Convolution(convolution))?);
    }
    Ok(ends)
}
