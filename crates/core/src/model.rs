//! What a detection model is: its input, its head, its labels. Read from `model.yaml` by the `config` crate.

use std::path::PathBuf;

use crate::{frame::PictureSize, tensor::ElementType};

/// Order of a tensor's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorLayout {
    /// `[N, C, H, W]`
    Nchw,
    /// `[N, H, W, C]`
    Nhwc,
    /// `[N, H, W, 4]`: behind the three colours a fourth channel that is zero. No model is made so; some kernels like it
    /// ([`crate::ports::Backend::input`]).
    NhwcPadded,
}

impl TensorLayout {
    /// Channels of a pixel, in the tensor.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Nchw | Self::Nhwc => 3,
            Self::NhwcPadded => 4,
        }
    }
}

/// Order of the colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColorOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How a frame is brought to the model's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResizeMode {
    /// Both sides scaled independently; the aspect ratio is not kept. What SSD was trained with.
    Stretch,
    /// Scaled to fit, centred, the rest filled with the channel's mean value.
    Letterbox,
}

/// A model's input tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Name of the graph's input; the only one when absent.
    pub name: Option<String>,
    /// Order of the dimensions.
    pub layout: TensorLayout,
    /// Element type.
    pub element: ElementType,
    /// Order of the channels.
    pub color_order: ColorOrder,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// How frames are brought to that size.
    pub resize: ResizeMode,
    /// Subtracted from each channel (0..=255 scale), in the tensor's channel order. Zeros for `U8`.
    pub mean: [f32; 3],
    /// Each channel is multiplied by this after the mean went off, in the tensor's channel order. Ones for `U8`.
    pub scale: [f32; 3],
}

impl InputSpec {
    /// `[N, height, width, 3]` bytes of RGB, stretched, not normalised: what most exported SSDs take.
    #[must_use]
    pub const fn rgb_bytes(width: usize, height: usize) -> Self {
        Self {
            name: None,
            layout: TensorLayout::Nhwc,
            element: ElementType::U8,
            color_order: ColorOrder::Rgb,
            width,
            height,
            resize: ResizeMode::Stretch,
            mean: [0.0; 3],
            scale: [1.0; 3],
        }
    }

    /// The tensor's shape for a batch of `n`.
    #[must_use]
    pub const fn shape(&self, n: usize) -> [usize; 4] {
        let channels = self.layout.channels();
        match self.layout {
            TensorLayout::Nchw => [n, channels, self.height, self.width],
            TensorLayout::Nhwc | TensorLayout::NhwcPadded => [n, self.height, self.width, channels],
        }
    }

    /// The one size at which a frame of any size loses nothing that the tensor would show. `None` for a letterbox, where that
    /// depends on the frame.
    #[must_use]
    pub fn stretched_size(&self) -> Option<PictureSize> {
        let (width, height) = (u32::try_from(self.width).ok()?, u32::try_from(self.height).ok()?);
        (self.resize == ResizeMode::Stretch).then_some(PictureSize { width, height })
    }

    /// Samples of one image.
    #[must_use]
    pub const fn samples_per_image(&self) -> usize {
        self.layout.channels() * self.width * self.height
    }
}

/// A default box ("anchor", "prior") in fractions of the input: centre and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// Centre, vertical.
    pub center_y: f32,
    /// Centre, horizontal.
    pub center_x: f32,
    /// Height.
    pub height: f32,
    /// Width.
    pub width: f32,
}

/// Divisors of the box encodings (ty, tx, th, tw); 10, 10, 5, 5 in the TensorFlow Object Detection form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxCoder {
    /// Divides ty.
    pub y: f32,
    /// Divides tx.
    pub x: f32,
    /// Divides th.
    pub height: f32,
    /// Divides tw.
    pub width: f32,
}

/// How a class's logit becomes a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScoreFunction {
    /// Each class on its own.
    Sigmoid,
    /// Over all classes of an anchor, the background included.
    Softmax,
    /// The output is a score already.
    Identity,
}

/// What the model's outputs mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Head {
    /// Box encodings `[N, A, 4]` (ty, tx, th, tw) and class logits `[N, A, C]`, decoded and suppressed here.
    RawSsd {
        /// Name of the box encodings' output.
        boxes: String,
        /// Name of the class logits' output.
        classes: String,
        /// The A default boxes.
        anchors: Vec<Anchor>,
        /// Divisors of the encodings.
        box_coder: BoxCoder,
        /// Logit to score.
        score: ScoreFunction,
        /// The class that means "nothing here", if there is one.
        background_class: Option<u16>,
    },
    /// TensorFlow's in-graph NMS as the ONNX Model Zoo has it: boxes `[N, M, 4]` (ymin, xmin, ymax, xmax), classes
    /// `[N, M]`, scores `[N, M]`, count `[N]`.
    InGraphNms {
        /// Name of the boxes' output.
        boxes: String,
        /// Name of the classes' output.
        classes: String,
        /// Name of the scores' output.
        scores: String,
        /// Name of the count's output.
        count: String,
    },
    /// OpenVINO / Caffe `DetectionOutput`: `[1, 1, N, 7]` rows of (image, class, score, xmin, ymin, xmax, ymax); an
    /// image of -1 ends the list.
    DetectionOutput {
        /// Name of the output.
        output: String,
    },
    /// Scores `[N, C]` of whole pictures. It can be measured, and finds no boxes.
    Classifier {
        /// Name of the scores' output.
        scores: String,
    },
}

impl Head {
    /// The outputs to fetch, in the order in which decoding expects them.
    #[must_use]
    pub fn output_names(&self) -> Vec<&str> {
        match self {
            Self::RawSsd { boxes, classes, .. } => vec![boxes, classes],
            Self::InGraphNms { boxes, classes, scores, count } => vec![boxes, classes, scores, count],
            Self::DetectionOutput { output } => vec![output],
            Self::Classifier { scores } => vec![scores],
        }
    }

    /// Whether its outputs are the network's own numbers, in places that do not depend on the picture: then those of two
    /// runs can be compared one by one.
    #[must_use]
    pub const fn is_raw(&self) -> bool {
        matches!(self, Self::RawSsd { .. } | Self::Classifier { .. })
    }
}

/// Class names by class id. Ids without a name (background, gaps in COCO's list) are never reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<Option<String>>);

impl Labels {
    /// From one optional name per class id.
    #[must_use]
    pub fn new(names: Vec<Option<String>>) -> Self {
        Self(names)
    }

    /// The name of a class, if it has one.
    #[must_use]
    pub fn name(&self, class_id: u16) -> Option<&str> {
        self.0.get(usize::from(class_id))?.as_deref()
    }

    /// The id of a name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u16> {
        let index = self.0.iter().position(|n| n.as_deref() == Some(name))?;
        u16::try_from(index).ok()
    }

    /// All names there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }

    /// How many class ids there are, nameless ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no class at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What decoding and suppression keep. The model's defaults, or a pipeline's wishes over them.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct DetectionSettings {
    /// Detections under it are dropped, 0..=1.
    pub score_threshold: f32,
    /// Of two boxes of one class that overlap by more than this IoU the weaker is dropped.
    pub iou_threshold: f32,
    /// At most so many detections per frame, best first.
    pub max_detections: usize,
    /// Suppress over all classes together instead of class by class.
    pub class_agnostic: bool,
}

/// A detection model, complete but for its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// The name pipelines use.
    pub name: String,
    /// The ONNX file, as found. `None`: nowhere to be found; see `weights_searched`.
    pub weights: Option<PathBuf>,
    /// File name of the ONNX file.
    pub weights_file_name: String,
    /// Where the weights were looked for, for the error message.
    pub weights_searched: Vec<PathBuf>,
    /// SHA-256 of the ONNX file, lower-case hexadecimal.
    pub sha256: String,
    /// SPDX licence of the weights.
    pub license: String,
    /// Where the weights come from and how to get them.
    pub source: String,
    /// The input tensor.
    pub input: InputSpec,
    /// What the outputs mean.
    pub head: Head,
    /// Class names.
    pub labels: Labels,
    /// What is kept unless the pipeline wishes otherwise.
    pub defaults: DetectionSettings,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_size_is_enough_for_a_stretched_picture_alone() {
        let stretched = InputSpec::rgb_bytes(320, 300);
        let letterbox = InputSpec { resize: ResizeMode::Letterbox, ..stretched.clone() };
        let enough = PictureSize { width: 320, height: 300 };
        assert_eq!((stretched.stretched_size(), letterbox.stretched_size()), (Some(enough), None));
    }
}
