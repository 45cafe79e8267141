//! What a `model.yaml` may hold, as it is written. Its doc comments are the reference documentation.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{defaults, pipeline::wire::Fraction, yaml::field::Field};

/// A detection model: its weights by name and hash, its input, what its outputs mean, and its labels.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "ModelManifest",
    extend("required" = ["version", "name", "weights", "license", "source", "input", "head", "labels", "defaults"])
)]
pub(crate) struct ManifestWire {
    /// Version of the file's format: 1.
    #[schemars(extend("const" = 1))]
    pub version: Field<u64>,
    /// The model's name: that of its folder.
    pub name: Field<String>,
    /// The ONNX file.
    pub weights: Field<WeightsWire>,
    /// SPDX licence of the weights, such as `Apache-2.0`.
    pub license: Field<String>,
    /// Where the weights come from and how to get them; shown when they are missing.
    pub source: Field<String>,
    /// The input tensor.
    pub input: Field<InputWire>,
    /// What the outputs mean.
    pub head: Field<HeadWire>,
    /// Class names by class id.
    pub labels: Field<LabelNamesWire>,
    /// What is kept of the model's answers unless a pipeline wishes otherwise.
    pub defaults: Field<ModelDefaultsWire>,
}

/// The ONNX file, looked for beside the manifest, then in the folders of `SIGHTLINE_MODELS` and in the user's data
/// folder (`~/.local/share/sightline/models`), in each also in a subfolder of the model's name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Weights", extend("required" = ["file", "sha256"]))]
pub(crate) struct WeightsWire {
    /// Its name, without a folder.
    pub file: Field<String>,
    /// Its SHA-256 in hexadecimal. A file with another hash is refused.
    #[schemars(extend("pattern" = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Field<String>,
}

/// The input tensor, and how a frame is brought to it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Input", extend("required" = ["layout", "type", "color", "width", "height"]))]
pub(crate) struct InputWire {
    /// Name of the graph's input. Left out: its only one.
    pub name: Field<String>,
    /// Order of the dimensions.
    pub layout: Field<LayoutWire>,
    /// Element type.
    pub r#type: Field<ElementWire>,
    /// Order of the colour channels.
    pub color: Field<ColorWire>,
    /// Width in pixels.
    #[schemars(extend("minimum" = 1, "maximum" = MAX_SIDE))]
    pub width: Field<u64>,
    /// Height in pixels.
    #[schemars(extend("minimum" = 1, "maximum" = MAX_SIDE))]
    pub height: Field<u64>,
    /// `stretch` scales both sides independently, as SSD is trained; `letterbox` keeps the aspect ratio, centred.
    #[schemars(extend("default" = "stretch"))]
    pub resize: Field<ResizeWire>,
    /// `float32` only, and needed there: subtracted from each sample of 0 to 255; one number, or one per channel in
    /// the tensor's order.
    pub mean: Field<PerChannelWire>,
    /// `float32` only, and needed there: each sample is multiplied by this after the mean went off.
    pub scale: Field<PerChannelWire>,
}

/// Longest side of an input.
pub(crate) const MAX_SIDE: usize = 4096;

/// Order of the dimensions: batch, channels, height, width, or the channels last.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Layout")]
pub(crate) enum LayoutWire {
    Nchw,
    Nhwc,
}

/// Element type of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Element")]
pub(crate) enum ElementWire {
    Uint8,
    Float32,
}

/// Order of the colour channels.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Color")]
pub(crate) enum ColorWire {
    Rgb,
    Bgr,
}

/// How a frame is brought to the input's size.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Resize")]
pub(crate) enum ResizeWire {
    Stretch,
    Letterbox,
}

/// One number for all channels, or a list of three.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "PerChannel")]
pub(crate) enum PerChannelWire {
    /// For all channels.
    Scalar(f64),
    /// One per channel.
    Sequence(Vec<Field<f64>>),
}

/// What the outputs mean.
///
/// `ssd`: box encodings `[N, A, 4]` and class logits `[N, A, C]`, decoded and suppressed by Sightline. `in_graph_nms`:
/// TensorFlow's boxes, classes, scores and count, suppressed in the graph. `detection_output`: rows `[1, 1, N, 7]` as
/// OpenVINO and Caffe have them. `classifier`: scores `[N, C]` of whole pictures; it can be measured, but finds no
/// boxes for a pipeline.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Head", extend("required" = ["type", "outputs"]))]
pub(crate) struct HeadWire {
    /// Which kind of head.
    pub r#type: Field<HeadType>,
    /// Names of the graph's outputs.
    pub outputs: Field<OutputsWire>,
    /// How many classes there are, nameless ones and the background included; checked against `labels`.
    #[schemars(extend("minimum" = 1, "maximum" = MAX_CLASSES))]
    pub classes: Field<u64>,
    /// `ssd` only, and needed there: the default boxes.
    pub anchors: Field<AnchorsWire>,
    /// `ssd` only: divisors of the encodings ty, tx, th, tw.
    #[schemars(extend("default" = [10, 10, 5, 5], "minItems" = 4, "maxItems" = 4))]
    pub box_coder: Field<Vec<Field<f64>>>,
    /// `ssd` only: how a logit becomes a score.
    #[schemars(extend("default" = "sigmoid"))]
    pub score: Field<ScoreWire>,
    /// `ssd` only: the class that means "nothing here". Left out: there is none.
    #[schemars(extend("minimum" = 0))]
    pub background_class: Field<u64>,
}

/// Class ids are 16 bits wide.
pub(crate) const MAX_CLASSES: usize = 65_535;

/// Which kind of head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeadType {
    Ssd,
    InGraphNms,
    DetectionOutput,
    Classifier,
}

impl HeadType {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssd => "ssd",
            Self::InGraphNms => "in_graph_nms",
            Self::DetectionOutput => "detection_output",
            Self::Classifier => "classifier",
        }
    }
}

/// Names of the graph's outputs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Outputs")]
pub(crate) struct OutputsWire {
    /// `ssd`: box encodings; `in_graph_nms`: boxes as ymin, xmin, ymax, xmax.
    pub boxes: Field<String>,
    /// `ssd`: class logits; `in_graph_nms`: class ids.
    pub classes: Field<String>,
    /// `in_graph_nms` and `classifier`: scores.
    pub scores: Field<String>,
    /// `in_graph_nms`: how many of the boxes count.
    pub count: Field<String>,
    /// `detection_output`: rows of image, class, score, xmin, ymin, xmax, ymax.
    pub detections: Field<String>,
}

/// Default boxes: read from a file, or generated. Give `file` or `ssd`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Anchors")]
pub(crate) struct AnchorsWire {
    /// A file beside this one: 32-bit little-endian floats, cy, cx, h, w per box, in fractions of the input.
    pub file: Field<String>,
    /// Parameters of TensorFlow Object Detection's SSD anchor generator.
    pub ssd: Field<SsdAnchorsWire>,
    /// How many boxes there must be; a check.
    pub count: Field<u64>,
}

/// Parameters of TensorFlow Object Detection's SSD anchor generator.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "SsdAnchors", extend("required" = ["feature_maps", "min_scale", "max_scale", "aspect_ratios"]))]
pub(crate) struct SsdAnchorsWire {
    /// The feature maps that predict, finest first: cells per side, or `[rows, columns]`.
    #[schemars(extend("minItems" = 1))]
    pub feature_maps: Field<Vec<Field<FeatureMapWire>>>,
    /// Size of the first map's boxes as a fraction of the input.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub min_scale: Field<f64>,
    /// Size of the last map's boxes; the maps between are spaced linearly.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_scale: Field<f64>,
    /// Width over height, one box each, in this order.
    #[schemars(extend("minItems" = 1))]
    pub aspect_ratios: Field<Vec<Field<f64>>>,
    /// Aspect ratio of one more box per cell, its size the geometric mean of this map's and the next one's; 0: none.
    #[schemars(extend("default" = 1, "minimum" = 0))]
    pub interpolated_scale_aspect_ratio: Field<f64>,
    /// The first map has three boxes only: 0.1 at ratio 1, and its own scale at ratios 2 and 1/2.
    #[schemars(extend("default" = true))]
    pub reduce_boxes_in_lowest_layer: Field<bool>,
}

/// A feature map: cells per side, or `[rows, columns]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "FeatureMap")]
pub(crate) enum FeatureMapWire {
    /// Cells per side.
    Scalar(u64),
    /// Rows and columns.
    Sequence(Vec<Field<u64>>),
}

/// How a logit becomes a score; `identity`: it is one already.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Score")]
pub(crate) enum ScoreWire {
    Sigmoid,
    Softmax,
    Identity,
}

/// Class names by class id: a list, or `file:` with one name a line. `???` stands for an id without a name, such as
/// the background and the gaps in COCO's list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "$sightline::ByShape")]
#[schemars(untagged, rename = "LabelNames")]
pub(crate) enum LabelNamesWire {
    /// The names.
    Sequence(Vec<Field<String>>),
    /// A file beside this one.
    Mapping(LabelFileWire),
}

/// A file of class names.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "LabelFile", extend("required" = ["file"]))]
pub(crate) struct LabelFileWire {
    /// Its path; a relative one starts at this file's folder.
    pub file: Field<String>,
}

/// What is kept of the model's answers unless a pipeline wishes otherwise.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "ModelDefaults", extend("required" = ["score_threshold"]))]
pub(crate) struct ModelDefaultsWire {
    /// Detections under it are dropped.
    pub score_threshold: Field<Fraction>,
    /// Of two boxes that overlap by more than this IoU the weaker is dropped.
    #[schemars(extend("default" = defaults::IOU_THRESHOLD))]
    pub iou_threshold: Field<Fraction>,
    /// At most so many detections per frame, best first.
    #[schemars(extend("default" = defaults::MAX_DETECTIONS, "minimum" = 1, "maximum" = MAX_MAX_DETECTIONS))]
    pub max_detections: Field<u64>,
    /// Suppress over all classes together instead of class by class.
    #[schemars(extend("default" = false))]
    pub class_agnostic: Field<bool>,
}

/// More boxes than any SSD has.
pub(crate) const MAX_MAX_DETECTIONS: usize = 10_000;
